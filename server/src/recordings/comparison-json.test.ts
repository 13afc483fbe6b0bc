import { RecordingComparison } from "@earshot/contract/recording";
import { describe, expect, it } from "vitest";
import { comparisonAsJson, type StoredComparison } from "./comparison-json.ts";

const compared = (more: Partial<StoredComparison>): StoredComparison => ({
  verdict: "differ",
  at: "2026-11-02T10:00:00.000Z",
  offsetMs: 120,
  driftPpm: 3.5,
  gainDb: [0, 0],
  fitted: 10,
  windows: 10,
  findings: [],
  said: [],
  ...more,
});

describe("a comparison as JSON", () => {
  it("names whose fault each finding is, where on the call's clock, and its sentence", () => {
    const json = comparisonAsJson(
      compared({
        findings: [
          { what: "lacks", in: "b", side: "agent", fromMs: 41_000, toMs: 65_500, edge: null },
          { what: "jumps", in: "a", atMs: 21_000, lostMs: 504 },
          { what: "swapped", in: "b" },
        ],
        said: ["one.", "two.", "three."],
      }),
      -200,
    );
    expect(RecordingComparison.parse(json)).toEqual({
      verdict: "differ",
      at: "2026-11-02T10:00:00.000Z",
      offset_ms: 120,
      drift_ppm: 3.5,
      findings: [
        { in: "carrier", what: "lacks", side: "agent", from_ms: 40_800, to_ms: 65_300, said: "one." },
        { in: "journal", what: "jumps", side: null, from_ms: 20_800, to_ms: 20_800, said: "two." },
        { in: "carrier", what: "swapped", side: null, from_ms: null, to_ms: null, said: "three." },
      ],
      said: "one. two. three.",
    });
  });

  it("has no finding when both agree, and says so", () => {
    expect(comparisonAsJson(compared({ verdict: "agree", said: ["Both recordings agree."] }), 0)).toMatchObject({
      verdict: "agree",
      findings: [],
      said: "Both recordings agree.",
    });
  });
});
