import { describe, expect, it } from "vitest";
import { type ComparisonFinding, Recording } from "../ask/shapes.ts";
import { tracksOf } from "./compared.ts";

const recording = (source: "carrier" | "journal", offset_ms: number | null, duration_ms: number | null) =>
  Recording.parse({
    id: "018f4c2e-8f2a-7b1c-9d3e-2a1b4c5d6e7f",
    status: "verified",
    source,
    url: null,
    format: "mp3",
    duration_ms,
    offset_ms,
    size_bytes: 1,
    sha256: null,
    channels: 2,
    peaks_url: null,
    because: null,
    comparison: null,
    since: null,
    announced_at: null,
    stored_at: null,
    verified_at: null,
  });
const lacks: ComparisonFinding = {
  in: "carrier",
  what: "lacks",
  side: "agent",
  from_ms: 40_000,
  to_ms: 60_000,
  said: "It lacks the agent.",
};

describe("the two recordings drawn beside each other", () => {
  it("stand on one time axis: the one that begins later begins further in, the shorter one ends sooner", () => {
    const [carrier, journal] = tracksOf([recording("journal", 0, 80_000), recording("carrier", 20_000, 80_000)], []) ?? [];
    expect(carrier).toEqual({ source: "carrier", from: 0.2, to: 1, flaws: [] });
    expect(journal).toEqual({ source: "journal", from: 0, to: 0.8, flaws: [] });
  });
  it("have a hole in the voice that is lacking, where and for as long as it is", () => {
    const [carrier, journal] = tracksOf([recording("carrier", 0, 100_000), recording("journal", 0, 100_000)], [lacks]) ?? [];
    expect(carrier?.flaws).toEqual([{ from: 0.4, to: 0.6, drawn: "hole", side: "agent", said: "It lacks the agent.", atMs: 40_000 }]);
    expect(journal?.flaws).toEqual([]);
  });
  it("show a cut of no length, also at the very end, wide enough to be seen", () => {
    const cut = { ...lacks, what: "jumps" as const, side: null, from_ms: 100_000, to_ms: 100_000 };
    const [carrier] = tracksOf([recording("carrier", 0, 100_000), recording("journal", 0, 100_000)], [cut]) ?? [];
    expect(carrier?.flaws[0]).toMatchObject({ from: 0.988, to: 1, drawn: "mark", side: "both" });
  });
  it("mark all of a recording where the fault is all of it", () => {
    const all = { ...lacks, what: "drifts" as const, side: null, from_ms: null, to_ms: null };
    const [carrier] = tracksOf([recording("carrier", 0, 50_000), recording("journal", 0, 100_000)], [all]) ?? [];
    expect(carrier?.flaws[0]).toMatchObject({ from: 0, to: 0.5, drawn: "mark", atMs: null });
  });
  it("are not drawn where the sound of one is not there", () => {
    expect(tracksOf([recording("carrier", 0, 100), recording("journal", null, null)], [])).toBeNull();
    expect(tracksOf([recording("journal", 0, 100)], [lacks])).toBeNull();
  });
});
