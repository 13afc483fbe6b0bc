import { execFile, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { chown, mkdir, open, readFile, realpath, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { type Binaries, findBinaries } from "./binaries.ts";
import { EmbeddedNotOurs, EmbeddedTaken, EmbeddedUnusable, EmbeddedWrongMajor } from "./failures.ts";
import { readPostmaster, servesFolder } from "./postmaster.ts";
import { reachable } from "./reach.ts";

/**
 * A real Postgres of our own, for installations without a DATABASE_URL. It is a process of its own that outlives a kill -9 of ours:
 *
 *   absent   -> starting   `ensureRunning` spawned it (first making the data folder)
 *   orphaned -> running    it was left behind by a killed Earshot and answers: adopted
 *   orphaned -> absent     it was left behind and does not answer, or has another version: stopped
 *   running  -> absent     `stop` (SIGINT, which lets running statements be broken off and writes everything down)
 *   running  -> starting   it ended by itself: started again, loudly
 *
 * One Earshot at a time: the owner holds an advisory lock on a connection that lives as long as the owner does.
 *
 * In DATA_DIR/postgres: data (a link elsewhere when the account that runs it may not come here), password, port, log.
 */

/** Postgres refuses to run as root; this account exists on every unix and owns nothing. */
const NOBODY = 65_534;
const OPEN_PLACE = "/var/lib/earshot";
const USER = "earshot";
const DATABASE = "earshot";
/** Any fixed number, but not the one of the migrations. */
const OWNER_LOCK = 4_327_002;
/** A recovery after a crash took 0.13 s in trial; a big one may replay for minutes. */
const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 20_000;
const POLL_MS = 10;
const LOG_LIMIT_BYTES = 10_000_000;

export interface Log {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** Postgres settings on top of ours, such as fsync for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where data and programs go when root's DATA_DIR or checkout is closed to the account that runs Postgres. */
  readonly openPlace?: string;
}

export interface Embedded {
  readonly url: string;
  stop(): Promise<void>;
}

/** Who runs Postgres: null is ourselves. */
type Account = { readonly uid: number; readonly gid: number } | null;

interface House {
  readonly folder: string;
  readonly data: string;
  readonly account: Account;
  readonly binaries: Binaries;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Log;
}

type NewHouse = Pick<House, "folder" | "account" | "binaries" | "log">;

/**
 * Starts, or adopts, the Postgres in `dataDir` and resolves with its URL (loopback, password). The URL stays the same until `stop`.
 * Works as root and as an ordinary user. Throws the Embedded failures of db/failures.ts.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const house = await openHouse(options);
  let port = await ensureRunning(house);
  let keeper = await own(house, port);
  let stopping = false;
  let mending: Promise<void> = Promise.resolve();

  const watch = (): void => {
    keeper.once("end", () => {
      if (!stopping) mending = mend();
    });
  };
  const mend = async (): Promise<void> => {
    for (let waitMs = 100; !stopping; waitMs = Math.min(waitMs * 2, 5_000)) {
      house.log.error("the embedded database stopped by itself; starting it again");
      try {
        port = await ensureRunning(house, port);
        keeper = await own(house, port);
        return watch();
      } catch (error) {
        house.log.error(`the embedded database did not start again: ${(error as Error).message}`);
        await sleep(waitMs);
      }
    }
  };
  watch();

  return {
    url: urlOf(house, port, DATABASE),
    async stop() {
      if (stopping) return;
      stopping = true;
      await mending;
      await keeper.end().catch(() => {});
      await stopPostmaster(house);
    },
  };
}

/** Stops the Postgres a killed Earshot left running in `dataDir`; nothing when there is none. */
export async function stopLeftover(dataDir: string, log: Log): Promise<void> {
  const data = await realpath(join(resolve(dataDir), "postgres/data")).catch(() => null);
  if (data !== null) await stopPostmaster({ data, log });
}

/**
 * The URL of the Postgres that runs in `dataDir` now, whoever owns it; null when none does. For programs beside the server: nothing is started,
 * stopped or owned. One that is just starting is waited for.
 */
export async function findRunning(dataDir: string): Promise<string | null> {
  const folder = join(resolve(dataDir), "postgres");
  const data = await realpath(join(folder, "data")).catch(() => null);
  const left = data === null ? null : await readPostmaster(data);
  if (data === null || left === null || !(await servesFolder(left.pid, data))) return null;
  let gone = false;
  const watching = setInterval(async () => {
    gone = !(await servesFolder(left.pid, data));
  }, 500);
  try {
    const port = await untilReady({ data }, () => gone);
    return port === null ? null : urlOf({ password: await readPassword(folder) }, port, DATABASE);
  } finally {
    clearInterval(watching);
  }
}

// ---- the house: folders, account, password -------------------------------------------------------------------------------------

async function openHouse({ dataDir, log, settings = {}, openPlace = OPEN_PLACE }: EmbeddedOptions): Promise<House> {
  const folder = join(resolve(dataDir), "postgres");
  await mkdir(folder, { recursive: true, mode: 0o755 }).catch((cause: Error) => {
    throw new EmbeddedUnusable(`the folder ${folder} cannot be made (${cause.message})`, cause);
  });
  const account = await accountFor(folder);
  const binaries = await findBinaries({ uid: account?.uid ?? null, copyTo: account === null ? folder : openPlace });
  const made = await dataMajor(folder);
  if (made === null) await makeData({ folder, account, binaries, log }, openPlace);
  else if (made !== binaries.major) throw new EmbeddedWrongMajor(folder, made, binaries.major);
  const data = await realpath(join(folder, "data"));
  if (account !== null && !(await reachable(dirname(data), account.uid))) {
    throw new EmbeddedNotOurs(folder, "lies where the account that runs it may not come");
  }
  return { folder, data, account, binaries, password: await readPassword(folder), settings, log };
}

/** Root lends another account: the one the data belongs to, else nobody. Anybody else must own the data. */
async function accountFor(folder: string): Promise<Account> {
  const us = process.getuid?.();
  const owner = await stat(join(folder, "data")).catch(() => null);
  if (us !== 0) {
    if (owner !== null && us !== undefined && owner.uid !== us) throw new EmbeddedNotOurs(folder, "belongs to another user");
    return null;
  }
  return owner === null || owner.uid === 0 ? { uid: NOBODY, gid: NOBODY } : { uid: owner.uid, gid: owner.gid };
}

/** The major that wrote the data: Postgres itself notes it in PG_VERSION. Null when there is no data yet. */
async function dataMajor(folder: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, "data/PG_VERSION"), "utf8")).trim();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new EmbeddedNotOurs(folder, `cannot be read (${message})`);
  }
}

async function readPassword(folder: string): Promise<string> {
  return readFile(join(folder, "password"), "utf8").catch(() => {
    throw new EmbeddedNotOurs(folder, "has lost its password file, or it is not ours to read");
  });
}

/** Runs initdb beside the final place and renames at the end: a half-made data folder is never taken for a database. */
async function makeData({ folder, account, binaries, log }: NewHouse, openPlace: string): Promise<void> {
  log.info("making the embedded database (once)");
  let home = folder;
  if (account !== null && !(await reachable(folder, account.uid))) {
    home = join(openPlace, randomUUID());
    await mkdir(home, { recursive: true, mode: 0o755 });
    log.warn(`the account that runs Postgres may not enter ${folder}: the database is kept in ${home}`);
  }
  const unfinished = join(home, "data.unfinished");
  const password = randomBytes(24).toString("base64url");
  const passwordForInit = join(home, "password.unfinished");
  await rm(unfinished, { recursive: true, force: true });
  await rm(join(folder, "data"), { force: true }); // a link whose place is gone
  await mkdir(unfinished, { mode: 0o700 });
  await writeSecret(join(folder, "password"), password);
  await writeSecret(passwordForInit, password);
  if (account !== null) {
    await chown(unfinished, account.uid, account.gid);
    await chown(passwordForInit, account.uid, account.gid);
  }
  const locale =
    process.platform === "linux" ? ["--locale=C.UTF-8"] : ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const args = ["-D", unfinished, "-U", USER, `--pwfile=${passwordForInit}`, "--auth=scram-sha-256", "--encoding=UTF8", ...locale];
  try {
    await promisify(execFile)(join(binaries.folder, "bin/initdb"), args, { ...account, env: environment, cwd: "/" });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new EmbeddedUnusable(`initdb failed: ${(stderr || message).trim()}`, cause);
  } finally {
    await rm(passwordForInit, { force: true });
  }
  await rename(unfinished, join(home, "data"));
  if (home !== folder) await symlink(join(home, "data"), join(folder, "data"));
}

async function writeSecret(path: string, secret: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, secret, { mode: 0o600, flag: "wx" });
}

const environment = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", TZ: "UTC" };

// ---- running -------------------------------------------------------------------------------------------------------------------

/** Adopts what runs, or starts it; resolves with its port once it accepts connections. `keepPort`: no other port will do. */
async function ensureRunning(house: House, keepPort?: number): Promise<number> {
  const left = await readPostmaster(house.data);
  if (left !== null) {
    if (await servesFolder(left.pid, house.data)) {
      const port = await adopt(house, keepPort);
      if (port !== null) return port;
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
      return port;
    }
    if (keepPort !== undefined || attempt === 4 || !started.includes("could not bind")) {
      throw new EmbeddedUnusable(`it did not start; its log says: ${started}`);
    }
  }
}

/** A server left behind: its port when it answers and is the version we bring, null when it has to go. */
async function adopt(house: House, keepPort?: number): Promise<number | null> {
  const running = await untilReady(house, () => false);
  if (running === null || (keepPort !== undefined && running !== keepPort)) return null;
  const client = await connect(house, running, "postgres").catch(() => null);
  if (client === null) return null;
  try {
    const { rows } = await client.query<{ server_version: string; data_directory: string }>(
      "select current_setting('server_version') as server_version, current_setting('data_directory') as data_directory",
    );
    if (rows[0]?.server_version !== house.binaries.version || rows[0].data_directory !== house.data) return null;
  } finally {
    await client.end().catch(() => {});
  }
  await createDatabase(house, running);
  house.log.info("adopted the embedded database a killed Earshot left running");
  return running;
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
  const ready = await untilReady(house, () => gone !== null);
  if (ready !== null) return "ready";
  const said = (await readFile(logPath)).subarray(from).toString("utf8").trim();
  if (gone === null) child.kill("SIGQUIT");
  return said || gone || `not ready after ${START_DEADLINE_MS / 1000} s`;
}

/** Waits until postmaster.pid says ready; the port, or null when it gave up or the deadline passed. */
async function untilReady(house: Pick<House, "data">, gaveUp: () => boolean): Promise<number | null> {
  for (const deadline = Date.now() + START_DEADLINE_MS; Date.now() < deadline && !gaveUp(); await sleep(POLL_MS)) {
    const running = await readPostmaster(house.data);
    if (running?.ready) return running.port;
  }
  return null;
}

/** Fast shutdown, then immediate; returns when the process is gone. */
async function stopPostmaster(house: Pick<House, "data" | "log">): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    const running = await readPostmaster(house.data);
    if (running === null || !(await servesFolder(running.pid, house.data))) return;
    try {
      process.kill(running.pid, signal);
    } catch {
      return;
    }
    for (const deadline = Date.now() + STOP_DEADLINE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
      if (!(await servesFolder(running.pid, house.data))) return;
    }
    house.log.warn(`the embedded database does not stop on ${signal}`);
  }
}

// ---- connections ---------------------------------------------------------------------------------------------------------------

const urlOf = (house: Pick<House, "password">, port: number, database: string): string =>
  `postgres://${USER}:${house.password}@127.0.0.1:${port}/${database}`;

async function connect(house: House, port: number, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: urlOf(house, port, database),
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: "earshot supervisor",
  });
  client.on("error", () => {}); // "end" follows, and that is what is listened to
  await client.connect();
  return client;
}

async function createDatabase(house: House, port: number): Promise<void> {
  const client = await connect(house, port, "postgres");
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Becomes the one owner. A killed owner's lock goes with its connection, which may take the server a moment to notice. */
async function own(house: House, port: number): Promise<pg.Client> {
  const keeper = await connect(house, port, DATABASE);
  for (const deadline = Date.now() + 2_000; ; await sleep(20)) {
    const { rows } = await keeper.query<{ got: boolean }>("select pg_try_advisory_lock($1) as got", [OWNER_LOCK]);
    if (rows[0]?.got) return keeper;
    if (Date.now() > deadline) {
      await keeper.end().catch(() => {});
      throw new EmbeddedTaken(house.folder);
    }
  }
}

// ---- port and log --------------------------------------------------------------------------------------------------------------

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
