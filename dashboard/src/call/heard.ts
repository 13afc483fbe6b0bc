import type { Utterance } from "../ask/shapes.ts";

type Said = Pick<Utterance, "speaker" | "text" | "started_ms" | "ended_ms" | "cut" | "heard_ms">;

/** Characters a second of ordinary speech, where the call itself has too little to tell (measured on the emulated voices: 13 to 17). */
const USUAL = 15 / 1000;
const ENOUGH_MS = 3_000;

/** How fast the agent speaks in this call, in characters a millisecond, from its whole sentences. */
export function paceOf(utterances: readonly Said[]): number {
  let [letters, ms] = [0, 0];
  for (const said of utterances) {
    if (said.speaker !== "agent" || said.cut) continue;
    letters += said.text.length;
    ms += Math.max(0, said.ended_ms - said.started_ms);
  }
  return ms < ENOUGH_MS ? USUAL : letters / ms;
}

/**
 * A broken-off sentence in two: about as far as it was heard, to the end of a word, and the rest, which nobody heard. The place is
 * reckoned from the time heard and the agent's pace. The words stay as they were planned.
 */
export function splitAtHeard(said: Said, pace: number): { heard: string; unheard: string } {
  if (said.speaker !== "agent" || !said.cut || said.heard_ms === null) return { heard: said.text, unheard: "" };
  const letters = Math.round(said.heard_ms * pace);
  if (letters >= said.text.length) return { heard: said.text, unheard: "" };
  const end = said.text.lastIndexOf(" ", letters);
  const at = end < 0 ? 0 : end;
  return { heard: said.text.slice(0, at), unheard: said.text.slice(at) };
}
