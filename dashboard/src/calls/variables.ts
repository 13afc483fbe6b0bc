/** Variables of a call: the names an agent's texts ask for, and what was filled in. */

/** What the server fills in by itself from the call (server: calls/load.ts). */
const known: ReadonlySet<string> = new Set(["customer_name", "customer_number", "direction", "agent_name"]);

/** The names a text asks the caller of the API for: each {{name}} or {{name|fallback}} once, in reading order, without what is known. */
export function namedIn(text: string): string[] {
  const names = [...text.matchAll(/\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(?:\|[^{}]*)?\}\}/g)].map((match) => match[1] ?? "");
  return [...new Set(names)].filter((name) => !known.has(name));
}

/** The variables of an earlier call as a form shows them: every value a text, what was not given left empty. */
export const textsFrom = (variables: Readonly<Record<string, string | number | boolean | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value === null ? "" : String(value)]));

/** Rows of a form as the API takes them; rows without a name or without a value are left out. The last of a name wins. */
export function variablesFrom(rows: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(
    rows.map(({ name, value }) => [name.trim(), value.trim()] as const).filter(([name, value]) => name !== "" && value !== ""),
  );
}
