import { describe, expect, it } from "vitest";
import { LONGEST_QUEUE, PlayQueue } from "./play-queue.ts";

const frame = (fill: number): Buffer => Buffer.alloc(640, fill);
const nobody = (): void => {
  throw new Error("no marker was expected");
};

describe("the queue of an audio socket", () => {
  it("plays one frame a tick, in order", () => {
    const queue = new PlayQueue(640);
    queue.push(frame(1));
    queue.push(frame(2));
    expect([queue.next(nobody)?.[0], queue.next(nobody)?.[0], queue.next(nobody)]).toEqual([1, 2, null]);
  });

  it("tells a marker when the audio before it has been played, not when it came", () => {
    const queue = new PlayQueue(640);
    const reached: unknown[] = [];
    queue.push(frame(1));
    queue.mark("one");
    queue.push(frame(2));
    queue.mark("two");
    queue.next((payload) => reached.push(payload));
    expect(reached).toEqual([]);
    queue.next((payload) => reached.push(payload));
    expect(reached).toEqual(["one"]);
    queue.next((payload) => reached.push(payload));
    expect(reached).toEqual(["one", "two"]);
  });

  it("drops everything at a clear, and hands back the markers that were pending", () => {
    const queue = new PlayQueue(640);
    queue.push(frame(1));
    queue.mark({ turn: 1 });
    expect(queue.clear()).toEqual([{ turn: 1 }]);
    expect(queue.next(nobody)).toBeNull();
    expect(queue.facts).toMatchObject({ clears: 1, cleared: 1, played: 0 });
  });

  it("loses the surplus beyond 3072 frames", () => {
    const queue = new PlayQueue(640);
    for (let i = 0; i < LONGEST_QUEUE + 10; i++) queue.push(frame(i % 100));
    expect(queue.length).toBe(LONGEST_QUEUE);
    expect(queue.facts).toMatchObject({ received: LONGEST_QUEUE + 10, dropped: 10, maxLeadMs: 61_440 });
  });

  it("counts messages of another size, and cuts them into frames without losing a byte", () => {
    const queue = new PlayQueue(4);
    expect(queue.push(Buffer.from([1, 2, 3]))).toBe(false);
    expect(queue.push(Buffer.from([4, 5, 6, 7, 8]))).toBe(false);
    expect(queue.push(Buffer.from([9, 10, 11, 12]))).toBe(true);
    expect([0, 1, 2].flatMap(() => [...(queue.next(nobody) ?? [])])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(queue.facts.wrongSizes).toBe(2);
  });

  it("counts a hole within speech as an underrun, and a pause between sentences as none", () => {
    const queue = new PlayQueue(640);
    const tick = (times: number): void => {
      for (let i = 0; i < times; i++) queue.next(nobody);
    };
    queue.push(frame(1));
    tick(1 + 3);
    queue.push(frame(2));
    tick(1 + 40);
    queue.push(frame(3));
    tick(1);
    expect(queue.facts).toMatchObject({ underruns: 1, underrunMs: 60, played: 3 });
  });

  it("does not take the silence after a clear for a hole", () => {
    const queue = new PlayQueue(640);
    queue.push(frame(1));
    queue.next(nobody);
    queue.clear();
    queue.next(nobody);
    queue.push(frame(2));
    queue.next(nobody);
    expect(queue.facts.underruns).toBe(0);
  });
});
