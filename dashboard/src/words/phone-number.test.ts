import { expect, it } from "vitest";
import { looksLikeNumber, numbersGrouped, phoneNumber, typedNumber } from "./phone-number.ts";

it.each([
  ["+12025550101", "+1 202 555 0101"],
  ["+442079460018", "+44 20 7946 0018"],
  ["+4930901820", "+49 30 901820"],
  ["anonymous", "anonymous"],
  [null, "Number withheld"],
])("%s is read as %s", (e164, said) => expect(phoneNumber(e164)).toBe(said));

it("numbers in a sentence are grouped and stay in one piece; other figures are left alone", () => {
  expect(numbersGrouped("A call to +12025550121 was asked for at 12:30.")).toBe(
    "A call to +1\u00a0202\u00a0555\u00a00121 was asked for at 12:30.",
  );
  expect(numbersGrouped("It has 2 + 3 parts.")).toBe("It has 2 + 3 parts.");
});

it("a number is grouped while it is typed, and words are left alone", () => {
  expect(typedNumber("+120255501")).toBe("+1 202 555 01");
  expect(typedNumber("020 79")).toBe("020 79");
  expect(typedNumber("hello")).toBe("hello");
});

it.each([
  ["+1 202 555", true],
  ["0101", true],
  ["(202) 555-0101", true],
  ["12", false],
  ["parcel 0101", false],
  ["---", false],
])("searching %s is a search for a number: %s", (text, yes) => expect(looksLikeNumber(text)).toBe(yes));
