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
import { type Postmaster, readPostmaster, servesFolder } from "./postmaster.ts";
import { reachable } from "./reach.ts";

/**
 * A real Postgres of our own, for installations without a DATABASE_URL. It is a process of its own that outlives a kill -9 of ours:
 *
 *   absent   -> starting   `ensureRunning` spawned it (first making the data folder)
 *   orphaned -> running    it was left behind by a killed Earshot and answers: adopted
 *   orphaned -> absent     it was left behind and does not answer, or has another version: stopped, unless somebody owns it
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
/** Before the process number in the name of our connections: a refused start can tell who is in its way. */
const SUPERVISOR = "earshot supervisor ";
/** Any fixed number, but not the one of the migrations. */
const OWNER_LOCK = 4_327_002;
/** A recovery after a crash took 0.13 s in trial; a big one may replay for minutes. */
const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 20_000;
const POLL_MS = 10;
/** Asking whether a process is alive costs a process of its own on some systems. */
const ALIVE_POLL_MS = 500;
/** How long a killed owner's lock may outlive it: until Postgres has noticed the end of the connection. */
const LOCK_OUTLIVES_MS = 2_000;
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
  let { port, adopted } = await ensureRunning(house);
  let keeper = await own(house, port);
  const adoption = "adopted the embedded database a killed Earshot left running";
  if (adopted) house.log.info(adoption);
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
        ({ port, adopted } = await ensureRunning(house, port));
        keeper = await own(house, port);
        if (adopted) house.log.info(adoption);
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

/** Stops the Postgres a killed Earshot left running in `dataDir`; nothing when there is none, or when somebody owns it. */
export async function stopLeftover(dataDir: string, log: Log): Promise<void> {
  const found = await findPostmaster(dataDir);
  if (found === null) return;
  const { folder, data, left } = found;
  const port = await untilAnswers(data, left, STOP_DEADLINE_MS);
  if (port === null) {
    if (!(await untilGone(left.pid, data))) log.warn("the embedded database neither answers nor ends; it is left as it is");
    return;
  }
  const keeper = await readPassword(folder)
    .then((password) => connect({ password }, port, DATABASE))
    .catch((error: Error) => log.warn(`the embedded database is left running: it does not let us in (${error.message})`));
  if (!keeper) return;
  try {
    if (await takeLock(keeper)) await stopPostmaster({ data, log });
  } finally {
    await keeper.end().catch(() => {});
  }
}

/**
 * The URL of the Postgres that runs in `dataDir` now, whoever owns it; null when none does. For programs beside the server: nothing is started,
 * stopped or owned. One that is just starting is waited for.
 */
export async function findRunning(dataDir: string): Promise<string | null> {
  const found = await findPostmaster(dataDir);
  if (found === null) return null;
  const port = await untilAnswers(found.data, found.left);
  return port === null ? null : urlOf({ password: await readPassword(found.folder) }, port, DATABASE);
}

/**
 * The Earshot that owns the database in `dataDir` now, null when none does. Its process is not known while it closes the database. For whoever
 * wants to refuse a second start before anything is touched: `startEmbedded` refuses by itself.
 */
export async function findOwner(dataDir: string): Promise<{ readonly pid: number | null } | null> {
  const found = await findPostmaster(dataDir);
  if (found === null) return null;
  if (found.left.stopping) return { pid: null };
  if (!found.left.ready) return null;
  const client = await readPassword(found.folder)
    .then((password) => connect({ password }, found.left.port, DATABASE))
    .catch(() => null);
  if (client === null) return null;
  try {
    return await ownerOf(client);
  } finally {
    await client.end().catch(() => {});
  }
}

async function findPostmaster(dataDir: string): Promise<{ folder: string; data: string; left: Postmaster } | null> {
  const folder = join(resolve(dataDir), "postgres");
  const data = await realpath(join(folder, "data")).catch(() => null);
  const left = data === null ? null : await readPostmaster(data);
  return data === null || left === null || !(await servesFolder(left.pid, data)) ? null : { folder, data, left };
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
async function ensureRunning(house: House, keepPort?: number): Promise<{ port: number; adopted: boolean }> {
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
async function untilAnswers(data: string, { pid }: Postmaster, withinMs = START_DEADLINE_MS): Promise<number | null> {
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
async function stopPostmaster(house: Pick<House, "data" | "log">): Promise<void> {
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

async function untilGone(pid: number, data: string): Promise<boolean> {
  for (const deadline = Date.now() + STOP_DEADLINE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    if (!(await servesFolder(pid, data))) return true;
  }
  return false;
}

// ---- connections ---------------------------------------------------------------------------------------------------------------

const urlOf = (house: Pick<House, "password">, port: number, database: string): string =>
  `postgres://${USER}:${house.password}@127.0.0.1:${port}/${database}`;

async function connect(house: Pick<House, "password">, port: number, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: urlOf(house, port, database),
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: `${SUPERVISOR}${process.pid}`,
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

/** Becomes the one owner, or throws who is. */
async function own(house: House, port: number): Promise<pg.Client> {
  const keeper = await connect(house, port, DATABASE);
  if (await takeLock(keeper)) return keeper;
  const owner = await ownerOf(keeper).catch(() => null);
  await keeper.end().catch(() => {});
  throw new EmbeddedTaken(house.folder, owner?.pid ?? null);
}

/** Takes the owner's lock for as long as the connection lives. A killed owner's goes with its connection. */
async function takeLock(keeper: pg.Client): Promise<boolean> {
  for (const deadline = Date.now() + LOCK_OUTLIVES_MS; ; await sleep(20)) {
    const { rows } = await keeper.query<{ got: boolean }>("select pg_try_advisory_lock($1) as got", [OWNER_LOCK]);
    if (rows[0]?.got) return true;
    if (Date.now() > deadline) return false;
  }
}

async function ownerOf(client: pg.Client): Promise<{ pid: number | null } | null> {
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid) join pg_database d on d.oid = l.database
      where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = $1 and d.datname = current_database()`,
    [OWNER_LOCK],
  );
  if (rows[0] === undefined) return null;
  return { pid: rows[0].name.startsWith(SUPERVISOR) ? Number(rows[0].name.slice(SUPERVISOR.length)) : null };
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
