import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { agents } from "./directive.ts";
import { faultTable } from "./faults.ts";

const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");

test("the README's tables are those of the program", () => {
  for (const { name, habit } of agents) expect(readme).toContain(`| \`${name}\` | ${habit} |`);
  for (const { name, does } of faultTable) expect(readme).toContain(`| \`${name}\` | ${does} |`);
});
