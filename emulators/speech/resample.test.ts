import { describe, expect, test } from "vitest";
import { openResampler, resample } from "./resample.ts";

const tone = (hz: number, rate: number, samples: number): Int16Array =>
  Int16Array.from({ length: samples }, (_, i) => Math.round(10_000 * Math.sin((2 * Math.PI * hz * i) / rate)));

const peak = (sound: Int16Array): number => sound.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

describe("a stream at another rate", () => {
  test.each([
    [48_000, 16_000],
    [16_000, 48_000],
    [16_000, 8_000],
    [8_000, 16_000],
    [24_000, 16_000],
    [24_000, 8_000],
    [48_000, 8_000],
  ])("%i to %i Hz keeps every 20 ms at 20 ms and no border is heard", (from, to) => {
    const whole = openResampler(from, to);
    const stream = openResampler(from, to);
    const sound = tone(1_000, from, from);
    const atOnce = whole.push(sound);
    const inBlocks: number[] = [];
    for (let at = 0; at < sound.length; at += from / 50) {
      const block = stream.push(sound.subarray(at, at + from / 50));
      expect(block.length).toBe(to / 50);
      inBlocks.push(...block);
    }
    expect(Int16Array.from(inBlocks)).toEqual(atOnce);
    whole.free();
    stream.free();
  });

  test("a tone that the new rate cannot carry is gone, not folded back", () => {
    const down = openResampler(48_000, 16_000);
    const heard = down.push(tone(10_000, 48_000, 48_000));
    expect(peak(heard.subarray(200, heard.length - 200))).toBeLessThanOrEqual(1);
    down.free();
  });

  test("streams do not hear each other", () => {
    const one = openResampler(16_000, 8_000);
    const other = openResampler(16_000, 8_000);
    one.push(tone(500, 16_000, 320));
    expect(peak(other.push(new Int16Array(320)))).toBe(0);
    one.free();
    other.free();
  });
});

describe("a whole sound at another rate", () => {
  test.each([
    [16_000, 48_000],
    [16_000, 8_000],
    [16_000, 44_100],
    [8_000, 16_000],
  ])("%i to %i Hz has its exact length and is not late", (from, to) => {
    const heard = resample(tone(1_000, from, from), from, to);
    const meant = tone(1_000, to, to);
    expect(heard.length).toBe(to);
    for (let i = 200; i < to - 200; i++) expect(Math.abs((heard[i] ?? 0) - (meant[i] ?? 0))).toBeLessThan(40);
  });

  test("an odd length is rounded, and nothing stays nothing", () => {
    expect(resample(new Int16Array(1_001), 16_000, 48_000).length).toBe(3_003);
    expect(resample(new Int16Array(1_001), 16_000, 8_000).length).toBe(501);
    expect(resample(new Int16Array(0), 16_000, 8_000).length).toBe(0);
  });
});
