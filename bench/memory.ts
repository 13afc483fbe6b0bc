/** `npm run memory -w bench`: what a call takes, and whether anything is left of it: waves of short calls through one process. */
import { parseArgs } from "node:util";
import { heapFlags } from "../server/src/heap-flags.ts";
import { ask, ended, start, told, wait } from "./bridge/children.ts";
import type { FromGenerator, FromServer } from "./bridge/protocol.ts";
import { openBenchDatabase } from "./database.ts";

const { values } = parseArgs({ options: { calls: { type: "string", default: "100" }, waves: { type: "string", default: "10" } } });
const calls = Number(values.calls);
const database = await openBenchDatabase();
const generator = start("generator.ts", []);
const engine = await told<FromGenerator, "engine">(generator, "engine");
const server = start("earshot.ts", [`${engine.url}/v0/evi/chat`, database.url], heapFlags);
await told<FromServer, "listening">(server, "listening");
const usage = (): Promise<Extract<FromServer, { tell: "usage" }>> =>
  ask<FromServer, "usage">(server, { ask: "usage", collect: true }, "usage");
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

process.stdout.write(
  "| calls so far | talking: resident, heap MB | kB a call | ended: resident, heap MB | open handles |\n|---|---|---|---|---|\n",
);
let empty = await usage();
process.stdout.write(`| 0 | | | ${megabytes(empty.rssBytes)}, ${megabytes(empty.heapBytes)} | ${empty.resources} |\n`);
for (let wave = 1; wave <= Number(values.waves); wave++) {
  const { urls } = await ask<FromServer, "calls">(server, { ask: "calls", count: calls }, "calls");
  await ask<FromGenerator, "connected">(generator, { ask: "connect", urls }, "connected");
  await wait(6_000);
  const full = await usage();
  await ask<FromGenerator, "disconnected">(generator, { ask: "disconnect" }, "disconnected");
  await ask<FromServer, "calls ended">(server, { ask: "end calls" }, "calls ended");
  await wait(1_000);
  const after = await usage();
  const perCall = ((full.rssBytes - empty.rssBytes) / calls / 1024).toFixed(0);
  process.stdout.write(
    `| ${wave * calls} | ${megabytes(full.rssBytes)}, ${megabytes(full.heapBytes)} | ${perCall} | ${megabytes(after.rssBytes)}, ${megabytes(after.heapBytes)} | ${after.resources} |\n`,
  );
  empty = after;
}
generator.send({ ask: "stop" });
server.send({ ask: "stop" });
await Promise.all([ended(generator), ended(server)]);
await database.close();
