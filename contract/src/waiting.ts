import { z } from "zod";
import { RecordingSource } from "./recording.ts";

/** Something of a call's recordings or their keeping that is under way or waits. GET /api/waiting */
export const Waiting = z.object({
  what: z
    .enum(["announcement", "file", "rendering", "engine", "verification", "comparison", "deletion", "redaction"])
    .describe(
      "announcement: of the carrier. file: it is fetched, or will be. rendering: ours from the journal. engine: it still makes its own. comparison: of the carrier's recording with ours. The others: work of ours.",
    ),
  id: z.string().describe("Of the recording (of a comparison: the carrier's), deletion or redaction."),
  call_id: z.string().nullable().describe("Null: announced, and its call is not known."),
  source: RecordingSource.nullable(),
  because: z
    .object({ code: z.string(), message: z.string(), remedy: z.string() })
    .nullable()
    .describe("Why not yet; null: nothing went wrong so far."),
  progress: z
    .object({ bytes: z.int(), of: z.int() })
    .nullable()
    .describe("Of a file that is being fetched, renewed every 20 s; null: not begun, or done within seconds."),
  attempts: z.int(),
  since: z.iso.datetime(),
  next_attempt_at: z.iso.datetime().nullable().describe("Of a carrier's announcement: when it is given up as missing."),
});
export type Waiting = z.infer<typeof Waiting>;
