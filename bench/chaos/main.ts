/** `npm run chaos -w bench`: calls while processes are killed, then the proof that nothing was lost. See README.md. */
import { readdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { replayJournal } from "../../server/src/bridge/replay.ts";
import { auditRecordings } from "../../server/src/recordings/audit.ts";
import { openStorage } from "../../server/src/recordings/storage.ts";
import { plan } from "./plan.ts";
import { type Replays, report } from "./report.ts";
import { verify } from "./verify.ts";
import { runWave, type WaveResult } from "./wave.ts";
import { openWorld, type World } from "./world.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "60" },
    wave: { type: "string", default: "20" },
    servers: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    /** How often in each wave. */
    kills: { type: "string", default: "2" },
    drops: { type: "string", default: "0" },
    postgres: { type: "string", default: "0" },
    engine: { type: "string", default: "0" },
    /** Nothing is written into results/. */
    dry: { type: "boolean", default: false },
    /** The world's folder stays. */
    keep: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const wish = {
  seed: Number(values.seed),
  calls: Number(values.calls),
  wave: Number(values.wave),
  kills: Number(values.kills),
  drops: Number(values.drops),
  postgres: Number(values.postgres),
  engine: Number(values.engine),
  servers: Number(values.servers),
};
const startedAt = performance.now();
const log = (text: string): void => void process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s  ${text}\n`);

const world = await openWorld({ servers: wish.servers, log });
if (values.keep) log(world.dir);
try {
  const waves: WaveResult[] = [];
  for (const wave of plan(wish)) {
    log(`wave ${waves.length + 1}: ${wave.calls} calls`);
    waves.push(await runWave(world, wave, log));
  }
  await untilSettled(world);
  await tenMinutesLater(world);
  await untilSettled(world);
  const verdict = await verify(world, waves);
  const later = { now: () => new Date(Date.now() + 45 * 60_000), monotonicMs: () => performance.now() };
  const audit = await auditRecordings(
    { pool: world.pool, storage: openStorage(`file:${join(world.dir, "data/recordings")}`), clock: later },
    { hash: 10_000 },
  );
  for (const { call, what } of [...verdict.wrong, ...audit.unexplained.map(({ call, why }) => ({ call, what: `audit: ${why}` }))])
    log(`${call}: ${what}`);
  const replays = await replayAll(world);
  for (const { call, what } of replays.wrong) log(`${call}: ${what}`);
  const date = new Date().toISOString();
  const text = report({
    wish,
    date: date.slice(0, 16).replace("T", " "),
    machine: `${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}`,
    minutes: (performance.now() - startedAt) / 60_000,
    verdict,
    happened: waves.flatMap(({ happened }) => happened),
    audit,
    replays,
    note: values.note,
  });
  process.stdout.write(text);
  const name = `${date.slice(0, 10)}-chaos-${wish.servers}-${cpus().length}-core-${process.platform}.md`;
  if (!values.dry) await writeFile(join(import.meta.dirname, "../results", name), text);
} finally {
  await world.close(values.keep);
}
process.exit(0);

/** Every journal of the run, played through the decisions again. */
async function replayAll({ dir }: World): Promise<Replays> {
  const sum = {
    journals: 0,
    decisions: 0,
    sends: 0,
    frames: 0,
    worstApartMs: 0,
    apart: 0,
    differences: 0,
    damagedBytes: 0,
    wrong: [] as { call: string; what: string }[],
  };
  const folder = join(dir, "data/journal");
  for (const name of await readdir(folder)) {
    const { decisions, differences, damagedBytes, pacing } = await replayJournal(join(folder, name));
    sum.journals++;
    sum.decisions += decisions;
    sum.sends += pacing.sends;
    sum.frames += pacing.frames;
    sum.apart += pacing.apart;
    sum.worstApartMs = Math.max(sum.worstApartMs, pacing.worstApartMs);
    sum.differences += differences.length;
    sum.damagedBytes += damagedBytes;
    for (const { heard, recorded, replayed } of differences)
      sum.wrong.push({ call: name.replace(".journal", ""), what: `replay: ${heard}: then ${recorded}, now ${replayed}` });
  }
  return sum;
}

/** What the carrier announced while nobody listened was announced in vain: the time it may take is made to pass. */
async function tenMinutesLater({ pool }: World): Promise<void> {
  await pool.query(
    `update recordings set deadline_at = now(), next_attempt_at = now() where status = 'expected' and source = 'carrier' and deadline_at is not null`,
  );
}

/** Recordings are announced, fetched, verified and made in the background: waits until none is on its way, for two minutes at most. */
async function untilSettled({ pool }: World): Promise<void> {
  const end = Date.now() + 120_000;
  for (;;) {
    const { rows } = await pool.query<{ n: number }>(
      `select (select count(*) from recordings r join calls c on c.id = r.call_id
                where r.status in ('announced', 'fetching', 'stored')
                   or (r.status = 'expected' and (r.source = 'journal' and c.socket_started_at is not null or r.deadline_at is null or r.deadline_at <= now())))::int
            + (select count(*) from calls where status <> 'ended')::int as n`,
    );
    if (rows[0]?.n === 0 || Date.now() > end) {
      if (rows[0]?.n) log(`${rows[0].n} calls or recordings are still on their way`);
      return;
    }
    await sleep(500);
  }
}
