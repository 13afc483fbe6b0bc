import { describe, expect, it } from "vitest";
import { daysOf, type Period, periodOf, periods } from "./periods.ts";

const now = new Date(2026, 2, 1, 9, 30);

describe("a period", () => {
  it("counts whole days back, over the end of a month", () => {
    expect(daysOf("today", now)).toEqual({ from: "2026-03-01" });
    expect(daysOf("yesterday", now)).toEqual({ from: "2026-02-28", to: "2026-02-28" });
    expect(daysOf("week", now)).toEqual({ from: "2026-02-23" });
    expect(daysOf("month", now)).toEqual({ from: "2026-01-31" });
  });
  it.each(Object.keys(periods) as Period[])("%s is known again in the address", (period) =>
    expect(periodOf(daysOf(period, now), now)).toBe(period),
  );
  it("of other days is their own", () => expect(periodOf({ from: "2026-02-01", to: "2026-02-03" }, now)).toBeNull());
});
