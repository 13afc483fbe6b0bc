import { createPrivateKey, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { CallId, LegId } from "../../ids.ts";
import type { Exchange } from "../exchanges.ts";
import { CarrierHasNot, CarrierRefused, CarrierRegionUnknown, CarrierUnreachable } from "../failures.ts";
import type { Carrier, Dial, DialAnswer, LegState } from "../port.ts";
import { type Answer, accepted, dialAnswer, neverLeft, parsed, readText, reasonOf } from "./answers.ts";
import { openRecording } from "./download.ts";
import { hostRefusal, isVonage, vonageRegions } from "./hosts.ts";
import { handOverNcco, messageNcco, sorryNcco, waitOf } from "./ncco.ts";
import { withoutTokens } from "./redact.ts";
import { readLeg, readLegs } from "./wire.ts";

/**
 * Vonage's REST API over fetch. The official SDK is not used: it cannot be pointed at another host for recordings, retries nothing, and does not
 * send the fields we need (vonage-voice §11).
 */
export interface VonageClientConfig {
  readonly applicationId: string;
  readonly privateKeyPem: string;
  /** REST host, no slash at the end. */
  readonly apiUrl: string;
  /** Where Vonage reaches us, no slash at the end. */
  readonly publicUrl: string;
  /** Told of every exchange, without tokens; for the call's black box. */
  readonly onExchange?: (exchange: Exchange) => void;
  /** Waited for before each request but a create, whose permit was taken before the call was claimed (calls/pace.ts). */
  readonly permit?: () => Promise<void>;
  /** Where a call whose region is not known is looked for; absent: Vonage's regions, where `apiUrl` is Vonage's, else nowhere. For tests. */
  readonly regions?: readonly string[];
  /** For tests: how long to wait before asking again. */
  readonly pausesMs?: readonly number[];
  readonly timeoutMs?: number;
  /** Silence in a recording's download after which it is given up; 30 s by default. */
  readonly downloadIdleMs?: number;
}

/** How a request is to be made. */
interface How {
  /** Is 400 an answer to asking in a call's first seconds? */
  readonly tooEarly?: boolean;
  /** A second time would do it twice. */
  readonly once?: boolean;
  /** The call it is about, when neither body nor path tells. */
  readonly call?: CallId;
  /** What is kept of a good answer's JSON, when it holds more than concerns the call. */
  readonly kept?: (json: unknown) => string;
}

const TIMEOUT_MS = 10_000;
/**
 * What is asked once waits longer than a connection may take to be made (10 s, fetch's own limit): a network that swallows connections is then told
 * apart from an answer that was lost, after which nobody knows.
 */
const ONCE_TIMEOUT_MS = 15_000;
/** A hang-up is refused with 400 in a call's first second or two, and 429 passes: three more tries over 3.5 s (vonage-voice §1.3). */
const PAUSES_MS = [500, 1_000, 2_000];
/** Of the list of calls, 100 each: what a busy account dials within the minute that is looked at. */
const MOST_PAGES = 5;
/** Vonage's limits are 30 s to 24 h; a token serves one request. */
const TOKEN_S = 300;

export interface VonageClient extends Carrier {
  /** Any REST request of the Voice API, with our token; throws carrier failures. */
  request(method: string, path: string, body?: unknown, regionUrl?: string | null): Promise<Answer>;
  /** Does Vonage know one of these legs or conversations, among its calls since then? Throws carrier failures. */
  knowsOneOf(named: ReadonlySet<string>, since: Date): Promise<boolean>;
}

/** A carrier that is Vonage. Opens nothing until it is asked something. */
export function vonageCarrier(config: VonageClientConfig): VonageClient {
  const key = createPrivateKey(config.privateKeyPem);
  const token = (): Promise<string> =>
    new SignJWT({ application_id: config.applicationId, jti: randomUUID() })
      .setProtectedHeader({ alg: "RS256", typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_S}s`)
      .sign(key);
  const regions = config.regions ?? (isVonage(new URL(config.apiUrl)) ? vonageRegions : []);
  const base = (regionUrl: string | null | undefined): string =>
    regionUrl && (regions.includes(regionUrl) || hostRefusal(regionUrl, config.apiUrl) === null)
      ? regionUrl.replace(/\/+$/, "")
      : config.apiUrl;

  async function send(method: string, path: string, body?: unknown, regionUrl?: string | null, how: How = {}): Promise<Answer> {
    const url = `${base(regionUrl)}${path}`;
    const request = body === undefined ? null : JSON.stringify(body);
    const started = performance.now();
    const at = new Date();
    const tell = (status: number | null, answer: string | null, trace: string | null): void =>
      config.onExchange?.({
        at,
        method,
        url,
        request: request === null ? null : withoutTokens(request),
        status,
        answer: answer === null ? null : withoutTokens(answer),
        tookMs: performance.now() - started,
        trace,
        call: how.call ?? null,
      });
    try {
      const response = await fetch(url, {
        method,
        redirect: "manual",
        signal: AbortSignal.timeout(config.timeoutMs ?? (how.once ? ONCE_TIMEOUT_MS : TIMEOUT_MS)),
        headers: {
          authorization: `Bearer ${await token()}`,
          accept: "application/json",
          ...(request === null ? {} : { "content-type": "application/json" }),
        },
        ...(request === null ? {} : { body: request }),
      });
      const text = await readText(response);
      const json = parsed(text);
      tell(response.status, how.kept && response.ok ? how.kept(json) : text, response.headers.get("x-nexmo-trace-id"));
      return { status: response.status, text, json };
    } catch (error) {
      tell(null, reasonOf(error), null);
      throw error;
    }
  }

  /**
   * Repeats what may be repeated: too often (429), and, unless it must happen `once`, trouble on their side and lost answers; and, when asked for,
   * too early (400).
   */
  async function request(
    method: string,
    path: string,
    body: unknown,
    regionUrl: string | null | undefined,
    how: How = {},
  ): Promise<Answer> {
    const pauses = config.pausesMs ?? PAUSES_MS;
    const { host } = new URL(base(regionUrl));
    for (let tries = 0; ; tries++) {
      const pause = pauses[tries];
      // Without a permit nothing was asked: what it throws is told as it is.
      await config.permit?.();
      const answer = await send(method, path, body, regionUrl, how).catch((error: unknown) => {
        if (pause === undefined || (how.once && !neverLeft(error)))
          throw new CarrierUnreachable(host, reasonOf(error), error, !neverLeft(error));
        return null;
      });
      const theirs = answer === null || (answer.status >= 500 && !how.once);
      const again = theirs || answer.status === 429 || (how.tooEarly && answer.status === 400);
      if (!again || pause === undefined) return accepted(answer as Answer, `${method} ${path}`, host);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /**
   * The same about a leg, whose region may not be known (only the answer tells it): then every region is asked. Throws CarrierHasNot when the leg
   * is nowhere, CarrierRegionUnknown when that cannot be told.
   */
  async function requestLeg(method: string, leg: LegId, body: unknown, regionUrl: string | null, how: How = {}): Promise<Answer> {
    let hasNot: CarrierHasNot;
    try {
      return await request(method, pathOf(leg), body, regionUrl, how);
    } catch (error) {
      if (!(error instanceof CarrierHasNot) || regionUrl !== null) throw error;
      hasNot = error;
    }
    if (regions.length === 0) throw new CarrierRegionUnknown(new URL(config.apiUrl).host);
    const told = await Promise.all(
      regions.map((region) => request(method, pathOf(leg), body, region, { ...how, once: true }).catch((error: unknown) => error as Error)),
    );
    // Who has the leg decides, also with a refusal; who could not be asked may have it.
    const has = told.find((one) => !(one instanceof Error)) ?? told.find((one) => !(one instanceof CarrierHasNot)) ?? hasNot;
    if (has instanceof Error) throw has;
    return has;
  }

  return {
    name: "vonage",

    async dial(dial: Dial): Promise<DialAnswer> {
      // Never repeated: a create has no idempotency key, and a second one rings a person twice.
      let answer: Answer;
      try {
        answer = await send("POST", "/v1/calls", createBody(dial, config.publicUrl), null, { once: true });
      } catch (error) {
        const why = reasonOf(error);
        if (neverLeft(error)) return { dialed: "no", code: "refused", status: null, text: `The carrier could not be reached (${why}).` };
        return { dialed: "unknown", text: `No answer came (${why}).` };
      }
      return dialAnswer(answer);
    },

    async hangUp(leg, regionUrl) {
      try {
        await requestLeg("PUT", leg, { action: "hangup" }, regionUrl, { tooEarly: true });
      } catch (error) {
        if (error instanceof CarrierHasNot) return;
        // Still 400 after all pauses: the leg is over, which is what was wanted; or it is not, and that is a failure.
        if (error instanceof CarrierRefused && error.carrierStatus === 400) {
          const state = await this.legState(leg, regionUrl).catch(() => undefined);
          if (state === null || state?.end) return;
        }
        throw error;
      }
    },

    async legState(leg, regionUrl): Promise<LegState | null> {
      try {
        const { json } = await requestLeg("GET", leg, undefined, regionUrl);
        const state = readLeg(json);
        if (state === null) throw new CarrierRefused("to tell a leg's state", 200, "its answer is no call");
        return { leg: leg as LegId, status: state.status, end: state.end, facts: state.facts };
      } catch (error) {
        if (error instanceof CarrierHasNot) return null;
        throw error;
      }
    },

    async legsDialed(from, to, since, call) {
      const digits = (number: string | null): string => (number ?? "").replace(/^\+/, "");
      const ours = (json: unknown): LegState[] =>
        readLegs(json).legs.flatMap((leg) => (digits(leg.from) === digits(from) && digits(leg.to) === digits(to) ? leg.state : []));
      // The list is of everybody's calls; in the black box of this one are those it could be.
      const kept = (json: unknown): string =>
        JSON.stringify({ listed: readLegs(json).legs.length, fitting: ours(json).map(({ leg, status }) => ({ uuid: leg, status })) });
      const among = async (region: string | null): Promise<LegState[]> => {
        const found: LegState[] = [];
        for (let page = 0; page < MOST_PAGES; page++) {
          const { json } = await request("GET", listPath(since, page), undefined, region, { call, kept });
          found.push(...ours(json));
          if (!readLegs(json).more) break;
        }
        return found;
      };
      const here = await among(null);
      if (here.length > 0) return here;
      // As below: it may run in a region whose calls are listed only there. Of one that could not be asked nothing is known.
      const elsewhere = await Promise.allSettled(regions.map(among));
      const found = new Map(
        elsewhere.flatMap((one) => (one.status === "fulfilled" ? one.value.map((leg) => [leg.leg, leg] as const) : [])),
      );
      const failed = elsewhere.find((one) => one.status === "rejected");
      if (found.size === 0 && failed !== undefined) throw failed.reason;
      return [...found.values()];
    },

    async knowsOneOf(named, since) {
      const among = async (page: number, region: string | null): Promise<{ known: boolean; more: boolean }> => {
        const kept = (json: unknown): string => JSON.stringify({ listed: readLegs(json).legs.length });
        const { legs, more } = readLegs((await request("GET", listPath(since, page), undefined, region, { kept })).json);
        const known = legs.some(({ state }) => named.has(state.leg) || (state.conversation !== null && named.has(state.conversation)));
        return { known, more };
      };
      for (let page = 0; page < MOST_PAGES; page++) {
        const { known, more } = await among(page, null);
        if (known) return true;
        if (!more) break;
      }
      // A call is known in its own region only; whether the list is everybody's is not documented.
      const elsewhere = await Promise.all(regions.map((region) => among(0, region)));
      return elsewhere.some(({ known }) => known);
    },

    async press(leg, keys, regionUrl) {
      await request("PUT", `${pathOf(leg)}/dtmf`, { digits: keys }, regionUrl, { once: true });
    },

    async mute(leg, on, regionUrl) {
      await request("PUT", pathOf(leg), { action: on ? "mute" : "unmute" }, regionUrl);
    },

    async handOver(handOver) {
      const ncco = handOverNcco(handOver, config.publicUrl);
      await request("PUT", pathOf(handOver.leg), { action: "transfer", destination: { type: "ncco", ncco } }, handOver.regionUrl, {
        once: true,
        tooEarly: true,
      });
    },

    async askToWait(leg, words, regionUrl) {
      await request("PUT", `${pathOf(leg)}/talk`, waitOf(words), regionUrl, { once: true });
    },

    async apologise(leg, language, regionUrl) {
      await request("PUT", pathOf(leg), { action: "transfer", destination: { type: "ncco", ncco: sorryNcco(language) } }, regionUrl, {
        once: true,
        tooEarly: true,
      });
    },

    async leaveMessage({ call, leg, regionUrl, text, language, record }) {
      const ncco = messageNcco({ call, publicUrl: config.publicUrl, text, language, record });
      await request("PUT", pathOf(leg), { action: "transfer", destination: { type: "ncco", ncco } }, regionUrl, {
        once: true,
        tooEarly: true,
      });
    },

    mayFetch: (url) => hostRefusal(url, config.apiUrl) === null,

    async openRecording(url, rangeFrom, call) {
      await config.permit?.();
      const tell = (exchange: Exchange) => config.onExchange?.({ ...exchange, call: call ?? null });
      return openRecording(url, rangeFrom, config.apiUrl, token, tell, config.downloadIdleMs);
    },

    request: (method, path, body, regionUrl) => request(method, path, body, regionUrl),
  };
}

/** A page of the list of calls since then, the latest first. */
const listPath = (since: Date, page: number): string =>
  `/v1/calls?${new URLSearchParams({ date_start: since.toISOString(), order: "desc", page_size: "100", record_index: String(page * 100) })}`;

const pathOf = (leg: LegId): string => `/v1/calls/${encodeURIComponent(leg)}`;

/**
 * The body of a create-call (vonage-voice §2.1), fields and order fixed. Our id rides in every URL. There is no record field: Vonage records by
 * an NCCO action and by nothing else (§2.2).
 */
export function createBody(dial: Dial, publicUrl: string): Record<string, unknown> {
  return {
    to: [{ type: "phone", number: dial.to.replace(/^\+/, "") }],
    from: { type: "phone", number: dial.from.replace(/^\+/, "") },
    answer_url: [`${publicUrl}/webhooks/vonage/answer?call=${dial.call}`],
    answer_method: "POST",
    event_url: [`${publicUrl}/webhooks/vonage/event?call=${dial.call}`],
    event_method: "POST",
    ...(dial.detect === undefined ? {} : { advanced_machine_detection: detection[dial.detect] }),
    ringing_timer: dial.ringSeconds,
    length_timer: dial.maxSeconds,
  };
}

/**
 * Machine detection (§9.2). It never hangs up by itself: what to do is the agent's rule. `soon` lets the call begin at once; `beep` holds the
 * instructions back until it knows, and until the beep of a machine.
 */
const detection = {
  soon: { behavior: "continue", mode: "default" },
  beep: { behavior: "continue", mode: "detect_beep", beep_timeout: 45 },
} as const;
