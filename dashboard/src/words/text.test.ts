import { expect, it } from "vitest";
import { count, inMoments, isArabicScript, plain, size } from "./text.ts";

it.each([
  ["جی ہاں، میں کل آ سکتا ہوں", true],
  ["جی ہاں OK", true],
  ["Yes, tomorrow is fine", false],
  ["The word ہاں means yes in this long English sentence", false],
  ["123", false],
])("%s is set in Nastaliq: %s", (text, yes) => expect(isArabicScript(text)).toBe(yes));
it("counts agree with their noun", () => {
  expect(count(1, "call")).toBe("1 call");
  expect(count(1204, "call")).toBe("1,204 calls");
});
it.each([
  [812, "812 bytes"],
  [812_400, "812 kB"],
  [3_400_000, "3.4 MB"],
])("%i bytes read %s", (bytes, said) => expect(size(bytes)).toBe(said));
it("a machine's word becomes a person's", () => expect(plain("recording.stored_late")).toBe("recording stored late"));
it("moments stand apart from words", () =>
  expect(inMoments("It lacks the agent from 0:41 to 12:05 (1.3 s).")).toEqual([
    "It lacks the agent from ",
    { said: "0:41", seconds: 41 },
    " to ",
    { said: "12:05", seconds: 725 },
    " (1.3 s).",
  ]));
