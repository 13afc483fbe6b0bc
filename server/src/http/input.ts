import type { z } from "zod";
import { InvalidRequest } from "./failures.ts";

/** As fastify calls a validator: what is checked, and the schema it has for it. */
export const checkInput =
  ({ schema, httpPart }: { schema: unknown; httpPart?: string }) =>
  (input: unknown): { value: unknown } | { error: Error } => {
    const rotten = unstorable(input);
    if (rotten)
      return {
        error: new InvalidRequest([{ field: rotten.join(".") || (httpPart ?? "body"), message: "has characters that cannot be stored" }]),
      };
    const { data, error } = (schema as z.ZodType).safeParse(input, { reportInput: true });
    if (!error) return { value: data };
    return { error: new InvalidRequest(error.issues.flatMap((issue) => fieldsOf(issue, httpPart ?? "body")).slice(0, 50)) };
  };

/** Each thing zod complains of as the field's name and what it must be, to be read after it: "limit must be at most 100". */
function fieldsOf(issue: z.core.$ZodIssue, part: string): { field: string; message: string }[] {
  const field = issue.path.map(String).join(".") || part;
  if (issue.code === "unrecognized_keys") {
    const under = issue.path.map(String);
    return issue.keys.map((key) => ({ field: [...under, key.slice(0, 100)].join("."), message: "is not known here" }));
  }
  return [{ field: field.slice(0, 200), message: message(issue) }];
}

function message(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_value" || issue.code === "invalid_union"))
    return "is required";
  switch (issue.code) {
    case "invalid_type":
      if (Array.isArray(issue.input))
        return issue.expected === "string" || issue.expected === "number" ? "must be given once" : `must be ${an(issue.expected)}`;
      return `must be ${an(issue.expected)}`;
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union": {
      const inner = issue.errors.flat();
      const values = inner.flatMap((nested) => (nested.code === "invalid_value" ? nested.values : []));
      if (values.length > 0) return oneOf(values);
      return inner[0] ? message(inner[0]) : "has none of the allowed forms";
    }
    case "too_small":
      if (issue.origin === "string") return issue.minimum === 1 ? "must not be empty" : `must have at least ${issue.minimum} characters`;
      return issue.origin === "array" ? `must have at least ${issue.minimum} items` : `must be at least ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `must have at most ${issue.maximum} characters`;
      return issue.origin === "array" ? `must have at most ${issue.maximum} items` : `must be at most ${issue.maximum}`;
    case "invalid_format":
      return formats[issue.format] ?? "has the wrong form";
    case "invalid_key":
      return `is not an allowed name: ${issue.issues[0] ? message(issue.issues[0]) : "wrong form"}`;
    case "custom":
      return issue.message;
    case "not_multiple_of":
    case "unrecognized_keys":
    case "invalid_element":
      return issue.message;
  }
}

const formats: Readonly<Record<string, string>> = {
  uuid: "must be a UUID",
  email: "must be an e-mail address",
  datetime: "must be a time in ISO 8601 with its zone, as 2026-01-31T09:30:00Z",
  url: "must be a URL",
  regex: "has characters that are not allowed here, or is too long",
  safeint: "must be a whole number",
};

const kinds: Readonly<Record<string, string>> = { string: "a text", int: "a whole number", record: "an object", boolean: "true or false" };
const an = (expected: string): string => kinds[expected] ?? `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected}`;
const oneOf = (values: readonly unknown[]): string => `must be one of ${values.map(String).join(", ")}`;

/**
 * Where in `input` is text Postgres cannot keep: U+0000 anywhere, half of a surrogate pair in jsonb. Null when there is none.
 * JSON may carry both, and without this they end as a 500.
 */
export function unstorable(input: unknown): string[] | null {
  if (typeof input === "string") return input.includes("\u0000") || !input.isWellFormed() ? [] : null;
  if (typeof input !== "object" || input === null) return null;
  for (const [key, value] of Object.entries(input)) {
    if (unstorable(key)) return ["body"];
    const below = unstorable(value);
    if (below) return [key.slice(0, 100), ...below];
  }
  return null;
}
