/** The two recordings of a call beside each other, as shares of one time: where each begins and ends, and what one lacks of the other. */
import type { ComparisonFinding, Recording } from "../ask/shapes.ts";

/** A stretch of the drawing, in parts of its width (0..1). */
export type Part = { from: number; to: number };
/** What is otherwise in a track: sound that is not there (`hole`), or a place that wants a look (`mark`); on one voice or on both. */
export type Flaw = Part & { drawn: "hole" | "mark"; side: "caller" | "agent" | "both"; said: string; atMs: number | null };
export type Track = Part & { source: "carrier" | "journal"; flaws: Flaw[] };

/** No flaw is drawn narrower than this share of the width: a moment must be seen, too. */
const SEEN = 0.012;

/** Both tracks on one time axis, from the first sample there is to the last; null unless there is sound of both. */
export function tracksOf(recordings: readonly Recording[], findings: readonly ComparisonFinding[]): Track[] | null {
  const both = (["carrier", "journal"] as const).map((source) => {
    const found = recordings.find((one) => one.source === source && one.duration_ms !== null && one.offset_ms !== null);
    const fromMs = found?.offset_ms ?? 0;
    return found ? { source, fromMs, toMs: fromMs + (found.duration_ms ?? 0) } : null;
  });
  const there = both.filter((one) => one !== null);
  if (there.length < 2) return null;
  const startMs = Math.min(...there.map((one) => one.fromMs));
  const lengthMs = Math.max(1, Math.max(...there.map((one) => one.toMs)) - startMs);
  const share = (ms: number) => Math.min(1, Math.max(0, (ms - startMs) / lengthMs));
  return there.map(({ source, fromMs, toMs }) => ({
    source,
    from: share(fromMs),
    to: share(toMs),
    flaws: findings
      .filter((finding) => finding.in === source)
      .map((finding) => ({
        ...seen(share(finding.from_ms ?? fromMs), share(finding.to_ms ?? finding.from_ms ?? toMs)),
        drawn: finding.what === "lacks" ? ("hole" as const) : ("mark" as const),
        side: finding.side ?? ("both" as const),
        said: finding.said,
        atMs: finding.from_ms,
      })),
  }));
}

/** The same stretch, wide enough to be seen, and never past the end. */
function seen(from: number, to: number): Part {
  const width = Math.max(SEEN, to - from);
  const start = Math.min(from, 1 - width);
  return { from: start, to: start + width };
}
