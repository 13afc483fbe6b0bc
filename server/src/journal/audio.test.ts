import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderStereo } from "./audio.ts";
import { HEADER_BYTES, type Kind, kinds, putRecord } from "./record.ts";

let dir: string;
let files = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "earshot-audio-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const ZERO = Date.parse("2026-01-01T00:00:00Z");
type Entry = [ms: number, kind: Kind, payload: Uint8Array | string];

/** Writes a journal by hand: entries in the order of their times. */
async function journal(entries: Entry[]): Promise<string> {
  const all: Entry[] = [
    [0, "opened", JSON.stringify({ journal: "earshot", version: 1, zeroAt: new Date(ZERO).toISOString() })],
    ...entries,
  ];
  const records = all
    .sort(([a], [b]) => a - b)
    .map(([ms, kind, payload]) => ({ ms, kind, bytes: typeof payload === "string" ? Buffer.from(payload) : payload }));
  const file = Buffer.alloc(records.reduce((sum, { bytes }) => sum + HEADER_BYTES + bytes.length, 0));
  let end = 0;
  for (const { ms, kind, bytes } of records) end = putRecord(file, end, kinds[kind], Math.round(ms * 1000), bytes);
  const path = join(dir, `${++files}.journal`);
  await writeFile(path, file);
  return path;
}
const frame = (value: number, samples = 320): Uint8Array => new Uint8Array(new Int16Array(samples).fill(value).buffer);
/** Frames of the caller: the n-th holds the value n + 1 and was spoken at `from + n * 20`. */
const caller = (
  count: number,
  from: number,
  late: (n: number) => number = () => 2,
  first = 0,
  sound: (n: number) => Uint8Array = (n) => frame(first + n + 1),
): Entry[] => Array.from({ length: count }, (_, n) => [from + n * 20 + 20 + late(n), "callerFrame", sound(n)]);
const on: Entry = [100, "media", '{"on":true,"rate":16000}'];

async function render(path: string, rate = 16_000): Promise<{ left: Int16Array; right: Int16Array; durationMs: number; startedAt: Date }> {
  const sound = await renderStereo(path, { rate });
  const left: Int16Array[] = [];
  const right: Int16Array[] = [];
  for await (const block of sound.blocks) {
    left.push(block.filter((_, i) => i % 2 === 0));
    right.push(block.filter((_, i) => i % 2 === 1));
  }
  return { left: joined(left), right: joined(right), durationMs: sound.durationMs, startedAt: sound.startedAt };
}
function joined(blocks: Int16Array[]): Int16Array {
  const whole = new Int16Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
const at = (track: Int16Array, ms: number): number => track[Math.round(ms * 16)] as number;

test("the caller is left, the agent right, each where it was spoken and heard", async () => {
  const path = await journal([
    on,
    ...caller(100, 110),
    [610, "playedFrame", frame(9_000)],
    [610.5, "playedFrame", frame(9_001)],
    [2_200, "media", '{"on":false}'],
  ]);
  const { left, right, durationMs, startedAt } = await render(path);
  expect(startedAt.getTime()).toBe(ZERO + 100);
  expect(Math.abs(durationMs - 2_100)).toBeLessThanOrEqual(3);
  expect(left).toHaveLength(right.length);
  // the first caller frame was spoken at 110 and arrived 2 ms late: 12 ms after the start
  expect(at(left, 5)).toBe(0);
  expect(at(left, 20)).toBe(1);
  expect(at(left, 1_020)).toBe(51);
  expect(at(right, 505)).toBe(0);
  expect(at(right, 515)).toBe(9_000);
  expect(at(right, 535)).toBe(9_001);
  expect(at(right, 555)).toBe(0);
});

test("no sample of the caller is lost or doubled, however the frames arrive", async () => {
  const bunched = caller(500, 110, (n) => (n % 25 < 12 ? 240 - (n % 25) * 20 : 3));
  const { left } = await render(await journal([on, ...bunched]));
  const from = left.indexOf(1);
  expect([...left.subarray(from, from + 500 * 320)]).toEqual(Array.from({ length: 500 * 320 }, (_, i) => Math.floor(i / 320) + 1));
});

test("what clear dropped is not in it, and what had been heard is", async () => {
  const sent: Entry[] = Array.from({ length: 10 }, (_, n) => [1_000, "playedFrame", frame(100 + n)]);
  const { right } = await render(
    await journal([on, ...caller(100, 110), ...sent, [1_050, "carrierTold", '{"action":"clear"}'], [1_300, "playedFrame", frame(7)]]),
  );
  expect(at(right, 905)).toBe(100);
  expect(at(right, 945)).toBe(102);
  expect(at(right, 952)).toBe(0);
  expect(at(right, 1_100)).toBe(0);
  expect(at(right, 1_205)).toBe(7);
});

test("frames sent ahead are played one after the other, without a seam", async () => {
  const sent: Entry[] = Array.from({ length: 50 }, (_, n) => [
    n < 5 ? 500 : 500 + (n - 4) * 20 + ((n * 7) % 11),
    "playedFrame",
    frame(1 + n),
  ]);
  const { right } = await render(await journal([on, ...caller(100, 110), ...sent]));
  const from = right.indexOf(1);
  expect([...right.subarray(from, from + 50 * 320)]).toEqual(Array.from({ length: 50 * 320 }, (_, i) => Math.floor(i / 320) + 1));
});

test("a hole in the caller's audio is silence of its length, so that both sides stay together", async () => {
  const path = await journal([on, ...caller(100, 110), ...caller(100, 3_610, () => 2, 100), [4_600, "playedFrame", frame(9_000)]]);
  const { left, right } = await render(path);
  expect(at(left, 1_990)).toBe(99);
  expect(at(left, 2_500)).toBe(0);
  expect(at(left, 3_520)).toBe(101);
  expect(at(right, 4_505)).toBe(9_000);
});

test("a stretch of frames that came late, and then in time again, is no hole", async () => {
  const late = (n: number): number => (n < 100 ? 2 : Math.max(2, 150 - Math.max(0, n - 249) * 20));
  const { left, right } = await render(await journal([on, ...caller(500, 110, late), [9_000, "playedFrame", frame(9_000)]]));
  const from = left.indexOf(1);
  expect([...left.subarray(from, from + 500 * 320)]).toEqual(Array.from({ length: 500 * 320 }, (_, i) => Math.floor(i / 320) + 1));
  expect(Math.abs(right.indexOf(9_000) / 16 - 8_900)).toBeLessThanOrEqual(20);
});

test("an hour has no drift: the last word stands where it was spoken", async () => {
  const frames = 60 * 60 * 50;
  const nothing = frame(0, 160);
  const hour = caller(
    frames,
    110,
    (n) => (n * 13) % 19,
    0,
    (n) => (n === frames - 1 ? frame(77, 160) : nothing),
  );
  const path = await journal([[100, "media", '{"on":true,"rate":8000}'], ...hour, [3_600_000, "playedFrame", frame(88, 160)]]);
  const sound = await renderStereo(path, { rate: 8_000 });
  let samples = 0;
  let lastWordMs = 0;
  let answerMs = 0;
  for await (const block of sound.blocks) {
    if (block.includes(77)) lastWordMs = (samples + block.indexOf(77) / 2) / 8;
    if (block.includes(88)) answerMs = (samples + (block.indexOf(88) - 1) / 2) / 8;
    samples += block.length / 2;
  }
  expect(Math.abs(lastWordMs - (frames - 1) * 20 - 10)).toBeLessThanOrEqual(20);
  expect(Math.abs(answerMs - (3_600_000 - 100))).toBeLessThanOrEqual(20);
  expect(Math.abs(sound.durationMs - 3_600_010)).toBeLessThanOrEqual(40);
});

test("a call taken over by another process goes on in the same recording, the gap as silence", async () => {
  const path = await journal([
    on,
    ...caller(50, 110),
    [1_150, "media", '{"on":false}'],
    [4_000, "media", '{"on":true,"rate":16000}'],
    ...caller(50, 4_010, () => 2, 50),
  ]);
  const { left } = await render(path);
  expect(at(left, 1_000)).toBe(50);
  expect(at(left, 2_500)).toBe(0);
  expect(at(left, 3_930)).toBe(51);
});

test("8 kHz telephony is rendered at the rate that is asked for", async () => {
  const path = await journal([
    [100, "media", '{"on":true,"rate":8000}'],
    ...Array.from({ length: 50 }, (_, n): Entry => [112 + n * 20 + 20, "callerFrame", frame(1_000, 160)]),
  ]);
  const { left, durationMs } = await render(path);
  expect(Math.abs(left.length / 16 - durationMs)).toBeLessThanOrEqual(1);
  expect(Math.abs(at(left, 500) - 1_000)).toBeLessThanOrEqual(2);
});

test("a journal without sound has no blocks", async () => {
  const { left, durationMs } = await render(await journal([]));
  expect([left.length, durationMs]).toEqual([0, 0]);
});
