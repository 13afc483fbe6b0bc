import { z } from "zod";
import type { EngineProblem } from "./port.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * What an agent wants of its engine that we have no name for: it goes into the session's settings as it is, where those have the same field together
 * with what we put there.
 */
export const Extra = z.record(z.string(), z.unknown()).optional();

/** What is wrong with an agent's options for an engine that knows these: unknown names, wrong kinds. */
export function optionProblems(known: z.ZodObject, options: Json): EngineProblem[] {
  const names = Object.keys(known.shape);
  const read = z.strictObject(known.shape).safeParse(options);
  return (read.error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({
          field: `options.${key}`,
          message: `is unknown to this engine; it knows ${names.join(", ")}. What the vendor knows beside these goes into extra`,
        }))
      : [{ field: ["options", ...issue.path].join("."), message: issue.message }],
  );
}

/** Which of `reserved` (a path in the settings, and what to do instead) `extra` would put something at. Pure. */
export const extraProblems = (extra: unknown, reserved: Readonly<Record<string, string>>): EngineProblem[] =>
  Object.entries(reserved).flatMap(([path, instead]) =>
    at(extra, path.split(".")) === undefined ? [] : [{ field: `options.extra.${path}`, message: instead }],
  );

const at = (value: unknown, [name, ...rest]: readonly string[]): unknown =>
  name === undefined ? value : isObject(value) && Object.hasOwn(value, name) ? at(value[name], rest) : undefined;

/** Settings with more put into them: objects become one, lists are joined, anything else is replaced. Pure. */
export function withExtra(settings: Json, extra: Json | undefined): Record<string, unknown> {
  const both = (ours: unknown, theirs: unknown): unknown =>
    isObject(ours) && isObject(theirs)
      ? withExtra(ours, theirs)
      : Array.isArray(ours) && Array.isArray(theirs)
        ? [...ours, ...theirs]
        : theirs;
  const more = Object.entries(extra ?? {}).map(([name, value]) => [name, both(settings[name], value)] as const);
  return { ...settings, ...Object.fromEntries(more) };
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
