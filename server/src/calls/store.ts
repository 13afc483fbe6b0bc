import type { Direction } from "@earshot/contract/call";
import { notify } from "../db/notify.ts";
import type { Sql } from "../db/pool.ts";
import type { AgentId, CallId, ConversationId, LegId } from "../ids.ts";
import type { CallKnown, Known, LegKnown } from "./known.ts";

/** The only place that writes `calls` and `legs`. Changes are columns, never whole rows: others write other columns of the same row. */

const callColumns = `c.id, c.direction, c.status, c.end_reason as "endReason", c.end_detail as "endDetail", c.created_at as "createdAt",
  c.dialed_at as "dialedAt", c.ringing_at as "ringingAt", c.answered_at as "answeredAt", c.ended_at as "endedAt",
  c.deadline_at as "deadlineAt", c.asked_at as "askedAt", c.hangup_asked_at as "hangupAskedAt", c.hangup_asked_by as "hangupAskedBy", c.hangup_because as "hangupBecause",
  c.answered_by as "answeredBy", c.beep_at as "beepAt", c.message_at as "messageAt", c.closed_at as "closedAt", c.phone_leg as "phoneLeg", c.socket_leg as "socketLeg", c.conversation, c.socket_started_at as "socketStartedAt",
  (v.settings->>'max_minutes')::int as "maxMinutes", c.closed_at is null and coalesce((v.settings->>'record')::boolean, false) as record`;
const callTables = `calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version`;

const legColumns = `leg, kind, status, ended_as as "endedAs", detail, sip_code as "sipCode", disconnected_by as "disconnectedBy",
  started_at as "startedAt", ended_at as "endedAt", duration_s as "durationS", rate::text, price::text, network, seen_at as "seenAt",
  ringing_at as "ringingAt", answered_at as "answeredAt", lost_at as "lostAt", over_at as "overAt"`;

/** Which column each fact of a call is kept in. What is not here never changes by hearing. */
const columnOf = {
  status: "status",
  endReason: "end_reason",
  endDetail: "end_detail",
  dialedAt: "dialed_at",
  ringingAt: "ringing_at",
  answeredAt: "answered_at",
  endedAt: "ended_at",
  deadlineAt: "deadline_at",
  askedAt: "asked_at",
  hangupAskedAt: "hangup_asked_at",
  hangupAskedBy: "hangup_asked_by",
  hangupBecause: "hangup_because",
  answeredBy: "answered_by",
  beepAt: "beep_at",
  messageAt: "message_at",
  phoneLeg: "phone_leg",
  socketLeg: "socket_leg",
  conversation: "conversation",
} as const satisfies Partial<Record<keyof CallKnown, string>>;
type Changeable = keyof typeof columnOf;

/** A call and its legs, locked until the transaction ends, so that two words about one call are heard one after the other. */
export async function lockCall(sql: Sql, call: CallId): Promise<Known | null> {
  const { rows } = await sql.query<CallKnown>(`select ${callColumns} from ${callTables} where c.id = $1 for update of c`, [call]);
  return rows[0] === undefined ? null : { call: rows[0], legs: await legsOf(sql, call) };
}

/** The same without a lock: for looking only. */
export async function readCall(sql: Sql, call: CallId): Promise<Known | null> {
  const { rows } = await sql.query<CallKnown>(`select ${callColumns} from ${callTables} where c.id = $1`, [call]);
  return rows[0] === undefined ? null : { call: rows[0], legs: await legsOf(sql, call) };
}

/** The watchdog is to look at a running call by `at`: something happened that usually means its end. */
export async function lookBy(sql: Sql, call: CallId, at: Date): Promise<void> {
  await sql.query("update calls set deadline_at = least(deadline_at, $2) where id = $1 and status = 'in_progress'", [call, at]);
}

/**
 * The latest moment at which a call surely went on: what the other sides did, what was said, what the carrier recorded, where its journal ends. For
 * a call whose end nobody told. Null when nothing is known.
 */
export async function lastSign(sql: Sql, call: CallId, now: Date): Promise<Date | null> {
  const { rows } = await sql.query<{ at: Date | null }>(
    `select max(at) as at from (
       select at from events where call_id = $1 and kind <> 'call.hangup_failed' and (actor not in ('us', 'operator') or kind like 'audio.%')
       union all select (detail->>'until')::timestamptz from events where call_id = $1 and kind = 'journal.finished'
       union all select c.answered_at + u.ended_ms * interval '1 ms' from utterances u join calls c on c.id = u.call_id where u.call_id = $1
       union all select (detail->'announced'->>'ended_at')::timestamptz from recordings where call_id = $1) sign
     where at <= $2`,
    [call, now],
  );
  return rows[0]?.at ?? null;
}

/**
 * Which call a word of the carrier is about: our own mark first, then the leg, then the conversation. A mark that contradicts what is known
 * of the leg is not followed: then somebody played one call's webhook to another call's address.
 */
export async function findCall(
  sql: Sql,
  by: { readonly call: CallId | null; readonly leg: LegId | null; readonly conversation: ConversationId | null },
): Promise<{ readonly call: CallId | null; readonly contradicts: boolean }> {
  const { rows } = await sql.query<{ id: CallId; how: "mark" | "leg" | "conversation" }>(
    `select id, 'mark' as how from calls where id = $1
     union all select call_id, 'leg' from legs where leg = $2
     union all select id, 'leg' from calls where phone_leg = $2
     union all (select id, 'conversation' from calls where conversation = $3 order by created_at desc limit 1)`,
    [by.call, by.leg, by.conversation],
  );
  const found = (how: string): CallId | null => rows.find((row) => row.how === how)?.id ?? null;
  const [mark, leg] = [found("mark"), found("leg")];
  if (mark !== null && leg !== null && mark !== leg) return { call: null, contradicts: true };
  // A mark of a call we do not have: never guess by the conversation.
  if (by.call !== null) return { call: mark ?? leg, contradicts: false };
  return { call: leg ?? found("conversation"), contradicts: false };
}

/** A new call. Fails on a phone leg that is known already. */
export async function insertCall(
  sql: Sql,
  call: {
    readonly id: CallId;
    readonly direction: Direction;
    readonly status: "queued" | "ringing";
    readonly from: string | null;
    readonly to: string | null;
    readonly customerName: string | null;
    readonly variables: Readonly<Record<string, unknown>>;
    readonly metadata: Readonly<Record<string, unknown>>;
    readonly agent: { readonly id: AgentId; readonly version: number } | null;
    readonly placedBy: string;
    readonly idempotencyKey: string | null;
    readonly requestHash: Buffer | null;
    readonly createdAt: Date;
    readonly deadlineAt: Date;
    readonly phoneLeg: LegId | null;
    readonly conversation: ConversationId | null;
    readonly regionUrl: string | null;
    readonly closedAt?: Date | null;
  },
): Promise<void> {
  await sql.query(
    `insert into calls (id, direction, status, from_number, to_number, customer_name, variables, metadata, agent_id, agent_version,
       placed_by, idempotency_key, request_hash, created_at, deadline_at, phone_leg, conversation, region_url, ringing_at, closed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
    [
      call.id,
      call.direction,
      call.status,
      call.from,
      call.to,
      call.customerName,
      JSON.stringify(call.variables),
      JSON.stringify(call.metadata),
      call.agent?.id ?? null,
      call.agent?.version ?? null,
      call.placedBy,
      call.idempotencyKey,
      call.requestHash,
      call.createdAt,
      call.deadlineAt,
      call.phoneLeg,
      call.conversation,
      call.regionUrl,
      call.status === "ringing" ? call.createdAt : null,
      call.closedAt ?? null,
    ],
  );
  await notify(sql, { call_id: call.id, what: "call" });
}

/** Writes what differs between two states of a locked call and its legs, and tells the listeners when the call itself changed. */
export async function saveCall(sql: Sql, before: Known, after: Known): Promise<void> {
  for (const leg of after.legs) {
    const had = before.legs.find((one) => one.leg === leg.leg);
    if (had === undefined || !sameLeg(had, leg)) await saveLeg(sql, after.call.id, leg);
  }
  const changed = (Object.keys(columnOf) as Changeable[]).filter((fact) => !same(before.call[fact], after.call[fact]));
  if (changed.length === 0) return;
  await sql.query(`update calls set ${changed.map((fact, i) => `${columnOf[fact]} = $${i + 2}`).join(", ")} where id = $1`, [
    after.call.id,
    ...changed.map((fact) => after.call[fact]),
  ]);
  await notify(sql, { call_id: after.call.id, what: "call" });
}

async function legsOf(sql: Sql, call: CallId): Promise<LegKnown[]> {
  const { rows } = await sql.query<LegKnown>(`select ${legColumns} from legs where call_id = $1 order by seen_at, leg`, [call]);
  return rows;
}

async function saveLeg(sql: Sql, call: CallId, leg: LegKnown): Promise<void> {
  await sql.query(
    `insert into legs (leg, call_id, kind, status, ended_as, detail, sip_code, disconnected_by, started_at, ended_at, duration_s, rate, price,
       network, seen_at, ringing_at, answered_at, lost_at, over_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, now())
     on conflict (leg) do update set status = excluded.status, ended_as = excluded.ended_as, detail = excluded.detail,
       sip_code = excluded.sip_code, disconnected_by = excluded.disconnected_by, started_at = excluded.started_at,
       ended_at = excluded.ended_at, duration_s = excluded.duration_s, rate = excluded.rate, price = excluded.price,
       network = excluded.network, seen_at = excluded.seen_at, ringing_at = excluded.ringing_at, answered_at = excluded.answered_at,
       lost_at = excluded.lost_at, over_at = excluded.over_at, updated_at = now()
     where legs.call_id = excluded.call_id`,
    [
      leg.leg,
      call,
      leg.kind,
      leg.status,
      leg.endedAs,
      leg.detail,
      leg.sipCode,
      leg.disconnectedBy,
      leg.startedAt,
      leg.endedAt,
      leg.durationS,
      leg.rate,
      leg.price,
      leg.network,
      leg.seenAt,
      leg.ringingAt,
      leg.answeredAt,
      leg.lostAt,
      leg.overAt,
    ],
  );
}

function sameLeg(one: LegKnown, other: LegKnown): boolean {
  return (Object.keys(one) as (keyof LegKnown)[]).every((fact) => same(one[fact], other[fact]));
}

function same(one: unknown, other: unknown): boolean {
  return one instanceof Date && other instanceof Date ? one.getTime() === other.getTime() : one === other;
}
