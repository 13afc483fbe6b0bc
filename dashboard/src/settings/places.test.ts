import { expect, it } from "vitest";
import { countryCode, countryName, typedPlace } from "./places.ts";

it.each([
  ["Germany", "DE"],
  [" de ", "DE"],
  ["united kingdom", "GB"],
  ["+49 30", "+4930"],
  ["004930", "+4930"],
  ["+", null],
  ["Atlantis", null],
  ["4930", null],
])("%s may be called as %s", (typed, place) => expect(typedPlace(typed)).toBe(place));

it("a number of ours has a country, and the country a name", () =>
  expect(countryName(countryCode("+12025550100") ?? "")).toBe("United States"));
