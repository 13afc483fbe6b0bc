// @ts-check
/** A stream of samples from one rate to another: a windowed sinc, read from a table. For the audio thread, where nothing else is to be had. */

/** Zero crossings of the sinc on each side: what is above the lower rate's half is 60 dB down, and sound comes 0.8 ms later. */
const CROSSINGS = 12;
/** How much of the band is kept: the edge lies below the lower rate's half. */
const KEPT = 0.92;
/** Table entries a sample. */
const STEPS = 512;
/** Of samples that are still needed; a power of two, and more than two halves of the widest kernel (192 kHz to 8 kHz: 626). */
const RING = 1_024;

export class Resampler {
  /** @param {number} from Hz @param {number} to Hz */
  constructor(from, to) {
    this.from = from;
    this.to = to;
    const cut = Math.min(1, to / from) * KEPT;
    this.half = Math.ceil(CROSSINGS / cut);
    this.kernel = new Float32Array(this.half * STEPS + 1);
    for (let i = 0; i < this.kernel.length; i++) {
      const x = i / STEPS;
      const turn = (Math.PI * x) / this.half;
      // Blackman's window
      const soft = 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
      this.kernel[i] = soft * (i === 0 ? cut : Math.sin(Math.PI * cut * x) / (Math.PI * x));
    }
    this.ring = new Float32Array(RING);
    this.taken = 0;
    this.given = 0;
  }

  /**
   * One sample in, and those out that are due by it.
   * @param {number} sample @param {(sample: number) => void} give
   */
  push(sample, give) {
    if (this.from === this.to) return give(sample);
    this.ring[this.taken++ & (RING - 1)] = sample;
    for (let at = this.place(); at + this.half < this.taken; at = this.place()) {
      give(this.at(at));
      this.given++;
    }
  }

  /** Where the next sample lies among those taken. */
  place() {
    return (this.given * this.from) / this.to;
  }

  /** @param {number} place */
  at(place) {
    let sum = 0;
    for (let k = Math.ceil(place - this.half); k <= place + this.half; k++)
      sum += (this.ring[k & (RING - 1)] ?? 0) * (this.kernel[Math.round(Math.abs(place - k) * STEPS)] ?? 0);
    return sum;
  }
}
