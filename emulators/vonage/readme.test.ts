import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { people } from "../people/people.ts";
import { flags } from "./settings.ts";

const readme = await readFile(new URL("./README.md", import.meta.url), "utf8");

it("lists everyone of the people table, word for word", () => {
  const rows = [...readme.matchAll(/^\| (\+\d+) \| (.*) \|$/gm)].map(([, number, habit]) => `${number} ${habit}`);
  expect(rows).toEqual(people.map((person) => `${person.number} ${person.habit}`));
});

it("names every flag", () => {
  for (const flag of [...Object.keys(flags), "account", "with-parent"]) expect(readme).toContain(`--${flag}`);
});
