import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startTick } from "./tick.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const clock = { monotonicMs: () => performance.now() };
const start = (): ReturnType<typeof startTick> =>
  startTick(clock, (error) => {
    throw error;
  });

test("a member is visited every 20 ms for an hour, without drift", () => {
  const tick = start();
  const times: number[] = [];
  tick.join((now) => times.push(now));
  vi.advanceTimersByTime(3_600_000);
  tick.close();
  expect(times.length).toBeGreaterThanOrEqual(179_999);
  expect(times.slice(1).reduce((worst, time, i) => Math.max(worst, time - (times[i] as number)), 0)).toBeLessThanOrEqual(21);
});

test("forty members are spread over the 20 ms", () => {
  const tick = start();
  const visits: number[] = [];
  for (let i = 0; i < 40; i++) tick.join((now) => visits.push(Math.round(now)));
  vi.advanceTimersByTime(20);
  tick.close();
  const together = new Map<number, number>();
  for (const at of visits) together.set(at, (together.get(at) ?? 0) + 1);
  expect(Math.max(...together.values())).toBe(20);
});

test("a timer that comes a moment early is the visit, and no second one is waited for", () => {
  let early = 0;
  const tick = startTick({ monotonicMs: () => performance.now() - early }, () => {});
  let visits = 0;
  tick.join(() => visits++);
  early = 0.9;
  for (let timers = 0; timers < 10; timers++) vi.advanceTimersToNextTimer();
  expect(visits).toBe(5);
  tick.close();
});

test("after a stall each member is visited once, not once for each visit missed", () => {
  let now = 0;
  const tick = startTick({ monotonicMs: () => now }, () => {});
  let visits = 0;
  tick.join(() => visits++);
  now = 1_000;
  vi.advanceTimersToNextTimer();
  expect(visits).toBe(1);
  tick.close();
});

test("a member that fails leaves, and its neighbour does not notice", () => {
  const failures: unknown[] = [];
  const tick = startTick(clock, (error) => failures.push(error));
  let visits = 0;
  tick.join(() => {
    throw new Error("broken");
  });
  tick.join(() => visits++);
  vi.advanceTimersByTime(200);
  tick.close();
  expect(failures).toHaveLength(1);
  expect(visits).toBeGreaterThanOrEqual(9);
});

test("without members it sleeps, and nothing is left when it is closed", () => {
  const tick = start();
  const leave = tick.join(() => {});
  leave();
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
  tick.join(() => {});
  tick.close();
  expect(vi.getTimerCount()).toBe(0);
});
