import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type pg from "pg";
import { ensureFirstAgent } from "../../server/src/agents/first.ts";
import { makeSocketToken } from "../../server/src/calls/socket-token.ts";
import { startEmbedded } from "../../server/src/db/embedded.ts";
import { migrate } from "../../server/src/db/migrate.ts";
import { openPool } from "../../server/src/db/pool.ts";
import { heapFlags } from "../../server/src/heap-flags.ts";
import { type CallId, newId } from "../../server/src/ids.ts";
import { ask, ended, start, told } from "../bridge/children.ts";
import type { Figures, FromGenerator, Totals } from "../bridge/protocol.ts";

const root = join(import.meta.dirname, "../..");

/** The whole server, as many processes of it as wished on one port, beside a Postgres and the load generator of the bridge's bench. */
export interface House {
  readonly dir: string;
  readonly origin: string;
  readonly pool: pg.Pool;
  readonly servers: readonly ChildProcess[];
  /** Feeds the pipe that the servers' writes wait for when they were told to be slow (slow-disk.ts). */
  readonly disk: { feed(writes: number): void };
  readonly journalDir: string;
  connect(calls: number): Promise<CallId[]>;
  /** Measures for `ms`, while `meanwhile` happens. */
  measure(ms: number, meanwhile?: () => Promise<void>): Promise<Measured>;
  disconnect(): Promise<readonly Totals[]>;
  /** Every process of Postgres stands still, or goes on. */
  postgres(signal: "SIGSTOP" | "SIGCONT"): void;
  /** SIGTERM to the servers; resolves when they have gone. */
  stopServers(): Promise<void>;
  close(): Promise<void>;
}

export interface Measured {
  readonly figures: Figures;
  /** Of one core, all servers together. */
  readonly coreShare: number;
  readonly residentMB: number;
}

const wait = (ms: number): Promise<void> => new Promise((settle) => setTimeout(settle, ms));

export async function openHouse(wish: { readonly servers: number; readonly env?: Readonly<Record<string, string>> }): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), "earshot-beside-"));
  const quiet = (): void => {};
  const database = await startEmbedded({ dataDir: join(dir, "postgres"), log: { info: quiet, warn: quiet, error: quiet } });
  const pool = openPool(database.url, 4);
  await migrate(pool);
  await ensureFirstAgent(pool);
  const pipePath = join(dir, "disk");
  execFileSync("mkfifo", [pipePath]);
  const pipe = createWriteStream(pipePath, { flags: "r+" });

  const generator = start("generator.ts", []);
  const engine = await told<FromGenerator, "engine">(generator, "engine");
  const dataDir = join(dir, "data");
  mkdirSync(dataDir);
  const port = await freePort();
  const servers: ChildProcess[] = [];
  for (let i = 0; i < wish.servers; i++) {
    const child = spawn(
      process.execPath,
      [...heapFlags, "--import", join(import.meta.dirname, "slow-disk.ts"), join(root, "server/src/main.ts"), "--with-parent"],
      {
        env: {
          ...{ PATH: process.env.PATH, HOME: process.env.HOME, TZ: "UTC" },
          ...{ PORT: String(port), SHARE_PORT: "1", DATABASE_URL: database.url, DATA_DIR: dataDir, DRAIN_SECONDS: "0" },
          ...{ HUME_API_KEY: "bench", EVI_URL: `${engine.url}/v0/evi/chat`, LOG_LEVEL: "info", EARSHOT_READY_LINE: "1" },
          SLOW_DISK_PIPE: pipePath,
          ...wish.env,
        },
        stdio: ["pipe", "pipe", openSync(join(dir, `server-${i}.log`), "w")],
      },
    );
    servers.push(child);
    await new Promise<void>((settle, fail) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => line.includes('"ready"') && settle());
      child.once("exit", () => fail(new Error("A server ended before it was ready.")));
    });
  }
  const origin = `http://127.0.0.1:${port}`;
  const postmaster = Number(readFileSync(join(dir, "postgres/postgres/data/postmaster.pid"), "utf8").split("\n")[0]);
  const stopServers = async (): Promise<void> => {
    const gone = servers.filter((server) => server.exitCode === null).map(ended);
    for (const server of servers) server.kill("SIGTERM");
    await Promise.all(gone);
  };

  return {
    dir,
    origin,
    pool,
    servers,
    disk: { feed: (writes) => void pipe.write("w".repeat(writes)) },
    journalDir: join(dataDir, "journal"),
    async connect(count) {
      const { rows } = await pool.query<{ id: string }>("select id from agents limit 1");
      const calls = Array.from({ length: count }, () => newId<CallId>());
      const urls: string[] = [];
      for (const call of calls) {
        await pool.query(
          `insert into calls (id, direction, status, agent_id, agent_version, answered_at, deadline_at)
           values ($1, 'outbound', 'in_progress', $2, 1, now(), now() + interval '1 hour')`,
          [call, rows[0]?.id],
        );
        urls.push(`${origin.replace("http", "ws")}/media/vonage/${await makeSocketToken(pool, call)}`);
      }
      await ask<FromGenerator, "connected">(generator, { ask: "connect", urls }, "connected");
      return calls;
    },
    async measure(ms, meanwhile = () => wait(ms)) {
      generator.send({ ask: "measure" });
      const before = { at: performance.now(), cpu: cpuMs(servers) };
      const done = meanwhile();
      await wait(ms);
      await done;
      const cpu = cpuMs(servers) - before.cpu;
      const wall = performance.now() - before.at;
      const { figures } = await ask<FromGenerator, "figures">(generator, { ask: "figures" }, "figures");
      return { figures, coreShare: cpu / wall, residentMB: residentMB(servers) };
    },
    async disconnect() {
      return (await ask<FromGenerator, "disconnected">(generator, { ask: "disconnect" }, "disconnected")).totals;
    },
    postgres(signal) {
      for (const pid of [postmaster, ...childrenOf(postmaster)]) process.kill(pid, signal);
    },
    stopServers,
    async close() {
      await stopServers();
      generator.send({ ask: "stop" });
      await ended(generator);
      pipe.destroy();
      await pool.end();
      await database.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** User and system time of all threads; /proc counts in hundredths of a second. */
const cpuMs = (servers: readonly ChildProcess[]): number =>
  servers.reduce((sum, { pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);

const residentMB = (servers: readonly ChildProcess[]): number =>
  servers.reduce((sum, { pid }) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024, 0);

const childrenOf = (parent: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]) === parent;
      } catch {
        return false; // it ended just now
      }
    })
    .map(Number);

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  return new Promise((settle) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
