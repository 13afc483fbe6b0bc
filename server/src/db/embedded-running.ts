import { spawn } from "node:child_process";
import { open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { environment, type House } from "./embedded-house.ts";
import { connect, createDatabase, own } from "./embedded-owner.ts";
import { EmbeddedUnusable } from "./failures.ts";
import { type Postmaster, readPostmaster, servesFolder } from "./postmaster.ts";

/** The process of an embedded database: adopted or started on its port, waited for, stopped. */

/** A recovery after a crash took 0.13 s in trial; a big one may replay for minutes. */
const START_DEADLINE_MS = 120_000;
export const STOP_DEADLINE_MS = 20_000;
const POLL_MS = 10;
/** Asking whether a process is alive costs a process of its own on some systems. */
const ALIVE_POLL_MS = 500;
const LOG_LIMIT_BYTES = 10_000_000;

/** Adopts what runs, or starts it; resolves with its port once it accepts connections. `keepPort`: no other port will do. */
export async function ensureRunning(house: House, keepPort?: number): Promise<{ port: number; adopted: boolean }> {
  const left = await readPostmaster(house.data);
  if (left !== null) {
    if (await servesFolder(left.pid, house.data)) {
      const port = await adopt(house, left, keepPort);
      if (port !== null) return { port, adopted: true };
      await stopPostmaster(house);
    }
    // Of a process that is gone, or the number is somebody else's by now: Postgres itself would refuse the second case.
    await rm(join(house.data, "postmaster.pid"), { force: true });
  }
  const wanted = keepPort ?? (await rememberedPort(house));
  for (let attempt = 0; ; attempt++) {
    const port = attempt === 0 && wanted !== null && (keepPort !== undefined || (await isFree(wanted))) ? wanted : await freePort();
    const started = await launch(house, port);
    if (started === "ready") {
      await createDatabase(house, port);
      await writeFile(join(house.folder, "port"), String(port));
      return { port, adopted: false };
    }
    if (keepPort !== undefined || attempt === 4 || !started.includes("could not bind")) {
      throw new EmbeddedUnusable(`it did not start; its log says: ${started}`);
    }
  }
}

/** A server left behind: its port when it answers and is the version we bring, null when it has to go. Throws when it is somebody's. */
async function adopt(house: House, left: Postmaster, keepPort?: number): Promise<number | null> {
  const running = await untilAnswers(house.data, left);
  if (running === null) return null;
  const client = await connect(house, running, "postgres").catch(() => null);
  if (client === null) return null;
  let fits: boolean;
  try {
    const { rows } = await client.query<{ server_version: string; data_directory: string }>(
      "select current_setting('server_version') as server_version, current_setting('data_directory') as data_directory",
    );
    const wanted = keepPort === undefined || running === keepPort;
    fits = wanted && rows[0]?.server_version === house.binaries.version && rows[0].data_directory === house.data;
  } finally {
    await client.end().catch(() => {});
  }
  await createDatabase(house, running);
  if (fits) return running;
  await (await own(house, running)).end();
  return null;
}

/** Spawns postgres; resolves with "ready", or with the end of its log when it gave up. */
async function launch(house: House, port: number): Promise<string> {
  const logPath = join(house.folder, "log");
  await keepLogShort(logPath);
  const log = await open(logPath, "a", 0o600);
  const from = (await log.stat()).size;
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
    timezone: "UTC",
    log_timezone: "UTC",
    ...house.settings,
  };
  const args = ["-D", house.data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  // Detached: Ctrl-C in a terminal goes to the whole process group, and the database must outlive the calls that still write.
  const child = spawn(join(house.binaries.folder, "bin/postgres"), args, {
    ...house.account,
    cwd: house.data,
    env: environment,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  let gone: string | null = null;
  child.once("error", (error) => {
    gone = error.message;
  });
  child.once("exit", (code, signal) => {
    gone = `exit ${code ?? signal}`;
  });
  child.unref();
  await log.close();
  const ready = await untilReady(house.data, () => gone !== null);
  if (ready) return "ready";
  const said = (await readFile(logPath)).subarray(from).toString("utf8").trim();
  if (gone === null) child.kill("SIGQUIT");
  return said || gone || `not ready after ${START_DEADLINE_MS / 1000} s`;
}

/** Waits until postmaster.pid says ready: true, or false when it gave up or the deadline passed. */
async function untilReady(data: string, gaveUp: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + START_DEADLINE_MS; Date.now() < deadline && !gaveUp(); await sleep(POLL_MS)) {
    if ((await readPostmaster(data))?.ready) return true;
  }
  return false;
}

/** The port of a server somebody else started, once it is ready; null when it is ending or gone, or the deadline passed. */
export async function untilAnswers(data: string, { pid }: Postmaster, withinMs = START_DEADLINE_MS): Promise<number | null> {
  let askAt = Date.now() + ALIVE_POLL_MS;
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(POLL_MS)) {
    const running = await readPostmaster(data);
    if (running === null || running.pid !== pid || running.stopping) return null;
    if (running.ready) return running.port;
    if (Date.now() < askAt) continue;
    if (!(await servesFolder(pid, data))) return null;
    askAt = Date.now() + ALIVE_POLL_MS;
  }
  return null;
}

/** Fast shutdown, then immediate; returns when the process is gone. */
export async function stopPostmaster(house: Pick<House, "data" | "log">): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    const running = await readPostmaster(house.data);
    if (running === null || !(await servesFolder(running.pid, house.data))) return;
    try {
      process.kill(running.pid, signal);
    } catch {
      return;
    }
    if (await untilGone(running.pid, house.data)) return;
    house.log.warn(`the embedded database does not stop on ${signal}`);
  }
}

/** Waits, as long as a stop may take, until process `pid` serves the folder `data` no more; false when it still does. */
export async function untilGone(pid: number, data: string): Promise<boolean> {
  for (const deadline = Date.now() + STOP_DEADLINE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    if (!(await servesFolder(pid, data))) return true;
  }
  return false;
}

// ---- port and log ------------------------------------------------------------------------------------------------------------------

async function rememberedPort(house: House): Promise<number | null> {
  const text = await readFile(join(house.folder, "port"), "utf8").catch(() => "");
  return /^\d{2,5}$/.test(text) ? Number(text) : null;
}

const isFree = (port: number): Promise<boolean> => listenOnce(port).then((got) => got !== null);

async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null) throw new EmbeddedUnusable("no port on 127.0.0.1 is free");
  return port;
}

function listenOnce(port: number): Promise<number | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : null));
    });
  });
}

async function keepLogShort(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await truncate(path);
}
