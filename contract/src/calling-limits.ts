import { z } from "zod";

/** What may be dialled at all: the wall against toll fraud and against our own mistakes. PUT /api/settings/calling-limits */
export const CallingLimits = z.strictObject({
  max_concurrent: z.int().min(0).max(10_000).describe("Calls that run at once, both directions; beyond it none is placed."),
  max_per_day: z.int().min(0).max(1_000_000).describe("Calls placed within any 24 hours."),
  allowed: z
    .array(z.string().regex(/^([A-Z]{2}|\+\d{1,14})$/, "must be a country such as US, or a prefix such as +4930"))
    .max(300)
    .nullable()
    .describe("Countries (US) and prefixes (+4930) that may be dialled; null: our own number's country. Premium numbers never."),
  legs_per_second: z
    .int()
    .min(2)
    .max(200)
    .optional()
    .describe(
      "New calls and new connections together that the carrier takes in a second: 3, unless it granted the account more. Absent: as it is.",
    ),
});
export type CallingLimits = z.infer<typeof CallingLimits>;

/** GET /api/settings/calling-limits: the limits, and how much of them is used now. */
export const CallingLimitsNow = CallingLimits.extend({
  legs_per_second: CallingLimits.shape.legs_per_second.unwrap(),
  running: z.int().describe("Calls that run now, both directions."),
  placed: z.int().describe("Calls placed within the last 24 hours."),
});
export type CallingLimitsNow = z.infer<typeof CallingLimitsNow>;
