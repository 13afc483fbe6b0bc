import { createSecretKey } from "node:crypto";
import type { Application, Hook } from "./application.ts";
import type { Ledger } from "./ledger.ts";
import { type Ncco, readNcco } from "./ncco.ts";
import { forgetConnections, type Outcome, request } from "./request.ts";
import type { Settings } from "./settings.ts";
import type { Ticker } from "./ticker.ts";
import { queryAsPayload, type Signer, signWebhook } from "./tokens.ts";

/** Where a webhook goes. The application's own URLs bring their time limits with them. */
export type Target = Pick<Hook, "url" | "method"> & Partial<Hook>;

export type Payload = Readonly<Record<string, unknown>>;

/** One attempt of a webhook and what it got, for the inspector and for tests. */
export interface Exchange {
  readonly at: string;
  /** The same on the clock of the sound, which events' own timestamps are of: how it lies among them, however late the machine is. */
  readonly tick: string;
  readonly kind: "event" | "answer" | "fallback" | "record";
  /** The event's status, or what else tells it apart. */
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly body: Payload;
  readonly attempt: number;
  readonly ms: number;
  readonly status: number | null;
  readonly reply: string;
  readonly problem: string | null;
}

/** What came of a request that expects an NCCO. `empty`: a good answer without one (the flow goes on). */
export type Instructions =
  | { readonly got: "ncco"; readonly ncco: Ncco }
  | { readonly got: "empty" }
  | { readonly got: "nothing"; readonly because: string };

/**
 * An event waits so long for the one before it of the same call to be answered, so that a quick application sees them in order. Vonage
 * promises none; the `reorders` fault takes it away.
 */
const PATIENCE_MS = 200;

/** How long a network that is stopped waits for the answers to its last webhooks. */
const LAST_WORDS_MS = 2_000;

/** Vonage asks for an answer within seconds, tries twice, then the fallback, and signs everything it sends. */
export class Webhooks {
  readonly #settings: Settings;
  readonly #application: Application;
  readonly #ticker: Ticker;
  readonly #signer: Signer;
  readonly #wrongSigner: Signer;
  readonly #held = new WeakMap<Ledger, () => void>();
  /** Until when the next event of a call waits. */
  readonly #turns = new WeakMap<Ledger, Promise<void>>();
  readonly #underWay = new Map<Promise<Outcome>, Ledger>();

  constructor(settings: Settings, application: Application, ticker: Ticker) {
    this.#settings = settings;
    this.#application = application;
    this.#ticker = ticker;
    const signer = (secret: string): Signer => ({
      applicationId: settings.applicationId,
      apiKey: settings.apiKey,
      secret: createSecretKey(Buffer.from(secret)),
    });
    this.#signer = signer(settings.signatureSecret);
    this.#wrongSigner = signer(`not ${settings.signatureSecret}`);
  }

  /** The Authorization header of an audio socket that asked for `vonage`: a JWT as a webhook's, over the parameters of its URI. */
  async socketAuthorization(uri: string): Promise<string> {
    return `Bearer ${await signWebhook(this.#signer, queryAsPayload(new URL(uri)))}`;
  }

  /** Sends an event and forgets it. Whether plain events are tried again is not documented: `eventAttempts` says. */
  tell(ledger: Ledger, target: Target | null, name: string, body: Payload): void {
    if (!target) return;
    const kind = name === "record" ? "record" : "event";
    void this.#misbehaving(ledger, kind, name, target, body, () => this.#sendAgain(ledger, kind, name, target, body));
  }

  /**
   * An event on its way through the network its number has: lost, late, behind the next one, or twice. A double goes right behind the first, and
   * what it is answered with does not matter.
   *
   * @returns what came of the first; null when it was lost
   */
  #misbehaving<T>(
    ledger: Ledger,
    kind: "event" | "record",
    name: string,
    target: Target,
    body: Payload,
    send: () => Promise<T>,
  ): Promise<T | null> {
    const { faults } = ledger;
    if (faults.loses?.includes(name)) {
      ledger.wrote({
        ...blank(kind, name, target, body),
        tick: this.#ticker.now().toISOString(),
        problem: "lost by this number's network",
      });
      return Promise.resolve(null);
    }
    const { promise, resolve } = Promise.withResolvers<T>();
    const twice = faults.doubles || (kind === "record" && faults.record === "twice");
    const leave = (): void => {
      resolve(send());
      if (twice) void this.#sendAgain(ledger, kind, name, target, body);
    };
    const later = faults.delaysMs ? () => void this.#ticker.after(faults.delaysMs ?? 0, leave) : leave;
    if (!faults.reorders) {
      later();
      return promise;
    }
    const held = this.#held.get(ledger);
    if (held) {
      this.#held.delete(ledger);
      later();
      // after the newer one has really left
      this.#ticker.after(60, held);
    } else {
      this.#held.set(ledger, later);
      this.#ticker.after(3_000, () => {
        if (this.#held.get(ledger) !== later) return;
        this.#held.delete(ledger);
        later();
      });
    }
    return promise;
  }

  /** Resolves when what is under way now, for one call or for all, has been answered or given up. */
  async settled(ledger?: Ledger): Promise<void> {
    const mine = [...this.#underWay].filter(([, owner]) => !ledger || owner === ledger);
    await Promise.allSettled(mine.map(([sending]) => sending));
  }

  /**
   * A request that expects an NCCO: two attempts where the outcome allows it, then the fallback URL likewise.
   * See https://developer.vonage.com/en/voice/voice-api/webhook-reference#fallback-url. An event among them can meet the same faults as any other.
   *
   * @param troubled is told of an answer that is no valid NCCO, in the words of the error webhook
   */
  async ask(
    ledger: Ledger,
    kind: "answer" | "event",
    name: string,
    target: Target,
    body: Payload,
    troubled: (reason: string) => void,
  ): Promise<Instructions> {
    const asking = (): Promise<Instructions> => this.#askWithFallback(ledger, kind, name, target, body, troubled);
    if (kind === "answer") return asking();
    return (await this.#misbehaving(ledger, kind, name, target, body, asking)) ?? { got: "nothing", because: "the event was lost" };
  }

  async #askWithFallback(
    ledger: Ledger,
    kind: "answer" | "event",
    name: string,
    target: Target,
    body: Payload,
    troubled: (reason: string) => void,
  ): Promise<Instructions> {
    const first = await this.#askTwice(ledger, kind, name, target, body, troubled);
    if (first.got !== "nothing") return first;
    const { fallback } = this.#application;
    if (!fallback) return first;
    const original = { reason: first.because, original_request: { url: target.url, type: kind } };
    return this.#askTwice(ledger, "fallback", name, fallback, { ...body, ...original }, troubled);
  }

  /** The same without the fallback URL. An answer that is no valid NCCO is `nothing`, like one that did not come. */
  askWithoutFallback(ledger: Ledger, kind: "answer" | "event", name: string, target: Target, body: Payload): Promise<Instructions> {
    return this.#askTwice(ledger, kind, name, target, body, () => {});
  }

  async #askTwice(
    ledger: Ledger,
    kind: Exchange["kind"],
    name: string,
    target: Target,
    body: Payload,
    troubled: (reason: string) => void,
  ): Promise<Instructions> {
    let outcome: Outcome | null = null;
    for (let attempt = 1; attempt <= 2; attempt++) {
      if (attempt === 2) await new Promise<void>((next) => this.#ticker.after(this.#settings.retryAfterMs, next));
      outcome = await this.#send(ledger, kind, name, target, body, attempt);
      if (outcome.ok ? attempt === 2 || kind !== "answer" || !ledger.faults.asksTwice : !outcome.again) break;
    }
    if (!outcome?.ok) return { got: "nothing", because: outcome?.because ?? "" };
    const { answered } = outcome;
    const text = answered.body.toString("utf8").trim();
    // An event may be acknowledged with nothing, with "OK" or with an object: only an array replaces the flow.
    if (kind === "event" && !text.startsWith("[")) return { got: "empty" };
    const reading = readAnswer(answered.contentType, text);
    if (reading.good) return { got: "ncco", ncco: reading.ncco };
    troubled(reading.because);
    return { got: "nothing", because: reading.because };
  }

  async #sendAgain(ledger: Ledger, kind: Exchange["kind"], name: string, target: Target, body: Payload): Promise<void> {
    for (let attempt = 1; attempt <= this.#settings.eventAttempts; attempt++) {
      if (attempt > 1) await new Promise<void>((next) => this.#ticker.after(this.#settings.retryAfterMs, next));
      const outcome = await this.#send(ledger, kind, name, target, body, attempt);
      if (outcome.ok || !outcome.again) return;
    }
  }

  #send(ledger: Ledger, kind: Exchange["kind"], name: string, target: Target, body: Payload, attempt: number): Promise<Outcome> {
    const turn = kind === "event" || kind === "record" ? this.#turns.get(ledger) : undefined;
    const deliver = (): Promise<Outcome> => this.#deliver(ledger, kind, name, target, body, attempt);
    const sending = turn ? turn.then(deliver) : deliver();
    if (kind === "event" || kind === "record") this.#turns.set(ledger, this.#patiently(sending));
    this.#underWay.set(sending, ledger);
    return sending.finally(() => this.#underWay.delete(sending));
  }

  /** Resolves with `sending`, but waits no longer than events wait for each other. */
  #patiently(sending: Promise<unknown>): Promise<void> {
    return new Promise((next) => {
      const stop = this.#ticker.after(PATIENCE_MS, next);
      const over = (): void => {
        stop();
        next();
      };
      sending.then(over, over);
    });
  }

  async #deliver(ledger: Ledger, kind: Exchange["kind"], name: string, target: Target, body: Payload, attempt: number): Promise<Outcome> {
    const at = new Date();
    const tick = this.#ticker.now().toISOString();
    const began = performance.now();
    const url = new URL(target.url);
    let raw: string | undefined;
    if (target.method === "GET") {
      for (const [key, value] of Object.entries(body)) if (value !== null && value !== undefined) url.searchParams.set(key, asText(value));
    } else raw = JSON.stringify(body);
    const { connectTimeoutMs, eventTimeoutMs, answerTimeoutMs } = this.#settings;
    const budget = {
      connectMs: target.connectMs ?? connectTimeoutMs,
      answerMs: target.answerMs ?? (kind === "event" || kind === "record" ? eventTimeoutMs : answerTimeoutMs),
    };
    const headers: Record<string, string> = { accept: "*/*", "user-agent": "Apache-HttpAsyncClient/4.1 (Java/1.8.0_66)" };
    if (raw !== undefined) headers["content-type"] = "application/json";
    if (this.#application.signs && ledger.faults.signs !== "not") {
      headers.authorization = `Bearer ${await signWebhook(ledger.faults.signs === "wrongly" ? this.#wrongSigner : this.#signer, raw ?? queryAsPayload(url))}`;
    }
    const outcome = await request(url, { method: target.method, headers, ...(raw === undefined ? {} : { body: raw }) }, budget);
    ledger.wrote({
      ...blank(kind, name, target, body),
      at: at.toISOString(),
      tick,
      attempt,
      ms: Math.round(performance.now() - began),
      status: outcome.ok ? outcome.answered.status : outcome.status,
      reply: outcome.ok ? outcome.answered.body.toString("utf8", 0, 4_000) : "",
      problem: outcome.ok ? null : outcome.because,
    });
    return outcome;
  }

  /** Waits a little for what is under way, then lets go of its connections. */
  async close(): Promise<void> {
    await Promise.race([this.settled(), new Promise<void>((enough) => this.#ticker.after(LAST_WORDS_MS, enough))]);
    forgetConnections();
  }
}

function readAnswer(contentType: string, text: string): ReturnType<typeof readNcco> {
  if (!/^application\/json\b/i.test(contentType))
    return { good: false, because: `Invalid NCCO. The content type is ${contentType || "missing"}, not application/json.` };
  try {
    return readNcco(JSON.parse(text));
  } catch {
    return { good: false, because: "Syntax error in NCCO. It is not valid JSON." };
  }
}

/** How a field stands in a query string: text as it is, everything else as JSON. */
function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function blank(kind: Exchange["kind"], name: string, target: Target, body: Payload): Omit<Exchange, "tick"> {
  return {
    at: new Date().toISOString(),
    kind,
    name,
    method: target.method,
    url: target.url,
    body,
    attempt: 1,
    ms: 0,
    status: null,
    reply: "",
    problem: null,
  };
}
