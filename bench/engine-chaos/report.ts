import type { Outcome } from "./call.ts";

export interface Run {
  readonly outcomes: readonly Outcome[];
  readonly seed: number;
  readonly wave: number;
  readonly minutes: number;
  readonly date: string;
  readonly machine: string;
  readonly note: string;
}

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
      ...(one.deadAirMs > 3_000 ? [says(`silence of ${one.deadAirMs} ms from ${one.deadAirAt}`)] : []),
    ];
  });
}

export function report(run: Run): string {
  const { outcomes } = run;
  const of = (test: (one: Outcome) => boolean): Outcome[] => outcomes.filter(test);
  const gaps = outcomes.flatMap((one) => one.gaps).sort((a, b) => a - b);
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
    "| | |",
    "|---|---|",
    row("blows that met a call: dropped, reachable at once", met.filter(({ what, awayMs }) => what === "dropped" && awayMs === 0).length),
    row("dropped, and away for up to 3 s", met.filter(({ awayMs }) => awayMs > 0).length),
    row("frozen: open, and carrying nothing", met.filter(({ what }) => what === "frozen").length),
    row("calls that talked to their end", of(({ end }) => end === "talked").length),
    row("calls that ended with an apology and a typed reason", of(({ end, code }) => end === "apologised" && code !== null).length),
    row("calls left hanging", of(({ end }) => end === "stuck").length),
    row("sessions resumed", gaps.length),
    row("of these within 2 s of the loss being known", gaps.filter((ms) => ms <= 2_000).length),
    row("later: nobody on the line yet, or words of the lost session still heard", gaps.filter((ms) => ms > 2_000).length),
    row("gap between the sessions, ms: median, 95 %, longest", `${at(gaps, 0.5)}, ${at(gaps, 0.95)}, ${at(gaps, 1)}`),
    row("longest silence of a call, ms: median, 95 %, longest", `${at(silences, 0.5)}, ${at(silences, 0.95)}, ${at(silences, 1)}`),
    row("calls with more than 3 s of silence", silences.filter((ms) => ms > 3_000).length),
    row("calls greeted twice", of(({ greetings }) => greetings > 1).length),
    row("calls that talked and were never greeted", of(({ greetings, end }) => greetings === 0 && end === "talked").length),
    row("callers asked to wait", outcomes.flatMap((one) => one.facts).filter(({ fact }) => fact === "asked to wait").length),
    ...(bad.length === 0 ? [] : ["", "## Not as it must be", "", ...bad.map(({ nth, what }) => `- call ${nth}: ${what}`)]),
  ].join("\n")}\n`;
}
