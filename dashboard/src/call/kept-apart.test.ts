import { expect, it } from "vitest";
import { Keeping } from "../ask/shapes.ts";
import { keptApart } from "./kept-apart.ts";

const nothing = { hold: null, deletions: [], redactions: [], consents: [] };
const at = "2026-11-22T10:00:00.000Z";
const id = "018f4c2e-8f2a-7b1c-9d3e-2a1b4c5d6e7f";

it("what of keeping is out of the ordinary reads as one sentence", () => {
  const deleted = (what: string[]) => ({ id, asked_at: at, asked_by: "us", because: "A rule.", what, done_at: null, receipt: null });
  const kept = Keeping.parse({
    hold: { why: "A dispute.", placed_at: at, placed_by: "us" },
    deletions: [deleted(["transcript"]), deleted(["transcript", "audio"])],
    redactions: [],
    consents: [],
  });
  expect(keptApart(kept)).toBe("On hold, transcript and audio deleted");
  expect(keptApart(Keeping.parse({ ...nothing, deletions: [deleted(["audio"])] }))).toBe("Audio deleted");
  expect(keptApart(Keeping.parse(nothing))).toBe("");
});
