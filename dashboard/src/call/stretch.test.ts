import { expect, it } from "vitest";
import { between, touched, typedMoment } from "./stretch.ts";

it.each([
  ["31.2", 31_200],
  ["0:31,25", 31_250],
  ["1:02", 62_000],
  ["1:01:01.5", 3_661_500],
  ["1:75", null],
  ["-3", null],
  ["soon", null],
])("%s is a moment at %s ms", (typed, ms) => expect(typedMoment(typed)).toBe(ms));

it("a stretch pulled backwards is the same, and stays inside the call", () =>
  expect(between(9000.4, -200, 8000)).toEqual({ fromMs: 0, toMs: 8000 }));

it("takes the words of every sentence it touches, on the side that is meant", () => {
  const said = [
    { id: 1, speaker: "agent" as const, started_ms: 0, ended_ms: 1000 },
    { id: 2, speaker: "caller" as const, started_ms: 900, ended_ms: 2000 },
    { id: 3, speaker: "agent" as const, started_ms: 2000, ended_ms: 3000 },
  ];
  const ids = (side: "both" | "caller") => touched(said, { fromMs: 950, toMs: 2000 }, side).map(({ id }) => id);
  expect(ids("both")).toEqual([1, 2]);
  expect(ids("caller")).toEqual([2]);
});
