/**
 * Rows for `jsonb_to_recordset($1)`: many rows of one shape in one statement. Dates become ISO texts, undefined fields null. Texts are made such as
 * Postgres can hold: jsonb refuses a NUL and half of a surrogate pair, and one such text must not spoil the other rows.
 */
export function recordset(rows: readonly object[]): string {
  // What stringify escapes as \u of a surrogate is half a pair; an escaped backslash before a "u" is stepped over.
  return JSON.stringify(rows).replace(/\\\\|\\u(?:0000|d[89a-f][0-9a-f]{2})/g, (told) => (told === "\\\\" ? told : "\ufffd"));
}
