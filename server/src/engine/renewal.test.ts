import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lastsMs, openRenewal } from "./renewal.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE = 60_000;
function session(lastsMs: number) {
  const state = { atRest: false, renewed: 0 };
  const renewal = openRenewal({ atRest: () => state.atRest, renew: () => void state.renewed++ });
  renewal.plan(lastsMs);
  return { state, renewal };
}

test("a session is not renewed before the last minute and a half, however quiet it is", () => {
  const { state, renewal } = session(30 * MINUTE);
  state.atRest = true;
  vi.advanceTimersByTime(28.5 * MINUTE - 1);
  renewal.look();
  expect(state.renewed).toBe(0);
  vi.advanceTimersByTime(1);
  expect(state.renewed).toBe(1);
});

test("it waits for a pause, and is renewed once", () => {
  const { state, renewal } = session(30 * MINUTE);
  vi.advanceTimersByTime(29 * MINUTE);
  renewal.look();
  expect(state.renewed).toBe(0);
  state.atRest = true;
  renewal.look();
  renewal.look();
  vi.advanceTimersByTime(2 * MINUTE);
  expect(state.renewed).toBe(1);
});

test("without a pause it is renewed four seconds before the end", () => {
  const { state } = session(30 * MINUTE);
  vi.advanceTimersByTime(30 * MINUTE - 4_001);
  expect(state.renewed).toBe(0);
  vi.advanceTimersByTime(1);
  expect(state.renewed).toBe(1);
});

test("a short session's last quarter is enough, and its end still comes later", () => {
  const { state } = session(12_000);
  vi.advanceTimersByTime(10_999);
  expect(state.renewed).toBe(0);
  vi.advanceTimersByTime(1);
  expect(state.renewed).toBe(1);
});

test("one that ended by itself is not renewed", () => {
  const { state, renewal } = session(12_000);
  state.atRest = true;
  renewal.stop();
  vi.advanceTimersByTime(20_000);
  renewal.look();
  expect(state.renewed).toBe(0);
});

test.each<[string, Date | null, number]>([
  ["an hour from now", new Date("2026-01-01T01:00:00Z"), 60 * MINUTE],
  ["said by nobody", null, 30 * MINUTE],
  ["in a field that was never filled in", new Date(0), 30 * MINUTE],
  ["a moment ago: the clocks differ", new Date("2025-12-31T23:59:59Z"), 30 * MINUTE],
  ["milliseconds taken for seconds", new Date(1_767_229_200_000 * 1_000), 30 * MINUTE],
  ["no date at all", new Date(Number.NaN), 30 * MINUTE],
])("a session whose end is %s lasts as long as can be believed", (_, endsAt, ms) => {
  expect(lastsMs(endsAt, new Date("2026-01-01T00:00:00Z"), 30 * MINUTE)).toBe(ms);
});
