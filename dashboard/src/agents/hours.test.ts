import { describe, expect, it } from "vitest";
import type { OpeningHours } from "../ask/shapes.ts";
import { barsOf, firstHours, type HoursDraft, hoursDraftOf, hoursOf, joined, standsAt, typedTime } from "./hours.ts";

const hours: OpeningHours = {
  time_zone: "Europe/Berlin",
  open: [
    { days: ["mon", "tue"], from: "08:00", to: "12:00" },
    { days: ["mon"], from: "13:00", to: "17:30" },
    { days: ["fri"], from: "22:00", to: "02:00" },
  ],
  closed_on: ["2026-12-25"],
  otherwise: { do: "number", number: "+12025550199", text: "Nobody is here." },
};

describe("opening hours in a form", () => {
  it("come back as they were", () => expect(hoursOf(hoursDraftOf(hours))).toEqual({ hours }));
  it.each([
    ["9", "09:00"],
    ["9:30", "09:30"],
    ["0930", "09:30"],
    ["5 pm", "17:00"],
    ["12am", "00:00"],
    ["24", "24:00"],
    ["24:30", null],
    ["13 pm", null],
    ["9:75", null],
    ["soon", null],
  ])("take %s as %s", (typed, time) => expect(typedTime(typed)).toBe(time));
  it("say which day has no such time, and what else is missing", () => {
    const draft: HoursDraft = { ...firstHours("UTC"), otherwise: "number", text: " " };
    expect(hoursOf({ ...draft, week: { ...draft.week, wed: [{ from: "9", to: "late" }] } })).toEqual({
      wrong: {
        open: "Wednesday: give times such as 09:00, and 24:00 for midnight.",
        text: "Say what a caller hears.",
        number: "Give the number of a person, with country code.",
      },
    });
  });
  it("are drawn with what is left of the night before", () => {
    const { week } = hoursDraftOf(hours);
    expect(barsOf(week, "fri")).toEqual([{ from: 1320, to: 1440, index: 0, night: false }]);
    expect(barsOf(week, "sat")).toEqual([{ from: 0, to: 120, index: 0, night: true }]);
  });
  it("that overlap are joined", () =>
    expect(
      joined([
        { from: "13:00", to: "17:00" },
        { from: "09:00", to: "13:00" },
        { from: "22:00", to: "02:00" },
      ]),
    ).toEqual([
      { from: "09:00", to: "17:00" },
      { from: "22:00", to: "02:00" },
    ]));
});

describe("whether it is open", () => {
  const draft = hoursDraftOf(hours);
  // 2026-12-21 is a Monday; Berlin is an hour ahead of UTC then.
  it.each([
    ["2026-12-21T06:59:00Z", false, { days: 0, day: "mon", time: "08:00" }],
    ["2026-12-21T07:00:00Z", true, { days: 0, day: "mon", time: "12:00" }],
    ["2026-12-21T11:30:00Z", false, { days: 0, day: "mon", time: "13:00" }],
    ["2026-12-18T23:30:00Z", true, { days: 0, day: "sat", time: "02:00" }],
    ["2026-12-24T12:00:00Z", false, { days: 4, day: "mon", time: "08:00" }],
  ])("is told at %s", (at, open, changes) => expect(standsAt(draft, new Date(at))).toEqual({ open, changes }));
  it("without any hours is never, and without an end is always", () => {
    const none = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
    const all = [{ from: "00:00", to: "24:00" }];
    const always = { mon: all, tue: all, wed: all, thu: all, fri: all, sat: all, sun: all };
    expect(standsAt({ ...draft, week: none }, new Date("2026-12-21T07:00:00Z"))).toEqual({ open: false, changes: null });
    expect(standsAt({ ...draft, closed_on: [], week: always }, new Date("2026-12-21T07:00:00Z"))).toEqual({ open: true, changes: null });
  });
});
