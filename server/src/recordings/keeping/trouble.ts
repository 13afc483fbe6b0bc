import type pg from "pg";
import type { Sql } from "../../db/pool.ts";
import { Failure } from "../../failure.ts";
import type { CallId, RecordingId } from "../../ids.ts";
import { enqueue } from "../../jobs/queue.ts";
import { RecordingUnknown } from "../failures.ts";
import { compareQueue, deleteQueue, redactQueue } from "../queues.ts";
import { uncomparedSql } from "../uncompared.ts";

type Asked =
  | { readonly deletion: string }
  | { readonly redactionsOf: CallId }
  | { readonly recording: RecordingId }
  | { readonly ownRecordingOf: CallId }
  | { readonly comparisonOf: CallId };

/** What waits, on whose row the trouble is written, `$1` being the id. */
function waits(asked: Asked): readonly [update: string, id: string] {
  if ("deletion" in asked) return ["deletions set attempts = attempts + 1, trouble = $2 where id = $1 and done_at is null", asked.deletion];
  if ("redactionsOf" in asked)
    return ["redactions set attempts = attempts + 1, trouble = $2 where call_id = $1 and done_at is null", asked.redactionsOf];
  if ("comparisonOf" in asked)
    return [`recordings set trouble = $2 where call_id = $1 and source = 'journal' and ${uncomparedSql}`, asked.comparisonOf];
  if ("recording" in asked) return ["recordings set trouble = $2 where id = $1 and status = 'stored'", asked.recording];
  return ["recordings set trouble = $2 where call_id = $1 and source = 'journal' and status = 'expected'", asked.ownRecordingOf];
}

/**
 * Does a deletion, a call's redactions, a rendering, a verification or a comparison; what an attempt met is on their rows, for whoever wonders why they wait, and is
 * thrown on: the job tries again.
 */
export async function tellingTrouble<T>(pool: pg.Pool, asked: Asked, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [update, id] = waits(asked);
    // The database may be what failed; then the job's own error says so.
    await pool.query(`update ${update}`, [id, wordsOf(error)]).catch(() => {});
    throw error;
  }
}

function wordsOf(error: unknown): { code: string; message: string; remedy: string } {
  if (error instanceof Failure) return { code: error.code, message: error.message, remedy: error.remedy };
  return {
    code: "KEEPING_FAILED",
    message: `The last attempt failed: ${error instanceof Error ? error.message : String(error)}`,
    remedy: "It is tried again by itself with growing pauses. The server's log has the whole error; check the storage first.",
  };
}

/**
 * Tries a deletion, a redaction or a comparison that waits again now, by its id in the list of what waits. In the caller's transaction; `wake` the jobs
 * afterwards. @throws RecordingUnknown
 */
export async function tryWaitingAgain(sql: Sql, id: string): Promise<"deletion" | "redaction" | "comparison"> {
  const { rows } = await sql.query<{ what: "deletion" | "redaction" | "comparison"; call: CallId }>(
    `select 'deletion' as what, call_id as call from deletions where id = $1 and done_at is null
     union all select 'redaction', call_id from redactions where id = $1 and done_at is null
     union all select 'comparison', call_id from recordings where id = $1 and source = 'carrier' and ${uncomparedSql}`,
    [id],
  );
  const [waiting] = rows;
  if (!waiting) throw new RecordingUnknown(id);
  const { what, call } = waiting;
  if (what === "deletion") await enqueue(sql, deleteQueue, id, { deletion: id });
  else await enqueue(sql, what === "redaction" ? redactQueue : compareQueue, call, { call });
  return what;
}
