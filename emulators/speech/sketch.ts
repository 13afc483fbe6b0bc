/**
 * The sketch of a sound that phrases are compared by: per 20 ms, how loud it is in each of a few bands of the telephone's range. Pure
 * numbers, no state beyond the frames.
 */

/** Hz of the sound. */
const RATE = 16_000;
/** One frame per 20 ms, each seen through a window of 32 ms. */
const HOP = 320;
const WINDOW = 512;
/** Band borders, Hz: what a telephone lets through, finer where vowels differ. */
const BORDERS = [280, 420, 560, 720, 900, 1_120, 1_400, 1_750, 2_200, 2_700, 3_300] as const;
export const BANDS = BORDERS.length - 1;
/** Ms of one frame. */
export const FRAME_MS = 20;

const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
const bins = BORDERS.map((hz) => Math.round((hz * WINDOW) / RATE));

/** Level in dB of each band of one frame, quietest first thinkable value -20. `at` is the frame's first sample; what is beyond the end is silence. */
export function bandLevels(sound: Int16Array, at: number, into: Float32Array, offset: number): void {
  for (let i = 0; i < WINDOW; i++) windowed[i] = (sound[at + i] ?? 0) * (hann[i] ?? 0);
  powerSpectrum();
  for (let band = 0; band < BANDS; band++) {
    let sum = 0;
    const to = bins[band + 1] ?? 0;
    for (let bin = bins[band] ?? 0; bin < to; bin++) sum += power[bin] ?? 0;
    // over a window of 512, 1e5 is about one step of a 16-bit sample: quieter is nothing
    into[offset + band] = 10 * Math.log10(sum / 1e5 + 1e-2);
  }
}

/** How many whole frames a sound of so many samples has. */
export function framesIn(samples: number): number {
  return Math.max(0, Math.floor((samples - (WINDOW - HOP)) / HOP));
}

export const HOP_SAMPLES = HOP;

// One Fourier transform of 512 real values, done as one of 256 complex ones; about 6 µs.
const HALF = WINDOW / 2;
const windowed = new Float64Array(WINDOW);
const re = new Float64Array(HALF);
const im = new Float64Array(HALF);
const power = new Float64Array(HALF);
const cosine = Float64Array.from({ length: HALF }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
const sine = Float64Array.from({ length: HALF }, (_, i) => Math.sin((2 * Math.PI * i) / WINDOW));
const reversed = Uint16Array.from({ length: HALF }, (_, i) => {
  let back = 0;
  for (let bit = 1, value = i; bit < HALF; bit <<= 1, value >>= 1) back = (back << 1) | (value & 1);
  return back;
});

function powerSpectrum(): void {
  for (let i = 0; i < HALF; i++) {
    const j = reversed[i] as number;
    re[i] = windowed[2 * j] as number;
    im[i] = windowed[2 * j + 1] as number;
  }
  for (let size = 2; size <= HALF; size <<= 1) {
    const half = size >> 1;
    const step = WINDOW / size;
    for (let start = 0; start < HALF; start += size) {
      for (let k = 0; k < half; k++) {
        const c = cosine[k * step] as number;
        const s = sine[k * step] as number;
        const low = start + k;
        const high = low + half;
        const hr = (re[high] as number) * c + (im[high] as number) * s;
        const hi = (im[high] as number) * c - (re[high] as number) * s;
        const lr = re[low] as number;
        const li = im[low] as number;
        re[high] = lr - hr;
        im[high] = li - hi;
        re[low] = lr + hr;
        im[low] = li + hi;
      }
    }
  }
  // the even samples were the real parts, the odd ones the imaginary: take them apart again
  for (let k = 1; k < HALF; k++) {
    const m = HALF - k;
    const evenRe = ((re[k] as number) + (re[m] as number)) / 2;
    const evenIm = ((im[k] as number) - (im[m] as number)) / 2;
    const oddRe = ((im[k] as number) + (im[m] as number)) / 2;
    const oddIm = ((re[m] as number) - (re[k] as number)) / 2;
    const c = cosine[k] as number;
    const s = sine[k] as number;
    const real = evenRe + oddRe * c + oddIm * s;
    const imaginary = evenIm + oddIm * c - oddRe * s;
    power[k] = real * real + imaginary * imaginary;
  }
  power[0] = 0;
}
