/** Which sentence belongs to a moment. Times are milliseconds from the answer. */
import type { Recording, Utterance } from "../ask/shapes.ts";

type Timed = Pick<Utterance, "started_ms" | "ended_ms">;

/** In the order they began; the server's order where they began together. */
export const inOrder = <U extends Timed>(utterances: readonly U[]): U[] => utterances.toSorted((a, b) => a.started_ms - b.started_ms);

/**
 * The index of the sentence being spoken: the one that began last among those not yet over, so that whoever cuts in is lit.
 * -1 in a silence. `utterances` are in order.
 */
export function spokenAt(utterances: readonly Timed[], ms: number): number {
  for (let i = lastBegun(utterances, ms); i >= 0 && i > lastBegun(utterances, ms) - 4; i--) {
    const said = utterances[i];
    if (said && ms < Math.max(said.ended_ms, said.started_ms + 200)) return i;
  }
  return -1;
}

/** The index of the last sentence that has begun at `ms`; -1 before the first. */
export function lastBegun(utterances: readonly Timed[], ms: number): number {
  let [low, high] = [0, utterances.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((utterances[middle]?.started_ms ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Where `n` goes: the start of the next sentence, or null at the last. */
export function nextSentence(utterances: readonly Timed[], ms: number): number | null {
  return utterances[lastBegun(utterances, ms) + 1]?.started_ms ?? null;
}

/** Where `p` goes: back to the start of this sentence, or, within its first second and a half, to the one before. */
export function previousSentence(utterances: readonly Timed[], ms: number): number | null {
  const i = lastBegun(utterances, ms);
  const said = utterances[i];
  if (!said) return null;
  if (ms - said.started_ms > 1500) return said.started_ms;
  return utterances[i - 1]?.started_ms ?? said.started_ms;
}

type Placed = Pick<Recording, "offset_ms">;
/** A moment of the call on the recording's own clock, in seconds as <audio> counts; never before its first sample. */
export const audioSeconds = (recording: Placed, callMs: number): number => Math.max(0, (callMs - (recording.offset_ms ?? 0)) / 1000);
/** And back: what <audio> plays, as milliseconds of the call. */
export const callMs = (recording: Placed, seconds: number): number => seconds * 1000 + (recording.offset_ms ?? 0);

/** `?t=83.4`: seconds from the answer, as linked. Null when it is no time. */
export function linkedMs(t: unknown): number | null {
  const seconds = typeof t === "number" ? t : typeof t === "string" && t.trim() !== "" ? Number(t) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1000) : null;
}

const folded = (text: string): string => text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
const wordsOf = (text: string): string[] => folded(text).match(/[\p{L}\p{N}]+/gu) ?? [];

/**
 * The index of the first sentence that has every word of a search, the last of which may be unfinished; -1 when there is none (the search met the
 * customer's name, say). Words after a minus are not looked for.
 */
export function foundAt(utterances: readonly Pick<Utterance, "text">[], search: string): number {
  const wanted = wordsOf(search.replaceAll(/(^|\s)-\S+/g, " ").replaceAll(/\bor\b/gi, " "));
  const last = wanted.at(-1);
  if (last === undefined) return -1;
  return utterances.findIndex(({ text }) => {
    const said = wordsOf(text);
    return wanted.slice(0, -1).every((word) => said.includes(word)) && said.some((word) => word.startsWith(last));
  });
}
