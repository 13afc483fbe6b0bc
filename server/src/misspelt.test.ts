import { expect, test } from "vitest";
import { misspelt } from "./misspelt.ts";

const known = ["PORT", "API_KEY", "DATABASE_URL", "VONAGE_NUMBER"];

test.each([
  ["DATABSE_URL", "DATABASE_URL"],
  ["DATABASE_URLS", "DATABASE_URL"],
  ["DATABASE-URL", "DATABASE_URL"],
  ["DATABASE_ULR", "DATABASE_URL"],
  ["database_url", "DATABASE_URL"],
])("%s is one slip away from %s", (name, meant) => {
  expect(misspelt([name], known)).toEqual([{ name, meant }]);
});

test.each([["DATABASE"], ["PORTS"], ["VONAGE_NUMBER_OLD"], ["DATBSE_URL"], ["HOME"], [""]])("%j is some other name", (name) => {
  expect(misspelt([name], known)).toEqual([]);
});

test("a name that is set is not what another was meant to be", () => {
  expect(misspelt(["VONAGE_NUMBER", "VONAGE_NUMBER2"], known)).toEqual([]);
});
