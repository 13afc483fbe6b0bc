import { z } from "zod";

const Why = z.string().trim().min(1).max(500);

/** What of a call can be deleted. `audio`: every source. `customer`: who they are, and the carrier's raw requests. */
export const Deletable = z.enum(["audio", "transcript", "customer"]);
export type Deletable = z.infer<typeof Deletable>;

export const Hold = z.object({ why: z.string(), placed_at: z.iso.datetime(), placed_by: z.string() });

export const Deletion = z.object({
  id: z.uuid(),
  asked_at: z.iso.datetime(),
  asked_by: z.string().describe("user:<id>, key:<id>, us."),
  because: z.string().describe("What the person said, or rule:<id>."),
  what: z.array(Deletable),
  done_at: z.iso.datetime().nullable().describe("Null: not done yet."),
  receipt: z.record(z.string(), z.unknown()).nullable().describe("What was deleted, signed with the installation's key."),
});
export type Deletion = z.infer<typeof Deletion>;

export const Redaction = z.object({
  id: z.uuid(),
  from_ms: z.int().describe("From the answer."),
  to_ms: z.int(),
  side: z.enum(["caller", "agent", "both"]),
  original: z.enum(["sealed", "destroyed"]),
  why: z.string(),
  asked_at: z.iso.datetime(),
  asked_by: z.string(),
  done_at: z.iso.datetime().nullable(),
});
export type Redaction = z.infer<typeof Redaction>;

/** What a party was told about being recorded, and what was answered. */
export const Consent = z.object({
  at: z.iso.datetime(),
  told_by: z.enum(["agent", "carrier", "operator", "contract"]),
  words: z.string().nullable(),
  words_sha256: z.string(),
  answer: z.enum(["given", "refused", "silent", "not_asked"]),
});
export type Consent = z.infer<typeof Consent>;

/** GET /api/calls/{id}/keeping */
export const Keeping = z.object({
  hold: Hold.nullable().describe("While there is one, nothing of the call is deleted or redacted."),
  deletions: z.array(Deletion),
  redactions: z.array(Redaction),
  consents: z.array(Consent),
});
export type Keeping = z.infer<typeof Keeping>;

/** PUT /api/calls/{id}/hold */
export const PlaceHold = z.strictObject({ why: Why });

/** POST /api/calls/{id}/deletions */
export const AskDeletion = z.strictObject({ what: z.array(Deletable).min(1).max(3), because: Why });

/** POST /api/calls/{id}/redactions */
export const AskRedaction = z.strictObject({
  from_ms: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .describe("From the answer."),
  to_ms: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
  side: Redaction.shape.side.default("both"),
  original: Redaction.shape.original.default("sealed").describe("sealed: kept where nothing plays it. destroyed: gone."),
  why: Why,
});

/** How long something is kept; the agent's own rule goes before the one for all. GET /api/keep-rules */
export const KeepRule = z.object({
  agent_id: z.uuid().nullable(),
  what: z
    .enum(["audio", "transcript", "journal"])
    .describe("journal: the flight recorder's file, deleted when its days have passed and the call's recordings are settled."),
  days: z.int(),
});
export type KeepRule = z.infer<typeof KeepRule>;

/** PUT /api/keep-rules */
export const SetKeepRule = z
  .strictObject({
    agent_id: z.uuid().nullable().default(null).describe("Null: every agent without a rule of its own."),
    what: KeepRule.shape.what,
    days: z
      .int()
      .min(0)
      .max(36_500)
      .nullable()
      .describe(
        "From the end of the call; null: audio and transcripts for ever, journals the usual 3 days. 0 only for journals: as soon as nothing needs them.",
      ),
  })
  .refine(({ what, days }) => days !== 0 || what === "journal", { path: ["days"], message: "at least 1 day, but for journals" });
