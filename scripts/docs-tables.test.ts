import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failureRows, tables } from "./docs-tables.ts";
import { root } from "./program.ts";

test.each(Object.entries(tables()))("%s says what the code says (node scripts/docs-tables.ts writes it)", (file, text) => {
  expect(readFileSync(join(root, file), "utf8")).toBe(text);
});

test("no failure code stands for two failures", () => {
  const codes = failureRows().map(({ code }) => code);
  expect(codes).toEqual([...new Set(codes)]);
});
