import { OpeningHours } from "@earshot/contract/opening-hours";
import { describe, expect, it } from "vitest";
import { isOpen } from "./hours.ts";

const weekdays = ["mon", "tue", "wed", "thu", "fri"] as const;
const office = { time_zone: "Europe/Berlin", open: [{ days: [...weekdays], from: "09:00", to: "17:30" }], closed_on: ["2026-12-25"] };
const bar = { time_zone: "America/New_York", open: [{ days: ["fri" as const], from: "18:00", to: "02:00" }], closed_on: [] };
const always = {
  time_zone: "UTC",
  open: [{ days: [...weekdays, "sat" as const, "sun" as const], from: "00:00", to: "24:00" }],
  closed_on: [],
};

describe("opening hours", () => {
  it.each([
    ["an office on a winter morning", office, "2026-01-07T08:00:00Z", true],
    ["an office a minute before", office, "2026-01-07T07:59:59Z", false],
    ["an office at its end", office, "2026-01-07T16:30:00Z", false],
    ["an office in summer, an hour earlier by the world's clock", office, "2026-07-08T07:00:00Z", true],
    ["an office on Saturday", office, "2026-01-10T10:00:00Z", false],
    ["an office on a holiday", office, "2026-12-25T10:00:00Z", false],
    ["a bar on Friday night", bar, "2026-01-10T04:00:00Z", true],
    ["a bar on Saturday at half past one", bar, "2026-01-10T06:30:00Z", true],
    ["a bar on Saturday after two", bar, "2026-01-10T07:00:00Z", false],
    ["a bar on Friday at half past one", bar, "2026-01-09T06:30:00Z", false],
    ["a bar whose Friday is a holiday, in the night after it", { ...bar, closed_on: ["2026-01-09"] }, "2026-01-10T06:30:00Z", false],
    ["a bar whose Saturday is a holiday, in the night before it", { ...bar, closed_on: ["2026-01-10"] }, "2026-01-10T06:30:00Z", true],
    ["what is always open, at midnight", always, "2026-03-29T00:00:00Z", true],
    ["what never opens", { ...always, open: [] }, "2026-03-29T12:00:00Z", false],
  ])("%s", (_what, hours, at, open) => {
    expect(isOpen(hours, new Date(at))).toBe(open);
  });

  it("are refused with a zone, a time or a day that is none", () => {
    const good = { ...office, otherwise: { do: "say", text: "We are closed." } };
    expect(OpeningHours.safeParse(good).success).toBe(true);
    for (const bad of [
      { time_zone: "Mars/Olympus" },
      { open: [{ days: [], from: "09:00", to: "10:00" }] },
      { open: [{ days: ["mon"], from: "9:00", to: "10:00" }] },
      { open: [{ days: ["mon"], from: "09:00", to: "25:00" }] },
      { closed_on: ["2026-02-30"] },
      { otherwise: { do: "shout" } },
    ])
      expect(OpeningHours.safeParse({ ...good, ...bad }).success, JSON.stringify(bad)).toBe(false);
  });
});
