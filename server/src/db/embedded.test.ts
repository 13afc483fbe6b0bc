import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Embedded, findOwner, findRunning, startEmbedded, stopLeftover } from "./embedded.ts";
import { readPostmaster, servesFolder } from "./postmaster.ts";
import { reachable } from "./reach.ts";

const hostProgram = join(import.meta.dirname, "../../test/embedded-host.ts");
const isRoot = process.getuid?.() === 0;
/** An account every unix has; initdb wants one with a name. */
const DAEMON = 1;
/** A checkout under root's closed home is nothing another user could run. */
const canBeDaemon = isRoot && (await reachable(hostProgram, DAEMON)) && (await reachable(process.execPath, DAEMON));
const said: string[] = [];
const log = { info: (text: string) => said.push(text), warn: (text: string) => said.push(text), error: (text: string) => said.push(text) };
const settings = { fsync: "off" };

let folder: string;
let dataDir: string;
const hosts: ChildProcess[] = [];
let running: Embedded | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-embedded-"));
  await chmod(folder, 0o755);
  dataDir = join(folder, "data");
});

afterEach(async () => {
  await running?.stop();
  running = null;
  for (const host of hosts.splice(0)) {
    if (host.exitCode !== null || host.signalCode !== null) continue;
    host.stdin?.end();
    await once(host, "exit");
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ready {
  readonly ready: boolean;
  readonly url: string;
  readonly code?: string;
  readonly message?: string;
  /** What a refused one logged. */
  readonly said?: readonly string[];
}

async function startHost(dir: string, account: { uid?: number; gid?: number } = {}): Promise<{ host: ChildProcess; ready: Ready }> {
  const env = { PATH: process.env.PATH, HOME: dir };
  const host = spawn(process.execPath, [hostProgram, dir], { stdio: ["pipe", "pipe", "inherit"], env, ...account });
  hosts.push(host);
  for await (const line of createInterface({ input: host.stdout })) return { host, ready: JSON.parse(line) };
  throw new Error("the host ended without a word");
}

async function ask<T>(url: string, statement: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ v: T }>(statement)).rows.map((row) => row.v);
  } finally {
    await client.end();
  }
}

const postmaster = async (): Promise<number> => (await readPostmaster(join(dataDir, "postgres/data")))?.pid ?? 0;

/** Makes databases from nothing while other tests load the machine. */
const TIMEOUT_MS = 60_000;

describe("the embedded database", { timeout: TIMEOUT_MS }, () => {
  test("makes itself where there was nothing, or only a broken-off attempt", async () => {
    await mkdir(join(dataDir, "postgres/data.unfinished/base"), { recursive: true });
    running = await startEmbedded({ dataDir, log, settings });
    expect(await ask(running.url, "select current_setting('server_encoding') as v")).toEqual(["UTF8"]);
    expect(await ask(running.url, "select lower('ÄÉ Ω') as v")).toEqual(["äé ω"]);
    await ask(running.url, "create table kept (v int)");
    await ask(running.url, "insert into kept values (1)");
  });

  test("lets nobody in without the password, which only its owner can read", async () => {
    running = await startEmbedded({ dataDir, log, settings });
    const wrong = new URL(running.url);
    wrong.password = "guessed";
    await expect(ask(wrong.href, "select 1 as v")).rejects.toMatchObject({ code: "28P01" });
    expect(await ask(running.url, "select distinct auth_method as v from pg_hba_file_rules")).toEqual(["scram-sha-256"]);
    expect(await ask(running.url, "select current_setting('listen_addresses') as v")).toEqual(["127.0.0.1"]);
    expect((await stat(join(dataDir, "postgres/password"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(dataDir, "postgres/password"), "utf8")).toBe(new URL(running.url).password);
  });

  test("is there again at once, at the same address, with what it held", async () => {
    const first = await startEmbedded({ dataDir, log, settings });
    await first.stop();
    const from = performance.now();
    running = await startEmbedded({ dataDir, log, settings });
    expect(performance.now() - from).toBeLessThan(15_000); // 0.15 s alone on two cores; who waits for an end that does not come takes 20 s
    expect(running.url).toBe(first.url);
    expect(await ask(running.url, "select v from kept")).toEqual([1]);
  });

  test("outlives a kill -9 of Earshot and is adopted by the next one", async () => {
    const { host, ready } = await startHost(dataDir);
    await ask(ready.url, "insert into kept values (2)");
    const pid = await postmaster();
    host.kill("SIGKILL");
    await once(host, "exit");
    running = await startEmbedded({ dataDir, log, settings });
    expect(await postmaster()).toBe(pid);
    expect(running.url).toBe(ready.url);
    expect(await ask(running.url, "select v from kept order by v")).toEqual([1, 2]);
    await running.stop();
    expect(await servesFolder(pid, join(dataDir, "postgres/data"))).toBe(false);
  });

  test("left behind by a killed Earshot can be stopped without another one", async () => {
    const { host } = await startHost(dataDir);
    const pid = await postmaster();
    host.kill("SIGKILL");
    await once(host, "exit");
    await stopLeftover(dataDir, log);
    expect(await servesFolder(pid, join(dataDir, "postgres/data"))).toBe(false);
    await stopLeftover(dataDir, log);
    await stopLeftover(join(folder, "never"), log);
  });

  test("belongs to one Earshot at a time", async () => {
    running = await startEmbedded({ dataDir, log, settings });
    const { ready } = await startHost(dataDir);
    expect(ready).toMatchObject({ ready: false, code: "EMBEDDED_DATABASE_TAKEN" });
    expect(ready.message).toContain(`(process ${process.pid})`);
    expect(ready.said).toEqual([]);
    expect(await ask(running.url, "select v from kept order by v")).toEqual([1, 2]);
  });

  test("is stopped by nobody but its owner, who can be asked for", async () => {
    expect(await findOwner(dataDir)).toBeNull();
    running = await startEmbedded({ dataDir, log, settings });
    const pid = await postmaster();
    expect(await findOwner(dataDir)).toEqual({ pid: process.pid });
    await stopLeftover(dataDir, log);
    expect(await postmaster()).toBe(pid);
    expect(await ask(running.url, "select v from kept order by v")).toEqual([1, 2]);
  });

  test("that is just ending is waited for, not for ready but for the end", async () => {
    const { host, ready } = await startHost(dataDir);
    const pid = await postmaster();
    host.kill("SIGKILL");
    await once(host, "exit");
    const holdsUp = new pg.Client({ connectionString: ready.url });
    await holdsUp.connect();
    process.kill(pid, "SIGTERM"); // smart shutdown: as long as somebody is connected
    const pidFile = join(dataDir, "postgres/data/postmaster.pid");
    await expect.poll(() => readFile(pidFile, "utf8")).toContain("stopping");
    expect(await findRunning(dataDir)).toBeNull();
    expect(await findOwner(dataDir)).toEqual({ pid: null });
    holdsUp.on("error", () => {}); // the next Earshot does not wait for it
    running = await startEmbedded({ dataDir, log, settings });
    expect(await postmaster()).not.toBe(pid);
    expect(await ask(running.url, "select v from kept order by v")).toEqual([1, 2]);
    await holdsUp.end().catch(() => {});
  });

  test("that is killed itself is started again at the same address, loudly", async () => {
    running = await startEmbedded({ dataDir, log, settings });
    const pid = await postmaster();
    said.length = 0;
    process.kill(pid, "SIGKILL");
    const { url } = running;
    await expect.poll(() => ask(url, "select v from kept order by v").catch(() => null), { timeout: 30_000 }).toEqual([1, 2]);
    expect(await postmaster()).not.toBe(pid);
    expect(said[0]).toMatch(/stopped by itself/);
  });

  test("starts over a pid file whose number belongs to somebody else by now", async () => {
    const left = `${process.ppid}\n${join(dataDir, "postgres/data")}\n1\n5432\n\n127.0.0.1\n  1 1\nready   \n`;
    await writeFile(join(dataDir, "postgres/data/postmaster.pid"), left);
    running = await startEmbedded({ dataDir, log, settings });
    expect(await ask(running.url, "select v from kept order by v")).toEqual([1, 2]);
  });

  test("moves to another port when its own is taken, and remembers that one", async () => {
    const port = Number(await readFile(join(dataDir, "postgres/port"), "utf8"));
    const squatter = createServer().listen(port, "127.0.0.1");
    await once(squatter, "listening");
    running = await startEmbedded({ dataDir, log, settings });
    squatter.close();
    const moved = Number(new URL(running.url).port);
    expect(moved).not.toBe(port);
    expect(Number(await readFile(join(dataDir, "postgres/port"), "utf8"))).toBe(moved);
  });

  test("refuses data of another major version, and says what to do", async () => {
    const older = join(folder, "older");
    await mkdir(join(older, "postgres/data"), { recursive: true });
    await writeFile(join(older, "postgres/data/PG_VERSION"), "17\n");
    await expect(startEmbedded({ dataDir: older, log })).rejects.toMatchObject({
      code: "EMBEDDED_DATABASE_WRONG_MAJOR",
      message: expect.stringContaining("Postgres 17"),
      remedy: expect.stringContaining("pg_dump"),
    });
  });

  test("whose password file is gone says so instead of making a new database", async () => {
    await rm(join(dataDir, "postgres/password"));
    await expect(startEmbedded({ dataDir, log })).rejects.toMatchObject({ code: "EMBEDDED_DATABASE_NOT_OURS" });
  });

  test.runIf(isRoot)("as root with a closed DATA_DIR keeps its data where its account may go", async () => {
    const closed = join(folder, "closed");
    const openPlace = join(folder, "open");
    await mkdir(closed, { mode: 0o700 });
    const first = await startEmbedded({ dataDir: join(closed, "data"), openPlace, log, settings });
    await ask(first.url, "create table kept (v int)");
    await first.stop();
    expect((await readlink(join(closed, "data/postgres/data"))).startsWith(openPlace)).toBe(true);
    running = await startEmbedded({ dataDir: join(closed, "data"), openPlace, log, settings });
    expect(await ask(running.url, "select count(*)::int as v from kept")).toEqual([0]);
  });

  test.runIf(canBeDaemon)("works for an ordinary user in a closed home, kill -9 and all", async () => {
    const home = join(folder, "home");
    const account = { uid: DAEMON, gid: DAEMON };
    await mkdir(home, { mode: 0o700 });
    await chown(home, account.uid, account.gid);
    const { host, ready } = await startHost(home, account);
    expect(ready).toMatchObject({ ready: true });
    expect((await stat(join(home, "postgres/data"))).uid).toBe(account.uid);
    host.kill("SIGKILL");
    await once(host, "exit");
    const again = await startHost(home, account);
    expect(again.ready).toEqual(ready);
  });

  test.runIf(canBeDaemon)("of a user is run by root as that user", async () => {
    running = await startEmbedded({ dataDir: join(folder, "home"), openPlace: join(folder, "open"), log, settings });
    expect((await stat(join(folder, "home/postgres/data/postmaster.pid"))).uid).toBe(DAEMON);
  });
});
