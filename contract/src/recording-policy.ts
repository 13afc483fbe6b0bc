import { z } from "zod";
import { RecordingSource } from "./recording.ts";

/** What of an agent's calls is recorded, and with whose consent. Only looked at while the agent's `record` is on. */
export const RecordingPolicy = z.strictObject({
  sources: z
    .array(RecordingSource)
    .min(1)
    .max(3)
    .refine((sources) => new Set(sources).size === sources.length, "Each source once.")
    .default(["carrier", "journal"])
    .describe(
      "carrier: the phone network's file. journal: ours, made from both audio streams; without it our flight recorder keeps no sound. engine: what the engine kept of it, where it does.",
    ),
  consent: z
    .enum(["none", "notice", "ask"])
    .default("none")
    .describe(
      "none: nothing is said beyond `line.notice`. notice: the carrier says it before the agent. ask: the carrier asks, and only the key 1 has the call recorded; else it goes on unrecorded. The words are `line.notice`, or ours.",
    ),
});
export type RecordingPolicy = z.infer<typeof RecordingPolicy>;
