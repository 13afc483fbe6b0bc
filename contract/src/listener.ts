import { z } from "zod";

/** What other systems can be told of. */
export const TellingKind = z.enum(["call.ended", "recording.stored", "recording.missing", "recording.failed", "transcript.ready"]);
export type TellingKind = z.infer<typeof TellingKind>;

/** Another system that is told what happens, by signed webhooks. GET /api/listeners */
export const Listener = z.object({
  id: z.uuid(),
  url: z.string(),
  kinds: z.array(TellingKind),
  said: z.string().describe("What it is for."),
  made_at: z.iso.datetime(),
  paused_at: z.iso.datetime().nullable().describe("Paused by a person: what happens meanwhile waits."),
  waiting: z.int().describe("Tellings of the last week that wait for their next attempt."),
  told: z.int(),
  dead: z.int().describe("Given up after their last attempt; tell them again by hand."),
});
export type Listener = z.infer<typeof Listener>;

/** POST /api/listeners */
export const MakeListener = z.strictObject({
  url: z.string().min(1).max(2000).describe("https, reachable from the internet."),
  kinds: z.array(TellingKind).min(1).max(TellingKind.options.length),
  said: z.string().trim().max(200).default(""),
});

/** The answer: the only time the secret is shown. */
export const MadeListener = Listener.extend({
  secret: z.string().describe("Signs every telling: Earshot-Signature is t=<seconds>,v1=HMAC-SHA-256(secret, '<t>.<body>') in hex."),
});

/** PATCH /api/listeners/{id} */
export const ChangeListener = z.strictObject({ paused: z.boolean() });

/** One event told to one listener. GET /api/listeners/{id}/tellings */
export const Telling = z.object({
  id: z.uuid(),
  kind: TellingKind,
  call_id: z.uuid(),
  made_at: z.iso.datetime(),
  status: z.enum(["waiting", "told", "dead"]),
  attempts: z.int(),
  next_attempt_at: z.iso.datetime().nullable(),
  answer: z.int().nullable().describe("The last HTTP status; null: none came."),
  because: z.string().nullable().describe("Why the last attempt failed."),
  told_at: z.iso.datetime().nullable(),
});
export type Telling = z.infer<typeof Telling>;

/** A queue of background work as it stands. GET /api/jobs */
export const JobQueue = z.object({
  queue: z.string(),
  waiting: z.int().describe("Due now, or later."),
  due: z.int(),
  running: z.int(),
  failed: z.int().describe("Given up after their last try; kept for a week."),
  oldest_due_seconds: z.number(),
});
export type JobQueue = z.infer<typeof JobQueue>;
