import { RATE, type Speech, soundOf } from "./engine-end.ts";
import { openSpeex } from "./speex.ts";

const CARRIER_RATE = 16_000;
/** The library's largest piece at once (speex.ts). */
const PIECE = 48_000;
/** A turn's first and last samples hold what the filter remembers of the sound before, and of the silence after: 4 ms. */
const EDGE = 64;
/** A relay may bring the sound later by its filter's length, or earlier: so many samples either way are tried. */
const MOST_LAG = 160;
/** Compared to find the lag: 40 ms from the middle of what came. */
const WINDOW = 640;
/** Of 32768: rounding is 1, a click at the border of two chunks is hundreds. */
const HEARD = 100;

/** An answer as the carrier should get it: all of its sound through the resampler in one stream, never cut. */
export function trueSound(speech: Speech): Int16Array {
  const whole = soundOf(speech);
  const resampler = openSpeex(RATE, CARRIER_RATE);
  const out = new Int16Array(Math.ceil((whole.length * CARRIER_RATE) / RATE) + MOST_LAG);
  let at = 0;
  // One stream: that it is handed over in pieces leaves no trace (server/src/sound/resampler.test.ts).
  for (let from = 0; from < whole.length; from += PIECE) {
    const part = resampler.push(whole.subarray(from, from + PIECE));
    out.set(part, at);
    at += part.length;
  }
  // What is still inside the filter.
  const rest = resampler.push(new Int16Array((MOST_LAG * RATE) / CARRIER_RATE)).subarray(0, out.length - at);
  out.set(rest, at);
  resampler.free();
  return out;
}

export interface Faithful {
  /** Samples that differ so much from the true sound that it could be heard, edges of the turn left out. */
  readonly clicks: number;
  /** The largest difference, of 32768. */
  readonly worst: number;
}

/** What came, held against the true sound. Pure. */
export function faithful(came: Int16Array, wanted: Int16Array): Faithful {
  const middle = Math.max(0, Math.floor(Math.min(came.length, wanted.length) / 2) - WINDOW / 2);
  let best = { lag: 0, apart: Number.POSITIVE_INFINITY };
  for (let lag = -MOST_LAG; lag <= MOST_LAG; lag++) {
    let apart = 0;
    for (let i = middle; i < middle + WINDOW && apart < best.apart; i++) apart += Math.abs((came[i] ?? 0) - (wanted[i + lag] ?? 0));
    if (apart < best.apart) best = { lag, apart };
  }
  let [clicks, worst] = [0, 0];
  const to = Math.min(came.length, wanted.length - best.lag, wanted.length - MOST_LAG) - EDGE;
  for (let i = EDGE + MOST_LAG; i < to; i++) {
    const apart = Math.abs((came[i] as number) - (wanted[i + best.lag] as number));
    if (apart > worst) worst = apart;
    if (apart > HEARD) clicks++;
  }
  return { clicks, worst };
}

/** Level of one frequency, dB beside a sine of `amplitude`, by correlation; 20 ms at both ends left out. Pure. */
export function levelDb(samples: Int16Array, hz: number, amplitude: number): number {
  const skip = CARRIER_RATE / 50;
  let [re, im, n] = [0, 0, 0];
  for (let i = skip; i < samples.length - skip; i++, n++) {
    const angle = (2 * Math.PI * hz * i) / CARRIER_RATE;
    re += (samples[i] as number) * Math.cos(angle);
    im += (samples[i] as number) * Math.sin(angle);
  }
  return n <= 0 ? Number.NaN : 20 * Math.log10(Math.max(1e-9, (2 * Math.hypot(re, im)) / n / amplitude));
}
