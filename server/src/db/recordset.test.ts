import { afterAll, beforeAll, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { recordset } from "./recordset.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

it.each([
  ["plain", "a talk", "a talk"],
  ["a NUL", "a\0b", "a\ufffdb"],
  ["half a pair", "a\ud800b", "a\ufffdb"],
  ["the other half", "a\udfffb", "a\ufffdb"],
  ["a whole pair", "a😀b", "a😀b"],
  ["what only looks like an escape", "a\\ud800b\\u0000", "a\\ud800b\\u0000"],
  ["a backslash before half a pair", "\\\ud800", "\\\ufffd"],
  ["quotes and lines", 'a"b\n\t\\', 'a"b\n\t\\'],
])("a row with %s reaches the database", async (_what, text, held) => {
  const at = new Date("2026-03-04T10:00:00.123Z");
  const { rows } = await db.pool.query("select * from jsonb_to_recordset($1) as x (text text, at timestamptz, none int, detail jsonb)", [
    recordset([{ text, at, none: undefined, detail: { text } }]),
  ]);
  expect(rows).toEqual([{ text: held, at, none: null, detail: { text: held } }]);
});
