import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openTurnstile } from "./turnstile.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test("a few are let in at once, the others in order as one leaves", async () => {
  const enter = openTurnstile(2, 100);
  const entered: number[] = [];
  const leaves = new Map<number, () => void>();
  for (const who of [1, 2, 3, 4, 5])
    void enter().then((leave) => {
      entered.push(who);
      leaves.set(who, leave);
    });
  await settled();
  expect(entered).toEqual([1, 2]);
  leaves.get(2)?.();
  leaves.get(2)?.();
  await settled();
  expect(entered).toEqual([1, 2, 3]);
  leaves.get(1)?.();
  leaves.get(3)?.();
  await settled();
  expect(entered).toEqual([1, 2, 3, 4, 5]);
});

test("who takes long holds up nobody, and leaves only once", async () => {
  const enter = openTurnstile(1, 100);
  const slow = await enter();
  let second = false;
  void enter().then(() => {
    second = true;
  });
  await vi.advanceTimersByTimeAsync(99);
  expect(second).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(second).toBe(true);
  let third = false;
  void enter().then(() => {
    third = true;
  });
  slow();
  await settled();
  expect(third).toBe(false);
});
