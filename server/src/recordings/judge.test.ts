import { describe, expect, it } from "vitest";
import type { Facts } from "./audio/inspect.ts";
import { type Expectation, judge } from "./judge.ts";

const sound = (durationMs: number): Facts => ({ durationMs, rateHz: 16_000, channels: 2, damages: 0, sides: [] });
const expected = (more: Partial<Expectation>): Expectation => ({
  source: "carrier",
  talkMs: null,
  announcedMs: null,
  beganMs: null,
  ...more,
});

describe("a recording is", () => {
  it.each([
    ["whole when it is as long as the talk", 60_000, { talkMs: 60_000 }, null, 0],
    ["whole when it began a little later", 57_500, { talkMs: 60_000 }, null, -2500],
    ["short when four seconds and two percent are lacking", 54_000, { talkMs: 60_000 }, "RECORDING_SHORT", -6000],
    ["whole when it is known to have begun late", 54_000, { talkMs: 60_000, beganMs: 6000 }, null, 0],
    ["whole when it is longer than the talk", 65_000, { talkMs: 60_000 }, null, 5000],
    ["held against the carrier's own times when the call is not known", 30_000, { announcedMs: 60_000 }, "RECORDING_SHORT", -30_000],
    ["whole when nothing is known", 1000, {}, null, null],
    ["unreadable when it holds no sound", 0, {}, "RECORDING_UNREADABLE", null],
    ["whole when the call was so short that there was nothing to record", 400, { talkMs: 900 }, null, -500],
  ] as const)("%s", (_, durationMs, more, because, differenceMs) => {
    expect(judge(sound(durationMs), expected(more))).toMatchObject({ because, differenceMs });
  });
});
