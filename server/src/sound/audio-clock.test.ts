import { expect, test } from "vitest";
import { AudioClock } from "./audio-clock.ts";

const RATE = 16_000;
const FRAME = 320;

/** Feeds frames whose sound began at `spokenAt` (ms) and arrived `late` ms after its end. */
function feed(clock: AudioClock, spoken: readonly number[], late: (i: number) => number): void {
  for (const [i, at] of spoken.entries()) clock.heard(at + 20 + late(i), FRAME);
}
const seconds = (count: number, from = 0): number[] => Array.from({ length: count * 50 }, (_, i) => from + i * 20);
let seed = 5;
const noise = (most: number): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return (seed / 0x8000_0000) * most;
};

test("jittery arrival does not move what was said", () => {
  const clock = new AudioClock(RATE);
  feed(clock, seconds(3_600), () => noise(30));
  for (const at of [1_000, 60_000, 1_800_000, 3_599_000]) expect(Math.abs((clock.timeOf(at * 16) ?? 0) - at)).toBeLessThanOrEqual(5);
  expect(clock.anchors).toHaveLength(1);
});

test("frames that come in bunches after a stall of the network are where they were spoken", () => {
  const clock = new AudioClock(RATE);
  // from the 5th second on, 400 ms of every second arrive together
  feed(clock, seconds(60), (i) => (i >= 250 && i % 50 < 20 ? 400 - (i % 50) * 20 : noise(3)));
  for (const at of [4_000, 20_000, 59_000]) expect(Math.abs((clock.timeOf(at * 16) ?? 0) - at)).toBeLessThanOrEqual(5);
});

test("sound that is missing moves what comes after it, and nothing before", () => {
  const clock = new AudioClock(RATE);
  feed(clock, [...seconds(10), ...seconds(10, 13_000)], () => noise(4));
  expect(Math.abs((clock.timeOf(9_000 * 16) ?? 0) - 9_000)).toBeLessThanOrEqual(5);
  expect(Math.abs((clock.timeOf(12_000 * 16) ?? 0) - 15_000)).toBeLessThanOrEqual(5);
});

test("a connection that comes back stands at its arrival at once", () => {
  const clock = new AudioClock(RATE);
  feed(clock, seconds(5), () => 2);
  clock.interrupted();
  feed(clock, seconds(1, 9_000), () => 2);
  expect(Math.abs((clock.timeOf(5_100 * 16) ?? 0) - 9_100)).toBeLessThanOrEqual(5);
});

test.each([60, -60])("a carrier whose clock is %i ppm off stays within a frame for an hour", (ppm) => {
  const clock = new AudioClock(RATE);
  const spoken = seconds(3_600).map((at) => at * (1 + ppm / 1e6));
  feed(clock, spoken, () => noise(6));
  for (const i of [50, 60_000, 179_000]) expect(Math.abs((clock.timeOf(i * FRAME) ?? 0) - (spoken[i] as number))).toBeLessThanOrEqual(20);
});

test("before anything was heard there is no time", () => {
  expect(new AudioClock(RATE).timeOf(0)).toBeNull();
});
