import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type pg from "pg";
import WebSocket, { WebSocketServer } from "ws";
import { z } from "zod";
import type { Bridges } from "../../bridge/bridges.ts";
import { AudioFrames } from "../../bridge/frame-writer.ts";
import { type CallerMedia, frameBytes, type MediaListener } from "../../bridge/media.ts";
import { endLease } from "../../calls/leases.ts";
import { type Opened, redeemSocketToken, returnSocketToken } from "../../calls/socket-token.ts";
import type { Clock } from "../../clock.ts";
import type { CallId } from "../../ids.ts";
import { Liveness } from "./liveness.ts";
import { type Refusal, refusals, type SignatureKeys, verifyHandshake } from "./signature.ts";

/** The path of a call's audio: /media/vonage/<token>. */
const path = /^\/media\/vonage\/([A-Za-z0-9_-]{1,128})$/;

export interface AudioSocketParts {
  readonly pool: pg.Pool;
  readonly bridges: Pick<Bridges, "mayAttach" | "hasAudio" | "attach">;
  /** Name of this process, which takes the lease of a call whose audio it takes. */
  readonly owner: string;
  /** What signs Vonage's handshakes; null: they are not looked at. */
  readonly keys: SignatureKeys | null;
  readonly clock: Clock;
  /** Should the carrier find another process? Then no audio is taken here: it asks again. */
  readonly elsewhere?: () => boolean;
  /** A call's audio is at its bridge, for the first time or again. */
  readonly onAttached?: (call: CallId) => void;
  readonly log: { info(detail: object, text: string): void; warn(detail: object, text: string): void };
  /** For tests. */
  readonly handshakeMs?: number;
  readonly secondMs?: number;
}

/** Vonage says nothing of the largest message; a frame is under 1 kB, and `headers` of the first are limited to 512 bytes. */
const MOST_MESSAGE_BYTES = 65_536;
/**
 * 2 s of 16 kHz audio the network has not taken: the carrier is not reading. Frames are held back then, not sent; after 10 s of that the
 * connection is given up, and the carrier may open another.
 */
const MOST_UNSENT_BYTES = 65_536;
const STUCK_MS = 10_000;
/** So long may a handshake take: the token's look-up, and the peer's reading of a refusal. */
const HANDSHAKE_MS = 10_000;
/** Frames kept for a bridge that is not listening yet: 5 s. */
const MOST_EARLY_FRAMES = 250;

/**
 * Which requests for another protocol are heard as such: those for audio. Any other one gets the answer of an ordinary request, as RFC 9110 §7.8
 * lets a server do; a socket nobody answers would stay open for ever.
 */
export function mayUpgrade({ url }: { readonly url?: string | undefined }): boolean {
  return url?.startsWith("/media/") === true;
}

/**
 * Lets Vonage's audio sockets in (vonage-voice §5). The token is redeemed before the upgrade is accepted: one connection, one call. A second one
 * with a token of its own takes the place of the first: the carrier opens it only when it has lost that. Every upgrade is answered: one to another
 * path with 404. One timer looks after all of them (liveness.ts). Closing destroys all of them.
 */
export function acceptAudio(server: Server, parts: AudioSocketParts): { close(): void } {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MOST_MESSAGE_BYTES, clientTracking: true });
  /** Not yet accepted, or refused and not yet gone: neither the HTTP server nor `sockets` knows them any more. */
  const pending = new Set<Duplex>();
  const living = new Map<WebSocket, { readonly liveness: Liveness; readonly call: CallId }>();
  const everySecond = setInterval(() => {
    for (const [socket, { liveness, call }] of living) {
      const pulse = liveness.second();
      if (pulse === "ask" && socket.readyState === WebSocket.OPEN) socket.ping();
      if (pulse !== "dead") continue;
      parts.log.info({ call }, "A carrier's audio socket answers no more: it is given up, and the carrier may open another.");
      socket.terminate();
    }
  }, parts.secondMs ?? 1_000);
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => {});
    pending.add(socket);
    const patience = setTimeout(() => socket.destroy(), parts.handshakeMs ?? HANDSHAKE_MS);
    const settled = (): void => {
      clearTimeout(patience);
      pending.delete(socket);
    };
    socket.once("close", settled);
    const token = path.exec((request.url ?? "").split("?", 1)[0] as string)?.[1];
    if (token === undefined) {
      refuse(socket, 404, "There is no audio at this address.");
      return;
    }
    if (parts.elsewhere?.()) {
      refuse(socket, 503, "This server is about to stop; another one takes the call.");
      return;
    }
    const forged = forgery(request, parts);
    if (forged !== null) {
      parts.log.warn({ because: forged }, "An audio socket's signature was refused.");
      refuse(socket, 401, `The handshake is not the carrier's: ${refusals[forged]}`);
      return;
    }
    redeemSocketToken(parts.pool, parts.owner, token).then(
      (opened) => {
        if (opened === null) return refuse(socket, 401, "This token opens no call: it is unknown, used or expired.");
        const { call } = opened;
        if (!parts.bridges.mayAttach(call)) {
          letGo(parts, call, token);
          return refuse(socket, 409, "This call is being ended.");
        }
        let isMade = false;
        sockets.handleUpgrade(request, socket, head, (accepted) => {
          isMade = true;
          settled();
          const liveness = new Liveness();
          living.set(accepted, { liveness, call });
          accepted.once("close", () => living.delete(accepted));
          hear(accepted, socket, { ...opened, token }, liveness, parts);
        });
        if (!isMade) letGo(parts, call, token);
      },
      (error: Error) => {
        parts.log.warn({ error: error.message }, "A token could not be looked up: an audio socket was refused.");
        refuse(socket, 503, "The token could not be looked up.");
      },
    );
  };
  server.on("upgrade", upgrade);
  return {
    close() {
      server.off("upgrade", upgrade);
      clearInterval(everySecond);
      for (const socket of pending) socket.destroy();
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

/**
 * No audio came by the connection a token was redeemed for: the carrier gave up while the token was looked up, or spoke no word. The token is good for
 * the next one (all tries after a lost process share one, ncco.ts), and the lease that was taken with it ends, unless the call's audio is here by another.
 */
function letGo({ pool, owner, bridges, log }: AudioSocketParts, call: CallId, token: string): void {
  const lease = bridges.hasAudio(call) ? null : endLease(pool, call, owner);
  Promise.all([returnSocketToken(pool, token), lease]).catch((error: Error) =>
    log.warn({ call, error: error.message }, "What was taken for a call's audio that never came could not be given back."),
  );
}

/**
 * Why the handshake's own signature is not Vonage's; null when it is, or when there is none (vonage-voice §5.8: not every account's carries one). The
 * one-time token counts in any case, and is not spent by a forged handshake.
 */
function forgery(request: IncomingMessage, { keys, clock }: AudioSocketParts): Refusal | null {
  const { authorization } = request.headers;
  if (keys === null || authorization === undefined) return null;
  const signed = verifyHandshake(authorization, keys, clock.now());
  return signed.good ? null : signed.because;
}

function refuse(socket: Duplex, status: number, text: string): void {
  const title = { 401: "Unauthorized", 404: "Not Found", 409: "Conflict", 503: "Service Unavailable" }[status] ?? "Error";
  // The peer's own end is not waited for: who is refused may never send it.
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

const Text = z.discriminatedUnion("event", [
  z.looseObject({ event: z.literal("websocket:connected"), "content-type": z.string().catch("") }),
  z.looseObject({
    event: z.literal("websocket:dtmf"),
    digit: z.string(),
    duration: z.coerce.number().nullable().catch(null).default(null),
  }),
  z.looseObject({ event: z.literal("websocket:cleared") }),
  z.looseObject({ event: z.literal("websocket:notify"), payload: z.looseObject({ mark: z.string() }) }),
]);
/** Seen with others than Vonage itself (vonage-voice §5.6). */
const BareKey = z.looseObject({ dtmf: z.looseObject({ digit: z.string() }) });

/** The rate in `audio/l16;rate=16000`; null when it names none a carrier has. */
export function rateOf(contentType: string): number | null {
  const rate = Number(/^audio\/l16\s*;\s*rate=(\d+)/i.exec(contentType)?.[1]);
  return rate === 8_000 || rate === 16_000 || rate === 24_000 ? rate : null;
}

/**
 * One connection. States: greeting (until `websocket:connected`, or until audio came without it, whose frame size tells the rate), attached,
 * closed. Closing decides nothing about the call: the carrier's webhooks do.
 */
function hear(
  socket: WebSocket,
  raw: Duplex,
  { call, keepsSound, token }: Opened & { readonly token: string },
  liveness: Liveness,
  parts: AudioSocketParts,
): void {
  const media = new VonageMedia(socket, raw, keepsSound);
  let attached = false;
  const attach = (rate: number): void => {
    if (attached) return;
    attached = true;
    media.speaks(rate);
    if (!parts.bridges.mayAttach(call)) {
      socket.close(1013);
      return;
    }
    parts.bridges.attach(call, media);
    parts.onAttached?.(call);
  };
  socket.on("pong", () => liveness.answered());
  socket.on("message", (data: Buffer, isBinary) => {
    liveness.heard();
    if (isBinary) {
      if (!attached) attach([8_000, 16_000, 24_000].find((rate) => frameBytes(rate) === data.length) ?? 16_000);
      return media.frame(data);
    }
    const json = parse(data.toString("utf8"));
    const key = BareKey.safeParse(json);
    if (key.success) return media.digit(key.data.dtmf.digit, null);
    const text = Text.safeParse(json);
    if (!text.success) return parts.log.info({ call, bytes: data.length }, "The carrier's audio socket said something unknown.");
    switch (text.data.event) {
      case "websocket:connected":
        return attach(rateOf(text.data["content-type"]) ?? 16_000);
      case "websocket:dtmf":
        return media.digit(text.data.digit, text.data.duration);
      case "websocket:cleared":
        return media.cleared();
      case "websocket:notify":
        return media.marked(text.data.payload.mark);
    }
  });
  socket.on("error", (error) => parts.log.info({ call, error: error.message }, "A carrier's audio socket failed."));
  socket.on("close", () => {
    media.closed();
    // It said nothing at all.
    if (!attached) letGo(parts, call, token);
  });
}

/** The socket as the bridge sees it. What comes before anyone listens is kept in order: at most 5 s of frames. */
class VonageMedia implements CallerMedia {
  rate = 16_000;
  readonly keepsSound: boolean;
  private readonly socket: WebSocket;
  private readonly raw: Duplex;
  private frames: AudioFrames;
  private listener: MediaListener | null = null;
  private early: ((listener: MediaListener) => void)[] = [];
  private stuckSince: number | null = null;

  constructor(socket: WebSocket, raw: Duplex, keepsSound: boolean) {
    this.socket = socket;
    this.raw = raw;
    this.keepsSound = keepsSound;
    this.frames = new AudioFrames(raw, frameBytes(this.rate));
  }

  speaks(rate: number): void {
    this.rate = rate;
    this.frames = new AudioFrames(this.raw, frameBytes(rate));
  }

  play(pcm: Uint8Array): void {
    if (this.socket.readyState === WebSocket.OPEN) this.frames.send(pcm);
  }

  ready(now: number): boolean {
    if (this.raw.writableLength <= MOST_UNSENT_BYTES) {
      this.stuckSince = null;
      return true;
    }
    this.stuckSince ??= now;
    if (now - this.stuckSince > STUCK_MS) this.socket.terminate();
    return false;
  }

  clear(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send('{"action":"clear"}');
  }

  mark(name: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ action: "notify", payload: { mark: name } }));
  }

  close(): void {
    this.socket.close(1000);
  }

  listen(listener: MediaListener): void {
    this.listener = listener;
    const early = this.early;
    this.early = [];
    for (const tell of early) tell(listener);
  }

  frame(pcm: Uint8Array): void {
    if (this.listener !== null) this.listener.frame(pcm);
    else this.later((listener) => listener.frame(pcm));
  }

  digit(digit: string, durationMs: number | null): void {
    this.later((listener) => listener.digit(digit, durationMs));
  }

  marked(name: string): void {
    this.later((listener) => listener.marked(name));
  }

  cleared(): void {
    this.later((listener) => listener.cleared());
  }

  closed(): void {
    this.later((listener) => listener.closed());
  }

  private later(tell: (listener: MediaListener) => void): void {
    if (this.listener !== null) {
      tell(this.listener);
      return;
    }
    this.early.push(tell);
    if (this.early.length > MOST_EARLY_FRAMES) this.early.shift();
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
