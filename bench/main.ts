/** `npm run bench -w bench`: measures the bridge against the floor and its bars, and writes a page into results/. See README.md. */
import { parseArgs } from "node:util";
import { bars, type Phases } from "./bridge/bars.ts";
import { type Hellos, measureHello } from "./bridge/hello.ts";
import { measurePerCall, type PerCall } from "./bridge/per-call.ts";
import { canPin, pin } from "./bridge/pin.ts";
import { type How, type Measured, type Run, run } from "./bridge/run.ts";
import { table } from "./bridge/table.ts";
import { openBenchDatabase } from "./database.ts";
import { keepResult, machine } from "./results.ts";
import { isRight, verdictTable } from "./verdict.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "10,40" },
    seconds: { type: "string", default: "20" },
    rounds: { type: "string", default: "3" },
    /** Of: talk, long, tone, hello, memory, one-core. */
    phases: { type: "string", default: "talk,long,tone,hello,memory,one-core" },
    /** How many calls one core is tried with. */
    core: { type: "string", default: "150,250,300" },
    /** Warm-up, s. */
    warm: { type: "string", default: "25" },
    /** `floor` or `earshot`: the other is left out. */
    only: { type: "string", default: "" },
    /** Nothing is written then. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const [seconds, rounds, warmMs] = [Number(values.seconds), Number(values.rounds), Number(values.warm) * 1000];
const levels = values.calls.split(",").map(Number);
const most = Math.max(...levels);
const phases = new Set(values.phases.split(","));
const startedAt = performance.now();
const on = machine();
const say = (text: string): void => void process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s  ${text}\n`);
const holdsToOne = phases.has("one-core") && canPin();
const database = await openBenchDatabase();
const sides: readonly Measured[] = [
  { who: "floor", file: "floor.ts", args: [] },
  { who: "earshot", file: "earshot.ts", args: [database.url] },
].filter(({ who }) => values.only === "" || values.only === who);
const ours = sides.filter(({ who }) => who === "earshot");

async function each(what: string, who: readonly Measured[], calls: number, s: number, how: How = {}): Promise<Run[]> {
  const runs: Run[] = [];
  for (const one of who) {
    say(`${what}: ${one.who}, ${calls} calls, ${s} s`);
    runs.push(await run(one, calls, s, { warmMs, ...how }));
  }
  return runs;
}
const found = {
  talk: [] as Run[],
  long: [] as Run[],
  tone440: [] as Run[],
  tone10k: [] as Run[],
  hello: [] as Hellos[],
  memory: [] as PerCall[],
  oneCore: [] as Run[],
} satisfies Phases;

try {
  if (phases.has("talk"))
    for (let round = 0; round < rounds; round++)
      for (const calls of levels) found.talk.push(...(await each("talk", sides, calls, seconds)));
  if (phases.has("long")) found.long.push(...(await each("answers of 60 s", sides, most, 130, { speech: { ms: 60_000, sound: "noise" } })));
  if (phases.has("tone")) {
    const tone = (hz: number): How => ({ speech: { ms: 3_000, sound: hz }, warmMs: 2_000 });
    found.tone440.push(...(await each("440 Hz", sides, 2, 18, tone(440))));
    found.tone10k.push(...(await each("10 kHz", sides, 2, 18, tone(10_000))));
  }
  if (phases.has("hello"))
    for (const engine of ["ready", "late"] as const) {
      say(`hello: engine ${engine}`);
      found.hello.push(await measureHello(engine, 20, database.url));
    }
  if (phases.has("memory"))
    for (const one of sides) {
      say(`memory: ${one.who}, ${most} → ${most * 2} calls`);
      found.memory.push(await measurePerCall(one, most));
    }
  if (holdsToOne) {
    // This process and Postgres' workers of these runs share the load's core.
    pin(process.pid, 0);
    const own = await openBenchDatabase();
    const held = ours.map((one) => ({ ...one, args: [own.url] }));
    for (const calls of values.core.split(",").map(Number))
      for (let round = 0; round < rounds; round++) found.oneCore.push(...(await each("one core", held, calls, seconds, { core: 1 })));
    await own.close();
  }
} finally {
  await database.close();
}

const held = bars(found);
const date = new Date();
const section = (title: string, body: string): string[] => (body === "" ? [] : ["", `## ${title}`, "", body]);
const runs = (some: readonly Run[]): string => (some.length === 0 ? "" : table(some));
const ms = (value: number): string => value.toFixed(1);
const text = `${[
  `# Bridge against floor, ${date.toISOString().slice(0, 16).replace("T", " ")} UTC`,
  "",
  `Machine: ${on}. ${seconds} s a run after ${values.warm} s of warm-up, ${rounds} rounds, of which the middle counts; ${((performance.now() - startedAt) / 60_000).toFixed(0)} minutes in all. Load, engine and carrier ends in a process of their own, Postgres in its own; method in bench/README.md.`,
  ...(values.note === "" ? [] : ["", values.note]),
  "",
  verdictTable(held),
  ...section("Talk", runs(found.talk)),
  ...section("Answers of 60 s", runs(found.long)),
  ...section(
    "From hello to the first word",
    found.hello
      .map(
        ({ engine, calls, firstP50, ownP50, ownMost, lost }) =>
          `- Engine ${engine}, ${calls} calls at once: from the audio socket to the greeting's first frame ${ms(firstP50)} ms (median); of these our own ${ms(ownP50)} ms, at most ${ms(ownMost)}; ${lost} frames of the caller's first words lost.`,
      )
      .join("\n"),
  ),
  ...section(
    "Memory of a call",
    found.memory
      .map(
        ({ who, calls, kilobytes, split }) =>
          `- ${who}, by the step from ${calls} to ${calls * 2} calls: ${kilobytes.toFixed(0)} kB resident; of these heap ${split.heap.toFixed(0)}, buffers ${split.buffers.toFixed(0)}, other memory V8 knows of ${split.external.toFixed(0)}, the rest native.`,
      )
      .join("\n"),
  ),
  ...section(
    "One core",
    phases.has("one-core") && !holdsToOne ? "Not measured: this machine has no taskset, or one core only." : runs(found.oneCore),
  ),
].join("\n")}\n`;
process.stdout.write(text);
if (!values.dry) say(`written: results/${await keepResult("bridge", text, date)}`);
process.exit(isRight(held) ? 0 : 1);
