import { describe, expect, it } from "vitest";
import { ahead, clock, clockTenths, dayHeading, dayStart, englishOf, hourOf, spokenDuration, when } from "./time.ts";

const now = new Date(2026, 10, 22, 14, 30, 0);
const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();

describe("a duration", () => {
  it.each([
    [0, "0:00"],
    [999, "0:00"],
    [7_000, "0:07"],
    [127_400, "2:07"],
    [3_661_000, "1:01:01"],
    [-3_200, "−0:03"],
    [-300, "0:00"],
  ])("of %i ms reads %s", (ms, said) => expect(clock(ms)).toBe(said));

  it("shows a tenth where a tenth matters", () => expect(clockTenths(34_260)).toBe("0:34.2"));

  it.each([
    [127_000, "2 minutes 7 seconds"],
    [61_000, "1 minute 1 second"],
    [3_600_000, "1 hour"],
    [400, "0 seconds"],
  ])("of %i ms is read aloud as %s", (ms, said) => expect(spokenDuration(ms)).toBe(said));
});

describe("a moment", () => {
  it("is relative while fresh", () => {
    expect(when(ago(10_000), now)).toBe("just now");
    expect(when(ago(5 * 60_000 + 1), now)).toBe("5 min ago");
  });
  it("is the clock later the same day", () => expect(when(ago(3 * 3_600_000), now)).toMatch(/^11:30/));
  it("names yesterday, and then the date", () => {
    expect(when(ago(86_400_000), now)).toMatch(/^Yesterday /);
    expect(when(ago(10 * 86_400_000), now)).toMatch(/12/);
    expect(when(ago(400 * 86_400_000), now)).toMatch(/2025/);
  });
  it("a clock a little ahead of ours is not the future", () => expect(when(ago(-2_000), now)).toBe("just now"));
});

describe("a moment to come", () => {
  it("is near, then minutes, then on the clock, tomorrow, and on its day", () => {
    const at = (ms: number) => ahead(ago(-ms), now);
    expect([at(-5_000), at(30_000), at(5 * 60_000)]).toEqual(["in a moment", "in a moment", "in 5 min"]);
    expect(at(3 * 3_600_000)).toMatch(/^at (17:30|5:30)/);
    expect(at(86_400_000)).toMatch(/^tomorrow /);
    expect(at(3 * 86_400_000)).toMatch(/25/);
  });
});

describe("a day", () => {
  it("has a heading people use", () => {
    expect(dayHeading(ago(0), now)).toBe("Today");
    expect(dayHeading(ago(86_400_000), now)).toBe("Yesterday");
    expect(dayHeading(ago(2 * 86_400_000), now)).toMatch(/Friday/);
  });
  it("begins at local midnight and includes itself", () => {
    expect(dayStart("2026-11-22")).toBe(new Date(2026, 10, 22).toISOString());
    expect(dayStart("2026-11-30", true)).toBe(new Date(2026, 11, 1).toISOString());
  });
  it("that does not exist is no day", () => {
    expect(dayStart("2026-02-30")).toBeNull();
    expect(dayStart("yesterday")).toBeNull();
  });
});

it("the viewer's kind of English is kept, others read British dates", () => {
  expect(englishOf(["ur-PK", "en-US"])).toBe("en-US");
  expect(englishOf(["de-DE"])).toBe("en-GB");
});

it("hours have two digits on a clock of 24 of them, so that times under each other line up, and one on a clock of 12", () => {
  expect([hourOf("en-GB"), hourOf("en-US")]).toEqual(["2-digit", "numeric"]);
  expect(when(new Date(2026, 10, 22, 9, 5).toISOString(), now)).toMatch(/^09:05$|^9:05/);
});
