import { z } from "zod";
import { Recording, RecordingStatus } from "./recording.ts";
import { CallStatus, EndReason } from "./status.ts";

export const Direction = z.enum(["inbound", "outbound"]);
export type Direction = z.infer<typeof Direction>;

/** Free facts about the callee, filled into the agent's prompt as {{name}}. Values are short texts, numbers or booleans. */
export const Variables = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), z.union([z.string().max(2000), z.number(), z.boolean()]))
  .refine((v) => Object.keys(v).length <= 50, "At most 50 variables.");
export const Metadata = z
  .record(z.string().max(64), z.union([z.string().max(2000), z.number(), z.boolean(), z.null()]))
  .refine((v) => Object.keys(v).length <= 50, "At most 50 entries.");

/** POST /api/calls */
export const PlaceCall = z.strictObject({
  to: z.string().min(1).max(40).describe("The number to call, with country code: +12025550143."),
  agent_id: z.uuid().optional().describe("Who speaks; the default agent when absent."),
  customer_name: z.string().trim().min(1).max(200).optional(),
  variables: Variables.optional(),
  metadata: Metadata.optional(),
});
export type PlaceCall = z.infer<typeof PlaceCall>;

export const AgentRef = z.object({ id: z.uuid(), name: z.string(), version: z.int() });

const Money = z.object({ amount: z.string().describe("Decimal."), currency: z.string() });

/** What a call has cost. The carrier and the engine may bill in two currencies: nothing is added up. */
export const CallCost = z.object({
  carrier: Money.nullable().describe("What the carrier charged for all legs that it has named a price for; null: not known (yet)."),
  engine: Money.nullable().describe("An estimate by the prices of ENGINE_PRICES and those published; null: not known."),
  usage: z
    .object({
      session_seconds: z.number().nullable().describe("Engines billed by time: how long their sessions were open."),
      transcribed_seconds: z.number().nullable(),
      tokens: z
        .object({ text_in: z.int(), audio_in: z.int(), cached_in: z.int(), text_out: z.int(), audio_out: z.int() })
        .nullable()
        .describe("cached_in is part of the two before it."),
    })
    .nullable()
    .describe("What the engine has told of; null: nothing."),
});
export type CallCost = z.infer<typeof CallCost>;

/** A call as JSON. Times are ISO 8601 UTC, durations milliseconds. */
export const Call = z.object({
  id: z.uuid(),
  direction: Direction,
  status: CallStatus,
  end_reason: EndReason.nullable(),
  end_detail: z.string().nullable().describe("The evidence behind end_reason in one sentence."),
  from: z.string().nullable().describe("E.164 with +; null when the caller withheld it."),
  to: z.string().nullable(),
  agent: AgentRef.nullable(),
  customer_name: z.string().nullable(),
  variables: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  created_at: z.iso.datetime(),
  dialed_at: z.iso.datetime().nullable(),
  ringing_at: z.iso.datetime().nullable(),
  started_at: z.iso.datetime().nullable().describe("When it was answered."),
  ended_at: z.iso.datetime().nullable(),
  duration_ms: z.int().nullable().describe("Talk time: answered to ended. Null when nobody answered or it still runs."),
  ring_ms: z.int().nullable(),
  engine: z.string().nullable(),
  price: z.string().nullable().describe("What the carrier charged, decimal, in price_currency."),
  price_currency: z.string().nullable(),
  cost: CallCost,
  utterance_count: z.int(),
  recording: Recording,
});
export type Call = z.infer<typeof Call>;

/** GET /api/calls?... */
export const ListCalls = z.strictObject({
  status: z
    .union([CallStatus, z.literal("live")])
    .optional()
    .describe("`live` is every call not ended."),
  direction: Direction.optional(),
  end_reason: EndReason.optional(),
  recording: RecordingStatus.optional(),
  agent_id: z.uuid().optional(),
  number: z.string().max(40).optional().describe("Part of either number, digits only are compared."),
  search: z
    .string()
    .max(200)
    .optional()
    .describe('Words of one sentence of the transcript, or of the customer\'s name; the last may be unfinished. "A phrase", -without, or.'),
  from: z.iso.datetime({ offset: true }).optional().describe("Created at or after."),
  to: z.iso.datetime({ offset: true }).optional().describe("Created before."),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
export type ListCalls = z.infer<typeof ListCalls>;

/** A page of anything: `next` is the cursor of the following page, null on the last. */
export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

export const Speaker = z.enum(["caller", "agent"]);
export type Speaker = z.infer<typeof Speaker>;

export const Utterance = z.object({
  id: z.uuid(),
  speaker: Speaker,
  text: z.string(),
  started_ms: z.int().describe("From the answer."),
  ended_ms: z.int(),
  emotions: z.record(z.string(), z.number()).describe("Name to score, strongest first."),
  emotion_set: z.string().nullable().describe("Whose vocabulary: evi-prosody-48, hume-expression-1, ..."),
  cut: z.boolean().describe("Was it broken off by the other party?"),
  heard_ms: z.int().nullable().describe("Agent speech: how much of it was played to the caller."),
  language: z.string().nullable(),
  source: z
    .enum(["heard", "engine"])
    .describe(
      "heard: as it happened. engine: it was missing and came from the engine's history after the call; its times are about right.",
    ),
});
export type Utterance = z.infer<typeof Utterance>;

/** Something that happened in a call: one row of its timeline. */
export const CallEvent = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  call_ms: z.int().nullable().describe("Milliseconds from the answer; negative before it."),
  kind: z.string().describe("Past tense, dotted: call.answered, recording.stored, engine.ready, webhook.duplicate ..."),
  actor: z.enum(["caller", "agent", "carrier", "engine", "operator", "us"]),
  said: z.string().describe("One plain sentence."),
  detail: z.record(z.string(), z.unknown()),
});
export type CallEvent = z.infer<typeof CallEvent>;

/** GET of a list inside a call: utterances, events, webhooks. */
export const PageQuery = z.strictObject({
  cursor: z.string().max(200).optional().describe("`next` of the page before."),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
});
export type PageQuery = z.infer<typeof PageQuery>;

/**
 * What /api/live sends, each as a server-sent event named `change`: only which call changed; the reader asks again.
 * Beside it comes `event: snapshot` (data `{}`): first of all, and whenever something may have been missed. Read everything again then.
 */
export const LiveChange = z.object({
  call_id: z.uuid(),
  what: z.enum(["call", "utterance", "recording", "event"]),
});
export type LiveChange = z.infer<typeof LiveChange>;
