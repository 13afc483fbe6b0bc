import type { Bridge, Common } from "./states.ts";
import type { Turn } from "./turns.ts";

// How long the bridge waits for what, and until when: why a caller on the line is never left in silence.

/** How long a caller on the line waits for the call's first session, asked to wait meanwhile. It opens while it rings: this is for the worst case. */
export const ENGINE_WITHIN_MS = 5_000;
/** How long a session that follows a lost one may take to be ready; then the carrier apologises, which takes it most of a second. */
export const RESUME_WITHIN_MS = 2_000;
/** An engine that cannot be reached is tried again so soon. */
export const AGAIN_MS = 400;
/** A caller who has waited so long for words is asked to wait. Engines answer in about one second, slow ones in two; the carrier's word takes half a second. */
export const WAIT_MS = 2_300;
/**
 * The same since the caller's own last sound, which is earlier than the engine's word that their turn is over: by half a second, or by the agent's
 * patience. Who listens into silence counts from there; three seconds of it are too much.
 */
export const QUIET_MS = 2_400;
/** However long the engine waited for the end of the turn, for its words it is given so long. */
export const WAIT_LEAST_MS = 1_800;
/** That word is heard at least so long. */
export const WORD_LASTS_MS = 1_000;
/** An engine that owes words and has said nothing for so long counts as silent. Servers that make a whole answer before its first sound take seconds; the caller is asked to wait meanwhile. */
export const SILENT_MS = 7_000;
/** As long as written words of an answer come, its sound is waited for; at most so long. */
export const SLOWEST_MS = 20_000;
/** The first words of a session that was opened because the one before it was lost. */
export const FIRST_WORDS_MS = 4_000;
/** The caller spoke, and for so long after the end of it the engine gave no sign of having heard. */
export const DEAF_MS = 3_500;
/** Sound that is like speech and no engine reacts to may be anything: no oftener than this is it taken for deafness, and never does it end a call. */
export const DEAF_AGAIN_MS = 15_000;
/**
 * How long the engine is kept for a caller whose audio connection broke: the carrier needs about a second to open another. Who is handed to a
 * person that does not answer comes back later than that, to an engine that is opened for it.
 */
export const APART_MS = 20_000;
/** The longest goodbye. */
export const GOODBYE_MS = 30_000;
/** How long the engine may take to write down the last words of a caller who is gone: its end-of-turn silence and a little; more when words were coming. */
export const LAST_WORDS_MS = 1_500;
export const LAST_SENTENCE_MS = 3_000;

/** When `second` is to be told at the latest, though nothing be heard: the earliest deadline of the state; null where there is none. */
export function dueAt(bridge: Bridge): number | null {
  switch (bridge.state) {
    case "holding":
      return earliest(bridge.until, bridge.againAt, waitDue(bridge.turn));
    case "talking":
      return earliest(silentDue(bridge)?.at ?? null, waitDue(bridge.turn));
    case "goodbye":
    case "listening":
      return bridge.until;
    case "apart":
      return bridge.alone ? null : earliest(bridge.until, bridge.againAt);
    case "opening":
      return bridge.againAt;
    case "waiting":
    case "silent":
    case "over":
      return null;
  }
}

/** When a caller who waits for words is to be asked for patience; null: not. */
export const waitDue = ({ owedSince, quietSince, askedAt, callerSpeaks }: Turn): number | null => {
  if (owedSince === null || callerSpeaks) return null;
  if (askedAt !== null) return askedAt + WORD_LASTS_MS + WAIT_MS;
  const since = Math.max(owedSince + WAIT_LEAST_MS, (quietSince ?? owedSince) + QUIET_MS);
  return Math.min(owedSince + WAIT_MS, since);
};

/** When the engine of a talk counts as silent, and since when the caller hears nothing; null while it owes nothing. */
export function silentDue({ turn, readyAt, revivedAt, deafAt }: Common): { readonly at: number; readonly since: number } | null {
  if (turn.callerSpeaks) return null;
  if (turn.owedSince !== null) {
    const from = Math.max(turn.owedSince, revivedAt ?? readyAt ?? 0);
    const within = revivedAt === null ? SILENT_MS : FIRST_WORDS_MS;
    return { at: Math.min(Math.max(from, turn.wordsAt ?? 0) + within, from + SLOWEST_MS), since: turn.owedSince };
  }
  if (turn.unheardSince === null || turn.toolWorks) return null;
  return { at: Math.max(turn.unheardSince + DEAF_MS, deafAt === null ? 0 : deafAt + DEAF_AGAIN_MS), since: turn.unheardSince };
}

export const isTimeAgain = ({ againAt }: Bridge, at: number): boolean => againAt !== null && at >= againAt;

const earliest = (...times: readonly (number | null)[]): number | null => {
  let first: number | null = null;
  for (const time of times) if (time !== null && (first === null || time < first)) first = time;
  return first;
};
