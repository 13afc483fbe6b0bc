import { expect, test } from "vitest";
import { openResampler } from "./resampler.ts";

const tone = (hz: number, rate: number, seconds: number, amplitude = 16_000): Int16Array =>
  Int16Array.from({ length: rate * seconds }, (_, i) => Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / rate)));

/** Level of one frequency in dB below full scale of `amplitude`, by correlation with a sine and a cosine, ends left out. */
function levelDb(samples: Int16Array, hz: number, rate: number, amplitude = 16_000): number {
  const skip = Math.floor(rate / 50);
  let re = 0;
  let im = 0;
  let n = 0;
  for (let i = skip; i < samples.length - skip; i++, n++) {
    const angle = (2 * Math.PI * hz * i) / rate;
    re += (samples[i] as number) * Math.cos(angle);
    im += (samples[i] as number) * Math.sin(angle);
  }
  return 20 * Math.log10(Math.max(1e-9, (2 * Math.hypot(re, im)) / n / amplitude));
}

/** Pushes in blocks of the given sizes, over and over, then ends. */
function through(samples: Int16Array, from: number, to: number, blocks: readonly number[] = [samples.length]): Int16Array {
  const resampler = openResampler(from, to);
  const out: number[] = [];
  for (let at = 0, i = 0; at < samples.length; i++) {
    const size = blocks[i % blocks.length] as number;
    out.push(...resampler.push(samples.subarray(at, at + size)));
    at += size;
  }
  out.push(...resampler.end());
  resampler.free();
  return Int16Array.from(out);
}

test.each([
  [48_000, 16_000],
  [48_000, 8_000],
  [48_000, 24_000],
  [24_000, 16_000],
  [8_000, 16_000],
  [16_000, 8_000],
])("a 440 Hz tone keeps its level from %i to %i Hz", (from, to) => {
  expect(Math.abs(levelDb(through(tone(440, from, 1), from, to), 440, to))).toBeLessThanOrEqual(0.1);
});

test.each([
  [48_000, 16_000, 10_000, 6_000],
  [48_000, 16_000, 9_500, 6_500],
  [48_000, 8_000, 6_000, 2_000],
  [24_000, 16_000, 9_500, 6_500],
])("from %i to %i Hz a tone of %i Hz leaves no false tone of %i Hz (-80 dB)", (from, to, hz, alias) => {
  expect(levelDb(through(tone(hz, from, 1), from, to), alias, to)).toBeLessThanOrEqual(-80);
});

test("nothing is late: the wave stands where it stood", () => {
  const out = through(tone(440, 48_000, 0.5), 48_000, 16_000);
  const expected = tone(440, 16_000, 0.5);
  let worst = 0;
  for (let i = 100; i < expected.length - 100; i++) worst = Math.max(worst, Math.abs((out[i] as number) - (expected[i] as number)));
  expect(worst).toBeLessThanOrEqual(8);
});

test("however the sound is cut into blocks, the samples are the same and none is missing", () => {
  const sound = tone(997, 48_000, 0.4).map((sample, i) => sample + ((i * 7_919) % 3_001) - 1_500);
  const whole = through(sound, 48_000, 16_000);
  expect(whole).toHaveLength(sound.length / 3);
  for (const blocks of [[960], [1], [7, 4_801, 13], [5_000, 2]]) expect(through(sound, 48_000, 16_000, blocks)).toEqual(whole);
});

test("a sound whose length does not divide loses no sample", () => {
  for (const length of [1, 2, 3, 4, 959, 4_800, 4_801]) {
    expect(through(tone(440, 48_000, 1).subarray(0, length), 48_000, 16_000)).toHaveLength(Math.ceil(length / 3));
  }
});

test("an ended stream starts anew without a trace of the sound before", () => {
  const resampler = openResampler(48_000, 16_000);
  resampler.push(tone(440, 48_000, 0.1));
  resampler.end();
  const silence = resampler.push(new Int16Array(4_800));
  expect(silence.every((sample) => sample === 0)).toBe(true);
  resampler.free();
});

test("equal rates pass through untouched", () => {
  const sound = tone(440, 16_000, 0.1);
  expect(through(sound, 16_000, 16_000)).toEqual(sound);
});
