import type pg from "pg";
import { RecordingFailure } from "./failures.ts";
import { sha256Of } from "./read-back.ts";
import type { Storage } from "./storage.ts";

export interface Moved {
  readonly files: number;
  readonly copied: number;
  /** Were there already, whole. */
  readonly there: number;
  /** Could not be read where they should have been; their keys. */
  readonly lost: readonly string[];
  readonly bytes: number;
}

const PAGE = 200;

/**
 * Copies every kept file from one storage to another under the same key, each hashed on its way and held against its recording. Broken off and
 * begun again it goes on where it was: what lies there with the right size is not copied twice. Nothing is changed or deleted where it came
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
  const { rows: all } = await pool.query<{ n: number }>(
    "select count(*)::int as n from recordings where storage_key is not null and status <> 'deleted'",
  );
  const moved = { files: 0, copied: 0, there: 0, lost: [] as string[], bytes: 0 };
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await pool.query<{ id: string; key: string; sizeBytes: number; sha256: string }>(
      `select id, storage_key as key, size_bytes as "sizeBytes", sha256 from recordings
        where storage_key is not null and status <> 'deleted' and id > $1 order by id limit ${PAGE}`,
      [after],
    );
    for (const { key, sizeBytes, sha256 } of rows) {
      moved.files++;
      const there = (await to.head(key))?.sizeBytes === sizeBytes && (!check || (await sha256Of(await to.read(key))) === sha256);
      if (there) moved.there++;
      else if (await copy(from, to, key, sha256)) {
        moved.copied++;
        moved.bytes += sizeBytes;
      } else moved.lost.push(key);
      onProgress?.(moved.files, all[0]?.n ?? 0, moved.bytes);
    }
    const last = rows.at(-1);
    if (!last) return moved;
    after = last.id;
  }
}

/** False when it is not there to be copied, or no longer the file that was stored. */
async function copy(from: Storage, to: Storage, key: string, sha256: string): Promise<boolean> {
  try {
    const written = await to.put(key, await from.read(key));
    if (written.sha256 === sha256) return true;
    await to.delete(key);
    return false;
  } catch (error) {
    if (error instanceof RecordingFailure && error.code === "STORED_FILE_LOST") return false;
    throw error;
  }
}
