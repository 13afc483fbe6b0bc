import { expect, test } from "vitest";
import { EMOTIONS, scoresOf } from "./prosody.ts";

test("there are 48 names, spelled and ordered as Hume sends them", () => {
  expect(EMOTIONS).toHaveLength(48);
  expect([...EMOTIONS].sort()).toEqual([...EMOTIONS]);
  expect(EMOTIONS).toContain("Surprise (negative)");
  expect(EMOTIONS).toContain("Empathic Pain");
});

const strongest = (text: string, levelDb: number | null = null): string | undefined =>
  Object.entries(scoresOf({ text, levelDb })).sort((a, b) => b[1] - a[1])[0]?.[0];

test("the same words at the same level always feel the same, and scores lie between 0 and 1", () => {
  const said = { text: "Wonderful. Thank you very much for your help. Goodbye.", levelDb: -23.4 };
  expect(scoresOf(said)).toEqual(scoresOf(said));
  expect(Object.keys(scoresOf(said))).toEqual([...EMOTIONS]);
  for (const score of Object.values(scoresOf(said))) expect(score > 0 && score < 1).toBe(true);
});

test("feelings fit the words", () => {
  expect(strongest("Wonderful. Thank you very much for your help. Goodbye.")).toBe("Joy");
  expect(strongest("Sorry, stop. I only want to know what it costs.")).toBe("Sympathy");
  expect(strongest("Good morning. I am calling about my order. It has not arrived yet.")).toBe("Disappointment");
  expect(strongest("(speech, 2.3 s)")).toBe("Calmness");
});

test("a loud voice sounds more excited than a quiet one", () => {
  const said = "I am calling about my order.";
  expect(scoresOf({ text: said, levelDb: -10 }).Excitement).toBeGreaterThan(scoresOf({ text: said, levelDb: -34 }).Excitement ?? 1);
  expect(scoresOf({ text: said, levelDb: -34 }).Calmness).toBeGreaterThan(scoresOf({ text: said, levelDb: -10 }).Calmness ?? 1);
});
