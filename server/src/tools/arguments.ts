import { Ajv, type ValidateFunction } from "ajv";

/** Arguments of a tool against its JSON Schema: what may be a schema, and what an engine gave for it. */

/** A schema is part of every session's settings, and its check runs between the frames of other calls. */
const MOST_SCHEMA_CHARS = 8_000;
const MOST_ARGUMENTS_CHARS = 8_000;
const MOST_DEPTH = 12;
/**
 * What is not taken: expressions, and references that multiply, can take forever on some texts, and every call's sound would wait; formats
 * check nothing here.
 */
const refused: Readonly<Record<string, string>> = {
  pattern: "use enum, or say it in the description",
  patternProperties: "name the properties",
  format: "say it in the description",
  $id: "leave it out",
  $ref: "write it out",
  $dynamicRef: "write it out",
  $recursiveRef: "write it out",
};

export type Arguments = Readonly<Record<string, unknown>>;

const compiled = new WeakMap<object, ValidateFunction>();

/** Why this cannot be the schema of a tool's arguments; null when it can. Completes "parameters ...". */
export function schemaRefusal(schema: Readonly<Record<string, unknown>>): string | null {
  if (JSON.stringify(schema).length > MOST_SCHEMA_CHARS) return `are longer than ${MOST_SCHEMA_CHARS} characters of JSON`;
  if (schema.type !== "object") return 'must be a schema with "type": "object"';
  const found = refusedIn(schema, "", 0);
  if (found !== null) return found;
  try {
    validatorOf(schema);
    return null;
  } catch (error) {
    return `are no valid JSON Schema: ${(error as Error).message.slice(0, 300)}`;
  }
}

/**
 * What an engine gave as arguments, a text, as the object the schema asks for; or what is wrong, for the engine to read. The schema is one that
 * `schemaRefusal` has nothing against.
 */
export function readArguments(
  schema: Readonly<Record<string, unknown>>,
  text: string,
): { readonly is: Arguments } | { readonly wrong: string } {
  if (text.length > MOST_ARGUMENTS_CHARS) return { wrong: `The arguments are longer than ${MOST_ARGUMENTS_CHARS} characters.` };
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === "" ? "{}" : text);
  } catch {
    return { wrong: "The arguments are not JSON." };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { wrong: "The arguments must be a JSON object." };
  const valid = validatorOf(schema);
  if (valid(value)) return { is: value as Arguments };
  const said = (valid.errors ?? []).slice(0, 5).map((error) => {
    const place = error.instancePath === "" ? "The arguments" : error.instancePath.slice(1).replaceAll("/", ".");
    const allowed = error.keyword === "enum" ? `: ${JSON.stringify(error.params.allowedValues)}` : "";
    const name = error.keyword === "additionalProperties" ? ` (${String(error.params.additionalProperty)})` : "";
    return `${place} ${error.message ?? "is wrong"}${allowed}${name}.`;
  });
  return { wrong: said.join(" ").slice(0, 1_000) };
}

/** Schemas are compiled once as long as their object lives. A validator of its own each: names in one must not meet those of another. */
function validatorOf(schema: Readonly<Record<string, unknown>>): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = new Ajv({ strict: false, allErrors: false, logger: false, validateFormats: false, addUsedSchema: false }).compile(schema);
  compiled.set(schema, made);
  return made;
}

/** The first keyword that is not taken, wherever in the schema; a property may have such a name. */
function refusedIn(value: unknown, place: string, depth: number): string | null {
  if (depth > MOST_DEPTH * 2) return `are nested more than ${MOST_DEPTH} deep`;
  if (Array.isArray(value)) return firstOf(value.map((one, at) => () => refusedIn(one, `${place}.${at}`, depth + 1)));
  if (typeof value !== "object" || value === null) return null;
  return firstOf(
    Object.entries(value).map(([key, inner]) => () => {
      const here = place === "" ? key : `${place}.${key}`;
      const isName = /(^|\.)(properties|\$defs|definitions)$/.test(place);
      if (!isName && refused[key] !== undefined) return `hold ${here}, which is not taken: ${refused[key]}`;
      return isData(key) && !isName ? null : refusedIn(inner, here, depth + 1);
    }),
  );
}

/** Values, not schemas. */
const isData = (key: string): boolean => ["enum", "const", "default", "examples", "required"].includes(key);

function firstOf(looks: readonly (() => string | null)[]): string | null {
  for (const look of looks) {
    const found = look();
    if (found !== null) return found;
  }
  return null;
}
