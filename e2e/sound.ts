import { MPEGDecoder } from "mpg123-decoder";

/** Decoded audio: one Float32Array of -1..1 a channel. */
export interface Sound {
  readonly rate: number;
  readonly channels: readonly Float32Array[];
}

export async function decodeMp3(bytes: Uint8Array): Promise<Sound> {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const { channelData, sampleRate } = decoder.decode(bytes);
  decoder.free();
  return { rate: sampleRate, channels: channelData };
}

export const milliseconds = (sound: Sound): number => ((sound.channels[0]?.length ?? 0) * 1000) / sound.rate;

export const fromPcm16 = (bytes: Uint8Array): Float32Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength >> 1 }, (_, i) => view.getInt16(i * 2, true) / 32768);
};

/** Root mean square of each 20 ms window. */
export function envelope(channel: Float32Array, rate: number): Float32Array {
  const step = Math.round(rate / 50);
  return Float32Array.from({ length: Math.floor(channel.length / step) }, (_, w) => {
    let sum = 0;
    for (let i = w * step; i < (w + 1) * step; i++) sum += (channel[i] as number) ** 2;
    return Math.sqrt(sum / step);
  });
}

export function rms(channel: Float32Array): number {
  let sum = 0;
  for (const x of channel) sum += x * x;
  return Math.sqrt(sum / Math.max(1, channel.length));
}

/** Pearson correlation of two equally spaced series over their common length, `b` moved right by `lag` windows. */
export function correlation(a: Float32Array, b: Float32Array, lag = 0): number {
  const from = Math.max(0, lag);
  const to = Math.min(a.length, b.length + lag);
  const n = to - from;
  if (n < 10) return 0;
  let [ma, mb] = [0, 0];
  for (let i = from; i < to; i++) {
    ma += a[i] as number;
    mb += b[i - lag] as number;
  }
  ma /= n;
  mb /= n;
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    const [x, y] = [(a[i] as number) - ma, (b[i - lag] as number) - mb];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb || 1);
}

/** The lag (in windows of 20 ms, within ±`reach`) at which two envelopes agree best, and how well. */
export function bestLag(a: Float32Array, b: Float32Array, reach: number): { lag: number; agreement: number } {
  let best = { lag: 0, agreement: -1 };
  for (let lag = -reach; lag <= reach; lag++) {
    const agreement = correlation(a, b, lag);
    if (agreement > best.agreement) best = { lag, agreement };
  }
  return best;
}

/** 48 kHz to 16 kHz by a windowed-sinc low-pass of 193 taps at 7.2 kHz: a reference of its own, not the product's resampler. */
export function decimateBy3(fast: Float32Array): Float32Array {
  const taps = 193;
  const middle = (taps - 1) / 2;
  const kernel = Float64Array.from({ length: taps }, (_, i) => {
    const x = i - middle;
    const cut = 7_200 / 48_000;
    const sinc = x === 0 ? 2 * cut : Math.sin(2 * Math.PI * cut * x) / (Math.PI * x);
    return sinc * (0.42 + 0.5 * Math.cos((Math.PI * x) / middle) + 0.08 * Math.cos((2 * Math.PI * x) / middle));
  });
  return Float32Array.from({ length: Math.floor(fast.length / 3) }, (_, n) => {
    let sum = 0;
    for (let i = 0; i < taps; i++) sum += (kernel[i] as number) * (fast[n * 3 + i - middle] ?? 0);
    return sum;
  });
}

/**
 * Finds `wanted` in `whole` at or up to `reach` samples after `from`, and says how far the worst 10 ms of the difference lies below the loudest 10 ms of
 * `wanted`, in dB. Both are low-passed alike by their resamplers only, so the edge of the band is the floor of the figure.
 */
export function noiseOver(wanted: Float32Array, whole: Float32Array, from: number, reach: number): { at: number; worstDb: number } {
  let at = from;
  let best = Number.POSITIVE_INFINITY;
  const probe = Math.min(wanted.length, 8_000);
  for (let lag = from - 200; lag <= from + reach; lag++) {
    let sum = 0;
    for (let i = 0; i < probe; i += 3) sum += ((wanted[i] as number) - (whole[lag + i] ?? 0)) ** 2;
    if (sum < best) [best, at] = [sum, lag];
  }
  let [worst, loudest] = [0, 0];
  for (let w = 0; w + 160 <= wanted.length; w += 160) {
    let [difference, loudness] = [0, 0];
    for (let i = w; i < w + 160; i++) {
      difference += ((wanted[i] as number) - (whole[at + i] ?? 0)) ** 2;
      loudness += (wanted[i] as number) ** 2;
    }
    worst = Math.max(worst, difference);
    loudest = Math.max(loudest, loudness);
  }
  return { at, worstDb: 10 * Math.log10(worst / loudest) };
}

/** Where `wanted` stands in `whole` from `fromMs` on, by the course of its loudness (20 ms), and how well it agrees (1: the same). */
export function locate(
  whole: { readonly samples: Float32Array; readonly rate: number },
  wanted: { readonly samples: Float32Array; readonly rate: number },
  fromMs = 0,
): { atMs: number; agreement: number } {
  const [a, b] = [envelope(whole.samples, whole.rate), envelope(wanted.samples, wanted.rate)];
  let best = { atMs: -1, agreement: -1 };
  for (let lag = Math.floor(fromMs / 20); lag + b.length <= a.length; lag++) {
    const agreement = correlation(a, b, lag);
    if (agreement > best.agreement) best = { atMs: lag * 20, agreement };
  }
  return best;
}

/** Amplitude of one frequency in a stretch of sound (Goertzel), 0..1. */
export function toneIn(samples: Float32Array, rate: number, hz: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let [one, two] = [0, 0];
  for (const sample of samples) [two, one] = [one, sample + turn * one - two];
  return (2 * Math.sqrt(Math.max(0, one * one + two * two - turn * one * two))) / Math.max(1, samples.length);
}

/**
 * When all these frequencies first sound together for so long, also under a voice: each above -26 dBFS and no weaker than a third of all that
 * sounds. Null if never.
 */
export function whenTones(
  { samples, rate }: { readonly samples: Float32Array; readonly rate: number },
  hz: readonly number[],
  { fromMs = 0, lastMs = 60 } = {},
): number | null {
  const step = Math.round(rate / 50);
  let lasting = 0;
  for (let at = Math.round((Math.max(0, fromMs) * rate) / 1_000); at + step <= samples.length; at += step) {
    const window = samples.subarray(at, at + step);
    const least = Math.max(0.05, rms(window) / 3);
    lasting = hz.every((one) => toneIn(window, rate, one) > least) ? lasting + 20 : 0;
    if (lasting >= lastMs) return ((at + step) * 1_000) / rate - lasting;
  }
  return null;
}

/** The frequencies of a telephone's key (ITU-T Q.23). */
export function keyFrequencies(key: string): readonly [number, number] {
  const place = "123456789*0#".indexOf(key);
  return [[697, 770, 852, 941][Math.floor(place / 3)] as number, [1_209, 1_336, 1_477][place % 3] as number];
}
