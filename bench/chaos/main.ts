/** `npm run chaos -w bench`: calls while processes are killed, then the proof that nothing was lost. See README.md. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { replayJournal } from "../../server/src/bridge/replay.ts";
import { auditRecordings } from "../../server/src/recordings/audit.ts";
import { openStorage } from "../../server/src/recordings/storage.ts";
import { keepResult, machine } from "../results.ts";
import { isRight } from "../verdict.ts";
import { plan } from "./plan.ts";
import { bars, type Replays, report } from "./report.ts";
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
    /** Waves at the end in which the phone network itself dies. */
    phone: { type: "string", default: "0" },
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
  phone: Number(values.phone),
  servers: Number(values.servers),
};
const startedAt = performance.now();
const on = machine();
let right = false;
const log = (text: string): void => void process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s  ${text}\n`);

const world = await openWorld({ servers: wish.servers, log });
if (values.keep) log(world.dir);
try {
  const waves: WaveResult[] = [];
  for (const wave of plan(wish)) {
    // A dead phone network has lost the recordings it had not handed over: those of the waves before are fetched first.
    if (waves.length === Math.ceil(wish.calls / wish.wave)) await untilAllIsKept(world);
    log(`wave ${waves.length + 1}: ${wave.calls} calls`);
    waves.push(await runWave(world, wave, log));
  }
  await untilAllIsKept(world, wish.phone === 0);
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
  const date = new Date();
  const run = {
    wish,
    date: date.toISOString().slice(0, 16).replace("T", " "),
    machine: on,
    minutes: (performance.now() - startedAt) / 60_000,
    verdict,
    happened: waves.flatMap(({ happened }) => happened),
    audit,
    replays,
    note: values.note,
  };
  const text = report(run);
  process.stdout.write(text);
  if (!values.dry) log(`written: results/${await keepResult(`chaos-${wish.servers}`, text, date)}`);
  right = isRight(bars(run));
} finally {
  await world.close(values.keep);
}
process.exit(right ? 0 : 1);

/** Every journal of the run, played through the decisions again. */
async function replayAll({ dir, pool }: World): Promise<Replays> {
  const { rows } = await pool.query<{ n: number }>("select count(*)::int as n from calls where socket_started_at is not null");
  const sum = {
    expected: rows[0]?.n ?? 0,
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

/** `carrier`: are the carrier's recordings waited for too? A phone network that died has none any more of its last calls. */
async function untilAllIsKept(world: World, carrier = true): Promise<void> {
  await untilSettled(world, carrier);
  await tenMinutesLater(world);
  await untilSettled(world, carrier);
}

/** What the carrier announced while nobody listened was announced in vain: the time it may take is made to pass. */
async function tenMinutesLater({ pool }: World): Promise<void> {
  await pool.query(
    `update recordings set deadline_at = now(), next_attempt_at = now() where status = 'expected' and source = 'carrier' and deadline_at is not null
        and deadline_at > now()`,
  );
}

/** Recordings are announced, fetched, verified and made in the background: waits until none is on its way, or nothing has moved for two minutes. */
async function untilSettled({ pool }: World, carrier: boolean): Promise<void> {
  let [left, movedAt] = [Number.NaN, Date.now()];
  for (;;) {
    const { rows } = await pool.query<{ n: number }>(
      `select (select count(*) from recordings r join calls c on c.id = r.call_id
                where ((r.source <> 'carrier' or $1) and r.status in ('announced', 'fetching', 'stored')
                   or r.status = 'expected' and (r.source = 'journal' and c.socket_started_at is not null or r.deadline_at is null or r.deadline_at <= now())))::int
            + (select count(*) from calls where status <> 'ended')::int as n`,
      [carrier],
    );
    const n = rows[0]?.n ?? 0;
    if (n !== left) [left, movedAt] = [n, Date.now()];
    if (n === 0) return;
    if (Date.now() - movedAt > 120_000) {
      log(`${n} calls or recordings are still on their way, and nothing moves`);
      return;
    }
    await sleep(500);
  }
}
