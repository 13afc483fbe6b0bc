import { frameBytes } from "./media.ts";
import { SoundQueue } from "./sound-queue.ts";

/** What became of an utterance on its way to the caller's ear. Times are monotonic ms, exact to the sample as far as the carrier is. */
export type PlayerEvent =
  | { readonly what: "started"; readonly utterance: string; readonly at: number; readonly knownMs: number }
  | { readonly what: "ended"; readonly utterance: string; readonly at: number; readonly heardMs: number; readonly cut: boolean }
  /** Nothing is left to hear. */
  | { readonly what: "quiet"; readonly at: number };

/** How far the carrier is kept ahead of the caller's ear, at most. Enough for a stall of 60 ms; little enough that `clear` has little to drop. */
export const LEAD_MS = 100;
const FRAME_MS = 20;
/** A tick that comes so much early sends its frame all the same: the lead stays even, and with what the carrier adds within 120 ms. */
const EARLY_MS = 6;
/** Frames that leave together, in one write every 40 ms: half the system calls, the lead between 60 and 100 ms. */
const TOGETHER = 2;
/** A rest shorter than a frame waits for more of its sentence until a tick finds the carrier with only this much left; then it is padded. */
const PAD_AT_MS = 25;
/** Longest speech kept: an engine that floods us is not a reason to lose the machine (3 minutes at 16 kHz are 5.8 MB). */
const MOST_QUEUED_MS = 180_000;
/** Utterances remembered of which sound was left out. */
const MOST_SHORT = 100;

interface Piece {
  readonly utterance: string;
  /** Places in the stream of bytes to the carrier. */
  readonly from: number;
  to: number;
  /** When it began and had been played, once known. */
  startedAt: number | null;
  playedAt: number | null;
}

interface Sentence {
  readonly utterance: string;
  readonly pieces: Piece[];
  /** Nothing more of it will come. */
  closed: boolean;
}

/**
 * The agent's audio of one call on its way to the carrier: cut into frames of exactly 20 ms, paced by the clock so that the carrier always
 * holds about LEAD_MS more than it has played, and dropped when the caller cuts in.
 *
 * The stream of bytes to the carrier has places; at `anchorAt` the carrier plays place `anchorPlace` and goes on in real time until it
 * has played all that was sent. When it ran dry, the next frame sets a new anchor: after a stall nothing is caught up beyond the lead.
 *
 * States: shut (no connection: sound is only queued), quiet (nothing to hear), speaking (visited by the tick until quiet).
 */
export class Player {
  /** Times the carrier ran dry in the middle of a sentence. */
  underruns = 0;
  /** Silence added to fill last frames. */
  paddedMs = 0;
  private readonly frame: number;
  private readonly bytesPerMs: number;
  private readonly send: (frames: Uint8Array, now: number) => void;
  private readonly tell: (event: PlayerEvent) => void;
  private readonly queue = new SoundQueue();
  private sent = 0;
  private anchorAt = 0;
  private anchorPlace = 0;
  private open = false;
  private speaking = false;
  private sentences: Sentence[] = [];
  /** Utterances of which sound was left out, and that are not over: they will not have been heard to their end. */
  private readonly short = new Set<string>();
  /** Before the stream reaches these places there is nothing to tell: no piece begins or ends. */
  private nextStart = Number.POSITIVE_INFINITY;
  private nextEnd = Number.POSITIVE_INFINITY;

  /** `send` gets one or more whole frames, to leave together, and the time they were reckoned with; it copies or sends them before it returns. */
  constructor(parts: { rate: number; send: (frames: Uint8Array, now: number) => void; tell: (event: PlayerEvent) => void }) {
    this.frame = frameBytes(parts.rate);
    this.bytesPerMs = (parts.rate * 2) / 1000;
    this.send = parts.send;
    this.tell = parts.tell;
  }

  /** Is there anything the caller has not heard yet? Then the tick must visit. */
  get active(): boolean {
    return this.open && this.speaking;
  }

  /** Agent audio not yet played, queued here or at the carrier. */
  unplayedMs(now: number): number {
    return (this.queue.length + this.sent - this.playhead(now)) / this.bytesPerMs;
  }

  /** How long there has been nothing to hear although the sentence is not known to be over; 0 otherwise. */
  waitingMs(now: number): number {
    return this.speaking || this.sentences.length === 0 ? 0 : now - this.timeOf(this.sent);
  }

  /** What the carrier holds and has not played. */
  leadMs(now: number): number {
    return (this.sent - this.playhead(now)) / this.bytesPerMs;
  }

  /** The caller is on the line: what waits begins to play. */
  connect(now: number): void {
    this.open = true;
    this.visit(now);
  }

  /** The connection is gone. What waits is kept; what the carrier held counts as played. */
  disconnect(now: number): void {
    this.settle(now);
    this.open = false;
    this.anchorPlace = this.sent;
    this.anchorAt = now;
  }

  /**
   * Takes a copy of agent audio. "full": too much waits already, so that it is left out, and its utterance will end as cut; "still full": as
   * before, of the same utterance.
   */
  push(utterance: string, pcm: Int16Array, now: number): "taken" | "full" | "still full" {
    if (pcm.length === 0) return "taken";
    if (this.queue.length / this.bytesPerMs > MOST_QUEUED_MS) {
      if (this.short.has(utterance)) return "still full";
      if (this.short.size >= MOST_SHORT) this.short.clear();
      this.short.add(utterance);
      return "full";
    }
    this.settle(now);
    this.enqueue(utterance, new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.length * 2));
    this.speaking = true;
    this.sendDue(now);
    return "taken";
  }

  /** The agent's turn is over: nothing more of its sentences will come. */
  finish(now: number): void {
    for (const sentence of this.sentences) sentence.closed = true;
    this.nextEnd = 0;
    this.visit(now);
  }

  /** Sends what is due and tells what was played. Called by the tick while `active`. */
  visit(now: number): void {
    this.settle(now);
    if (!this.open || !this.speaking) return;
    const due = this.sendDue(now);
    const last = this.sentences.at(-1);
    if (this.queue.length > 0 && this.queue.length < this.frame && this.sent + this.frame <= due)
      if (last?.closed === true || this.leadMs(now) <= PAD_AT_MS) this.sendFrames(this.pad(), now);
    if (this.queue.length === 0 && this.playhead(now) >= this.sent) {
      this.settle(now);
      this.speaking = false;
      this.tell({ what: "quiet", at: this.timeOf(this.sent) });
    }
  }

  /**
   * Drops everything not yet played, here and (by the caller of this) at the carrier, and tells how much of each sentence was heard.
   * Gives the milliseconds dropped; 0 when there was nothing to drop.
   */
  cut(now: number): number {
    this.settle(now);
    const head = this.playhead(now);
    const dropped = (this.queue.length + this.sent - head) / this.bytesPerMs;
    for (const { utterance, pieces, closed } of this.sentences) {
      let heard = 0;
      let whole = 0;
      for (const { from, to } of pieces) {
        heard += Math.max(0, Math.min(head, to) - from);
        whole += to - from;
      }
      const at = heard >= whole ? (pieces.at(-1)?.playedAt ?? now) : now;
      this.tell({
        what: "ended",
        utterance,
        at,
        heardMs: heard / this.bytesPerMs,
        cut: heard < whole || !closed || this.short.has(utterance),
      });
    }
    this.sentences = [];
    this.short.clear();
    this.queue.clear();
    this.anchorAt = now;
    this.anchorPlace = this.sent;
    if (this.speaking) {
      this.speaking = false;
      this.tell({ what: "quiet", at: now });
    }
    return dropped;
  }

  /** Sends the whole frames that are due, if they are enough to be worth it; gives the place up to which the carrier may be filled now. */
  private sendDue(now: number): number {
    if (!this.open) return this.sent;
    if (this.queue.length > 0 && this.playhead(now) >= this.sent) {
      const [first] = this.sentences;
      if (first?.pieces.some((piece) => piece.from < this.sent) && !first.closed) this.underruns++;
      this.anchorAt = now;
      this.anchorPlace = this.sent;
    }
    const due = this.playhead(now) + (LEAD_MS + EARLY_MS) * this.bytesPerMs;
    const count = Math.floor(Math.min(this.queue.length, due - this.sent) / this.frame);
    const few = count < TOGETHER && this.leadMs(now) > LEAD_MS - TOGETHER * FRAME_MS - EARLY_MS;
    if (count > 0 && !(few && this.queue.length >= TOGETHER * this.frame)) this.sendFrames(this.queue.take(count * this.frame), now);
    return due;
  }

  /** The place in the stream the caller hears now. */
  private playhead(now: number): number {
    return Math.min(this.sent, this.anchorPlace + (now - this.anchorAt) * this.bytesPerMs);
  }

  private timeOf(place: number): number {
    return this.anchorAt + (place - this.anchorPlace) / this.bytesPerMs;
  }

  private enqueue(utterance: string, bytes: Uint8Array): void {
    const from = this.sent + this.queue.length;
    const last = this.sentences.at(-1);
    if (last?.utterance === utterance) {
      const piece = last.pieces.at(-1);
      if (piece !== undefined && piece.to === from && piece.playedAt === null) piece.to += bytes.length;
      else last.pieces.push(newPiece(utterance, from, bytes.length));
      last.closed = false;
    } else {
      if (last !== undefined) last.closed = true;
      this.sentences.push({ utterance, pieces: [newPiece(utterance, from, bytes.length)], closed: false });
    }
    this.queue.push(bytes);
    this.nextStart = Math.min(this.nextStart, from);
    this.nextEnd = 0;
  }

  private pad(): Uint8Array {
    const frame = new Uint8Array(this.frame);
    const missing = this.frame - this.queue.length;
    frame.set(this.queue.take(this.queue.length));
    this.paddedMs += missing / this.bytesPerMs;
    return frame;
  }

  private sendFrames(frames: Uint8Array, now: number): void {
    this.send(frames, now);
    this.sent += frames.length;
    if (this.sent <= this.nextStart) return;
    this.nextStart = Number.POSITIVE_INFINITY;
    for (const { utterance, pieces } of this.sentences) {
      for (const piece of pieces) {
        if (piece.startedAt !== null) continue;
        if (piece.from >= this.sent) {
          this.nextStart = Math.min(this.nextStart, piece.from);
          continue;
        }
        piece.startedAt = Math.max(now, this.timeOf(piece.from));
        if (piece === pieces[0])
          this.tell({ what: "started", utterance, at: piece.startedAt, knownMs: (piece.to - piece.from) / this.bytesPerMs });
      }
    }
  }

  /** Marks what has been played since and tells the sentences that are over. */
  private settle(now: number): void {
    const head = this.playhead(now);
    if (head < this.nextEnd) return;
    this.nextEnd = Number.POSITIVE_INFINITY;
    for (const { pieces } of this.sentences) {
      for (const piece of pieces) {
        if (piece.playedAt === null && piece.to <= head) piece.playedAt = this.timeOf(piece.to);
        if (piece.playedAt === null) this.nextEnd = Math.min(this.nextEnd, piece.to);
      }
    }
    for (let first = this.sentences[0]; first !== undefined; first = this.sentences[0]) {
      const last = first.pieces.at(-1) as Piece;
      if (!first.closed || last.playedAt === null || last.to > head) return;
      this.sentences.shift();
      const whole = first.pieces.reduce((sum, { from, to }) => sum + to - from, 0);
      this.tell({
        what: "ended",
        utterance: first.utterance,
        at: last.playedAt,
        heardMs: whole / this.bytesPerMs,
        cut: this.short.delete(first.utterance),
      });
    }
  }
}

const newPiece = (utterance: string, from: number, length: number): Piece => ({
  utterance,
  from,
  to: from + length,
  startedAt: null,
  playedAt: null,
});
