import type { Run } from "./run.ts";

const number = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits) : "-");

/** Some runs of one kind: one column each. */
export function table(runs: readonly Run[]): string {
  const rows: [string, string, (run: Run) => string][] = [
    ["caller → engine, p50 ms", "≤ 0.5", ({ figures }) => number(figures.up.p50)],
    ["caller → engine, p99 ms", "≤ floor + 2", ({ figures }) => number(figures.up.p99)],
    ["engine's first chunk → first frame, p50 ms", "≤ 2", ({ figures }) => number(figures.firstFrame.p50)],
    ["engine's first chunk → first frame, p99 ms", "", ({ figures }) => number(figures.firstFrame.p99)],
    ["interruption → silence, p99 ms", "≤ 5", ({ figures }) => number(figures.silence.p99)],
    [
      "unplayed lead, least / middle / most ms",
      "40-120",
      ({ figures }) => [figures.leadMin, figures.leadP50, figures.leadMax].map((ms) => number(ms, 0)).join(" / "),
    ],
    ["underruns (ms dry)", "0", ({ figures }) => `${figures.underruns} (${number(figures.dryMs, 0)})`],
    ["wrong-sized frames", "0", ({ figures }) => String(figures.wrongSized)],
    ["frames after clear", "0", ({ figures }) => String(figures.leftover)],
    ["caller frames lost or doubled", "0", ({ figures }) => String(figures.upLost)],
    ["speech lost or repeated, most ms a turn", "0", ({ figures }) => number(figures.speechOffMs, 0)],
    ["silence added to a turn, most ms", "≤ 20", ({ figures }) => number(figures.paddedMs, 0)],
    ["samples unlike the true sound (worst, of 32768)", "0", ({ figures }) => `${figures.clicks} (${figures.worstSample})`],
    ["frames beyond a lead of 120 ms", "0", ({ figures }) => String(figures.overfed)],
    ["lead at a turn's end against its beginning, most ms", "≤ 20", ({ figures }) => number(figures.leadDriftMs, 0)],
    ["CPU ms per call-second", "≤ 1.3 × floor", ({ cpuMsPerCallSecond }) => number(cpuMsPerCallSecond, 3)],
    ["share of a core", "", ({ coreShare }) => `${number(coreShare * 100, 0)} %`],
    ["turns, frames to the carrier", "", ({ figures }) => `${figures.turns}, ${figures.frames}`],
    ["the generator's own lateness, p99 ms", "", ({ figures }) => number(figures.generatorLateP99)],
  ];
  const head = `| figure | bar | ${runs.map(({ who, calls }) => `${who}, ${calls} calls`).join(" | ")} |`;
  const line = `|---|---|${runs.map(() => "---").join("|")}|`;
  const body = rows.map(([name, bar, value]) => `| ${name} | ${bar} | ${runs.map(value).join(" | ")} |`);
  return [head, line, ...body].join("\n");
}
