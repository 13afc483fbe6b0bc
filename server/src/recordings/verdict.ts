import type { Comparison, Finding, Side } from "./audio/compare.ts";
import type { Reason } from "./failures.ts";

/** What a comparison (A our journal's recording, B the carrier's) means for the two rows. Pure. */
export interface Verdict {
  /** One sentence for each finding, or one that both agree. */
  readonly said: readonly string[];
  /** Why the one or the other is no longer verified; null when it stands. */
  readonly journal: Reason | null;
  readonly carrier: Reason | null;
}

/** Less than this lacking altogether is told and lets the recording stand. */
const TOLERATED_MS = 1000;
/** Above this drift the words no longer stand where the transcript says: 60 ms a minute. */
const TOLERATED_PPM = 1000;

/**
 * `broken`: the call's audio was lost and came back. Then our own recording has a hole in it, whose edges are known to some tens of milliseconds: what
 * looks like a strange clock, or in a short call like another call altogether, says nothing against the carrier's.
 */
export function verdictOf(comparison: Comparison, broken = false): Verdict {
  const lacks = (which: "a" | "b") =>
    comparison.findings.reduce((sum, finding) => {
      if (!("in" in finding) || finding.in !== which) return sum;
      if (finding.what === "jumps") return sum + finding.lostMs;
      // Before its first and after its last moment the journal has nothing by nature: a transfer goes on without us.
      if (finding.what === "lacks" && !(which === "a" && finding.edge)) return sum + finding.toMs - finding.fromMs;
      return sum;
    }, 0);
  const distorted = comparison.findings.some(
    (finding) =>
      finding.what === "swapped" ||
      (!broken && (finding.what === "unlike" || (finding.what === "drifts" && Math.abs(finding.ppm) > TOLERATED_PPM))),
  );
  return {
    said: comparison.findings.length > 0 ? comparison.findings.map(sentence) : [agreement(comparison)],
    journal: lacks("a") >= TOLERATED_MS ? "JOURNAL_INCOMPLETE" : null,
    carrier: distorted ? "RECORDING_DISTORTED" : lacks("b") >= TOLERATED_MS ? "RECORDING_INCOMPLETE" : null,
  };
}

/** What is left of a finding beside a tone is told from this length on. */
const REST_MS = 250;

/** A comparison without what it found where there is a tone now, on A's clock. Whether the two are of one call can then not be doubted by it. */
export function besideTones(comparison: Comparison, tones: readonly { readonly fromMs: number; readonly toMs: number }[]): Comparison {
  if (tones.length === 0) return comparison;
  const findings = comparison.findings.flatMap((finding): Finding[] => {
    if (finding.what === "unlike") return [];
    if ("atMs" in finding) return tones.some(({ fromMs, toMs }) => finding.atMs >= fromMs && finding.atMs <= toMs) ? [] : [finding];
    if (!("fromMs" in finding)) return [finding];
    return tones
      .reduce(
        (left, tone) =>
          left
            .flatMap(({ fromMs, toMs }) => [
              { fromMs, toMs: Math.min(toMs, tone.fromMs) },
              { fromMs: Math.max(fromMs, tone.toMs), toMs },
            ])
            .filter(({ fromMs, toMs }) => toMs - fromMs >= REST_MS),
        [{ fromMs: finding.fromMs, toMs: finding.toMs }],
      )
      .map((span) => ({ ...finding, ...span }));
  });
  if (findings.length > 0 || comparison.verdict !== "differ") return { ...comparison, findings };
  return { ...comparison, findings, verdict: comparison.offsetMs === null ? "silent" : "agree" };
}

/** Offset and drift in figures stand in the event's detail. */
function agreement({ verdict, offsetMs }: Comparison): string {
  if (verdict === "silent") return "Neither recording holds enough sound to compare.";
  if (offsetMs === null || Math.abs(offsetMs) < 10) return "Both recordings agree.";
  return `Both recordings agree; the carrier's begins ${(Math.abs(offsetMs) / 1000).toFixed(2)} s ${offsetMs > 0 ? "after" : "before"} ours.`;
}

const owner = { a: "Our own recording", b: "The carrier's recording" } as const;
const sides: Record<Side, string> = { caller: "the caller", agent: "the agent", both: "both sides" };

function sentence(finding: Finding): string {
  const which = owner[finding.in];
  switch (finding.what) {
    case "lacks": {
      const long = `${((finding.toMs - finding.fromMs) / 1000).toFixed(1)} s`;
      if (finding.edge === "start")
        return `${which} begins late: it lacks ${sides[finding.side]} for ${long} up to ${clock(finding.toMs)}.`;
      if (finding.edge === "end") return `${which} ends early: it lacks ${sides[finding.side]} from ${clock(finding.fromMs)} on, ${long}.`;
      return `${which} lacks ${sides[finding.side]} from ${clock(finding.fromMs)} to ${clock(finding.toMs)} (${long}).`;
    }
    case "clips":
      return `${which} has ${sides[finding.side]} clipped from ${clock(finding.fromMs)} to ${clock(finding.toMs)}.`;
    case "jumps":
      return `${which} has ${(finding.lostMs / 1000).toFixed(2)} s cut out near ${clock(finding.atMs)}.`;
    case "drifts":
      return `${which} runs ${(Math.abs(finding.ppm) / 10_000).toFixed(2)} % too ${finding.ppm > 0 ? "slowly" : "fast"}.`;
    case "mixed":
      return `${which} has both voices on one channel.`;
    case "swapped":
      return `${which} has its sides exchanged.`;
    case "unlike":
      return `${which} has nothing in common with the other.`;
  }
}

/** 0:41, 12:05; hours as minutes. Before the beginning: -0:02. */
function clock(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  return `${ms < 0 ? "-" : ""}${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
