import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { people } from "../people/people.ts";
import { helpOf } from "./help.ts";
import { flags, variables } from "./settings.ts";

const readme = await readFile(new URL("./README.md", import.meta.url), "utf8");

it("lists everyone of the people table, word for word", () => {
  const rows = [...readme.matchAll(/^\| (\+\d+) \| (.*) \|$/gm)].map(([, number, habit]) => `${number} ${habit}`);
  expect(rows).toEqual(people.map((person) => `${person.number} ${person.habit}`));
});

it("names every flag", () => {
  for (const flag of [...Object.keys(flags), "account", "with-parent", "help"]) expect(readme).toContain(`--${flag}`);
});

it("is what --help says of every flag and variable, with its default, in lines a terminal has room for", () => {
  const help = helpOf(readme);
  for (const name of [...Object.keys(flags).map((flag) => `--${flag}`), ...Object.keys(variables), "--account", "--with-parent"])
    expect(help).toMatch(new RegExp(`^  .*${name}\\b`, "m"));
  expect(help).toContain("  --too-early-ms\n      a leg younger than this cannot be modified (400) (default: 1000)\n");
  for (const line of help.split("\n").slice(4)) expect(line.length).toBeLessThanOrEqual(130);
});
