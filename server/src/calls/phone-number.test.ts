import { describe, expect, it } from "vitest";
import { refuseForbiddenNumber } from "./limits.ts";
import { dialable, toldNumber } from "./phone-number.ts";

const limits = (allowed: string[] | null) => ({ max_concurrent: 1, max_per_day: 1, allowed });

describe("a number somebody typed", () => {
  it.each([
    ["+12025550101", "+12025550101"],
    ["+1 (202) 555-0143", "+12025550143"],
    [" +1.202.555.0100 ", "+12025550100"],
    ["+49 30 123456", "+4930123456"],
    ["+39 06 6982", "+39066982"],
  ])("%s is dialled as %s", (typed, number) => {
    expect(dialable(typed).number).toBe(number);
  });

  it.each([
    "2025550101",
    "12025550101",
    "0012025550101",
    "+1202555",
    "+1202555010101010",
    "+",
    "",
    "call me",
    "+1 555",
    "+12025550101 ext. 5",
    "tel:+12025550101",
    "+1202555o1o1",
    "+999123456789",
    "+12025550101,,1",
  ])("%j is refused with the field and a remedy", (typed) => {
    expect(() => dialable(typed)).toThrow(
      expect.objectContaining({ code: "NUMBER_INVALID", fields: [{ field: "to", message: expect.any(String) }] }),
    );
  });
});

describe("what may be called", () => {
  it.each<[string, string[] | null, boolean]>([
    ["+12025550101", null, true],
    ["+4930123456", null, false],
    ["+18765551234", null, false],
    ["+19005550100", null, false],
    ["+19005550100", ["US", "+1"], false],
    ["+4930123456", ["DE"], true],
    ["+4930123456", ["+4930"], true],
    ["+4930123456", ["+4989"], false],
    ["+12025550101", [], false],
  ])("%s with %j allowed: %s", (number, allowed, may) => {
    const ask = () => refuseForbiddenNumber(limits(allowed), dialable(number), "+12025550100");
    if (may) expect(ask).not.toThrow();
    else expect(ask).toThrow(expect.objectContaining({ code: "NUMBER_NOT_ALLOWED" }));
  });

  it("our own number is not, whatever is allowed", () => {
    const ask = () => refuseForbiddenNumber(limits(["US", "+1"]), dialable("+1 202 555 0100"), "+12025550100");
    expect(ask).toThrow(
      expect.objectContaining({ code: "NUMBER_OUR_OWN", status: 422, fields: [expect.objectContaining({ field: "to" })] }),
    );
  });
});

it.each([
  ["12025550106", "+12025550106"],
  ["+12025550106", "+12025550106"],
  ["anonymous", null],
  ["Restricted", null],
  ["", null],
  ["0", null],
  ["+1 (202)", null],
  [null, null],
])("the carrier's %j is %j", (told, number) => {
  expect(toldNumber(told)).toBe(number);
});
