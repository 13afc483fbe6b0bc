import WebSocket from "ws";
import { openResampler, type Resampler } from "../speech/resample.ts";
import type { Media } from "./media.ts";
import { FRAME, type Frame, RATE, SILENCE } from "./mix.ts";
import { type PlayFacts, PlayQueue } from "./play-queue.ts";

/** Longer than this without a message is a pause of the own server, not a gap in its speech. */
const PAUSE_MS = 300;
/** An own server that does not read: beyond this what we say is dropped, as a network would. */
const LARGEST_BACKLOG_BYTES = 2_000_000;
/** Quiet ticks a resampler still has something to give after the last frame. */
const TAIL_TICKS = 2;

export interface SocketFacts extends PlayFacts {
  readonly rate: number;
  /** Frames sent to the own server, and those dropped because it did not read. */
  sent: number;
  notSent: number;
  /** Time between two messages from the own server within its speech (pauses over 300 ms left out), in ms. */
  gapMinMs: number | null;
  gapMaxMs: number | null;
  /** Time between two frames we sent, in ms. */
  sentGapMinMs: number | null;
  sentGapMaxMs: number | null;
  /** Ms from the opening of the socket to the first frame received. */
  firstFrameMs: number | null;
  closeCode: number | null;
}

export interface SocketEvents {
  /** The own server closed, or was lost. */
  lost(code: number): void;
  note(said: string): void;
}

/** What a tap gets to see: the exact PCM both ways at the socket's rate, for dumps. `played` is null in a silent tick. */
export interface SocketTap {
  sent(frame: Buffer): void;
  received(message: Buffer, atMs: number): void;
  played(frame: Buffer | null): void;
}

export type Opened =
  | { readonly open: true; readonly socket: AudioSocket }
  | { readonly open: false; readonly status: "unanswered" | "failed"; readonly detail: string; readonly because: string };

export interface SocketPlan {
  readonly uri: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The Authorization header of the handshake. */
  readonly authorization: string | null;
  readonly openWithinMs: number;
  readonly oddFrames: "tolerate" | "close";
  readonly notifyAfterClear: "drop" | "send";
}

/**
 * Opens the network's end of a websocket leg. See https://developer.vonage.com/en/voice/voice-api/concepts/websockets.
 *
 * @returns the socket, or why not: `unanswered` when nobody is there or in time, `failed` when the server refused the handshake
 */
export function openAudioSocket(plan: SocketPlan, events: SocketEvents, tap: SocketTap | null): Promise<Opened> {
  return new Promise((resolve) => {
    let socket: WebSocket;
    try {
      socket = new WebSocket(plan.uri, {
        perMessageDeflate: false,
        handshakeTimeout: plan.openWithinMs,
        ...(plan.authorization ? { headers: { authorization: plan.authorization } } : {}),
      });
    } catch (problem) {
      // an address that `ws` does not take, for instance one with a fragment
      resolve({
        open: false,
        status: "failed",
        detail: "cannot_route",
        because: problem instanceof Error ? problem.message : String(problem),
      });
      return;
    }
    socket.binaryType = "nodebuffer";
    socket.on("unexpected-response", (request, response) => {
      response.resume();
      request.destroy();
      resolve({
        open: false,
        status: "failed",
        detail: "internal_error",
        because: `The handshake got HTTP status ${response.statusCode}.`,
      });
    });
    socket.on("error", (problem: NodeJS.ErrnoException) => {
      resolve({
        open: false,
        status: "unanswered",
        detail: /timed out/.test(problem.message) ? "timeout" : "unavailable",
        because: problem.message,
      });
    });
    socket.on("open", () => resolve({ open: true, socket: new AudioSocket(socket, plan, events, tap) }));
  });
}

/** A websocket leg's media: open until `close` (ours, code 1000) or until the own server goes (`lost`). */
export class AudioSocket implements Media {
  readonly facts: SocketFacts;
  readonly #socket: WebSocket;
  readonly #plan: SocketPlan;
  readonly #events: SocketEvents;
  readonly #tap: SocketTap | null;
  readonly #queue: PlayQueue;
  readonly #up: Resampler;
  readonly #down: Resampler;
  readonly #silence: Buffer;
  readonly #openedAt = performance.now();
  #lastReceivedAt: number | null = null;
  #lastSentAt: number | null = null;
  #quietTicks = TAIL_TICKS;
  #quietUpTicks = TAIL_TICKS;
  #closed = false;

  constructor(socket: WebSocket, plan: SocketPlan, events: SocketEvents, tap: SocketTap | null) {
    const rate = Number(/rate=(\d+)/.exec(plan.contentType)?.[1] ?? RATE);
    const frameBytes = (rate / 50) * 2;
    this.#socket = socket;
    this.#plan = plan;
    this.#events = events;
    this.#tap = tap;
    this.#queue = new PlayQueue(frameBytes);
    this.#up = openResampler(RATE, rate);
    this.#down = openResampler(rate, RATE);
    this.#silence = Buffer.alloc(frameBytes);
    this.facts = Object.assign(this.#queue.facts, {
      rate,
      sent: 0,
      notSent: 0,
      gapMinMs: null,
      gapMaxMs: null,
      sentGapMinMs: null,
      sentGapMaxMs: null,
      firstFrameMs: null,
      closeCode: null,
    });
    socket.on("message", (message: Buffer, isBinary: boolean) => {
      if (isBinary) this.#heard(message);
      else this.#told(message.toString("utf8"));
    });
    socket.on("close", (code) => {
      this.facts.closeCode = code;
      if (!this.#closed) events.lost(code);
    });
    socket.send(JSON.stringify({ event: "websocket:connected", "content-type": plan.contentType, ...plan.headers }));
  }

  speak(): Frame {
    if (this.#closed) return null;
    const frame = this.#queue.next((payload) => this.#say({ event: "websocket:notify", payload }));
    this.#tap?.played(frame);
    if (frame) this.#quietTicks = 0;
    else if (this.facts.rate === RATE || this.#quietTicks++ >= TAIL_TICKS) return null;
    const samples = this.#down.push(samplesOf(frame ?? this.#silence));
    if (samples.length === FRAME) return samples;
    const whole = new Int16Array(FRAME);
    whole.set(samples.subarray(0, FRAME));
    return whole;
  }

  hear(frame: Frame): void {
    if (this.#closed || this.#socket.readyState !== WebSocket.OPEN) return;
    if (frame) this.#quietUpTicks = 0;
    let bytes = this.#silence;
    if (frame || (this.facts.rate !== RATE && this.#quietUpTicks++ < TAIL_TICKS)) bytes = bytesOf(this.#up.push(frame ?? SILENCE));
    if (this.#socket.bufferedAmount > LARGEST_BACKLOG_BYTES) {
      this.facts.notSent++;
      return;
    }
    const now = performance.now();
    if (this.#lastSentAt !== null) {
      const gap = now - this.#lastSentAt;
      this.facts.sentGapMinMs = Math.min(this.facts.sentGapMinMs ?? gap, gap);
      this.facts.sentGapMaxMs = Math.max(this.facts.sentGapMaxMs ?? gap, gap);
    }
    this.#lastSentAt = now;
    this.facts.sent++;
    this.#tap?.sent(bytes);
    this.#socket.send(bytes);
  }

  key(digit: string, durationMs: number): void {
    this.#say({ event: "websocket:dtmf", digit, duration: durationMs });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#up.free();
    this.#down.free();
    this.#socket.close(1000);
    // a server that does not answer the closing handshake is left after ws's own 30 s; nobody waits for it
  }

  /** Cuts the line without a word, as a network does that fails. The leg hears of it as of any lost socket. */
  cut(): void {
    this.#socket.terminate();
  }

  #heard(message: Buffer): void {
    if (this.#closed) return;
    const now = performance.now();
    this.facts.firstFrameMs ??= now - this.#openedAt;
    if (this.#lastReceivedAt !== null) {
      const gap = now - this.#lastReceivedAt;
      if (gap <= PAUSE_MS) {
        this.facts.gapMinMs = Math.min(this.facts.gapMinMs ?? gap, gap);
        this.facts.gapMaxMs = Math.max(this.facts.gapMaxMs ?? gap, gap);
      }
    }
    this.#lastReceivedAt = now;
    this.#tap?.received(message, now - this.#openedAt);
    const good = this.#queue.push(message);
    if (good || this.#plan.oddFrames === "tolerate") return;
    this.#events.note(`a message of ${message.length} bytes is not one frame: the socket is closed`);
    this.#socket.close(1003, "wrong frame size");
  }

  #told(text: string): void {
    if (this.#closed) return;
    let command: unknown;
    try {
      command = JSON.parse(text);
    } catch {
      this.#events.note(`a text message is not JSON: ${text.slice(0, 100)}`);
      return;
    }
    const { action, payload } = (command ?? {}) as { action?: unknown; payload?: unknown };
    if (action === "clear") {
      const pending = this.#queue.clear();
      this.#say({ event: "websocket:cleared" });
      if (this.#plan.notifyAfterClear === "send") for (const marker of pending) this.#say({ event: "websocket:notify", payload: marker });
      this.#events.note("clear");
    } else if (action === "notify" && payload !== undefined) this.#queue.mark(payload);
    else this.#events.note(`an unknown command: ${text.slice(0, 100)}`);
  }

  #say(message: unknown): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

/** Little-endian bytes as samples; copied, because a message may lie at an odd address. */
function samplesOf(bytes: Buffer): Int16Array {
  const samples = new Int16Array(bytes.length >> 1);
  new Uint8Array(samples.buffer).set(bytes.subarray(0, samples.byteLength));
  return samples;
}

function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}
