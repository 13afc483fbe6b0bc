/** `npm run engine-chaos -w bench`: calls whose engine is lost at random moments, and what the caller hears of it. See README.md. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { keepResult, machine } from "../results.ts";
import { isRight } from "../verdict.ts";
import type { Outcome } from "./call.ts";
import { plan } from "./plan.ts";
import { bars, report } from "./report.ts";
import { openWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "200" },
    wave: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    /** Nothing is written into results/. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const [seed, wave] = [Number(values.seed), Number(values.wave)];
const startedAt = performance.now();
const on = machine();
const dir = await mkdtemp(join(tmpdir(), "earshot-engine-chaos-"));
const world = await openWorld(dir);
const outcomes: Outcome[] = [];
try {
  const calls = plan(seed, Number(values.calls));
  for (let from = 0; from < calls.length; from += wave) {
    outcomes.push(...(await world.wave(calls.slice(from, from + wave))));
    process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s  ${outcomes.length} calls\n`);
  }
} finally {
  await world.close();
  await rm(dir, { recursive: true, force: true });
}
const date = new Date();
const text = report({
  outcomes,
  seed,
  wave,
  minutes: (performance.now() - startedAt) / 60_000,
  date: date.toISOString().slice(0, 16).replace("T", " "),
  machine: on,
  note: values.note,
});
process.stdout.write(text);
if (!values.dry) process.stderr.write(`written: results/${await keepResult("engine-chaos", text, date)}\n`);
process.exit(isRight(bars(outcomes)) ? 0 : 1);
