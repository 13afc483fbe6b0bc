import { describe, expect, it } from "vitest";
import { Resampler } from "./pages/resampler.js";

const sine = (hz: number, rate: number, seconds = 0.5): Float32Array =>
  Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));

function resampled(sound: Float32Array, from: number, to: number): Float32Array {
  const resampler = new Resampler(from, to);
  const made: number[] = [];
  for (const sample of sound) resampler.push(sample, (due) => made.push(due));
  return Float32Array.from(made);
}

/** Loudness away from both ends, in dB of the sine that went in. */
function dB(sound: Float32Array): number {
  const middle = sound.subarray(sound.length >> 2, (sound.length * 3) >> 2);
  const rms = Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length);
  return 20 * Math.log10(rms / (0.5 / Math.SQRT2));
}

/** The browser's phone at the rates browsers have. */
describe.each([44_100, 48_000, 96_000, 16_000, 8_000])("between 16 kHz and a browser's %i Hz", (rate) => {
  it("makes as much sound as goes in", () => {
    expect(resampled(sine(300, rate), rate, 16_000).length / 16_000).toBeCloseTo(0.5, 2);
    expect(resampled(sine(300, 16_000), 16_000, rate).length / rate).toBeCloseTo(0.5, 2);
  });

  it("keeps speech as loud and as high as it was", () => {
    for (const hz of [300, 1_000, 3_000]) {
      expect(Math.abs(dB(resampled(sine(hz, rate), rate, 16_000)))).toBeLessThan(0.2);
      const up = resampled(sine(hz, 16_000), 16_000, rate);
      expect(Math.abs(dB(up))).toBeLessThan(0.2);
      const crossings = up.reduce((sum, sample, i) => sum + (i > 0 && sample >= 0 && (up[i - 1] ?? 0) < 0 ? 1 : 0), 0);
      expect(Math.abs(crossings / (up.length / rate) - hz)).toBeLessThan(8);
    }
  });
});

it("lets nothing through that the lower rate cannot hold, where it would be heard as another tone", () => {
  for (const hz of [10_000, 14_000, 20_000]) expect(dB(resampled(sine(hz, 48_000), 48_000, 16_000))).toBeLessThan(-55);
});
