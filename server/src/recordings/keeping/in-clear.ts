import type { Sql } from "../../db/pool.ts";
import type { CallId, RecordingId } from "../../ids.ts";

/**
 * On a row `r` of recordings: does its file still hold what a redaction of its call takes out? Then nothing plays it, draws it or hands it out,
 * whenever it came: a file that arrives after the redaction was done is in the clear like any other. What was done to a file is in its
 * `detail.redacted`, by the redactions' ids; a file that takes its place begins without.
 */
export const inClearSql = `(r.storage_key is not null and exists (select from redactions x where x.call_id = r.call_id
    and not coalesce(r.detail->'redacted', '[]') @> jsonb_build_array(jsonb_build_object('id', x.id))))`;

/** Those of a call's recordings whose files are in the clear. */
export async function inClearOf(sql: Sql, call: CallId): Promise<ReadonlySet<RecordingId>> {
  const { rows } = await sql.query<{ id: RecordingId }>(`select r.id from recordings r where r.call_id = $1 and ${inClearSql}`, [call]);
  return new Set(rows.map(({ id }) => id));
}
