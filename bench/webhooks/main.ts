/** `node bench/webhooks/main.ts`: how fast the carrier's webhooks are stored, applied and answered. Writes a table into bench/results/. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import type pg from "pg";
import { ensureFirstAgent } from "../../server/src/agents/first.ts";
import { startEmbedded } from "../../server/src/db/embedded.ts";
import { migrate } from "../../server/src/db/migrate.ts";
import { openPool } from "../../server/src/db/pool.ts";
import { newId } from "../../server/src/ids.ts";
import { keepResult, machine } from "../results.ts";
import { type Asked, atRate, eventsOf, flatOut, questionOf, type Spread, sender } from "./carrier.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    rate: { type: "string", default: "1000" },
    /** Nothing is written then. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const seconds = Number(values.seconds);
const rate = Number(values.rate);

const dir = await mkdtemp(join(tmpdir(), "earshot-bench-webhooks-"));
const quiet = (): void => {};
const database = await startEmbedded({ dataDir: dir, log: { info: quiet, warn: quiet, error: quiet } });
const pool = openPool(database.url, 4);
await migrate(pool);
await ensureFirstAgent(pool);
const server = spawn(process.execPath, [join(import.meta.dirname, "server.ts"), database.url], { stdio: ["pipe", "pipe", "pipe"] });
let serverSaid = "";
server.stderr.setEncoding("utf8").on("data", (text: string) => {
  serverSaid += text;
});

const rows: string[] = [];
const loadBefore = loadavg();
try {
  const port = await new Promise<number>((settle, fail) => {
    createInterface({ input: server.stdout }).once("line", (line) => settle((JSON.parse(line) as { port: number }).port));
    server.once("exit", () => fail(new Error(`The server ended: ${serverSaid}`)));
  });
  const send = sender(port, 64);
  await atRate(await events(pool, 100), 200, send);

  const steady = await events(pool, rate * seconds);
  const stored = await atRate(steady, rate, send);
  rows.push(row(`${rate}/s for ${seconds} s: stored and acknowledged`, stored));
  rows.push(`| the same: all of them applied | ${stored.n} | ${(await applied(pool)).toFixed(1)} s after the last | | | |`);

  const questions = Array.from({ length: 20 * seconds }, () => questionOf(newId()));
  const beside = await events(pool, (rate / 2) * seconds);
  const [answers] = await Promise.all([atRate(questions, 20, send), atRate(beside, rate / 2, send)]);
  rows.push(row(`answer URL at 20/s, beside ${rate / 2} events/s`, answers));
  await applied(pool);

  const flood = await events(pool, 2 * rate * Math.min(seconds, 5));
  const from = performance.now();
  rows.push(row("as fast as it is answered, 32 at once: stored", await flatOut(flood, 32, send)));
  await applied(pool);
  const allS = (performance.now() - from) / 1000;
  rows.push(`| the same: stored and applied | ${flood.length} | ${(flood.length / allS).toFixed(0)}/s | | | |`);
  const { rows: verdicts } = await pool.query("select verdict, count(*)::int as n from webhooks group by verdict order by verdict");
  rows.push("", `Verdicts: ${verdicts.map(({ verdict, n }) => `${n} ${verdict}`).join(", ")}.`);
} finally {
  server.stdin.end();
  await new Promise((settle) => server.once("exit", settle));
  await pool.end();
  await database.stop();
  await rm(dir, { recursive: true, force: true });
}

const { cpuS, rssMB } = JSON.parse(serverSaid.trim().split("\n").at(-1) ?? "{}") as { cpuS: number; rssMB: number };
const text = `# Webhooks: stored, applied, answered

${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC · ${machine(loadBefore)}, ${(loadavg()[0] ?? 0).toFixed(1)} after${values.note === "" ? "" : ` · ${values.note}`}

The real door in a process of its own with the embedded Postgres (fsync on); the asking side is another process on the same cores. Each webhook is
signed, checked over its raw bytes, stored, acknowledged, then understood and applied by the status table while the next ones come. Bodies and
signatures are made before the clock runs. Times are milliseconds at the asking side, the wait for a connection included (64 of them).

| | webhooks | rate | p50 ms | p99 ms | worst ms |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

The server used ${cpuS.toFixed(1)} s of processor time in all and ${rssMB} MB of memory at the end.
`;
process.stdout.write(text);
if (!values.dry) {
  process.stderr.write(`written: results/${await keepResult("webhooks", text)}
`);
}

/** `n` events of calls that are being dialled, shuffled within each second's worth as a network would. */
async function events(sql: pg.Pool, n: number): Promise<Asked[]> {
  const calls = Array.from({ length: Math.ceil(n / 4) }, () => newId());
  await sql.query(
    "insert into calls (id, direction, status, dialed_at, deadline_at) select id, 'outbound', 'dialing', now(), now() + interval '1 hour' from unnest($1::uuid[]) id",
    [calls],
  );
  const at = Date.now();
  const all = calls.flatMap((call) => eventsOf(call, at));
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.max(0, i - Math.floor(Math.random() * 1000));
    [all[i], all[j]] = [all[j] as Asked, all[i] as Asked];
  }
  return all.slice(0, n);
}

/** Seconds until nothing is pending any more. */
async function applied(sql: pg.Pool): Promise<number> {
  const from = performance.now();
  for (;;) {
    const { rows: pending } = await sql.query<{ n: number }>("select count(*)::int as n from webhooks where verdict = 'pending'");
    if (pending[0]?.n === 0) return (performance.now() - from) / 1000;
    await wait(50);
  }
}

function row(what: string, { n, perS, p50, p99, worst }: Spread): string {
  return `| ${what} | ${n} | ${perS.toFixed(0)}/s | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${worst.toFixed(1)} |`;
}
