import type { ComparisonFinding, RecordingComparison } from "@earshot/contract/recording";
import type { Comparison } from "./audio/compare.ts";

/** As compare-sources.ts writes it on both rows: A is our own recording, B the carrier's; a sentence for each finding, or one that there is none. */
export interface StoredComparison extends Comparison {
  readonly at: string;
  readonly said: readonly string[];
}

/** A comparison as the API shows it. @param zeroMs where our own recording begins on the call's clock, ms */
export function comparisonAsJson(
  { verdict, at, offsetMs, driftPpm, findings, said }: StoredComparison,
  zeroMs: number,
): RecordingComparison {
  const onCall = (ms: number): number => Math.round(ms + zeroMs);
  return {
    verdict,
    at,
    offset_ms: offsetMs,
    drift_ppm: driftPpm,
    findings: findings.map(
      (finding, nth): ComparisonFinding => ({
        in: finding.in === "a" ? "journal" : "carrier",
        what: finding.what,
        side: "side" in finding ? finding.side : null,
        from_ms: "fromMs" in finding ? onCall(finding.fromMs) : "atMs" in finding ? onCall(finding.atMs) : null,
        to_ms: "toMs" in finding ? onCall(finding.toMs) : "atMs" in finding ? onCall(finding.atMs) : null,
        said: said[nth] ?? "",
      }),
    ),
    said: said.join(" "),
  };
}
