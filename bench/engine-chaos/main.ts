/** `npm run engine-chaos -w bench`: calls whose engine is lost at random moments, and what the caller hears of it. See README.md. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Outcome } from "./call.ts";
import { plan } from "./plan.ts";
import { report, wrong } from "./report.ts";
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
const date = new Date().toISOString();
const text = report({
  outcomes,
  seed,
  wave,
  minutes: (performance.now() - startedAt) / 60_000,
  date: date.slice(0, 16).replace("T", " "),
  machine: `${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}`,
  note: values.note,
});
process.stdout.write(text);
if (!values.dry)
  await writeFile(
    join(import.meta.dirname, "../results", `${date.slice(0, 10)}-engine-chaos-${cpus().length}-core-${process.platform}.md`),
    text,
  );
process.exit(wrong(outcomes).length === 0 ? 0 : 1);
