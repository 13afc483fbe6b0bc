/** What the states of calls and recordings are called and how they look. Pure tables over the contract's own. */
import { type Call, type CallStatus, endReasons, type RecordingStatus } from "../ask/shapes.ts";

/** A call that runs, in a word. */
export const statusSaid = {
  queued: "Queued",
  dialing: "Dialing",
  ringing: "Ringing",
  in_progress: "Talking",
  ended: "Ended",
} as const satisfies Record<CallStatus, string>;

/** The glyphs a recording may wear: five that walk forward, and none. */
export type RecordingGlyph = "expected" | "announced" | "stored" | "verified" | "missing" | "none";

/** Every status of a recording: its word, its glyph, and one line for who asks. */
export const recordingStates = {
  none: { word: "None", glyph: "none", line: "No recording is wanted, or none is possible." },
  expected: { word: "Expected", glyph: "expected", line: "Nothing has arrived yet; it comes after the call." },
  announced: { word: "Announced", glyph: "announced", line: "The carrier says it is ready; it waits to be fetched." },
  fetching: { word: "Fetching", glyph: "announced", line: "It is being fetched now." },
  stored: { word: "Stored", glyph: "stored", line: "It is here and plays; its length and sound are still to be checked." },
  verified: { word: "Verified", glyph: "verified", line: "It is here, whole, and its length and sound were checked." },
  missing: { word: "Missing", glyph: "missing", line: "It was expected and never came." },
  failed: { word: "Failed", glyph: "missing", line: "It could not be fetched or kept." },
  refused: { word: "Refused", glyph: "missing", line: "What was announced is nothing we may fetch." },
  deleted: { word: "Deleted", glyph: "none", line: "It was deleted on request or by rule." },
} as const satisfies Record<RecordingStatus, { word: string; glyph: RecordingGlyph; line: string }>;

export const isLive = (call: Pick<Call, "status">): boolean => call.status !== "ended";

/** How a call stands, in words, and whether that is quiet or wants a look. */
export function standing(call: Pick<Call, "status" | "end_reason">): { said: string; quiet: boolean } {
  if (call.status !== "ended") return { said: statusSaid[call.status], quiet: true };
  if (call.end_reason === null) return { said: "Ended", quiet: true };
  const { said, quiet } = endReasons[call.end_reason];
  return { said, quiet };
}

/** The number of the other party: who called us, or whom we called. */
export const otherNumber = (call: Pick<Call, "direction" | "from" | "to">): string | null =>
  call.direction === "inbound" ? call.from : call.to;

/** How long a call has talked: as stored once ended; while it runs, from the answer to `now`; null when nobody answered. */
export function talkMs(call: Pick<Call, "status" | "started_at" | "duration_ms">, now: Date): number | null {
  if (call.duration_ms !== null) return call.duration_ms;
  if (call.started_at === null || call.status === "ended") return null;
  return Math.max(0, now.getTime() - Date.parse(call.started_at));
}

/** What a person may do about a recording that is not well; nothing while its call still runs. The server has the last word. */
export const mendable = (status: RecordingStatus, live: boolean): { again: boolean; giveUp: boolean } => ({
  again: !live && (status === "missing" || status === "failed" || status === "refused"),
  giveUp: !live && (status === "expected" || status === "announced" || status === "fetching"),
});
