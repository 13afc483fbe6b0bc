import type pg from "pg";
import { RecordingFailure } from "./failures.ts";
import { countKeptFiles, type KeptFile, keptFiles } from "./kept-files.ts";
import { sha256Of } from "./read-back.ts";
import type { Storage } from "./storage.ts";

export interface Moved {
  readonly files: number;
  readonly copied: number;
  /** Were there already, whole. */
  readonly there: number;
  /** Could not be read where they should have been, or are no longer the files that were stored. */
  readonly lost: readonly { readonly key: string; readonly why: string }[];
  readonly bytes: number;
}

/** So many files in a row that cannot be read at all: it is the storage, not the files. */
const MOST_UNREADABLE = 20;

/**
 * Copies every kept file, sealed originals included, from one storage to another under the same key, each hashed on its way and held against its
 * recording. Broken off and begun again it goes on where it was: what lies there with the right size is not copied twice (sealed originals are
 * read there, their size is not known). A file that cannot be had is told and passed over. Nothing is changed or deleted where it came
 * from, so the server can go on; then set STORAGE_URL, restart, and run it once more for what was stored meanwhile.
 */
export async function moveStorage(
  { pool, from, to }: { readonly pool: pg.Pool; readonly from: Storage; readonly to: Storage },
  {
    onProgress,
    check = false,
  }: {
    readonly onProgress?: (done: number, of: number, bytes: number) => void /** Hash also what lies there already. */;
    readonly check?: boolean;
  } = {},
): Promise<Moved> {
  const all = await countKeptFiles(pool);
  const moved = { files: 0, copied: 0, there: 0, lost: [] as { key: string; why: string }[], bytes: 0 };
  let unreadable = 0;
  for await (const { files } of keptFiles(pool)) {
    for (const file of files) {
      moved.files++;
      if (await isThere(to, file, check)) moved.there++;
      else {
        const copied = await copy(from, to, file);
        unreadable = "unreadable" in copied ? unreadable + 1 : 0;
        if ("unreadable" in copied && unreadable >= MOST_UNREADABLE) throw copied.unreadable;
        if ("bytes" in copied) {
          moved.copied++;
          moved.bytes += copied.bytes;
        } else moved.lost.push({ key: file.key, why: copied.why });
      }
      onProgress?.(moved.files, all, moved.bytes);
    }
  }
  return moved;
}

async function isThere(to: Storage, { key, sizeBytes, sha256 }: KeptFile, check: boolean): Promise<boolean> {
  const head = await to.head(key);
  if (head === null || (sizeBytes !== null && head.sizeBytes !== sizeBytes)) return false;
  if (!check && sizeBytes !== null) return true;
  return to
    .read(key)
    .then(sha256Of)
    .then(
      (found) => found === sha256,
      () => false, // whatever lies there is not the file: it is copied anew
    );
}

type Copied = { readonly bytes: number } | { readonly why: string } | { readonly why: string; readonly unreadable: unknown };

/** What goes wrong where it comes from is told; what goes wrong where it goes to is thrown: there every other file would fare the same. */
async function copy(from: Storage, to: Storage, { key, sha256 }: KeptFile): Promise<Copied> {
  let broken: unknown = null;
  async function* source() {
    try {
      yield* await from.read(key);
    } catch (error) {
      broken = error;
      throw error;
    }
  }
  try {
    const written = await to.put(key, source());
    if (written.sha256 === sha256) return { bytes: written.sizeBytes };
    await to.delete(key);
    return { why: "It is not the file that was stored." };
  } catch (error) {
    if (broken === null) throw error;
    const why = broken instanceof Error ? broken.message : String(broken);
    return broken instanceof RecordingFailure ? { why } : { why, unreadable: broken };
  }
}
