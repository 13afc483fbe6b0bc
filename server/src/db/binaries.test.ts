import { execFile } from "node:child_process";
import { chmod, cp, lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBinaries, installedPackage } from "./binaries.ts";

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-binaries-"));
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The package as npm leaves it with install scripts off: without one link. */
async function packageWithoutLinks(name: string): Promise<string> {
  const copy = join(folder, name);
  await cp(installedPackage(`${process.platform}-${process.arch}`), copy, {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  });
  return copy;
}

const run = (binaries: string, uid?: number): Promise<{ stdout: string }> =>
  promisify(execFile)(join(binaries, "bin/postgres"), ["--version"], { cwd: "/", ...(uid === undefined ? {} : { uid, gid: uid }) });

// Copies 60 MB, twice: 1 s alone, 12 s on a loaded machine.
describe("the programs of the embedded database", () => {
  test("get their library links when npm ran without install scripts", async () => {
    const packageFolder = await packageWithoutLinks("bare");
    await expect(run(join(packageFolder, "native"))).rejects.toThrow();
    const found = await findBinaries({ uid: null, copyTo: join(folder, "unused"), packageFolder });
    expect(found.folder).toBe(join(packageFolder, "native"));
    const { stdout } = await run(found.folder);
    expect(stdout).toContain(found.version);
    expect(found.version.split(".")[0]).toBe(found.major);
    await rm(packageFolder, { recursive: true });
  });

  test.runIf(isRoot)("are copied aside, once, when they lie where the account that runs them may not go", async () => {
    const packageFolder = await packageWithoutLinks("closed/package");
    await chmod(join(folder, "closed"), 0o700);
    const copyTo = join(folder, "aside");
    const found = await findBinaries({ uid: NOBODY, copyTo, packageFolder });
    expect(found.folder.startsWith(copyTo)).toBe(true);
    expect((await run(found.folder, NOBODY)).stdout).toContain(found.version);
    const made = (await lstat(found.folder)).ino;
    expect((await lstat((await findBinaries({ uid: NOBODY, copyTo, packageFolder })).folder)).ino).toBe(made);
  });

  test("that are not there for this platform are a failure with a way out", () => {
    expect(() => installedPackage("plan9-sparc")).toThrow(
      expect.objectContaining({ code: "EMBEDDED_DATABASE_MISSING", remedy: expect.stringContaining("DATABASE_URL") }),
    );
  });
});
