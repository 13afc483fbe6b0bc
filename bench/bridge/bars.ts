import { atMost, type Held, none } from "../verdict.ts";
import type { Hellos } from "./hello.ts";
import type { PerCall } from "./per-call.ts";
import type { Run } from "./run.ts";
import { percentile } from "./spread.ts";

/** What was measured, by phase; a phase that was left out is empty. */
export interface Phases {
  readonly talk: readonly Run[];
  readonly long: readonly Run[];
  readonly tone440: readonly Run[];
  readonly tone10k: readonly Run[];
  readonly hello: readonly Hellos[];
  readonly memory: readonly PerCall[];
  readonly oneCore: readonly Run[];
}

/** The middle of several rounds. */
const middle = (runs: readonly Run[], of: (run: Run) => number): number => percentile(runs.map(of), 0.5);
const worst = (runs: readonly Run[], of: (run: Run) => number): number => runs.reduce((most, run) => Math.max(most, of(run)), 0);
const sum = (runs: readonly Run[], of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);

const between = (
  figure: string,
  least: number,
  most: number,
  from: number,
  to: number,
  unit: string,
  timing: boolean,
  digits = 0,
): Held => ({
  figure,
  bar: `${from} to ${to} ${unit}`,
  found: `${least.toFixed(digits)} to ${most.toFixed(digits)} ${unit}`,
  met: least >= from && most <= to,
  timing,
});

/** Every bar of the bridge beside what was found of earshot; the floor's own figures are in the tables. */
export function bars(phases: Phases): Held[] {
  return [
    ...talkBars(phases.talk),
    ...longBars(phases.long),
    ...toneBars(phases),
    ...helloBars(phases.hello),
    ...memoryBars(phases.memory),
    ...oneCoreBars(phases.oneCore),
  ];
}

/** At the most calls that were measured beside the floor. */
function talkBars(runs: readonly Run[]): Held[] {
  const calls = worst(runs, (run) => run.calls);
  const ours = runs.filter((run) => run.who === "earshot" && run.calls === calls);
  const floor = runs.filter((run) => run.who === "floor" && run.calls === calls);
  if (ours.length === 0) return [];
  const at = (figure: string): string => `${figure}, ${calls} calls`;
  const p99 = middle(floor, ({ figures }) => figures.up.p99);
  const cpu = middle(ours, (run) => run.cpuMsPerCallSecond) / middle(floor, (run) => run.cpuMsPerCallSecond);
  return [
    atMost(
      at("caller → engine, p50"),
      middle(ours, ({ figures }) => figures.up.p50),
      0.5,
      "ms",
    ),
    ...(floor.length === 0
      ? []
      : [
          atMost(at("caller → engine, p99, beyond the floor's"), middle(ours, ({ figures }) => figures.up.p99) - p99, 2, "ms"),
          atMost(at("CPU per call-second, database and journal on"), cpu, 1.3, "× floor"),
        ]),
    atMost(
      at("engine's first chunk → first frame, p50"),
      middle(ours, ({ figures }) => figures.firstFrame.p50),
      2,
      "ms",
    ),
    atMost(
      at("interruption → silence, p99"),
      middle(ours, ({ figures }) => figures.silence.p99),
      5,
      "ms",
    ),
    between(
      at("unplayed lead"),
      middle(ours, ({ figures }) => figures.leadMin),
      middle(ours, ({ figures }) => figures.leadMax),
      40,
      120,
      "ms",
      true,
    ),
    {
      ...none(
        at("underruns"),
        sum(ours, ({ figures }) => figures.underruns),
      ),
      timing: true,
    },
    {
      ...none(
        at("frames beyond a lead of 120 ms"),
        sum(ours, ({ figures }) => figures.overfed),
      ),
      timing: true,
    },
    none(
      at("wrong-sized frames"),
      sum(ours, ({ figures }) => figures.wrongSized),
    ),
    none(
      at("frames after clear"),
      sum(ours, ({ figures }) => figures.leftover),
    ),
    none(
      at("caller frames lost or doubled"),
      sum(ours, ({ figures }) => figures.upLost),
    ),
    none(
      at("ms of speech lost or repeated in a turn"),
      worst(ours, ({ figures }) => figures.speechOffMs),
    ),
    none(
      at("clicks: samples unlike the true sound"),
      sum(ours, ({ figures }) => figures.clicks),
    ),
    atMost(
      at("silence added to a turn"),
      worst(ours, ({ figures }) => figures.paddedMs),
      20,
      "ms",
      0,
      false,
    ),
  ];
}

function longBars(runs: readonly Run[]): Held[] {
  const ours = runs.filter(({ who }) => who === "earshot");
  if (ours.length === 0) return [];
  return [
    between(
      "unplayed lead, answers of 60 s",
      middle(ours, ({ figures }) => figures.leadMin),
      middle(ours, ({ figures }) => figures.leadMax),
      40,
      120,
      "ms",
      true,
    ),
    atMost(
      "lead at the end of 60 s against their beginning",
      worst(ours, ({ figures }) => figures.leadDriftMs),
      20,
      "ms",
      0,
    ),
    {
      ...none(
        "underruns, answers of 60 s",
        sum(ours, ({ figures }) => figures.underruns),
      ),
      timing: true,
    },
    none(
      "clicks, answers of 60 s",
      sum(ours, ({ figures }) => figures.clicks),
    ),
    none(
      "ms of speech lost or repeated in 60 s",
      worst(ours, ({ figures }) => figures.speechOffMs),
    ),
  ];
}

function toneBars({ tone440, tone10k }: Phases): Held[] {
  return [
    ...tone440
      .filter(({ who }) => who === "earshot")
      .map(({ figures: { toneDb } }) =>
        between("level of 440 Hz through the whole path", toneDb.least, toneDb.most, -0.1, 0.1, "dB", false, 3),
      ),
    ...tone10k
      .filter(({ who }) => who === "earshot")
      .map(({ figures: { toneDb } }) => atMost("what 10 kHz leaves at 6 kHz, through the whole path", toneDb.most, -80, "dB", 1, false)),
  ];
}

const helloBars = (hellos: readonly Hellos[]): Held[] =>
  hellos.flatMap(({ engine, ownMost, lost }) => [
    atMost(`hello to first word, engine ${engine}: our share, at most`, ownMost, 50, "ms", 1),
    none(`caller's first words lost, engine ${engine}, frames`, lost),
  ]);

const memoryBars = (memory: readonly PerCall[]): Held[] =>
  memory
    .filter(({ who }) => who === "earshot")
    .map(({ calls, kilobytes }) => atMost(`memory of a call, ${calls} → ${calls * 2} calls`, kilobytes, 700, "kB", 0));

function oneCoreBars(runs: readonly Run[]): Held[] {
  const most = (run: Run): number => Math.max(run.figures.up.p99, run.figures.firstFrame.p99, run.figures.silence.p99);
  const levels = [...new Set(runs.map(({ calls }) => calls))];
  if (levels.length === 0) return [];
  const holds = levels.filter((calls) => {
    const rounds = runs.filter((run) => run.calls === calls);
    return middle(rounds, most) < 20 && middle(rounds, ({ figures }) => figures.underruns) === 0;
  });
  const best = Math.max(0, ...holds);
  return [
    {
      figure: "calls held by one core (all p99 < 20 ms, no underrun), database and journal on",
      bar: "≥ 250",
      found: `${best} of ${levels.join(", ")}`,
      met: best >= 250,
      timing: true,
    },
  ];
}
