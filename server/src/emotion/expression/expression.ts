import WebSocket from "ws";
import type { Clock } from "../../clock.ts";
import { inWords, readRefusal } from "../../refusal-words.ts";
import { openResampler } from "../../sound/resampler.ts";
import type { EmotionEar, EmotionSign, EmotionSource } from "../port.ts";
import { hear } from "./wire.ts";

export const EXPRESSION_SET = "hume-expression-1";

/** The one rate it takes, Hz; and 100 ms of it, the piece it recommends (hume-expression §2). */
const RATE = 16_000;
const PIECE_BYTES = 3_200;
const PIECE_MS = 100;
/** A little faster than real time, to catch up after a stall; above 1.2 times it is refused and lost. */
const LEAST_BETWEEN_MS = 88;
/** Sound kept while the socket opens or stalls. Beyond it the session is given up: a listener that is far behind is of no use. */
const MOST_QUEUED = 100;
/** After a break it is tried again so long later, twice as long each time; at most LONGEST_WAIT_MS. A session that lasted STEADY_MS was a good one. */
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;
const STEADY_MS = 10_000;
/** Kinds of trouble told of in one call. */
const MOST_TROUBLES = 10;
const OPEN_WITHIN_MS = 8_000;
/** After the sound is over, the last result is awaited this long. */
const CLOSE_WITHIN_MS = 1_500;

export interface ExpressionParts {
  /** wss://api.cloud.hume.ai/v1/expression/audio/realtime, or the emulator's. */
  readonly url: string;
  readonly apiKey: string;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** Hume's realtime expression measurement as a listener on the caller. It does not write down words: scores are joined to them by time. */
export function expressionSource(parts: ExpressionParts): EmotionSource {
  return { name: "hume-expression", open: (rate, listener) => openEar(parts, rate, listener) };
}

/**
 * One call's listener. A session is opened with the first sound; when it breaks it is opened again after a while, for as long as the call lasts, and its
 * clock, which starts at 0 each time, is set to the place of the first sound it got. What was said meanwhile is not measured. Over after `close`, and after
 * a refusal that would be repeated.
 */
function openEar(parts: ExpressionParts, rate: number, listener: (sign: EmotionSign) => void): EmotionEar {
  const resampler = openResampler(rate, RATE);
  let socket: WebSocket | null = null;
  /** When it may be opened again, how long the wait before that was, and since when it is open. */
  let againAt = Number.NEGATIVE_INFINITY;
  let waitMs = 0;
  let openSince: number | null = null;
  let over = false;
  let closing: (() => void) | null = null;
  let queue: Uint8Array[] = [];
  let piece = Buffer.alloc(PIECE_BYTES);
  let filled = 0;
  /** Pieces of the call given to `queue` so far, and the first of them that this session got. */
  let pieces = 0;
  let firstPiece = 0;
  let nextAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const finish = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    resampler.free();
    queue = [];
    socket?.terminate();
    closing?.();
  };
  /** One of a kind is told: a flood of the same is quiet. */
  const told = new Set<string>();
  const trouble = (code: string, text: string): void => {
    if (told.has(code) || told.size >= MOST_TROUBLES) return;
    told.add(code);
    listener({ what: "trouble", code: `expression_${code}`, text });
  };
  const broken = (code: string, text: string): void => {
    if (over) return;
    trouble(code, text);
    socket?.removeAllListeners().on("error", () => undefined);
    socket?.terminate();
    socket = null;
    queue = [];
    if (closing !== null) finish();
    const now = parts.clock.monotonicMs();
    if (openSince !== null && now - openSince >= STEADY_MS) waitMs = 0;
    openSince = null;
    waitMs = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, waitMs * 2));
    againAt = now + waitMs;
  };

  const connect = (): void => {
    firstPiece = pieces;
    const opened = new WebSocket(parts.url, {
      headers: { "X-Hume-Api-Key": parts.apiKey },
      perMessageDeflate: false,
      handshakeTimeout: OPEN_WITHIN_MS,
      maxPayload: 4 * 1024 * 1024,
    });
    socket = opened;
    opened.on("open", () => {
      openSince = parts.clock.monotonicMs();
      pump();
    });
    opened.on("message", (data: Buffer) => heard(data.toString("utf8")));
    opened.on("unexpected-response", (_request, response) => {
      const { statusCode = 0 } = response;
      readRefusal(response, parts.apiKey, (refusal) => {
        if (opened !== socket) return;
        const words = inWords(`The emotion listener refused the session with HTTP ${statusCode}`, refusal);
        if (statusCode >= 500 || statusCode === 429) return broken(`http_${statusCode}`, words);
        trouble(`http_${statusCode}`, words);
        finish();
      });
    });
    opened.on("error", (error: Error) => {
      if (opened.readyState === WebSocket.CONNECTING) broken("unreachable", `The emotion listener could not be reached: ${error.message}.`);
    });
    opened.on("close", (code) => {
      if (closing !== null) finish();
      else broken("lost", `The connection to the emotion listener was lost (close code ${code}).`);
    });
  };
  const heard = (message: string): void => {
    listener({ what: "heard", message });
    const said = hear(message);
    if (said.type === "scores" && Object.keys(said.scores).length > 0) {
      const offset = firstPiece * PIECE_MS;
      listener({ what: "scores", fromMs: offset + said.fromMs, toMs: offset + said.toMs, set: EXPRESSION_SET, scores: said.scores });
    }
    if (said.type === "error") {
      trouble(said.code, said.text);
      // What it did not take is missing from its clock: it goes on 100 ms later from here on.
      if (said.code === "rate_limited" || said.code === "invalid_audio_frame") firstPiece++;
    }
    if (said.type === "closed" && closing !== null) finish();
  };

  /** Sends what waits, not faster than it may come. */
  const pump = (): void => {
    clearTimeout(timer);
    if (over || socket === null || socket.readyState !== WebSocket.OPEN) return;
    const now = parts.clock.monotonicMs();
    while (queue.length > 0 && now >= nextAt) {
      socket.send(queue.shift() as Uint8Array, { binary: true });
      nextAt = Math.max(nextAt, now - PIECE_MS) + LEAST_BETWEEN_MS;
    }
    if (queue.length > 0) timer = setTimeout(pump, nextAt - now);
    else if (closing !== null) sayGoodbye();
  };
  const sayGoodbye = (): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"session.close"}');
  };

  return {
    audio(pcm) {
      if (over || closing !== null) return;
      const samples = resampler.push(alignedSamples(pcm));
      const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + PIECE_BYTES - filled);
        piece.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < PIECE_BYTES) continue;
        filled = 0;
        if (socket === null && parts.clock.monotonicMs() >= againAt) connect();
        pieces++;
        if (socket === null) continue;
        queue.push(piece);
        piece = Buffer.alloc(PIECE_BYTES);
      }
      if (queue.length > MOST_QUEUED) broken("not_reading", "The emotion listener does not keep up; it begins anew.");
      else if (timer === undefined || queue.length === 1) pump();
    },
    close() {
      if (over) return Promise.resolve();
      const done = new Promise<void>((resolve) => {
        closing = resolve;
      });
      if (socket === null) finish();
      else {
        pump();
        setTimeout(finish, CLOSE_WITHIN_MS).unref();
      }
      return done;
    },
  };
}

function alignedSamples(pcm: Uint8Array): Int16Array {
  const bytes = pcm.byteOffset % 2 === 0 ? pcm : new Uint8Array(pcm);
  return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}
