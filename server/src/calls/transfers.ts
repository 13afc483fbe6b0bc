import type pg from "pg";
import type { LegEnd } from "../carrier/port.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import { type CallId, type LegId, newId } from "../ids.ts";
import { after as later, RING_SECONDS } from "./deadlines.ts";
import { sipTells, wasConnected } from "./endings.ts";
import { recordEvent, recordEvents } from "./events.ts";
import type { Known, LegKnown } from "./known.ts";

/** The only place that writes `transfers`: a caller handed to a person, and what became of it. */

export type TransferResult = "connected" | Exclude<LegEnd, "completed">;

/** What each result means to somebody who reads the timeline. */
const said: Readonly<Record<TransferResult, string>> = {
  connected: "The caller was connected to the person.",
  busy: "The person's line was busy.",
  no_answer: "The person did not answer.",
  declined: "The person refused the call.",
  invalid_number: "The carrier says the person's number does not exist.",
  unreachable: "The carrier cannot reach the person's number.",
  restricted: "The carrier does not allow calls to the person's number.",
  cancelled: "The call ended before the person answered.",
  failed: "The carrier could not make the connection.",
};

/** A transfer that begins now; the table allows one open one a call. */
export async function insertTransfer(
  sql: Sql,
  transfer: { readonly call: CallId; readonly to: string; readonly announcement: string | null; readonly by: string; readonly at: Date },
): Promise<string | null> {
  const id = newId();
  const { rowCount } = await sql.query(
    `insert into transfers (id, call_id, to_number, announcement, asked_at, asked_by) values ($1, $2, $3, $4, $5, $6)
     on conflict (call_id) where result is null do nothing`,
    [id, transfer.call, transfer.to, transfer.announcement, transfer.at, transfer.by],
  );
  return rowCount === 0 ? null : id;
}

/**
 * What the person of the call's latest transfer hears before they are connected; null when there is none or nothing is to be said. That they picked
 * up may have been written already: the carrier tells it and asks for this at one time.
 */
export async function latestAnnouncement(sql: Sql, call: CallId): Promise<string | null> {
  const { rows } = await sql.query<{ announcement: string | null }>(
    "select announcement from transfers where call_id = $1 order by asked_at desc, id desc limit 1",
    [call],
  );
  return rows[0]?.announcement ?? null;
}

/** What became of the call's latest transfer; null while it is open, or when there is none. */
export async function latestTransfer(sql: Sql, call: CallId): Promise<{ readonly result: TransferResult | null } | null> {
  const { rows } = await sql.query<{ result: TransferResult | null }>(
    "select result from transfers where call_id = $1 order by asked_at desc, id desc limit 1",
    [call],
  );
  return rows[0] ?? null;
}

/** The transfer could not even begin. */
export async function failTransfer(sql: Sql, call: CallId, detail: string, at: Date): Promise<void> {
  await sql.query("update transfers set result = 'failed', detail = $2, ended_at = $3 where call_id = $1 and result is null", [
    call,
    detail,
    at,
  ]);
  await recordEvent(sql, { call, at, kind: "transfer.failed", actor: "carrier", said: `The transfer failed: ${detail}` });
}

/** Brings the transfer to what its leg says, after a word was heard of a leg. Returns true when the caller is now connected to the person, once. */
export async function noteTransferLeg(sql: Sql, before: Known, after: Known, heard: LegId | null): Promise<boolean> {
  const leg = after.legs.find((one) => one.leg === heard && one.kind === "transfer");
  return leg !== undefined && (await noteLeg(sql, before, after.call.id, leg));
}

/**
 * The transfer of a leg is the open one; or the latest without a leg that was given up before any word of its leg had come: the call's end may be
 * told before the leg's beginning, and a hand-over whose answer was lost may have happened. So order does not decide over the result.
 */
async function noteLeg(sql: Sql, before: Known, call: CallId, leg: LegKnown): Promise<boolean> {
  const result = resultOf(leg);
  const { rows } = await sql.query<{ was: TransferResult | null }>(
    `with mine as (
       select id, result as was from transfers
        where call_id = $1 and (leg = $2 or leg is null and (result is null or result in ('cancelled', 'failed')))
        order by leg = $2 desc nulls last, result is null desc, asked_at desc, id desc limit 1)
     update transfers t set leg = $2, ringing_at = $3, connected_at = $4, result = coalesce($6, t.result),
       ended_at = case when $6 = 'connected' then $5 else coalesce($5, t.ended_at) end,
       detail = case when $6 = 'connected' then $7 else coalesce($7, t.detail) end
     from mine where t.id = mine.id returning mine.was`,
    [call, leg.leg, leg.ringingAt, leg.answeredAt, leg.overAt, result, leg.detail],
  );
  const was = rows[0]?.was;
  if (was === undefined) return false;
  const base = { call, actor: "carrier", detail: { leg: leg.leg } } as const;
  if (leg.ringingAt)
    await recordEvent(sql, {
      ...base,
      at: leg.ringingAt,
      kind: "transfer.ringing",
      said: "The person's phone rings.",
      once: `transfer.ringing:${leg.leg}`,
    });
  const had = before.legs.find((one) => one.leg === leg.leg);
  if (result === null || (had !== undefined && resultOf(had) === result)) return false;
  const at = (result === "connected" ? leg.answeredAt : leg.overAt) ?? leg.seenAt ?? new Date(0);
  const kind = result === "connected" ? "transfer.connected" : "transfer.failed";
  await recordEvent(sql, {
    ...base,
    at,
    kind,
    said: was === null || was === result ? said[result] : `What became of the transfer is known better now. ${said[result]}`,
    detail: { ...base.detail, result },
    once: `${kind}:${leg.leg}:${result}`,
  });
  return result === "connected";
}

/** These calls are over: who was to be connected and was not, never will be. Whoever hung up did so while the person's phone rang. */
export async function cancelTransfersOf(sql: Sql, over: readonly Known[]): Promise<void> {
  if (over.length === 0) return;
  const { rows } = await sql.query<{ call: CallId; at: Date }>({
    name: "cancel transfers",
    text: `update transfers t set result = 'cancelled', ended_at = coalesce(t.ended_at, x.at)
      from unnest($1::uuid[], $2::timestamptz[]) as x (call, at) where t.call_id = x.call and t.result is null returning x.call, x.at`,
    values: [over.map(({ call }) => call.id), over.map(({ call }) => call.endedAt ?? new Date(0))],
  });
  const base = { kind: "transfer.failed", actor: "carrier", said: said.cancelled, once: "transfer.cancelled" } as const;
  await recordEvents(
    sql,
    rows.map((row) => ({ ...base, ...row })),
  );
}

/** After ringing: what is said to the caller first, the turn among new legs, and a carrier that answers slowly. */
const MARGIN_S = 30;

/**
 * Gives up what has been open for longer than any phone rings: the hand-over never reached the carrier (our process died, the answer was lost), or
 * its words were lost. Until then the call is taken for one on its way to a person: nobody else is rung, and its audio is not connected anew. Words
 * that come after all are heard (noteLeg).
 */
export async function expireTransfers(pool: pg.Pool, now: Date): Promise<void> {
  const since = later(now, -(RING_SECONDS + MARGIN_S));
  const { rows } = await pool.query<{ call: CallId }>(
    "select call_id as call from transfers where result is null and asked_at < $1 order by asked_at limit 100",
    [since],
  );
  for (const { call } of rows) {
    await inTransaction(pool, async (sql) => {
      // As everybody who writes of a transfer: first the call.
      await sql.query("select from calls where id = $1 for update", [call]);
      const told = "no word of it came";
      const { rowCount } = await sql.query(
        "update transfers set result = 'failed', detail = $2, ended_at = $3 where call_id = $1 and result is null and asked_at < $4",
        [call, told, now, since],
      );
      if (rowCount === 0) return;
      const said = "Whether the person was reached is not known: no word of it came. The transfer is taken for failed.";
      await recordEvent(sql, { call, at: now, kind: "transfer.failed", actor: "us", said, detail: { result: "failed" } });
    });
  }
}

/** Typed: connected, or why not; null while it is open. A bare `completed` says nothing: the word that names the reason usually comes beside it. */
function resultOf(leg: LegKnown): TransferResult | null {
  if (wasConnected(leg)) return "connected";
  if (leg.endedAs === null) return null;
  if (leg.endedAs !== "completed") return leg.endedAs;
  return leg.sipCode === null ? null : (sipTells[leg.sipCode] ?? null);
}
