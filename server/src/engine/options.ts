import { z } from "zod";
import type { EngineProblem } from "./port.ts";

/** What is wrong with an agent's options for an engine that knows these: unknown names, wrong kinds. */
export function optionProblems(known: z.ZodObject, options: Readonly<Record<string, unknown>>): EngineProblem[] {
  const names = Object.keys(known.shape);
  const read = z.strictObject(known.shape).safeParse(options);
  return (read.error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ field: `options.${key}`, message: `is unknown to this engine; it knows ${names.join(", ")}` }))
      : [{ field: ["options", ...issue.path].join("."), message: issue.message }],
  );
}
