/** As Vonage: 3072 messages, about a minute. */
export const LONGEST_QUEUE = 3_072;
/** Silence between two frames shorter than this was a hole in one sentence, not a pause between two. */
const HOLE_TICKS = 15;

export interface PlayFacts {
  /** Frames received, and those dropped because the queue was full. */
  received: number;
  dropped: number;
  /** Frames played. */
  played: number;
  /** Messages that were not exactly one frame. */
  wrongSizes: number;
  /** Longest queue, in ms of sound. */
  maxLeadMs: number;
  /** Holes of up to 300 ms within speech, and how long they were together. */
  underruns: number;
  underrunMs: number;
  clears: number;
  /** Frames thrown away by clears. */
  cleared: number;
}

/**
 * What an own server sent and is not heard yet: frames of 20 ms and, between them, the markers of `notify`. One frame is played a tick.
 * See https://developer.vonage.com/en/voice/voice-api/concepts/websockets.
 */
export class PlayQueue {
  readonly facts: PlayFacts = {
    received: 0,
    dropped: 0,
    played: 0,
    wrongSizes: 0,
    maxLeadMs: 0,
    underruns: 0,
    underrunMs: 0,
    clears: 0,
    cleared: 0,
  };
  #items: (Buffer | { readonly marker: unknown })[] = [];
  #head = 0;
  #frames = 0;
  #rest: Buffer = Buffer.alloc(0);
  #dryTicks = Number.POSITIVE_INFINITY;
  readonly #frameBytes: number;

  /** @param frameBytes size of 20 ms: 320, 640 or 960 */
  constructor(frameBytes: number) {
    this.#frameBytes = frameBytes;
  }

  /** Frames waiting. */
  get length(): number {
    return this.#frames;
  }

  /** A binary message. Another size than a frame is counted, and cut into frames; the rest waits for the next message. Returns whether it was a frame. */
  push(message: Buffer): boolean {
    if (message.length === this.#frameBytes && this.#rest.length === 0) {
      this.#add(message);
      return true;
    }
    this.facts.wrongSizes++;
    let bytes = this.#rest.length ? Buffer.concat([this.#rest, message]) : message;
    while (bytes.length >= this.#frameBytes) {
      this.#add(bytes.subarray(0, this.#frameBytes));
      bytes = bytes.subarray(this.#frameBytes);
    }
    this.#rest = Buffer.from(bytes);
    return false;
  }

  mark(payload: unknown): void {
    this.#items.push({ marker: payload });
  }

  /** Drops all that is queued. Returns the markers that were pending. */
  clear(): unknown[] {
    const pending = this.#items.slice(this.#head).flatMap((item) => (Buffer.isBuffer(item) ? [] : [item.marker]));
    this.facts.clears++;
    this.facts.cleared += this.#frames;
    this.#items = [];
    this.#head = 0;
    this.#frames = 0;
    this.#rest = Buffer.alloc(0);
    this.#dryTicks = Number.POSITIVE_INFINITY;
    return pending;
  }

  /** One tick: the frame to play, if any. `reached` gets each marker whose audio has been played before this tick. */
  next(reached: (payload: unknown) => void): Buffer | null {
    for (;;) {
      const item = this.#items[this.#head];
      if (item === undefined) {
        this.#dryTicks++;
        return null;
      }
      this.#head++;
      if (this.#head > 64 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
      if (!Buffer.isBuffer(item)) {
        reached(item.marker);
        continue;
      }
      if (this.#dryTicks > 0 && this.#dryTicks <= HOLE_TICKS) {
        this.facts.underruns++;
        this.facts.underrunMs += this.#dryTicks * 20;
      }
      this.#dryTicks = 0;
      this.#frames--;
      this.facts.played++;
      return item;
    }
  }

  #add(frame: Buffer): void {
    this.facts.received++;
    if (this.#frames >= LONGEST_QUEUE) {
      this.facts.dropped++;
      return;
    }
    this.#items.push(frame);
    this.#frames++;
    this.facts.maxLeadMs = Math.max(this.facts.maxLeadMs, this.#frames * 20);
  }
}
