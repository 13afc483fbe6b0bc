import { expect, test } from "vitest";
import { iso639 } from "./language.ts";

test.each([
  ["en", "en"],
  ["nl-BE", "nl"],
  ["zh_Hant_TW", "zh"],
  ["deu", "de"],
  ["fil", "tl"],
  ["fil-PH", "tl"],
  ["haw", null],
  ["English", null],
  ["", null],
])("%s is written down as %s", (tag, letters) => {
  expect(iso639(tag)).toBe(letters);
});
