import { describe, expect, it } from "vitest";
import type { Reason } from "./failures.ts";
import { afterFailure, pauseMs } from "./retry.ts";

const announcedAt = new Date("2026-03-01T00:00:00Z");
const after = (because: Reason, attempts: number, hours: number) =>
  afterFailure({ because, attempts, announcedAt, now: new Date(announcedAt.getTime() + hours * 3_600_000) }, () => 7);
const again = { do: "again", inMs: 7 };

describe("after a failed fetch", () => {
  it.each<[Reason, number, number, unknown]>([
    ["RECORDING_REFUSED_HOST", 1, 0, { do: "end", as: "refused", because: "RECORDING_REFUSED_HOST" }],
    ["RECORDING_NOT_READY", 1, 0, again],
    ["RECORDING_NOT_READY", 30, 23, again],
    ["RECORDING_NOT_READY", 31, 25, { do: "end", as: "missing", because: "RECORDING_GONE" }],
    ["RECORDING_UNREACHABLE", 200, 24 * 28, again],
    ["RECORDING_UNREACHABLE", 700, 24 * 29.1, { do: "end", as: "failed", because: "RECORDING_UNREACHABLE" }],
    ["RECORDING_FORBIDDEN", 40, 48, again],
    ["RECORDING_WRONG_TYPE", 3, 1, again],
    ["RECORDING_OVERSIZED", 3, 1, again],
    ["RECORDING_TRUNCATED", 5, 1, again],
    ["RECORDING_TRUNCATED", 6, 1, { do: "keep" }],
    ["RECORDING_EMPTY", 6, 1, { do: "end", as: "missing", because: "RECORDING_EMPTY" }],
    ["STORAGE_UNWRITABLE", 5000, 24 * 60, again],
  ])("%s, attempt %i, %i hours after its announcement", (because, attempts, hours, next) => {
    expect(after(because, attempts, hours)).toEqual(next);
  });
});

describe("the pause between attempts", () => {
  it("doubles from a second to an hour and stays there", () => {
    expect([1, 2, 3, 6, 12, 13, 500].map((attempt) => pauseMs(attempt, () => 0.5))).toEqual([
      1000, 2000, 4000, 32_000, 2_048_000, 3_600_000, 3_600_000,
    ]);
  });

  it("is a quarter more or less, so that not all come back at once", () => {
    expect([pauseMs(1, () => 0), pauseMs(1, () => 1)]).toEqual([750, 1250]);
  });
});
