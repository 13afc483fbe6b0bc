/** Variables of a call: the names an agent's texts ask for, and what was filled in. */

/** The names written as {{name}} in a text, each once, in reading order. */
export function namedIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}/g)].map((match) => match[1] ?? ""))];
}

/** Rows of a form as the API takes them; rows without a name or without a value are left out. The last of a name wins. */
export function variablesFrom(rows: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(
    rows.map(({ name, value }) => [name.trim(), value.trim()] as const).filter(([name, value]) => name !== "" && value !== ""),
  );
}
