import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { chown, mkdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Binaries, findBinaries } from "./binaries.ts";
import { DATABASE_USER } from "./embedded-owner.ts";
import { EmbeddedNotOurs, EmbeddedUnusable, EmbeddedWrongMajor } from "./failures.ts";
import { reachable } from "./reach.ts";

/** What an embedded database needs before it can run: folders, the account that runs it, its password, its data (initdb). */

/** Postgres refuses to run as root; this account exists on every unix and owns nothing. */
const NOBODY = 65_534;
/** Where nobody may go, whatever root's own folders are closed to. */
const OPEN_PLACE = "/var/lib/earshot";

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

/** Who runs Postgres: null is ourselves. */
type Account = { readonly uid: number; readonly gid: number } | null;

/** An embedded database that has all it needs to run. */
export interface House {
  readonly folder: string;
  readonly data: string;
  readonly account: Account;
  readonly binaries: Binaries;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Log;
}

type NewHouse = Pick<House, "folder" | "account" | "binaries" | "log">;

/** Makes what is missing in DATA_DIR/postgres. Throws EmbeddedUnusable, EmbeddedNotOurs, EmbeddedWrongMajor, EmbeddedMissing. */
export async function openHouse({ dataDir, log, settings = {}, openPlace = OPEN_PLACE }: EmbeddedOptions): Promise<House> {
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

/** `folder`: DATA_DIR/postgres. Throws EmbeddedNotOurs. */
export async function readPassword(folder: string): Promise<string> {
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
  const args = ["-D", unfinished, "-U", DATABASE_USER, `--pwfile=${passwordForInit}`, "--auth=scram-sha-256", "--encoding=UTF8", ...locale];
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

/** All that Postgres gets to know of ours. */
export const environment = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", TZ: "UTC" };
