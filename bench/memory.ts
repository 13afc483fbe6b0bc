/**
 * `npm run memory -w bench`: is anything left of a call? 10,000 short calls through one process, a hundred at a time, and what the process holds after
 * each wave: heap, resident memory, timers, sockets, descriptors, listeners. Writes a page into results/. See README.md.
 */
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { heapFlags } from "../server/src/heap-flags.ts";
import { ask, ended, start, told } from "./bridge/children.ts";
import type { FromGenerator, FromServer } from "./bridge/protocol.ts";
import { percentile } from "./bridge/spread.ts";
import { openBenchDatabase } from "./database.ts";
import { keepResult, machine } from "./results.ts";
import { atMost, type Held, isRight, none, verdictTable } from "./verdict.ts";

const { values } = parseArgs({
  options: {
    /** At a time, and how often. */
    calls: { type: "string", default: "100" },
    waves: { type: "string", default: "100" },
    /** How long the calls of a wave talk, s. */
    talk: { type: "string", default: "1.5" },
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
type Usage = Extract<FromServer, { tell: "usage" }>;
const [calls, waves, talkMs] = [Number(values.calls), Number(values.waves), Number(values.talk) * 1000];
const startedAt = performance.now();
const on = machine();
const database = await openBenchDatabase();
const generator = start("generator.ts", []);
const engine = await told<FromGenerator, "engine">(generator, "engine");
const server = start("earshot.ts", [`${engine.url}/v0/evi/chat`, database.url], heapFlags);
await told<FromServer, "listening">(server, "listening");
const usage = (): Promise<Usage> => ask<FromServer, "usage">(server, { ask: "usage", collect: true }, "usage");
/** The pool lets go of its connections, and a socket of its descriptor, some moments after the last call. */
const SETTLED_MS = 1_000;

const after: Usage[] = [];
let frames = 0;
for (let wave = 1; wave <= waves; wave++) {
  const { urls } = await ask<FromServer, "calls">(server, { ask: "calls", count: calls }, "calls");
  await ask<FromGenerator, "connected">(generator, { ask: "connect", urls, soon: true }, "connected");
  await wait(talkMs);
  const { figures } = await ask<FromGenerator, "figures">(generator, { ask: "figures" }, "figures");
  frames += figures.frames;
  generator.send({ ask: "measure" });
  await ask<FromGenerator, "disconnected">(generator, { ask: "disconnect" }, "disconnected");
  await ask<FromServer, "calls ended">(server, { ask: "end calls", forget: true }, "calls ended");
  // The first fifth warms up: code is compiled, pools get their size.
  if (wave % Math.max(1, Math.round(waves / 20)) === 0 || wave === waves) {
    await wait(SETTLED_MS);
    after.push(await usage());
    process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s  ${wave * calls} calls\n`);
  }
}
generator.send({ ask: "stop" });
server.send({ ask: "stop" });
await Promise.all([ended(generator), ended(server)]);
await database.close();

const warm = after.slice(Math.floor(after.length / 5));
const third = Math.max(1, Math.floor(warm.length / 3));
const between = calls * waves * 0.8 * (2 / 3);
/** Bytes a call, from the middle of the first third after the warm-up to the middle of the last. */
const growth = (of: (usage: Usage) => number): number =>
  (percentile(warm.slice(-third).map(of), 0.5) - percentile(warm.slice(0, third).map(of), 0.5)) / between;
const all = (resources: Usage["resources"]): number => Object.values(resources).reduce((sum, n) => sum + n, 0);
const more = (of: (usage: Usage) => number): number => Math.max(0, of(warm.at(-1) as Usage) - of(warm[0] as Usage));
const held: Held[] = [
  atMost(
    "heap and buffers that stay, a call",
    growth(({ heapBytes }) => heapBytes),
    100,
    "bytes",
    0,
    false,
  ),
  atMost("resident memory that stays, a call", growth(({ rssBytes }) => rssBytes) / 1024, 1, "kB", 2),
  none(
    "timers, sockets and requests more than after the warm-up",
    more(({ resources }) => all(resources)),
  ),
  none(
    "descriptors more than after the warm-up",
    more(({ descriptors }) => descriptors),
  ),
  none(
    "listeners more than after the warm-up",
    more(({ listeners }) => listeners),
  ),
  { figure: "calls", bar: "≥ 10,000", found: String(calls * waves), met: calls * waves >= 10_000, timing: true },
];
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const date = new Date();
const text = `# What is left of a call, ${date.toISOString().slice(0, 16).replace("T", " ")} UTC

Machine: ${on}. ${calls * waves} calls through one process with database and journal, ${calls} at a time, ${values.talk} s each, cut off while their agent speaks (${frames} frames played); ${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes.${values.note === "" ? "" : ` ${values.note}`}

${verdictTable(held)}

What the process held with no call open, after full collections:

| calls so far | heap and buffers, MB | heap alone, MB | resident, MB | timers, sockets, requests | descriptors | listeners |
|---|---|---|---|---|---|---|
${after
  .map(
    (one, i) =>
      `| ${Math.min(waves, (i + 1) * Math.max(1, Math.round(waves / 20))) * calls} | ${megabytes(one.heapBytes)} | ${one.split.heapMB.toFixed(1)} | ${megabytes(one.rssBytes)} | ${Object.entries(
        one.resources,
      )
        .map(([kind, n]) => `${kind} ${n}`)
        .join(", ")} | ${one.descriptors} | ${one.listeners} |`,
  )
  .join("\n")}
`;
process.stdout.write(text);
if (!values.dry) process.stderr.write(`written: results/${await keepResult("memory", text, date)}\n`);
process.exit(isRight(held) ? 0 : 1);
