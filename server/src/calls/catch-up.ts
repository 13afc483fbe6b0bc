import { stat } from "node:fs/promises";
import type pg from "pg";
import { restoreUtterances } from "../conversation/restore.ts";
import type { CallId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { type Kept, readKept } from "../journal/kept.ts";
import { restoreEvents } from "./facts.ts";

/** So much is read while a caller waits for us: more than five minutes of a call. What was said before that is in the rows. */
const MOST_BYTES = 24 * 1024 * 1024;

/**
 * Before a process goes on with a call that another began: what that one had said, heard and used, and not yet written, comes from the call's journal
 * into the rows, so that nobody is greeted again or asked twice. The other may live still: its words are the same when it writes them itself, and
 * what ends with it (its sessions, its lease) is left to whoever finds it dead. Resolves with whether there was a journal to be read here; rejects
 * when the database does not answer.
 */
export async function catchUp(
  { pool, journalDir }: { readonly pool: pg.Pool; readonly journalDir: string },
  call: CallId,
): Promise<boolean> {
  const path = journalPath(journalDir, call);
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  if (size === 0 || size > MOST_BYTES) return false;
  const kept: Kept | null = await readKept(path).catch(() => null);
  if (kept === null) return false;
  await restoreEvents(pool, call, kept);
  await restoreUtterances(pool, call, kept);
  return true;
}
