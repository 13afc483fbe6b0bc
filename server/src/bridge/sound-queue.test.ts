import { expect, test } from "vitest";
import { SoundQueue } from "./sound-queue.ts";

/** Bytes that say where they stand in the sound. */
const sound = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => (from + i) % 251);

test("what goes in comes out, in order, whatever the sizes", () => {
  const queue = new SoundQueue();
  const sizes = [1, 640, 31_999, 32_000, 32_001, 44_800, 7, 96_000, 640];
  let [into, out] = [0, 0];
  for (let round = 0; round < 40; round++) {
    const size = sizes[round % sizes.length] as number;
    queue.push(sound(into, size));
    into += size;
    for (const taken of [640, 1_280, 33_000, 0, 3]) {
      if (taken > queue.length) continue;
      expect(Buffer.compare(queue.take(taken), sound(out, taken))).toBe(0);
      out += taken;
    }
    expect(queue.length).toBe(into - out);
  }
  const rest = queue.length;
  expect(Buffer.compare(queue.take(rest), sound(out, rest))).toBe(0);
  expect(queue.length).toBe(0);
});

test("queues share their blocks and never their sound", () => {
  const [one, other] = [new SoundQueue(), new SoundQueue()];
  for (let round = 0; round < 20; round++) {
    one.push(new Uint8Array(50_000).fill(1));
    other.push(new Uint8Array(20_000).fill(2));
    expect(new Set(one.take(30_000))).toEqual(new Set([1]));
    expect(new Set(other.take(20_000))).toEqual(new Set([2]));
    if (round % 5 === 4) one.clear();
  }
  expect(one.length).toBe(0);
});

test("what was dropped is gone, and the next sound begins anew", () => {
  const queue = new SoundQueue();
  queue.push(sound(0, 70_000));
  queue.take(640);
  queue.clear();
  expect(queue.length).toBe(0);
  queue.push(sound(9, 100));
  expect([...queue.take(100)]).toEqual([...sound(9, 100)]);
});
