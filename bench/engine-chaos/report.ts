import { atMost, type Held, none, verdictTable } from "../verdict.ts";
import type { Gap, Outcome } from "./call.ts";

export interface Run {
  readonly outcomes: readonly Outcome[];
  readonly seed: number;
  readonly wave: number;
  readonly minutes: number;
  readonly date: string;
  readonly machine: string;
  readonly note: string;
}

/** An engine dropped, and reachable at once, goes on so soon after the drop. */
const RESUMED_WITHIN_MS = 2_000;
export const MOST_SILENCE_MS = 3_000;

/**
 * Was a caller without a session for longer than may be? While it rings nobody misses it, nor while words of the lost session are still heard; one
 * that is away or frozen is judged by the silence alone.
 */
const isLate = ({ blow, missedMs }: Gap): boolean => blow.what === "dropped" && blow.awayMs === 0 && missedMs > RESUMED_WITHIN_MS;

/** What must be true of every call, and is not of these. Pure. */
export function wrong(outcomes: readonly Outcome[]): { readonly nth: number; readonly what: string }[] {
  return outcomes.flatMap((one, nth) => {
    const says = (what: string): { nth: number; what: string } => ({
      nth,
      what: `${what} (${one.planned.engine}, ${one.met.map(({ what: blow, atMs, awayMs }) => `${blow} at ${atMs}${awayMs > 0 ? ` away ${awayMs}` : ""}`).join(", ")}) ${one.facts.map(({ ms, fact }) => `${ms} ${fact}`).join(", ")}`,
    });
    return [
      ...(one.end === "stuck" ? [says("neither talked to its end nor ended")] : []),
      ...(one.end === "apologised" && one.code === null ? [says("ended without a typed reason")] : []),
      ...(one.greetings > 1 ? [says("greeted twice")] : []),
      ...(one.greetings === 0 && one.end === "talked" ? [says("never greeted")] : []),
      ...one.gaps.filter(isLate).map(({ missedMs, fromBlowMs }) => says(`resumed ${fromBlowMs} ms after the drop, missed for ${missedMs}`)),
      ...(one.deadAirMs > MOST_SILENCE_MS ? [says(`silence of ${one.deadAirMs} ms from ${one.deadAirAt}`)] : []),
    ];
  });
}

/** The bars of a run. Silence is a bar of its own kind: it is what a caller hears, and a busy machine makes it longer. */
export function bars(outcomes: readonly Outcome[]): Held[] {
  const worst = (of: readonly number[]): number => of.reduce((most, ms) => Math.max(most, ms), 0);
  const dropped = outcomes.flatMap(({ gaps }) => gaps).filter(({ blow }) => blow.what === "dropped" && blow.awayMs === 0);
  return [
    none(
      "calls left hanging, ended without a reason, greeted twice or never",
      wrong(outcomes.map((one) => ({ ...one, gaps: [], deadAirMs: 0 }))).length,
    ),
    atMost("longest a dropped session was missed", worst(dropped.map(({ missedMs }) => missedMs)), RESUMED_WITHIN_MS, "ms", 0, false),
    atMost("longest silence of a call", worst(outcomes.map(({ deadAirMs }) => deadAirMs)), MOST_SILENCE_MS, "ms", 0, false),
  ];
}

export function report(run: Run): string {
  const { outcomes } = run;
  const of = (test: (one: Outcome) => boolean): Outcome[] => outcomes.filter(test);
  const all = outcomes.flatMap((one) => one.gaps);
  const sorted = (of: (gap: Gap) => number, which: readonly Gap[] = all): number[] => which.map(of).sort((a, b) => a - b);
  const frozen = all.filter(({ blow }) => blow.what === "frozen");
  const three = (values: readonly number[]): string => `${at(values, 0.5)}, ${at(values, 0.95)}, ${at(values, 1)}`;
  const silences = outcomes.map((one) => one.deadAirMs).sort((a, b) => a - b);
  const at = (sorted: readonly number[], share: number): string =>
    sorted.length === 0 ? "-" : `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]}`;
  const met = outcomes.flatMap((one) => one.met);
  const bad = wrong(outcomes);
  const row = (what: string, value: string | number): string => `| ${what} | ${value} |`;
  return `${[
    `# Engines lost in ${outcomes.length} calls`,
    "",
    `${run.date} UTC, ${run.machine}. Seed ${run.seed}, ${run.wave} calls at a time, ${run.minutes.toFixed(1)} minutes.${run.note === "" ? "" : ` ${run.note}`}`,
    "",
    verdictTable(bars(outcomes)),
    "",
    "| | |",
    "|---|---|",
    row("blows that met a call: dropped, reachable at once", met.filter(({ what, awayMs }) => what === "dropped" && awayMs === 0).length),
    row("dropped, and away for up to 3 s", met.filter(({ awayMs }) => awayMs > 0).length),
    row("frozen: open, and carrying nothing", met.filter(({ what }) => what === "frozen").length),
    row("calls that talked to their end", of(({ end }) => end === "talked").length),
    row("calls that ended with an apology and a typed reason", of(({ end, code }) => end === "apologised" && code !== null).length),
    row("calls left hanging", of(({ end }) => end === "stuck").length),
    row("sessions resumed", all.length),
    row("from the loss being known until the next session, ms: median, 95 %, longest", three(sorted(({ fromLossMs }) => fromLossMs))),
    row("from the blow itself, ms: median, 95 %, longest", three(sorted(({ fromBlowMs }) => fromBlowMs))),
    row("of these from the blow, frozen ones, ms: median, 95 %, longest", three(sorted(({ fromBlowMs }) => fromBlowMs, frozen))),
    row(
      "a session missed by somebody on the line, with no words left to hear, ms: median, 95 %, longest",
      three(sorted(({ missedMs }) => missedMs)),
    ),
    row("longest silence of a call, ms: median, 95 %, longest", `${at(silences, 0.5)}, ${at(silences, 0.95)}, ${at(silences, 1)}`),
    row("calls with more than 3 s of silence", silences.filter((ms) => ms > 3_000).length),
    row("calls greeted twice", of(({ greetings }) => greetings > 1).length),
    row("calls that talked and were never greeted", of(({ greetings, end }) => greetings === 0 && end === "talked").length),
    row("callers asked to wait", outcomes.flatMap((one) => one.facts).filter(({ fact }) => fact === "asked to wait").length),
    ...(bad.length === 0 ? [] : ["", "## Not as it must be", "", ...bad.map(({ nth, what }) => `- call ${nth}: ${what}`)]),
  ].join("\n")}\n`;
}
