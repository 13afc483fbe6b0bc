import type pg from "pg";
import type { Clock } from "../clock.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import { type Reason, RecordingFailure } from "./failures.ts";
import { change, lockRecording, move, type RecordingRow, tell } from "./store.ts";

/** What becomes of a stored file. */
export type Spoiled = Extract<Reason, "STORED_FILE_LOST" | "STORED_FILE_ROTTEN">;

export const isSpoiled = (because: string | null): because is Spoiled => because === "STORED_FILE_LOST" || because === "STORED_FILE_ROTTEN";

/** Null for every other error: of the file nothing is known then. */
export const spoiledBy = (error: unknown): Spoiled | null =>
  error instanceof RecordingFailure && isSpoiled(error.code) ? error.code : null;

/**
 * Writes on a recording what somebody met who wanted to read its file: from then on another recording stands for the call, and the audit looks for
 * the file's return. `key`: the file that was meant; if another has taken its place nothing happens.
 */
export async function noteSpoiled(
  { pool, clock }: { readonly pool: pg.Pool; readonly clock: Clock },
  { id, storageKey: key }: Pick<RecordingRow, "id" | "storageKey">,
  because: Spoiled,
): Promise<void> {
  await inTransaction(pool, async (sql) => {
    const row = await lockRecording(sql, id);
    if (row && row.storageKey === key && row.status !== "deleted") await spoil(sql, row, because, clock.now());
  });
}

/** Writes on a locked recording that its file is gone or another one. Known already: nothing happens. */
export async function spoil(sql: Sql, row: RecordingRow, because: Spoiled, at: Date): Promise<void> {
  if (row.because === because) return;
  const changes = { because, verifiedAt: null };
  // One that had failed for another reason is verified anew when its file is back, and finds that reason again.
  const done = row.status === "failed" ? await change(sql, row.id, changes) : await move(sql, row.id, "failed", changes);
  const said = because === "STORED_FILE_LOST" ? "is no longer in the storage." : "is no longer the file that was stored.";
  if (done) await tell(sql, row, { at, kind: "spoiled", said, because });
}
