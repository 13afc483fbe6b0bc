import { z } from "zod";

const Time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "must be a time such as 09:00");
export const Weekday = z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
export type Weekday = z.infer<typeof Weekday>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** When an agent takes inbound calls, and who takes them otherwise. */
export const OpeningHours = z.strictObject({
  time_zone: z.string().max(64).refine(isTimeZone, "is not a time zone; give one such as Europe/Berlin").describe("IANA name."),
  open: z
    .array(
      z.strictObject({
        days: z.array(Weekday).min(1).max(7),
        from: Time,
        to: Time.describe("Not after `from`: it ends on the next day. 24:00 is midnight."),
      }),
    )
    .max(50),
  closed_on: z
    .array(z.iso.date())
    .max(400)
    .default([])
    .describe("Days on which nothing opens, in that zone; what opened the evening before still ends in the morning."),
  otherwise: z.discriminatedUnion("do", [
    z.strictObject({
      do: z.literal("say"),
      text: z.string().trim().min(1).max(1500).describe("Spoken by the carrier; then the call ends."),
    }),
    z.strictObject({ do: z.literal("agent"), agent_id: z.uuid().describe("Takes the call; its own hours are not asked.") }),
    z.strictObject({
      do: z.literal("number"),
      number: z.string().min(1).max(40).describe("A person's number, with country code; the calling limits hold for it."),
      text: z.string().trim().min(1).max(1500).describe("Spoken when nobody there can be reached."),
    }),
  ]),
});
export type OpeningHours = z.infer<typeof OpeningHours>;
