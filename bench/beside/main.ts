/**
 * `npm run beside -w bench`: the audio of calls in the whole server while something goes on beside it: a saturated API, a Postgres that stands
 * still, a disk that does, a second process on the same port. Writes a table into bench/results/. See ../README.md.
 */
import { fork } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../../server/src/clock.ts";
import type { CallId } from "../../server/src/ids.ts";
import { readJournal } from "../../server/src/journal/read.ts";
import { makeApiKey } from "../../server/src/people/api-keys.ts";
import type { Totals } from "../bridge/protocol.ts";
import { keepResult, machine } from "../results.ts";
import { atMost, type Held, isRight, none, verdictTable } from "../verdict.ts";
import { type House, type Measured, openHouse } from "./house.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "40" },
    seconds: { type: "string", default: "20" },
    warm: { type: "string", default: "25" },
    /** Leaves the second process out. */
    single: { type: "boolean", default: false },
    /** Nothing is written then. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const calls = Number(values.calls);
const ms = Number(values.seconds) * 1000;
const columns: { name: string; measured: Measured }[] = [];
const said: string[] = [];
const held: Held[] = [];
const startedAt = performance.now();
const on = machine();
const say = (text: string): void => void process.stderr.write(`${text}\n`);

await besideOne();
if (!values.single) await onTwo();

async function besideOne(): Promise<void> {
  const house = await openHouse({ servers: 1 });
  try {
    const keys: string[] = [];
    for (let i = 0; i < 40; i++) keys.push((await makeApiKey(house.pool, { name: `bench ${i}`, role: "admin" }, systemClock)).key);
    const ids = await house.connect(calls);
    say(`${calls} calls, warming up ...`);
    await wait(Number(values.warm) * 1000);
    const column = async (name: string, meanwhile?: () => Promise<void>): Promise<void> => {
      say(`${name} ...`);
      columns.push({ name, measured: await house.measure(ms, meanwhile) });
    };
    await column("alone");
    await column("API saturated", () => saturated(house, keys, ids));
    await wait(2_000);
    await column("Postgres still for 5 s", () => postgresStill(house));
    await column("disk still for 10 s, then slow", () => diskSlow(house));
    const totals = await house.disconnect();
    await wait(3_000);
    await rowsOf(house, ids, totals);
    await house.stopServers();
    await journalsOf(house, ids, totals);
  } finally {
    await house.close();
  }
}

/** 32 clients that ask without a pause, and 20 dashboards that follow. */
async function saturated(house: House, keys: readonly string[], ids: readonly CallId[]): Promise<void> {
  const child = fork(join(import.meta.dirname, "saturate.ts"), [house.origin, keys.join(","), ids.join(","), "32"]);
  await wait(ms - 500);
  const answer = new Promise<{ answered: number; p50: number; p99: number; refusals: [number, number][] }>((settle) =>
    child.once("message", (message) => settle(message as never)),
  );
  child.send("stop");
  const { answered, p50, p99, refusals } = await answer;
  said.push(
    `The API answered ${Math.round(answered / (ms / 1000 - 0.5))} requests a second (p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms)${refusals.map(([status, n]) => `, ${n} with ${status}`).join("")}.`,
  );
}

async function postgresStill(house: House): Promise<void> {
  await wait(3_000);
  house.postgres("SIGSTOP");
  await wait(5_000);
  house.postgres("SIGCONT");
  await wait(Math.max(0, ms - 8_000));
}

/** No write for half of the time, then 100 a second: at 40 calls the journals want 80. */
async function diskSlow(house: House): Promise<void> {
  const [server] = house.servers;
  server?.kill("SIGUSR2");
  await wait(ms / 2);
  for (const until = performance.now() + ms / 2 - 500; performance.now() < until; ) {
    house.disk.feed(5);
    await wait(50);
  }
  server?.kill("SIGUSR2");
  house.disk.feed(5_000);
}

/** Is every sentence a row, once? */
async function rowsOf(house: House, ids: readonly CallId[], totals: readonly Totals[]): Promise<void> {
  let [missing, tooMany, all] = [0, 0, 0];
  for (const [i, call] of ids.entries()) {
    const { rows } = await house.pool.query<{ speaker: string; n: number }>(
      "select speaker, count(*)::int as n from utterances where call_id = $1 group by speaker",
      [call],
    );
    const { words = 0, answers = 0 } = totals[i] ?? {};
    for (const [speaker, sent] of [
      ["caller", words],
      ["agent", answers],
    ] as const) {
      const found = rows.find((row) => row.speaker === speaker)?.n ?? 0;
      all += sent;
      missing += Math.max(0, sent - found);
      tooMany += Math.max(0, found - sent);
    }
  }
  said.push(`Of ${all} sentences of the run (all columns but the last) ${missing} have no row, and there are ${tooMany} rows too many.`);
  held.push(none("sentences without a row", missing), none("rows too many", tooMany));
}

/** Is every frame of the callers in its journal, with no gap? */
async function journalsOf(house: House, ids: readonly CallId[], totals: readonly Totals[]): Promise<void> {
  const files = await readdir(house.journalDir);
  let [sent, found, gaps, damaged] = [0, 0, 0, 0];
  for (const [i, call] of ids.entries()) {
    const file = files.find((name) => name.startsWith(call));
    sent += totals[i]?.callerFrames ?? 0;
    if (file === undefined) continue;
    const journal = readJournal(join(house.journalDir, file));
    for await (const { kind } of journal.records) {
      if (kind === "callerFrame") found++;
      if (kind === "gap") gaps++;
    }
    damaged += journal.damage.length;
  }
  said.push(`Of ${sent} caller frames ${found} are in the journals, with ${gaps} gaps and ${damaged} damaged places.`);
  held.push(
    none("caller frames that are in no journal", Math.max(0, sent - found)),
    none("gaps and damaged places in journals", gaps + damaged),
  );
}

/** Twice the calls on two processes that share a port: who carries how many, and do the figures hold? */
async function onTwo(): Promise<void> {
  const house = await openHouse({ servers: 2 });
  try {
    await house.connect(calls * 2);
    say(`${calls * 2} calls on two processes, warming up ...`);
    await wait(Number(values.warm) * 1000);
    columns.push({ name: `${calls * 2} calls on two processes`, measured: await house.measure(ms) });
    const { rows } = await house.pool.query<{ n: number }>("select count(*)::int as n from calls group by owner order by 1");
    const spread = rows.map(({ n }) => n);
    said.push(`The kernel spread the calls over the two processes as ${spread.join(" and ")}.`);
    const least = Math.min(...spread) / spread.reduce((sum, n) => sum + n, 0);
    const [alone] = columns;
    const both = columns.at(-1);
    const cost = (column: typeof both, n: number): number => (column === undefined ? Number.NaN : column.measured.coreShare / n);
    held.push(
      {
        figure: "calls of two processes on one port, on the one that has fewer",
        bar: "≥ 25 %",
        found: `${(least * 100).toFixed(0)} %`,
        met: spread.length === 2 && least >= 0.25,
        timing: true,
      },
      atMost("processor time of a call on two processes, against one", cost(both, calls * 2) / cost(alone, calls), 1.2, "×"),
    );
    await house.disconnect();
  } finally {
    await house.close();
  }
}

// ---- the page ------------------------------------------------------------------------------------------------------------------

const number = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits) : "-");
const rows: [string, (measured: Measured) => string][] = [
  ["caller → engine, p50 / p99 ms", ({ figures: { up } }) => `${number(up.p50)} / ${number(up.p99)}`],
  ["first chunk → first frame, p50 / p99 ms", ({ figures: { firstFrame } }) => `${number(firstFrame.p50)} / ${number(firstFrame.p99)}`],
  ["interruption → silence, p50 / p99 ms", ({ figures: { silence } }) => `${number(silence.p50)} / ${number(silence.p99)}`],
  [
    "lead, least / middle / most ms",
    ({ figures }) => [figures.leadMin, figures.leadP50, figures.leadMax].map((lead) => number(lead, 0)).join(" / "),
  ],
  ["underruns (ms dry)", ({ figures }) => `${figures.underruns} (${number(figures.dryMs, 0)})`],
  ["caller frames lost or doubled", ({ figures }) => String(figures.upLost)],
  ["speech lost or repeated, most ms a turn", ({ figures }) => number(figures.speechOffMs, 0)],
  ["samples unlike the true sound", ({ figures }) => String(figures.clicks)],
  ["frames after clear, wrong-sized", ({ figures }) => `${figures.leftover}, ${figures.wrongSized}`],
  ["share of a core, servers", ({ coreShare }) => `${number(coreShare * 100, 0)} %`],
  ["resident, servers, MB", ({ residentMB }) => number(residentMB, 0)],
  ["the generator's own lateness, p99 ms", ({ figures }) => number(figures.generatorLateP99)],
];
/** The audio of a column is to stay what it is when nothing goes on beside it. */
function audioBars({ name, measured: { figures } }: (typeof columns)[number]): Held[] {
  const base = columns[0]?.measured.figures;
  const at = (figure: string): string => `${figure}: ${name}`;
  return [
    ...(base === undefined || base === figures
      ? []
      : [atMost(at("caller → engine, p99, beyond alone"), figures.up.p99 - base.up.p99, 2, "ms")]),
    atMost(at("first chunk → first frame, p50"), figures.firstFrame.p50, 2, "ms"),
    atMost(at("interruption → silence, p99"), figures.silence.p99, 5, "ms"),
    { ...none(at("underruns"), figures.underruns), timing: true },
    none(
      at("frames lost, doubled, wrong-sized or after clear; ms of speech lost; clicks"),
      figures.upLost + figures.wrongSized + figures.leftover + figures.speechOffMs + figures.clicks,
    ),
  ];
}
const verdict = [...columns.flatMap(audioBars), ...held];
const date = new Date();
const text = `# ${calls} calls in the whole server, and what goes on beside them, ${date.toISOString().slice(0, 16).replace("T", " ")} UTC

Machine: ${on}. ${values.seconds} s a column after ${values.warm} s of warm-up, ${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes in all; the load (callers, engine, API clients) in processes of its own on the same machine, the servers logging as in life; method in bench/README.md.${values.note === "" ? "" : ` ${values.note}`}

${verdictTable(verdict)}

| figure | ${columns.map(({ name }) => name).join(" | ")} |
|---|${columns.map(() => "---|").join("")}
${rows.map(([name, value]) => `| ${name} | ${columns.map(({ measured }) => value(measured)).join(" | ")} |`).join("\n")}

${said.map((line) => `- ${line}`).join("\n")}
`;
process.stdout.write(text);
if (!values.dry) say(`written: results/${await keepResult("beside", text, date)}`);
process.exit(isRight(verdict) ? 0 : 1);
