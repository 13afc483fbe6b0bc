import type { Call } from "../ask/shapes.ts";
import { isLive } from "../calls/states.ts";
import { shortSeconds } from "../words/time.ts";

/** Why there is nothing to read, in this call's own case; `deleted`: its transcript was there once. */
export function silence(call: Pick<Call, "status" | "started_at" | "end_reason" | "ring_ms">, deleted = false): string {
  if (deleted) return "What was said is deleted. When, by whom and why is under Keeping.";
  if (call.status === "in_progress") return "Nobody has spoken yet. What is said appears here as it is said.";
  if (isLive(call)) return "Nobody has picked up yet. What is said appears here as it is said.";
  if (call.started_at !== null) return "The call was answered, but no word was heard.";
  if (call.end_reason === "no_answer" && call.ring_ms !== null)
    return `It rang for ${shortSeconds(call.ring_ms)}. Nobody picked up, so nothing was said.`;
  return "Nobody picked up, so nothing was said.";
}
