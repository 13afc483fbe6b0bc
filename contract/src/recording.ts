import { z } from "zod";

/** Where the audio came from. */
export const RecordingSource = z.enum(["carrier", "journal", "engine"]);
export type RecordingSource = z.infer<typeof RecordingSource>;

export const recordingStatuses = [
  "none",
  "expected",
  "announced",
  "fetching",
  "stored",
  "verified",
  "missing",
  "failed",
  "refused",
  "deleted",
] as const;
/** `none`: no recording is wanted or possible (nobody answered, no consent). The rest is the walk of a recording. */
export const RecordingStatus = z.enum(recordingStatuses);
export type RecordingStatus = z.infer<typeof RecordingStatus>;

/** Which status of a recording may follow which. A file that arrives after all is always taken. */
export const recordingLeadsTo = {
  none: ["expected"],
  expected: ["announced", "stored", "missing", "failed", "refused"],
  announced: ["fetching", "stored", "missing", "failed", "refused", "deleted"],
  fetching: ["announced", "stored", "missing", "failed", "refused"],
  stored: ["verified", "failed", "deleted"],
  verified: ["failed", "deleted"],
  missing: ["announced", "fetching", "stored", "deleted"],
  failed: ["announced", "fetching", "stored", "deleted"],
  refused: ["announced", "deleted"],
  deleted: [],
} as const satisfies Record<RecordingStatus, readonly RecordingStatus[]>;

/** One thing that one of the two compared recordings has otherwise. Times are on the call's clock: ms from the answer. */
export const ComparisonFinding = z.object({
  in: RecordingSource.describe("Which recording has the fault: carrier or journal."),
  what: z
    .enum(["lacks", "jumps", "clips", "drifts", "mixed", "swapped", "unlike"])
    .describe(
      "lacks: sound the other has. jumps: time is cut out at from_ms. clips: too loud. drifts: its clock. mixed: both voices on one channel. swapped: its sides. unlike: of another call.",
    ),
  side: z.enum(["caller", "agent", "both"]).nullable(),
  from_ms: z.int().nullable().describe("Null where it is true of the whole recording."),
  to_ms: z.int().nullable(),
  said: z.string().describe("The same as a sentence; its times are those of our own recording."),
});
export type ComparisonFinding = z.infer<typeof ComparisonFinding>;

/** What the comparison of a call's carrier recording with our own came to; on both of them. */
export const RecordingComparison = z.object({
  verdict: z.enum(["agree", "differ", "silent"]).describe("silent: too little sound to compare."),
  at: z.iso.datetime(),
  offset_ms: z.int().nullable().describe("The carrier's first sample on our own recording's clock; null when they could not be aligned."),
  drift_ppm: z.number().nullable().describe("How much faster the carrier's clock runs, in millionths; null when too short to tell."),
  findings: z.array(ComparisonFinding).describe("Empty when they agree."),
  said: z.string().describe("All of it in sentences."),
});
export type RecordingComparison = z.infer<typeof RecordingComparison>;

/** The recording of a call as the API shows it. `url` is always ours. */
export const Recording = z.object({
  id: z.string().nullable(),
  status: RecordingStatus,
  source: RecordingSource.nullable(),
  url: z.string().nullable().describe("Ours, never the carrier's; null until there is something to play."),
  format: z.enum(["mp3", "wav", "ogg", "mp4"]).nullable().describe("mp4: as an engine hands it out."),
  duration_ms: z.int().nullable(),
  offset_ms: z.int().nullable().describe("Where the recording begins on the call's clock: recording time = call time - offset_ms."),
  size_bytes: z.int().nullable(),
  sha256: z.string().nullable(),
  channels: z.int().nullable().describe("2: left (first) is the caller, right (second) is the agent."),
  peaks_url: z.string().nullable(),
  because: z
    .object({ code: z.string(), message: z.string(), remedy: z.string() })
    .nullable()
    .describe("Why it is not there, and what to do; null when all is well."),
  comparison: RecordingComparison.nullable().describe("Null when it was not compared, or its sound is deleted."),
  since: z.iso.datetime().nullable().describe("When it came to its status; null when that is not known."),
  announced_at: z.iso.datetime().nullable(),
  stored_at: z.iso.datetime().nullable(),
  verified_at: z.iso.datetime().nullable(),
});
export type Recording = z.infer<typeof Recording>;

/** How finely a recording's loudness can be had: points over its whole length. */
export const peakZooms = [500, 2000, 8000] as const;

/** Loudness envelope for drawing: per channel, pairs of min and max, each -128..127, `points` pairs. */
export const Peaks = z.object({
  duration_ms: z.int(),
  points: z.int().describe("As many as asked for, or fewer when the recording is short."),
  channels: z.array(z.array(z.int())).describe("[caller, agent]; each min,max,min,max..."),
});
export type Peaks = z.infer<typeof Peaks>;

/** Which of a call's recordings is meant. */
const chosen = {
  source: RecordingSource.optional().describe("The best one of this source; of all when absent."),
  recording: z.uuid().optional().describe("This one: a call may have two of one source, as after a transfer."),
  token: z.string().max(600).optional().describe("Of a shared link, in place of a credential."),
};

/** GET /api/calls/{id}/recording?... */
export const RecordingQuery = z.strictObject({
  ...chosen,
  as: z.enum(["kept", "wav"]).default("kept").describe("kept: as it was stored, by ranges. wav: decoded to 16-bit PCM, whole."),
  download: z.enum(["0", "1"]).optional().describe("1: as a file to keep."),
});
export type RecordingQuery = z.infer<typeof RecordingQuery>;

/** GET /api/calls/{id}/recording/peaks?... */
export const PeaksQuery = z.strictObject({
  ...chosen,
  points: z
    .enum(peakZooms.map(String) as [`${(typeof peakZooms)[number]}`])
    .default("2000")
    .transform(Number)
    .describe("How finely, over the whole length."),
});

/** POST /api/calls/{id}/recording/link */
export const ShareRecording = z.strictObject({
  source: RecordingSource.optional().describe("The best one when absent, also if it changes later."),
  recording: chosen.recording,
  minutes: z
    .int()
    .min(1)
    .max(24 * 60)
    .default(60)
    .describe("How long the link lives."),
});
export type ShareRecording = z.infer<typeof ShareRecording>;

/** A link that plays one recording without signing in, until it expires or its maker's access ends. */
export const RecordingLink = z.object({ url: z.string(), expires_at: z.iso.datetime() });
export type RecordingLink = z.infer<typeof RecordingLink>;
