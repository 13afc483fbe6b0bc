import { recordEvent } from "../../calls/events.ts";
import { CallUnknown } from "../../calls/failures.ts";
import type { Sql } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { enqueue } from "../../jobs/queue.ts";
import { deleteQueue, redactQueue } from "../queues.ts";
import { CallHeld, CallStillRuns } from "./failures.ts";

/** Puts a call on hold: nothing of it is deleted or redacted, by rule or by request, until it is lifted. The second time does nothing. */
export async function hold(sql: Sql, call: CallId, asked: { why: string; by: string; at: Date }): Promise<void> {
  if ((await sql.query("select from calls where id = $1 for update", [call])).rowCount === 0) throw new CallUnknown(call);
  const { rowCount } = await sql.query(
    "insert into holds (id, call_id, why, placed_at, placed_by) values ($1, $2, $3, $4, $5) on conflict do nothing",
    [newId(), call, asked.why, asked.at, asked.by],
  );
  if (rowCount === 0) return;
  await recordEvent(sql, {
    call,
    at: asked.at,
    kind: "call.held",
    actor: "operator",
    said: "The call was put on hold: nothing of it is deleted.",
    detail: { by: asked.by, why: asked.why },
  });
}

/** Deletions and redactions that were asked for and stopped at the hold go on. False when the call was not on hold. */
export async function liftHold(sql: Sql, call: CallId, { by, at }: { by: string; at: Date }): Promise<boolean> {
  const { rowCount } = await sql.query("update holds set lifted_at = $2, lifted_by = $3 where call_id = $1 and lifted_at is null", [
    call,
    at,
    by,
  ]);
  if (rowCount === 0) return false;
  const { rows } = await sql.query<{ id: string }>("select id from deletions where call_id = $1 and done_at is null", [call]);
  for (const { id } of rows) await enqueue(sql, deleteQueue, id, { deletion: id });
  await enqueue(sql, redactQueue, call, { call });
  await recordEvent(sql, { call, at, kind: "call.released", actor: "operator", said: "The hold on the call was lifted.", detail: { by } });
  return true;
}

/** Locks the call and makes sure that it has ended and is not on hold. @throws CallUnknown, CallStillRuns, CallHeld */
export async function mustBeFree(sql: Sql, call: CallId): Promise<{ answeredAt: Date | null; endedAt: Date }> {
  const { rows } = await sql.query<{ status: string; answeredAt: Date | null; endedAt: Date; why: string | null }>(
    `select status, answered_at as "answeredAt", ended_at as "endedAt", (select why from holds h where h.call_id = c.id and h.lifted_at is null) as why
       from calls c where id = $1 for update`,
    [call],
  );
  const found = rows[0];
  if (!found) throw new CallUnknown(call);
  if (found.status !== "ended") throw new CallStillRuns(call);
  if (found.why !== null) throw new CallHeld(call, found.why);
  return found;
}
