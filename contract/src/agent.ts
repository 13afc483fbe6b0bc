import { z } from "zod";
import { OpeningHours } from "./opening-hours.ts";

/** What happens on the line itself, beside the talking. */
export const LineRules = z.strictObject({
  voicemail: z
    .enum(["talk", "hang_up", "leave_message"])
    .default("talk")
    .describe("When a machine answers. leave_message waits for its beep, which lets a person who answers wait for up to five seconds."),
  voicemail_message: z
    .string()
    .trim()
    .min(1)
    .max(1500)
    .nullable()
    .default(null)
    .describe("Spoken by the carrier after the beep. {{name}} is filled in."),
  notice: z
    .string()
    .trim()
    .min(1)
    .max(1500)
    .nullable()
    .default(null)
    .describe("Spoken by the carrier before the agent, such as a notice of recording."),
  notice_recorded: z.boolean().default(false).describe("Is the notice itself part of the recording?"),
  hours: OpeningHours.nullable().default(null).describe("When it takes inbound calls; null: always."),
});
export type LineRules = z.infer<typeof LineRules>;

/** What an agent is: the configured persona a caller meets. Every change makes a new version; a call keeps the one it ran with. */
export const AgentSettings = z.strictObject({
  name: z.string().trim().min(1).max(100),
  engine: z.enum(["evi", "openai"]).default("evi"),
  options: z.record(z.string(), z.unknown()).default({}).describe("Engine-specific settings, passed through untouched."),
  prompt: z.string().max(20_000).describe("What the agent is told. {{name}} is replaced by the call's variables."),
  greeting: z.string().max(1000).nullable().default(null).describe("Spoken once, first, at once; null waits for the other party."),
  language: z.string().max(35).default("en"),
  voice: z.string().max(200).nullable().default(null),
  max_minutes: z.int().min(1).max(120).default(30),
  record: z.boolean().default(true),
  numbers: z.array(z.string().max(40)).max(100).default([]).describe("Our numbers this agent answers."),
  line: LineRules.optional(),
});
export type AgentSettings = z.infer<typeof AgentSettings>;

export const Agent = z.object({
  id: z.uuid(),
  version: z.int(),
  is_default: z.boolean(),
  created_at: z.iso.datetime(),
  settings: AgentSettings,
});
export type Agent = z.infer<typeof Agent>;
