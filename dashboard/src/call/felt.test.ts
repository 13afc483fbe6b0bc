import { expect, it } from "vitest";
import { feltIn } from "./felt.ts";

const said = (speaker: "caller" | "agent", at: number, emotions: Record<string, number>) => ({ speaker, started_ms: at, emotions });

it("a caller's feeling is told by how it began, where it turned most, and how it ended", () => {
  expect(
    feltIn([
      said("agent", 0, { Calmness: 0.9 }),
      said("caller", 1_000, { Interest: 0.4 }),
      said("caller", 2_000, { Calmness: 0.35, Interest: 0.3 }),
      said("agent", 3_000, { Sympathy: 0.9 }),
      said("caller", 4_000, { Annoyance: 0.7 }),
      said("caller", 5_000, { Tiredness: 0.4, Annoyance: 0.3 }),
      said("caller", 6_000, { Gratitude: 0.3, Tiredness: 0.25 }),
    ]),
  ).toEqual([
    { at: 1_000, name: "Interest", as: "first" },
    { at: 4_000, name: "Annoyance", as: "turn" },
    { at: 6_000, name: "Gratitude", as: "last" },
  ]);
});

it("a turn in the last sentence is told once, and a feeling that never changed has no turn", () => {
  expect(feltIn([said("caller", 0, { Joy: 0.5 }), said("caller", 900, { Anger: 0.5 })])).toEqual([
    { at: 0, name: "Joy", as: "first" },
    { at: 900, name: "Anger", as: "turn" },
  ]);
  expect(feltIn([said("caller", 0, { Joy: 0.5 }), said("caller", 900, { Joy: 0.1 })]).map(({ as }) => as)).toEqual(["first", "last"]);
});

it("nothing is told of a call in which the caller's feelings were not measured, or only once", () => {
  expect(feltIn([said("agent", 0, { Joy: 0.5 }), said("caller", 10, {}), said("caller", 20, { Joy: 0.4 })])).toEqual([]);
  expect(feltIn([])).toEqual([]);
});
