import { z } from "zod";
import { OpeningHours } from "./opening-hours.ts";
import { RecordingPolicy } from "./recording-policy.ts";
import { AgentTool } from "./tool.ts";

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

const seconds = (least: number, most: number) => z.int().min(least).max(most);
const Said = z.string().trim().min(1).max(300);

/** How long an agent waits, and what it does about silence. Silence is neither of the two speaking, and nothing left to be heard. */
export const Patience = z
  .strictObject({
    end_of_turn_ms: z
      .int()
      .min(100)
      .max(5000)
      .nullable()
      .default(null)
      .describe(
        "Silence after which the caller's turn is over; null leaves it to the engine. EVI ends none sooner than 500 or later than 3000.",
      ),
    nudge: z
      .strictObject({
        after_s: seconds(3, 120),
        text: Said.describe('Such as "Are you still there?".'),
        times: z.int().min(1).max(5).default(1).describe("How often, in one silence."),
      })
      .nullable()
      .default(null)
      .describe("Said when the caller has been silent for so long."),
    goodbye: z
      .strictObject({ after_s: seconds(5, 600), text: Said })
      .nullable()
      .default(null)
      .describe("Said when the silence has lasted for so long, nudges included; then the call ends as `silence`."),
  })
  .refine(({ nudge, goodbye }) => nudge === null || goodbye === null || goodbye.after_s > nudge.after_s, {
    path: ["goodbye", "after_s"],
    message: "must be longer than nudge.after_s",
  });
export type Patience = z.infer<typeof Patience>;

/** How easily the caller breaks into the agent's speech; each engine has its own measure for it. */
export const Interruption = z.enum(["never", "low", "medium", "high"]);
export type Interruption = z.infer<typeof Interruption>;

/** What an agent is: the configured persona a caller meets. Every change makes a new version; a call keeps the one it ran with. */
export const AgentSettings = z.strictObject({
  name: z.string().trim().min(1).max(100),
  engine: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, "is no engine's name; GET /api/engines lists them")
    .default("evi")
    .describe("One of GET /api/engines that is configured."),
  options: z.record(z.string(), z.unknown()).default({}).describe("Engine-specific settings, passed through untouched."),
  prompt: z.string().max(20_000).describe("What the agent is told. {{name}} is replaced by the call's variables."),
  greeting: z.string().max(1000).nullable().default(null).describe("Spoken once, first, at once; null waits for the other party."),
  language: z.string().max(35).default("en"),
  voice: z.string().max(200).nullable().default(null),
  max_minutes: z.int().min(1).max(120).default(30),
  record: z.boolean().default(true).describe("Are its calls recorded at all?"),
  recording: RecordingPolicy.optional().describe("Which recordings, and with whose consent; absent: the carrier's and ours, nobody asked."),
  numbers: z.array(z.string().max(40)).max(100).default([]).describe("Our numbers this agent answers."),
  line: LineRules.optional(),
  patience: Patience.prefault({}),
  interruption: Interruption.default("medium").describe(
    "high: the first sound stops the agent; low: only a clear interruption; never: it speaks to the end. EVI has no never: there 2 s of speech stop it.",
  ),
  tools: z
    .array(AgentTool)
    .max(20)
    .default([{ kind: "hang_up" }])
    .describe("What it can do beside talking. Each built-in once; names are unique."),
  transfer_number: z
    .string()
    .max(40)
    .nullable()
    .default(null)
    .describe("The person a caller can be handed to, with country code; the calling limits hold for it."),
});
export type AgentSettings = z.infer<typeof AgentSettings>;

/** Something to know about saved settings. `field` is a path in them. */
export const AgentNote = z.object({ field: z.string(), message: z.string() });
export type AgentNote = z.infer<typeof AgentNote>;

export const Agent = z.object({
  id: z.uuid(),
  version: z.int(),
  is_default: z.boolean(),
  created_at: z.iso.datetime(),
  settings: AgentSettings,
  notes: z
    .array(AgentNote)
    .default([])
    .describe("What these settings do not do with this engine, and what could not be checked. They were saved all the same."),
});
export type Agent = z.infer<typeof Agent>;

/** GET /api/engines: what each engine makes of an agent's settings. */
export const EngineInfo = z.object({
  name: AgentSettings.shape.engine,
  title: z.string().describe("As people read it."),
  configured: z.boolean().describe("Has this server credentials for it?"),
  needs: z.array(z.string()).describe("The environment variables without which it is not configured."),
  most_prompt_chars: z.int().nullable().describe("The longest prompt it takes; null: only our own limit is known."),
  emotions: z.enum(["none", "caller", "both"]).describe("Whose it measures."),
  verbatim: z.boolean().describe("Does it say greetings, nudges and goodbyes word for word?"),
  notes: z.array(AgentNote).describe("What holds for every agent with this engine."),
});
export type EngineInfo = z.infer<typeof EngineInfo>;
