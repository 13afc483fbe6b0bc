import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../server/src/clock.ts";
import { startEmbedded } from "../../server/src/db/embedded.ts";
import { migrate } from "../../server/src/db/migrate.ts";
import { inTransaction, openPool } from "../../server/src/db/pool.ts";
import { type AgentId, type CallId, newId } from "../../server/src/ids.ts";
import { announceRecording } from "../../server/src/recordings/announce.ts";
import { conversation, mp3Of } from "../../server/src/recordings/audio/test-sounds.ts";
import { openStorage } from "../../server/src/recordings/storage.ts";
import { carrierAt, startTestFiles } from "../../server/src/recordings/test-files.ts";
import { startRecordings } from "../../server/src/recordings/work.ts";

/**
 * Prints what FIGURES.md says of fetching: `node bench/recordings/fetch.ts`. Large files are fetched while a 20 ms tick like the
 * audio path's runs on the same event loop; then the time from webhook to playable is taken for files of five minutes.
 */
const LARGE = 20;
const LARGE_BYTES = 60 * 1024 * 1024;
if (process.argv[2] === "serve") await serve();
const carrier = await startCarrier();
const folder = await mkdtemp(join(tmpdir(), "earshot-figures-"));
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const database = await startEmbedded({ dataDir: join(folder, "db"), log: { ...silent, error: console.error } });
const pool = openPool(database.url);
await migrate(pool);
const agent = newId<AgentId>();
await pool.query("insert into agents (id, version) values ($1, 1)", [agent]);
await pool.query("insert into agent_versions (agent_id, version, settings) values ($1, 1, $2)", [
  agent,
  { name: "F", prompt: "", record: true },
]);
const recordings = await startRecordings({
  pool,
  url: database.url,
  carrier: carrierAt(carrier.url, carrier.privateKeyPem),
  storage: openStorage(`file:${join(folder, "kept")}`),
  clock: systemClock,
  log: { ...silent, error: console.error },
  journalDir: join(folder, "journal"),
});

async function announce(talkMs: number, url: string, sizeBytes: number): Promise<CallId> {
  const call = newId<CallId>();
  const endedAt = new Date();
  await pool.query(
    `insert into calls (id, direction, status, end_reason, agent_id, agent_version, answered_at, ended_at) values ($1, 'outbound', 'ended', 'caller_hung_up', $2, 1, $3, $4)`,
    [call, agent, new Date(endedAt.getTime() - talkMs), endedAt],
  );
  await inTransaction(pool, (sql) =>
    announceRecording(sql, {
      call,
      conversation: null,
      recording: newId(),
      url,
      sizeBytes,
      startedAt: null,
      endedAt: null,
      at: new Date(),
    }),
  );
  recordings.wake();
  return call;
}

/** The carrier's side is a process of its own, so that only ours is measured. */
async function serve(): Promise<never> {
  const files = await startTestFiles();
  const spoken = await mp3Of(conversation(300, 1));
  const large = Buffer.concat(
    Array.from({ length: Math.round(LARGE_BYTES / spoken.length) }, (_, i) => (i === 0 ? spoken : spoken.subarray(288))),
  );
  for (let i = 0; i < 40; i++) {
    files.serve(`spoken-${i}`, spoken);
    files.serve(`large-${i}`, large);
  }
  process.stdout.write(
    `${JSON.stringify({ url: files.url, privateKeyPem: files.privateKeyPem, spoken: spoken.length, large: large.length })}\n`,
  );
  return new Promise(() => {});
}

async function startCarrier(): Promise<{ url: string; privateKeyPem: string; spoken: number; large: number; stop(): void }> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "serve"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return { ...JSON.parse(String(line)), stop: () => child.kill() };
}

async function until(calls: readonly CallId[], statuses: readonly string[]): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      "select count(*)::int as n from recordings where call_id = any($1) and source = 'carrier' and status = any($2)",
      [calls, statuses],
    );
    if (rows[0].n === calls.length) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function watch() {
  const late: number[] = [];
  let due = performance.now() + 20;
  let rss = 0;
  const timer = setInterval(() => {
    late.push(Math.max(0, performance.now() - due));
    due = performance.now() + 20;
    rss = Math.max(rss, process.memoryUsage().rss);
  }, 20);
  return () => {
    clearInterval(timer);
    late.sort((a, b) => a - b);
    return { p50: late[late.length >> 1] ?? 0, p99: late[Math.floor(late.length * 0.99)] ?? 0, rss };
  };
}
const mb = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
const percentile = (times: number[], share: number) => times.sort((a, b) => a - b)[Math.floor(times.length * share)]?.toFixed(0);

const address = (name: string) => `${carrier.url}/v1/files/${name}`;
{
  const timed = async (name: string, statuses: readonly string[]) => {
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const began = performance.now();
      await until([await announce(300_000, address(`spoken-${i}`), carrier.spoken)], statuses);
      times.push(performance.now() - began);
    }
    console.log(
      `webhook to ${name}, 5-minute call (${mb(carrier.spoken)} MB): p50 ${percentile(times, 0.5)} ms, p95 ${percentile(times, 0.95)} ms`,
    );
  };
  await timed("playable", ["stored", "verified"]);
  await timed("verified", ["verified"]);
}
{
  const fetchAll = async (from: number, count: number) => {
    const calls: CallId[] = [];
    for (let i = from; i < from + count; i++) calls.push(await announce(1000, address(`large-${i}`), carrier.large));
    await until(calls, ["verified", "failed"]);
  };
  await fetchAll(20, 4);
  globalThis.gc?.();
  const idle = watch();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const quiet = idle();
  const before = process.memoryUsage().rss;
  const done = watch();
  const began = performance.now();
  await fetchAll(0, LARGE);
  const seconds = (performance.now() - began) / 1000;
  const busy = done();
  console.log(
    `${LARGE} files of ${mb(carrier.large)} MB at once, fetched, stored, read back, decoded: ${seconds.toFixed(1)} s, ${mb((LARGE * carrier.large) / seconds)} MB/s`,
  );
  console.log(
    `resident memory: +${mb(busy.rss - before)} MB at most, ${mb((busy.rss - before) / LARGE)} MB a file, decoding threads included`,
  );
  console.log(
    `20 ms tick late by p50/p99: idle ${quiet.p50.toFixed(1)}/${quiet.p99.toFixed(1)} ms, fetching ${busy.p50.toFixed(1)}/${busy.p99.toFixed(1)} ms`,
  );
}
await recordings.close();
carrier.stop();
await pool.end();
await database.stop();
await rm(folder, { recursive: true, force: true });
