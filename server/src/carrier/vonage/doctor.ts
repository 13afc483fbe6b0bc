import { createHash, createHmac, randomBytes } from "node:crypto";
import type pg from "pg";
import WebSocket from "ws";
import type { Clock } from "../../clock.ts";
import type { VonageConfig } from "../../config.ts";
import { CarrierFailure, CarrierUnauthorized } from "../failures.ts";
import type { VonageClient } from "./client.ts";
import { bad, type Check, good, unknown } from "./doctor-check.ts";
import { judgeSignatures, noteWebhooksSet, readSignatures } from "./doctor-signatures.ts";
import { hostRefusal } from "./hosts.ts";

export interface DoctorParts {
  readonly config: VonageConfig;
  readonly client: Pick<VonageClient, "request" | "knowsOneOf">;
  /** Where Vonage reaches us, no slash at the end. */
  readonly publicUrl: string;
  readonly pool: pg.Pool;
  readonly clock: Clock;
  /** The account's API secret, only for this visit: webhooks and numbers can be looked at (and set) with nothing else (vonage-voice §1.2). */
  readonly apiSecret: string | null;
}

const TIMEOUT_MS = 5_000;
/** Signed webhooks are good for five minutes; half a minute off is not urgent but wrong. */
const MOST_CLOCK_OFF_MS = 30_000;

/** Looks at everything, all at once. Never throws: what cannot be looked at says so. */
export async function examine(parts: DoctorParts): Promise<Check[]> {
  const now = parts.clock.now();
  const [asked, address, audio, signatures, application, number] = await Promise.all([
    askCarrier(parts),
    fetchOurselves(parts),
    openAudio(parts.publicUrl),
    readSignatures(parts.pool, parts.config, now).then(async (seen) => ({ ...seen, known: await knownOf(parts, seen.refused.named, now) })),
    readApplication(parts),
    readNumber(parts),
  ]);
  return [
    judgeKey(asked),
    judgeClock(asked),
    judgeAddress(address, parts.publicUrl, signatures.acceptedAt && (now.getTime() - signatures.acceptedAt.getTime()) / 60_000),
    judgeAudio(audio, parts.publicUrl),
    judgeSignatures(signatures, signatures.known),
    judgeApplication(application, parts.publicUrl),
    judgeNumber(number, parts.config),
  ];
}

// ---- what was found, and what it means: pure ------------------------------------------------------------------------------------

/** `aheadMs`: our clock minus the carrier's; null when it did not tell. */
export type Asked =
  | { readonly answered: true; readonly aheadMs: number | null }
  | { readonly answered: false; readonly unauthorized: boolean; readonly text: string };

export function judgeKey(asked: Asked): Check {
  if (asked.answered) return good("key", "Vonage accepts our application id and private key.");
  if (asked.unauthorized) {
    const remedy =
      "Check that VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY belong together; make a new key pair in the application if in doubt.";
    return bad("key", "Vonage does not accept our application id and private key.", remedy);
  }
  return bad("key", `Vonage could not be asked: ${asked.text}`, "Check VONAGE_API_URL and the server's way out to the internet.");
}

export function judgeClock(asked: Asked): Check {
  if (!asked.answered || asked.aheadMs === null) return unknown("clock", "Vonage did not tell its time.");
  const seconds = Math.round(Math.abs(asked.aheadMs) / 1000);
  if (Math.abs(asked.aheadMs) <= MOST_CLOCK_OFF_MS) return good("clock", `Our clock agrees with Vonage's (${seconds} s apart).`);
  return bad(
    "clock",
    `Our clock is ${seconds} s ${asked.aheadMs > 0 ? "ahead of" : "behind"} Vonage's.`,
    "Turn on time synchronisation (NTP) on the server.",
  );
}

export type Address =
  | { readonly reached: "us" }
  | { readonly reached: "somebody else"; readonly status: number; readonly type: string }
  | { readonly reached: "nobody"; readonly text: string };

/**
 * The server asks itself, and its own network may take a shorter way than everybody else (a router that turns it round, a name that means something
 * else inside, /etc/hosts). That Vonage finds us is proven by Vonage only: by its last accepted webhook, so many minutes ago.
 */
export function judgeAddress(address: Address, publicUrl: string, acceptedMinutesAgo: number | null): Check {
  switch (address.reached) {
    case "us": {
      const said = `${publicUrl} leads to this server, asked from the server itself.`;
      if (acceptedMinutesAgo !== null) return good("public address", `${said} Vonage last reached us ${ago(acceptedMinutesAgo)}.`);
      return unknown(
        "public address",
        `${said} Whether it does from outside is not known: nothing of Vonage's has come in the last 24 hours.`,
        "Call our number once, or open the address from another network, a phone's for example.",
      );
    }
    case "somebody else": {
      const said = `${publicUrl} is answered by something else (HTTP ${address.status}, ${address.type || "no type"}).`;
      return bad(
        "public address",
        said,
        "Is the tunnel or proxy the right one, and does it show a page of its own first? Point PUBLIC_URL at this server.",
      );
    }
    case "nobody":
      return bad(
        "public address",
        `${publicUrl} cannot be reached: ${address.text}`,
        "Start the tunnel or proxy, and check name, certificate and firewall.",
      );
  }
}

const ago = (minutes: number): string => {
  if (minutes < 1) return "within the last minute";
  return minutes < 90 ? `${Math.round(minutes)} min ago` : `${Math.round(minutes / 60)} h ago`;
};

export type Audio = { readonly upgraded: true } | { readonly upgraded: false; readonly status: number | null; readonly text: string };

export function judgeAudio(audio: Audio, publicUrl: string): Check {
  const address = publicUrl.replace(/^http/, "ws");
  if (audio.upgraded) return good("audio address", `WebSockets to ${address} reach this server.`);
  const what = audio.status === null ? audio.text : `HTTP ${audio.status}`;
  return bad(
    "audio address",
    `A WebSocket to ${address} does not reach this server: ${what}.`,
    "Let the proxy or tunnel pass WebSocket upgrades (Connection and Upgrade headers) on the same host.",
  );
}

export interface Application {
  readonly answer: string | null;
  readonly event: string | null;
  readonly fallback: string | null;
  readonly signed: boolean | null;
}
export type Seen<T> = { readonly seen: T } | { readonly seen: null; readonly text: string };

export function judgeApplication(application: Seen<Application>, publicUrl: string): Check {
  if (application.seen === null) return unknown("application", application.text);
  const { answer, event, fallback, signed } = application.seen;
  const wrong = [
    answer === `${publicUrl}/webhooks/vonage/answer` ? null : `the answer URL is ${answer ?? "not set"}`,
    event === `${publicUrl}/webhooks/vonage/event` ? null : `the event URL is ${event ?? "not set"}`,
    fallback === `${publicUrl}/webhooks/vonage/fallback` ? null : `the fallback URL is ${fallback ?? "not set"}`,
    signed === false ? "webhooks are not signed" : null,
  ].filter((one) => one !== null);
  if (wrong.length === 0) return good("application", "The application's webhooks are ours, and signed.");
  return bad(
    "application",
    `In the application ${wrong.join(", ")}.`,
    `Set them to ${publicUrl}/webhooks/vonage/answer, .../event and .../fallback, with signed webhooks; or let the doctor set them.`,
  );
}

export function judgeNumber(
  number: Seen<{ readonly owned: boolean; readonly application: string | null }>,
  config: Pick<VonageConfig, "number" | "applicationId">,
): Check {
  if (number.seen === null) return unknown("number", number.text);
  if (!number.seen.owned)
    return bad("number", `${config.number} is not a number of this account.`, "Check VONAGE_NUMBER, or buy the number.");
  if (number.seen.application === config.applicationId) return good("number", `${config.number} is linked to our application.`);
  return bad(
    "number",
    `${config.number} is not linked to our application, so calls to it do not reach us.`,
    "Link the number to the application in the Vonage dashboard (Numbers).",
  );
}

// ---- looking ---------------------------------------------------------------------------------------------------------------------

async function askCarrier({ client, clock, config }: DoctorParts): Promise<Asked> {
  try {
    await client.request("GET", "/v1/calls?page_size=1");
  } catch (error) {
    return { answered: false, unauthorized: error instanceof CarrierUnauthorized, text: textOf(error) };
  }
  const told = await fetch(config.apiUrl, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    () => null,
  );
  const date = Date.parse(told?.headers.get("date") ?? "");
  return { answered: true, aheadMs: Number.isNaN(date) ? null : clock.now().getTime() - date };
}

/** Does Vonage know one of the calls that refused requests to our number speak of? Null when that cannot be told. */
async function knownOf({ client }: DoctorParts, named: ReadonlySet<string>, now: Date): Promise<boolean | null> {
  if (named.size === 0) return false;
  // Of those refused in the last day; their calls may have begun before.
  return client.knowsOneOf(named, new Date(now.getTime() - 2 * 24 * 3_600_000)).catch(() => null);
}

/** The proof that a request to PUBLIC_URL came to this installation: only it knows the secret. Not usable as a webhook's signature. */
export function selfProof(signatureSecret: string, nonce: string): string {
  const key = createHash("sha256").update(`earshot finds itself ${signatureSecret}`).digest();
  return createHmac("sha256", key).update(nonce).digest("hex");
}

async function fetchOurselves({ publicUrl, config }: DoctorParts): Promise<Address> {
  const nonce = randomBytes(16).toString("hex");
  try {
    const answer = await fetch(`${publicUrl}/webhooks/vonage/self?nonce=${nonce}`, {
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await answer.text()).slice(0, 1_000);
    if (text === selfProof(config.signatureSecret, nonce)) return { reached: "us" };
    return { reached: "somebody else", status: answer.status, type: answer.headers.get("content-type") ?? "" };
  } catch (error) {
    return { reached: "nobody", text: textOf(error) };
  }
}

/** A socket with a token that opens nothing must be refused by us, in our words: then an upgrade gets through. */
function openAudio(publicUrl: string): Promise<Audio> {
  const address = `${publicUrl.replace(/^http/, "ws")}/media/vonage/${randomBytes(24).toString("base64url")}`;
  return new Promise((resolve) => {
    const socket = new WebSocket(address, { handshakeTimeout: TIMEOUT_MS, perMessageDeflate: false });
    socket.on("open", () => {
      socket.terminate();
      resolve({ upgraded: false, status: 101, text: "something else opened it" });
    });
    socket.on("error", (error) => resolve({ upgraded: false, status: null, text: textOf(error) }));
    socket.on("unexpected-response", (request, response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text = (text + part).slice(0, 500);
      });
      response.on("end", () => {
        request.destroy();
        resolve(
          response.statusCode === 401 && text.startsWith("This token opens no call")
            ? { upgraded: true }
            : { upgraded: false, status: response.statusCode ?? null, text },
        );
      });
    });
  });
}

async function readApplication(parts: DoctorParts): Promise<Seen<Application>> {
  const found = await withSecret(parts, `${parts.config.apiUrl}/v2/applications/${parts.config.applicationId}`);
  if (found.seen === null) return found;
  const voice = at(found.seen, "capabilities", "voice");
  const url = (name: string): string | null => {
    const address = at(voice, "webhooks", name, "address");
    return typeof address === "string" ? address : null;
  };
  const signed = at(voice, "signed_callbacks");
  return {
    seen: {
      answer: url("answer_url"),
      event: url("event_url"),
      fallback: url("fallback_answer_url"),
      signed: typeof signed === "boolean" ? signed : null,
    },
  };
}

/** Vonage's number API lives on a host of its own; an emulated network has everything on one. */
async function readNumber(parts: DoctorParts): Promise<Seen<{ owned: boolean; application: string | null }>> {
  const digits = parts.config.number.replace(/^\+/, "");
  const host = parts.config.emulated ? parts.config.apiUrl : "https://rest.nexmo.com";
  const found = await withSecret(parts, `${host}/account/numbers?pattern=${digits}&search_pattern=0`);
  if (found.seen === null) return found;
  const numbers = at(found.seen, "numbers");
  const ours = (Array.isArray(numbers) ? numbers : []).find((one: unknown) => at(one, "msisdn") === digits);
  const application = at(ours, "app_id");
  return { seen: { owned: ours !== undefined, application: typeof application === "string" ? application : null } };
}

/**
 * Sets the application's webhooks to ours, with signatures, and leaves everything else of it as it is. Only when the operator asks for it. Throws
 * an Error with Vonage's words when it does not take them.
 */
export async function setWebhooks(parts: DoctorParts): Promise<void> {
  const url = `${parts.config.apiUrl}/v2/applications/${parts.config.applicationId}`;
  const found = await withSecret(parts, url);
  if (found.seen === null) throw new Error(found.text);
  const { name, capabilities, privacy } = found.seen as Record<string, Record<string, unknown>>;
  const hook = (path: string) => ({ address: `${parts.publicUrl}/webhooks/vonage/${path}`, http_method: "POST" });
  const voice = {
    ...(capabilities?.voice as object | undefined),
    webhooks: { answer_url: hook("answer"), fallback_answer_url: hook("fallback"), event_url: hook("event") },
    signed_callbacks: true,
  };
  const told = await withSecret(parts, url, { name, ...(privacy ? { privacy } : {}), capabilities: { ...capabilities, voice } });
  if (told.seen === null) throw new Error(told.text);
  await noteWebhooksSet(parts.pool, parts.clock.now());
}

async function withSecret({ config, apiSecret }: DoctorParts, url: string, put?: object): Promise<Seen<object>> {
  if (apiSecret === null) return { seen: null, text: "This can be looked at only with the account's API secret." };
  const refusal = hostRefusal(url, config.apiUrl);
  if (refusal !== null) return { seen: null, text: `${new URL(url).host} is not asked: ${refusal}.` };
  try {
    const answer = await fetch(url, {
      method: put === undefined ? "GET" : "PUT",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        authorization: `Basic ${Buffer.from(`${config.apiKey}:${apiSecret}`).toString("base64")}`,
        ...(put === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(put === undefined ? {} : { body: JSON.stringify(put) }),
    });
    if (!answer.ok) return { seen: null, text: `Vonage answered HTTP ${answer.status}: ${(await answer.text()).slice(0, 200)}` };
    const told: unknown = await answer.json();
    return typeof told === "object" && told !== null ? { seen: told } : { seen: null, text: "Vonage's answer is no object." };
  } catch (error) {
    return { seen: null, text: textOf(error) };
  }
}

/** The value at a path of names in whatever was told; undefined when any part of the way is missing. */
function at(told: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (one, name) => (typeof one === "object" && one !== null ? (one as Record<string, unknown>)[name] : undefined),
    told,
  );
}

function textOf(error: unknown): string {
  if (error instanceof CarrierFailure) return error.message;
  const cause = (error as Error)?.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? (error instanceof Error ? error.message : String(error));
}
