import { describe, expect, it } from "vitest";
import type { Comparison, Finding } from "./audio/compare.ts";
import { besideTones, verdictOf } from "./verdict.ts";

const compared = (...findings: Finding[]): Comparison => ({
  verdict: findings.length > 0 ? "differ" : "agree",
  offsetMs: 120,
  driftPpm: 3.5,
  gainDb: [0, 0],
  fitted: 10,
  windows: 10,
  findings,
});
const lacks = (which: "a" | "b", fromMs: number, toMs: number, more: Partial<Extract<Finding, { what: "lacks" }>> = {}): Finding => ({
  what: "lacks",
  in: which,
  side: "agent",
  fromMs,
  toMs,
  edge: null,
  ...more,
});

describe("a comparison says", () => {
  it.each<[string, Finding[], string]>([
    ["that both agree", [], "Both recordings agree; the carrier's begins 0.12 s after ours."],
    ["what the carrier lacks", [lacks("b", 41_000, 65_500)], "The carrier's recording lacks the agent from 0:41 to 1:05 (24.5 s)."],
    ["what ours lacks", [lacks("a", 130_000, 133_200, { side: "both" })], "Our own recording lacks both sides from 2:10 to 2:13 (3.2 s)."],
    [
      "that it began late",
      [lacks("b", 300, 2400, { edge: "start", side: "caller" })],
      "The carrier's recording begins late: it lacks the caller for 2.1 s up to 0:02.",
    ],
    [
      "that it ended early",
      [lacks("b", 60_000, 72_000, { edge: "end" })],
      "The carrier's recording ends early: it lacks the agent from 1:00 on, 12.0 s.",
    ],
    [
      "where time is cut out",
      [{ what: "jumps", in: "b", atMs: 21_000, lostMs: 504 }],
      "The carrier's recording has 0.50 s cut out near 0:21.",
    ],
    [
      "where it is clipped",
      [{ what: "clips", in: "b", side: "caller", fromMs: 61_000, toMs: 64_500, clippedMs: 700 }],
      "The carrier's recording has the caller clipped from 1:01 to 1:04.",
    ],
    ["how fast it runs", [{ what: "drifts", in: "b", ppm: 100_810 }], "The carrier's recording runs 10.08 % too slowly."],
    ["that sides are exchanged", [{ what: "swapped", in: "b" }], "The carrier's recording has its sides exchanged."],
    ["that voices are mixed", [{ what: "mixed", in: "b" }], "The carrier's recording has both voices on one channel."],
    ["that it is of another call", [{ what: "unlike", in: "b" }], "The carrier's recording has nothing in common with the other."],
  ])("%s", (_, findings, said) => {
    expect(verdictOf(compared(...findings)).said).toEqual([said]);
  });
});

describe("beside a stretch that is a tone", () => {
  const tones = [{ fromMs: 10_000, toMs: 14_000 }];
  it.each<[string, Finding[], Finding[]]>([
    ["nothing is found in it", [lacks("b", 10_500, 13_000), { what: "jumps", in: "b", atMs: 11_000, lostMs: 500 }], []],
    [
      "a lack is told where it goes on before and behind it",
      [lacks("b", 8000, 20_000)],
      [lacks("b", 8000, 10_000), lacks("b", 14_000, 20_000)],
    ],
    [
      "what lies elsewhere is told as ever",
      [lacks("a", 41_000, 44_000), { what: "swapped", in: "b" }],
      [lacks("a", 41_000, 44_000), { what: "swapped", in: "b" }],
    ],
    ["the two are not called strangers", [{ what: "unlike", in: "b" }], []],
  ])("%s", (_, findings, left) => {
    expect(besideTones(compared(...findings), tones)).toMatchObject({ findings: left, verdict: left.length > 0 ? "differ" : "agree" });
  });
});

describe("after a comparison", () => {
  it.each<[string, Finding[], string | null, string | null]>([
    ["both stand when they agree", [], null, null],
    ["a little that is lacking lets both stand", [lacks("b", 1000, 1500), lacks("a", 5000, 5400)], null, null],
    [
      "the carrier's does not stand when it lacks a second in all",
      [lacks("b", 1000, 1600), lacks("b", 9000, 9500)],
      null,
      "RECORDING_INCOMPLETE",
    ],
    ["ours does not stand when it has a gap", [lacks("a", 1000, 4200)], "JOURNAL_INCOMPLETE", null],
    [
      "ours stands although the carrier heard more before and after it",
      [lacks("a", -9000, -1000, { edge: "start" }), lacks("a", 60_000, 90_000, { edge: "end" })],
      null,
      null,
    ],
    [
      "neither stands when each lacks something",
      [lacks("a", 1000, 4200), lacks("b", 10_000, 14_000)],
      "JOURNAL_INCOMPLETE",
      "RECORDING_INCOMPLETE",
    ],
    ["exchanged sides do not stand", [{ what: "swapped", in: "b" }], null, "RECORDING_DISTORTED"],
    ["a small drift is told and stands", [{ what: "drifts", in: "b", ppm: 400 }], null, null],
    ["a large drift does not stand", [{ what: "drifts", in: "b", ppm: -1500 }], null, "RECORDING_DISTORTED"],
    ["a mix stands", [{ what: "mixed", in: "b" }], null, null],
  ])("%s", (_, findings, journal, carrier) => {
    expect(verdictOf(compared(...findings))).toMatchObject({ journal, carrier });
  });
});

it("where the call's audio broke off, a strange clock says nothing against the carrier; exchanged sides do", () => {
  const drifts: Finding = { what: "drifts", in: "b", ppm: 3_500 };
  expect(verdictOf(compared(drifts)).carrier).toBe("RECORDING_DISTORTED");
  expect(verdictOf(compared(drifts, { what: "unlike", in: "b" }), true).carrier).toBeNull();
  expect(verdictOf(compared({ what: "swapped", in: "b" }), true).carrier).toBe("RECORDING_DISTORTED");
});
