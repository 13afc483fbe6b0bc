import { createHash, createHmac, randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

/** The asking side: signed webhooks as Vonage sends them, made before the clock runs, and their times. */

export const SECRET = "0123456789abcdef0123456789abcdef";
export const PUBLIC_URL = "https://calls.example.com";

export interface Asked {
  readonly path: string;
  readonly body: string;
  readonly authorization: string;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A webhook with its own JWT over its own body. @param account further claims: whose it is */
export function signed(path: string, payload: object, account: object = {}): Asked {
  const body = JSON.stringify(payload);
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    iss: "Vonage",
    payload_hash: createHash("sha256").update(body).digest("hex"),
    ...account,
  };
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return { path, body, authorization: `Bearer ${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}` };
}

/** The four events of an outbound call, for a call that is being dialled. */
export function eventsOf(call: string, at: number): Asked[] {
  const leg = {
    headers: {},
    from: "12025550100",
    to: "12025550101",
    uuid: `leg-${call}`,
    conversation_uuid: `CON-${call}`,
    direction: "outbound",
  };
  const word = (status: string, ms: number, more = {}): Asked =>
    signed(`/webhooks/vonage/event?call=${call}`, { ...leg, status, timestamp: new Date(at + ms).toISOString(), ...more });
  return [
    word("started", 0),
    word("ringing", 100),
    word("answered", 2_000),
    word("completed", 9_000, { duration: "7", price: "0.01", disconnected_by: "user" }),
  ];
}

/** Somebody calls in and Vonage asks what to do. */
export function questionOf(leg: string): Asked {
  const payload = { from: "12025550106", to: "12025550100", uuid: leg, conversation_uuid: `CON-${leg}` };
  return signed("/webhooks/vonage/answer", payload);
}

/** Sends; resolves with the milliseconds until the answer was read whole. Rejects on any status that is not 2xx. */
export function sender(port: number, connections: number): (asked: Asked) => Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return ({ path, body, authorization }) =>
    new Promise((settle, fail) => {
      const from = performance.now();
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), authorization };
      const sent = request({ port, host: "127.0.0.1", path, method: "POST", agent, headers }, (answer) => {
        answer.resume();
        answer.once("end", () => {
          if ((answer.statusCode ?? 500) < 300) settle(performance.now() - from);
          else fail(new Error(`HTTP ${answer.statusCode} for ${path}`));
        });
      });
      sent.once("error", fail);
      sent.end(body);
    });
}

export interface Spread {
  readonly n: number;
  readonly perS: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** So many a second whatever the answers do, as a carrier sends; a time includes what a request waited for a free connection. */
export async function atRate(all: readonly Asked[], perS: number, send: (asked: Asked) => Promise<number>): Promise<Spread> {
  const from = performance.now();
  const times: Promise<number>[] = [];
  for (const [nth, asked] of all.entries()) {
    const early = from + (nth * 1000) / perS - performance.now();
    if (early > 1) await wait(early);
    times.push(send(asked));
  }
  return spread(await Promise.all(times), performance.now() - from);
}

/** As fast as it is answered, so many at once. */
export async function flatOut(all: readonly Asked[], atOnce: number, send: (asked: Asked) => Promise<number>): Promise<Spread> {
  const queue = [...all];
  const times: number[] = [];
  const from = performance.now();
  const work = async (): Promise<void> => {
    for (let asked = queue.pop(); asked !== undefined; asked = queue.pop()) times.push(await send(asked));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return spread(times, performance.now() - from);
}

function spread(times: readonly number[], tookMs: number): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { n: sorted.length, perS: (sorted.length / tookMs) * 1000, p50: at(0.5), p99: at(0.99), worst: at(1) };
}
