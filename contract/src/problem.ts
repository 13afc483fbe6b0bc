import { z } from "zod";

/** RFC 9457 problem+json as every error of the API has it. */
export const Problem = z.object({
  type: z.string(),
  title: z.string().describe("What happened, in one sentence."),
  status: z.int(),
  code: z.string().describe("Stable, upper case; the remedies are in docs/failures.md."),
  remedy: z.string().describe("What to do now."),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .describe("Which field is wrong and why."),
  instance: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;
