import { afterEach, expect, it, vi } from "vitest";
import { Ticker } from "./ticker.ts";

afterEach(() => vi.useRealTimers());

it("ticks fifty times a second without drift, and makes up for a late wake-up", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const ticker = new Ticker();
  let ticks = 0;
  ticker.onTick(() => ticks++);
  vi.advanceTimersByTime(1_000);
  expect(ticks).toBe(50);
  // the process is held up for 333 ms; the beats of that time come at once
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + 333);
  vi.advanceTimersToNextTimer();
  expect(ticks).toBe(66);
  vi.restoreAllMocks();
  ticker.close();
});

it("does a delayed thing once, unless it is called off", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const ticker = new Ticker();
  const done: string[] = [];
  ticker.after(100, () => done.push("100"));
  ticker.after(50, () => done.push("50"));
  const stop = ticker.after(60, () => done.push("never"));
  stop();
  vi.advanceTimersByTime(59);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(done).toEqual(["50", "100"]);
  ticker.close();
});

it("stands still while nobody listens", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const ticker = new Ticker();
  const stop = ticker.onTick(() => {});
  stop();
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
  ticker.close();
});
