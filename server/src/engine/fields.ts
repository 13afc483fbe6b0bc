/**
 * Fields of a message that was parsed, read one by one: what is missing or of another kind is null and costs nothing of the rest. A schema library
 * does the same at two to five times the cost of the parsing itself (bench/adapters/README.md), which with every word of every call is too much.
 */
export type Json = Readonly<Record<string, unknown>>;

/** An object that is no list. */
export const objectIn = (value: unknown): Json | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
export const textIn = (value: unknown): string | null => (typeof value === "string" ? value : null);
/** JSON can say numbers that are none: 1e999. */
export const numberIn = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
/** A list of objects and nothing else. */
export const objectsIn = (value: unknown): readonly Json[] | null =>
  Array.isArray(value) && value.every((one) => objectIn(one) !== null) ? (value as Json[]) : null;
