import type { Sound } from "./sound.ts";

/** Measured in frames this long: short enough to place a gap, 720,000 an hour. */
export const HOP_MS = 5;
const HOPS_PER_S = 1000 / HOP_MS;

/** Full scale from which a sample counts as clipped. */
const CLIP = 0.999;
/** Three in a row are a flat top; one is a peak that happens to touch the rail. A coder smears the three, and its decoder then goes beyond the rail. */
const CLIP_RUN = 3;

/** One channel, frame by frame. */
export interface Track {
  /** Loudness a frame: 0 is digital silence, else 2 x (dBFS + 100), see {@link levelOf}. */
  readonly levels: Uint8Array;
  /** Lowest and highest sample a frame, -128..127. */
  readonly lows: Int8Array;
  readonly highs: Int8Array;
  /** Which frames hold a flat top, in order. */
  readonly clips: readonly number[];
  /** Root mean square over the whole, dBFS; -Infinity for digital silence. */
  readonly rmsDb: number;
  readonly peakDb: number;
}

export interface Measured {
  readonly durationMs: number;
  readonly samples: number;
  readonly rateHz: number;
  readonly tracks: readonly Track[];
}

/** Decibels below full scale of an RMS amplitude, as one byte: half-decibel steps from -100 dB; 0 only for digital silence. */
export function levelOf(rms: number): number {
  if (rms <= 0) return 0;
  return Math.max(1, Math.min(200, Math.round((20 * Math.log10(rms) + 100) * 2)));
}

/** The byte of {@link levelOf} for so many dBFS. */
export const levelAt = (dbfs: number): number => Math.max(1, Math.min(200, Math.round((dbfs + 100) * 2)));

/** The file changes its rate or its channels on the way: it is damaged, or several in one. */
export class SoundUnsteady extends Error {}

/** Grows by doubling: sound comes without saying how long it will be. */
class Bytes<A extends Int8Array | Uint8Array> {
  #held: A;
  #used = 0;
  readonly #make: (length: number) => A;
  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#held = make(4096);
  }
  push(value: number): void {
    if (this.#used === this.#held.length) {
      const larger = this.#make(this.#held.length * 2);
      larger.set(this.#held);
      this.#held = larger;
    }
    this.#held[this.#used++] = value;
  }
  all(): A {
    return this.#held.slice(0, this.#used) as A;
  }
}

interface Side {
  readonly levels: Bytes<Uint8Array>;
  readonly lows: Bytes<Int8Array>;
  readonly highs: Bytes<Int8Array>;
  readonly clips: number[];
  /** Of the frame being filled. */
  sum: number;
  low: number;
  high: number;
  run: number;
  flat: boolean;
  /** Of the whole. */
  total: number;
  peak: number;
}

/**
 * Listens to sound and measures it in {@link HOP_MS} frames; memory grows by 3 bytes a frame and channel (4.3 MB an hour
 * of stereo), never with the sample rate. Filled by `push`, read once by `finish`, which closes the last, shorter frame.
 */
export class Meter {
  #rateHz = 0;
  #sides: Side[] = [];
  #samples = 0;
  #frame = 0;
  #frameEnd = 0;
  #frameStart = 0;

  push(sound: Sound): void {
    if (this.#rateHz === 0) {
      this.#rateHz = sound.rateHz;
      this.#sides = sound.channels.map(() => ({
        levels: new Bytes((n) => new Uint8Array(n)),
        lows: new Bytes((n) => new Int8Array(n)),
        highs: new Bytes((n) => new Int8Array(n)),
        clips: [],
        sum: 0,
        low: 0,
        high: 0,
        run: 0,
        flat: false,
        total: 0,
        peak: 0,
      }));
      this.#frameEnd = this.#endOf(0);
    }
    if (sound.rateHz !== this.#rateHz || sound.channels.length !== this.#sides.length) {
      throw new SoundUnsteady(
        `The sound changes to ${sound.channels.length} channels at ${sound.rateHz} Hz after ${this.#samples} samples.`,
      );
    }
    const length = sound.channels[0]?.length ?? 0;
    for (let from = 0; from < length; ) {
      const to = Math.min(length, from + this.#frameEnd - this.#samples);
      for (let side = 0; side < this.#sides.length; side++) {
        listen(this.#sides[side] as Side, sound.channels[side] as Float32Array, from, to);
      }
      this.#samples += to - from;
      from = to;
      if (this.#samples === this.#frameEnd) this.#closeFrame();
    }
  }

  finish(): Measured {
    if (this.#samples > this.#frameStart) this.#closeFrame();
    return {
      samples: this.#samples,
      rateHz: this.#rateHz,
      durationMs: this.#rateHz === 0 ? 0 : Math.round((this.#samples * 1000) / this.#rateHz),
      tracks: this.#sides.map((side) => ({
        levels: side.levels.all(),
        lows: side.lows.all(),
        highs: side.highs.all(),
        clips: side.clips,
        rmsDb: decibels(Math.sqrt(side.total / this.#samples)),
        peakDb: decibels(side.peak),
      })),
    };
  }

  #endOf(frame: number): number {
    return Math.floor(((frame + 1) * this.#rateHz) / HOPS_PER_S);
  }

  #closeFrame(): void {
    const length = this.#samples - this.#frameStart;
    for (const side of this.#sides) {
      side.levels.push(levelOf(Math.sqrt(side.sum / length)));
      side.lows.push(Math.max(-128, Math.round(side.low * 127)));
      side.highs.push(Math.min(127, Math.round(side.high * 127)));
      if (side.flat) side.clips.push(this.#frame);
      side.total += side.sum;
      side.peak = Math.max(side.peak, side.high, -side.low);
      side.sum = side.low = side.high = 0;
      side.flat = false;
    }
    this.#frame++;
    this.#frameStart = this.#samples;
    this.#frameEnd = this.#endOf(this.#frame);
  }
}

function listen(side: Side, samples: Float32Array, from: number, to: number): void {
  let { sum, low, high, run, flat } = side;
  for (let i = from; i < to; i++) {
    const sample = samples[i] as number;
    sum += sample * sample;
    if (sample < low) low = sample;
    if (sample > high) high = sample;
    run = sample > CLIP || sample < -CLIP ? run + 1 : 0;
    if (run >= CLIP_RUN || sample > 1 || sample < -1) flat = true;
  }
  Object.assign(side, { sum, low, high, run, flat });
}

const decibels = (amplitude: number): number => (amplitude > 0 ? Math.round(200 * Math.log10(amplitude)) / 10 : Number.NEGATIVE_INFINITY);
