import type { Sql } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import { change, forgetDetail, move, type RecordingRow } from "../store.ts";

/**
 * Was the sound of this call deleted for good? Then what comes of it later is not taken. A deletion that is only asked for does not count: it sees
 * for itself what came before it was done, and a hold may stop it.
 */
export async function isSoundDeleted(sql: Sql, call: CallId): Promise<boolean> {
  const { rows } = await sql.query<{ gone: boolean }>(
    "select exists (select from deletions where call_id = $1 and 'audio' = any(what) and done_at is not null) as gone",
    [call],
  );
  return rows[0]?.gone === true;
}

/** From here on nothing of it is played, and whoever is at fetching or making it comes too late. Its files are still named. @returns false the second time */
export async function silence(sql: Sql, { id, status }: RecordingRow): Promise<boolean> {
  if (status === "expected") await move(sql, id, "missing", { because: "RECORDING_DELETED" });
  if (status === "fetching") await move(sql, id, "announced");
  return move(sql, id, "deleted", { because: "RECORDING_DELETED", nextAttemptAt: null });
}

/** The row stays and says that there was a recording; what can be heard or seen of it goes. Its files are gone, or named to go. */
export async function forgetSound(sql: Sql, { id }: Pick<RecordingRow, "id">): Promise<void> {
  await change(sql, id, { storageKey: null, sealedKey: null, announcedUrl: null, peaks: null });
  await forgetDetail(sql, id);
}
