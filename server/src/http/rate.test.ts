import { describe, expect, it } from "vitest";
import { openBuckets } from "./rate.ts";

const rate = { perSecond: 2, burst: 4 };

describe("a bucket", () => {
  it("gives its burst at once, then what it is refilled with", () => {
    let ms = 0;
    const buckets = openBuckets({ now: () => new Date(ms), monotonicMs: () => ms });
    expect([1, 2, 3, 4, 5].map(() => buckets.take("a", rate))).toEqual([0, 0, 0, 0, 500]);
    ms = 499;
    expect(buckets.take("a", rate)).toBeGreaterThan(0);
    ms = 500;
    expect(buckets.take("a", rate)).toBe(0);
    expect(buckets.take("a", rate)).toBe(500);
    ms = 1_000_000;
    expect([1, 2, 3, 4, 5].map(() => buckets.take("a", rate))).toEqual([0, 0, 0, 0, 500]);
  });

  it("is each asker's own, and looking takes nothing", () => {
    const buckets = openBuckets({ now: () => new Date(0), monotonicMs: () => 0 });
    for (let i = 0; i < 4; i++) buckets.take("a", rate);
    expect(buckets.take("a", rate, 0)).toBe(500);
    expect(buckets.take("b", rate, 0)).toBe(0);
    for (let i = 0; i < 10; i++) buckets.take("b", rate, 0);
    expect(buckets.take("b", rate)).toBe(0);
  });

  it("of the longest unseen is forgotten when there are too many", () => {
    const buckets = openBuckets({ now: () => new Date(0), monotonicMs: () => 0 });
    const one = { perSecond: 1, burst: 1 };
    buckets.take("first", one);
    for (let i = 0; i < 10_000; i++) buckets.take(`other ${i}`, one);
    expect(buckets.take("first", one)).toBe(0);
    expect(buckets.take("other 9999", one)).toBeGreaterThan(0);
  });
});
