import { chmod, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * May the account `uid`, a member of no group that matters, come to `path` and read it? Looks at every folder on the way:
 * a checkout under a home with mode 0700 is closed to everybody else.
 */
export async function reachable(path: string, uid: number): Promise<boolean> {
  let at = await realpath(path);
  if (!(await allows(at, uid, 0o4))) return false;
  for (;;) {
    const parent = dirname(at);
    if (parent === at) return true;
    at = parent;
    if (!(await allows(at, uid, 0o1))) return false;
  }
}

/** The owner's bits for the owner, everybody's bits for everybody else. */
async function allows(path: string, uid: number, bits: number): Promise<boolean> {
  const { mode, uid: owner } = await stat(path);
  return ((owner === uid ? mode >> 6 : mode) & bits) === bits;
}

/** Lets everybody read a folder's files and enter its folders, as `chmod -R a+rX`. */
export async function openToOthers(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToOthers(path);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o111 ? 0o755 : 0o644);
  }
}
