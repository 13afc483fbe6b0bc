import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { type WebSocket, WebSocketServer } from "ws";
import { type Network, startNetwork } from "./network.ts";
import { Settings } from "./settings.ts";

/** What the tests of this network need on the other side: an application with webhooks and sockets, small and real. */

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: http.IncomingHttpHeaders;
  readonly raw: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
  readonly atMs: number;
}

export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body?: unknown;
  /** Do not answer at all, or cut the connection. */
  readonly never?: boolean;
  readonly cut?: boolean;
}

/** Things that happened, and waiting for one that has or will. */
export class Facts<Fact> {
  readonly all: Fact[] = [];
  readonly #waiting = new Set<(fact: Fact) => void>();

  add(fact: Fact): void {
    this.all.push(fact);
    for (const waiting of [...this.#waiting]) waiting(fact);
  }

  /** Waits until something is true of all there is, asked once now and once with each fact that comes. */
  until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = (): void => {
        if (!isTrue()) return;
        this.#waiting.delete(waiting);
        resolve();
      };
      this.#waiting.add(waiting);
    });
  }

  /** The first fact of that kind, now or when it comes; with `nth`, the n-th (from 1). */
  first(is: (fact: Fact) => boolean, nth = 1): Promise<Fact> {
    const found = this.all.filter(is)[nth - 1];
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const waiting = (): void => {
        const one = this.all.filter(is)[nth - 1];
        if (one === undefined) return;
        this.#waiting.delete(waiting);
        resolve(one);
      };
      this.#waiting.add(waiting);
    });
  }
}

export interface AppSocket {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly socket: WebSocket;
  readonly frames: Facts<{ readonly bytes: Buffer; readonly atMs: number }>;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly messages: Facts<any>;
  readonly closed: Promise<number>;
}

export interface App {
  readonly url: string;
  readonly wsUrl: string;
  readonly requests: Facts<Seen>;
  readonly sockets: Facts<AppSocket>;
  /** The first webhook with that status (or other mark), now or later. */
  event(mark: string, where?: (seen: Seen) => boolean): Promise<Seen>;
  close(): Promise<void>;
}

/** Which event a body is, by the fields that tell. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function markOf(body: any): string {
  if (body?.status) return body.status;
  if (body?.conversation_uuid_from) return "transfer";
  if (body?.dtmf || body?.speech) return "input";
  if (body?.recording_uuid) return "record";
  if (body?.payload) return "notify";
  if (body?.reason && !body?.original_request) return "error";
  return "answer";
}

/** An application server on a free port. `reply` decides by request; the default is an empty 200. */
export async function startApp(reply: (seen: Seen, app: App) => Reply | undefined = () => undefined): Promise<App> {
  const requests = new Facts<Seen>();
  const sockets = new Facts<AppSocket>();
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://app");
      const raw = Buffer.concat(parts).toString("utf8");
      const query = Object.fromEntries(url.searchParams);
      const seen: Seen = {
        method: request.method ?? "",
        path: url.pathname,
        query,
        headers: request.headers,
        raw,
        body: raw ? JSON.parse(raw) : query,
        atMs: performance.now(),
      };
      const how = reply(seen, app) ?? {};
      if (how.cut) request.socket.destroy();
      else if (!how.never) {
        response.writeHead(how.status ?? 200, { "content-type": how.type ?? "application/json" });
        const plain = typeof how.body === "string" || how.body instanceof Uint8Array;
        response.end(how.body === undefined ? "" : plain ? how.body : JSON.stringify(how.body));
      }
      requests.add(seen);
    });
  });
  const upgrades = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, stream, head) => {
    if (request.url?.includes("refuse")) {
      stream.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
      return;
    }
    upgrades.handleUpgrade(request, stream, head, (socket) => {
      const frames: AppSocket["frames"] = new Facts();
      const messages: AppSocket["messages"] = new Facts();
      socket.on("message", (message: Buffer, isBinary: boolean) => {
        if (isBinary) frames.add({ bytes: message, atMs: performance.now() });
        else messages.add(JSON.parse(message.toString("utf8")));
      });
      const closed = new Promise<number>((resolve) => socket.on("close", resolve));
      sockets.add({ path: request.url ?? "", headers: request.headers, socket, frames, messages, closed });
    });
  });
  await new Promise<void>((then) => server.listen(0, "127.0.0.1", then));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const app: App = {
    url: `http://${host}`,
    wsUrl: `ws://${host}`,
    requests,
    sockets,
    event: (mark, where = () => true) => requests.first((seen) => markOf(seen.body) === mark && where(seen)),
    async close() {
      for (const { socket } of sockets.all) socket.terminate();
      server.closeAllConnections();
      await new Promise((then) => server.close(then));
    },
  };
  return app;
}

export const applicationId = "6f1b0c5e-8a44-4c59-9d0b-3b1f0e7a9c21";
export const signatureSecret = "a-signature-secret-of-some-length-for-tests";
export const apiKey = "abcd1234";
const pair = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
export const privateKey = pair.privateKey;
export const publicKey = pair.publicKey;

/** A network whose application is `app`, quick where Vonage is slow. */
export function startTestNetwork(app: App | null, more: Partial<Settings> = {}): Promise<Network> {
  return startNetwork(
    Settings.parse({
      applicationId,
      publicKeyPem: publicKey,
      signatureSecret,
      apiKey,
      number: "+12025550100",
      ...(app ? { answerUrl: `${app.url}/answer`, eventUrl: `${app.url}/event` } : {}),
      callsPerSecond: 0,
      requestsPerSecond: 0,
      tooEarlyMs: 0,
      retryAfterMs: 40,
      recordAfterMs: 40,
      ...more,
    }),
  );
}

/** A token as the application would make it. */
export async function token(claims: Record<string, unknown> = {}, key: string = privateKey): Promise<string> {
  const { importPKCS8 } = await import("jose");
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ application_id: applicationId, iat: now, jti: randomUUID(), exp: now + 900, ...claims })
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .sign(await importPKCS8(key, "RS256"));
}

/** A request to the network with a token; the parsed answer. */
export async function ask(
  network: Network,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  // biome-ignore lint/suspicious/noExplicitAny: as above
): Promise<{ status: number; headers: Headers; body: any }> {
  const answer = await fetch(`${network.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await token()}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  let json: unknown = text;
  try {
    json = JSON.parse(text);
  } catch {
    // not JSON: left as text
  }
  return { status: answer.status, headers: answer.headers, body: json };
}

/** The shortest good body of a create. */
export function callTo(to: string, app: App, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    to: [{ type: "phone", number: to }],
    from: { type: "phone", number: "12025550100" },
    answer_url: [`${app.url}/answer`],
    event_url: [`${app.url}/event`],
    ...more,
  };
}

/** `[record, connect]`, as an application that talks through a socket answers. */
export function bridgeNcco(
  app: App,
  more: { readonly rate?: number; readonly record?: object | null; readonly connect?: object; readonly endpoint?: object } = {},
): object[] {
  return [
    ...(more.record === null
      ? []
      : [{ action: "record", format: "wav", split: "conversation", channels: 2, eventUrl: [`${app.url}/recording`], ...more.record }]),
    {
      action: "connect",
      from: "12025550100",
      eventUrl: [`${app.url}/event?leg=ws`],
      endpoint: [
        {
          type: "websocket",
          uri: `${app.wsUrl}/media?call=7d1f`,
          "content-type": `audio/l16;rate=${more.rate ?? 16_000}`,
          headers: { call: "7d1f" },
          ...more.endpoint,
        },
      ],
      ...more.connect,
    },
  ];
}

/** A people file in a folder of its own, with WAVs beside it. */
export async function peopleFile(
  people: readonly object[],
  wavs: Readonly<Record<string, Uint8Array>> = {},
): Promise<{ path: string; folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "people-"));
  const path = join(folder, "people.json");
  await writeFile(path, JSON.stringify({ people }));
  for (const [name, bytes] of Object.entries(wavs)) await writeFile(join(folder, name), bytes);
  return { path, folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A sound nobody could confuse with another: noise of a seed, 16 kHz s16. */
export function noise(seconds: number, seed: number): Int16Array {
  let state = seed;
  return Int16Array.from({ length: seconds * 16_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 15) % 8_000;
  });
}

/** Little-endian bytes as samples. */
export function samples(bytes: Buffer): Int16Array {
  const own = new Int16Array(bytes.length >> 1);
  new Uint8Array(own.buffer).set(bytes.subarray(0, own.byteLength));
  return own;
}

/** Where a sound begins in another, sample for sample; -1 if it is not in it. */
export function indexOfSound(whole: Int16Array, part: Int16Array): number {
  const bytes = (sound: Int16Array): Buffer => Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength);
  const at = bytes(whole).indexOf(bytes(part));
  return at < 0 ? -1 : at / 2;
}

/** Root mean square of a stretch. */
export function loudness(sound: Int16Array, from = 0, to = sound.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (sound[i] ?? 0) ** 2;
  return Math.sqrt(sum / Math.max(1, to - from));
}
