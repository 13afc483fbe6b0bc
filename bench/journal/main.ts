/** `node bench/journal/main.ts`: hours of call through the real bridge and journal with a driven clock, and the recordings held against the truth. */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { replayJournal } from "../../server/src/bridge/replay.ts";
import { type CallId, newId } from "../../server/src/ids.ts";
import { journalPath } from "../../server/src/journal/file.ts";
import { keepResult, machine } from "../results.ts";
import { drive } from "./drive.ts";
import { measure } from "./measure.ts";
import { troubles } from "./trouble.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    /** Only the troubles whose name has this in it; nothing is written then. */
    only: { type: "string", default: "" },
    dry: { type: "boolean", default: false },
  },
});
const totalMs = Number(values.minutes) * 60_000;
const dir = await mkdtemp(join(tmpdir(), "earshot-hour-"));
const startedAt = performance.now();
const load = loadavg();
const rows: string[] = [];
let ratio = 0;
try {
  for (const trouble of troubles(totalMs).filter(({ name }) => name.includes(values.only))) {
    const call = newId<CallId>();
    const path = journalPath(dir, call);
    const truth = await drive(call, dir, totalMs, trouble);
    const one = await measure(path, truth);
    const { differences, pacing } = await replayJournal(path);
    ratio = Math.max(ratio, one.journalBytes / (totalMs / 1000));
    const ms = (value: number): string => value.toFixed(1);
    rows.push(
      `| ${trouble.name} | ${one.words} | ${one.missing} | ${ms(one.callerApart)} | ${ms(one.agentApart)} | ${ms(one.drift)} | ${ms(one.lengthError)} | ${(one.journalBytes / 1e6).toFixed(0)} | ${differences.length} | ${pacing.apart} of ${pacing.sends} |`,
    );
    process.stderr.write(`${rows.at(-1)}\n`);
    await rm(path);
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
const date = new Date().toISOString();
const text = [
  `# Recordings from journals of ${values.minutes}-minute calls, ${date.slice(0, 16).replace("T", " ")}`,
  "",
  `${machine(load)}. The clock is driven: each call goes through the real bridge, player and journal as fast as the machine can, ${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes for all. Both sides say a marked word every ten seconds, every third answer is broken off; a word's true time is that at which the emulated carrier heard or played it, by its own clock. All times in ms.`,
  "",
  "| | words found | words missing or invented | caller's words off by | agent's words off by | drift of the sides | length off by | journal MB | replay: other decisions | replay: sends with other frames |",
  "|---|---|---|---|---|---|---|---|---|---|",
  ...rows,
  "",
  `*Off by*: the worst word, less the network's own way (the median). *Drift*: how much the sides moved against each other from the first ten words to the last ten; the bar is 20 ms an hour. A journal takes at most ${(ratio / 1000).toFixed(0)} kB a second of these calls, in which the agent speaks 30 % of the time.`,
  "",
].join("\n");
process.stdout.write(text);
if (!values.dry && values.only === "")
  process.stderr.write(`written: results/${await keepResult("journal", text)}
`);
process.exit(0);
