import { expect, it } from "vitest";
import { RollingSecond } from "./limits.ts";

it("keeps three of a burst and refuses the rest, until the second has rolled on", () => {
  const limit = new RollingSecond(3);
  expect([0, 10, 20, 30, 999].map((now) => limit.take(now))).toEqual([true, true, true, false, false]);
  expect([1000, 1005, 1010, 1020, 1025].map((now) => limit.take(now))).toEqual([true, false, true, true, false]);
});

it("refuses nothing when the limit is 0", () => {
  const limit = new RollingSecond(0);
  expect(Array.from({ length: 100 }, () => limit.take(1)).every(Boolean)).toBe(true);
});
