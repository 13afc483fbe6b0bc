/** `npm run bench -w bench`: measures the bridge against the floor and writes a table into bench/results/. See README.md. */
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Run, run } from "./bridge/run.ts";
import { table } from "./bridge/table.ts";
import { openBenchDatabase } from "./database.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "10,40" },
    seconds: { type: "string", default: "20" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    /** Nothing is written then. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const seconds = Number(values.seconds);
const database = await openBenchDatabase();

const runs: Run[] = [];
try {
  for (let round = 0; round < Number(values.rounds); round++)
    for (const calls of values.calls.split(",").map(Number))
      for (const measured of [
        { who: "floor", file: "floor.ts", args: [] },
        { who: "earshot", file: "earshot.ts", args: [database.url] },
      ]) {
        if (values.only !== "" && values.only !== measured.who) continue;
        process.stderr.write(`${measured.who}, ${calls} calls, ${seconds} s ...\n`);
        runs.push(await run(measured, calls, seconds));
      }
} finally {
  await database.close();
}

const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}`;
const text = table(runs, { date: new Date().toISOString().slice(0, 16).replace("T", " "), machine, seconds, note: values.note });
process.stdout.write(text);
if (!values.dry) {
  const kind = `${cpus().length}-core-${process.platform}`;
  await writeFile(join(import.meta.dirname, "results", `${new Date().toISOString().slice(0, 10)}-${kind}.md`), text);
}
