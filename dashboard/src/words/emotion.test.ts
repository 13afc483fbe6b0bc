import { expect, it } from "vitest";
import { feelings, outOfHundred, strength, strongest } from "./emotion.ts";

it("the strongest emotion stands first whatever order it came in", () => {
  expect(feelings({ Calmness: 0.2, Joy: 0.6, Pain: 0 }).map((f) => f.name)).toEqual(["Joy", "Calmness"]);
  expect(strongest({ Interest: 0.3, Doubt: 0.4 })).toEqual({ name: "Doubt", score: 0.4 });
});
it("an utterance without scores has no emotion", () => expect(strongest({})).toBeNull());
it.each([
  [0.1, "faint"],
  [0.25, "clear"],
  [0.5, "strong"],
])("a score of %d is %s", (score, word) => expect(strength(score)).toBe(word));
it("a score is read out of a hundred", () => expect(outOfHundred(0.634)).toBe("63"));
