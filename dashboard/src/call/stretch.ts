/** A stretch of a call that is to be made unheard: what was pulled on the score or typed. Milliseconds from the answer. Pure. */
import type { Utterance } from "../ask/shapes.ts";

export type Side = "caller" | "agent" | "both";
export type Stretch = { fromMs: number; toMs: number };

/** A moment as typed, `1:02`, `0:31.2`, `31.2` or `1:01:01`; null when it is none. */
export function typedMoment(typed: string): number | null {
  const parts = /^(?:(?:(\d+):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)$/.exec(typed.trim());
  if (!parts) return null;
  const [, h = "0", m, s = ""] = parts;
  const seconds = Number(s.replace(",", "."));
  if (m !== undefined && seconds >= 60) return null;
  return Math.round((Number(h) * 3600 + Number(m ?? 0) * 60 + seconds) * 1000);
}

/** Two ends, whichever comes first, kept inside the call. */
export const between = (one: number, other: number, endMs: number): Stretch => ({
  fromMs: Math.round(Math.max(0, Math.min(one, other))),
  toMs: Math.round(Math.min(endMs, Math.max(one, other))),
});

/** The words that would be taken out: every sentence the stretch touches, as the server does it. */
export const touched = <U extends Pick<Utterance, "speaker" | "started_ms" | "ended_ms">>(
  utterances: readonly U[],
  { fromMs, toMs }: Stretch,
  side: Side,
): U[] => utterances.filter((said) => said.started_ms < toMs && said.ended_ms > fromMs && (side === "both" || said.speaker === side));
