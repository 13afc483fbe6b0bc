import type { Direction } from "@earshot/contract/call";
import { notify, notifyAll } from "../db/notify.ts";
import type { Sql } from "../db/pool.ts";
import { recordset } from "../db/recordset.ts";
import type { AgentId, CallId, ConversationId, LegId } from "../ids.ts";
import { wantsSql } from "../recordings/policy.ts";
import type { CallKnown, Known, LegKnown } from "./known.ts";

/** The only place that writes `calls` and `legs`. Changes are columns, never whole rows: others write other columns of the same row. */

const callColumns = `c.id, c.direction, c.status, c.end_reason as "endReason", c.end_detail as "endDetail", c.created_at as "createdAt",
  c.dialed_at as "dialedAt", c.ringing_at as "ringingAt", c.answered_at as "answeredAt", c.ended_at as "endedAt",
  c.deadline_at as "deadlineAt", c.asked_at as "askedAt", c.hangup_asked_at as "hangupAskedAt", c.hangup_asked_by as "hangupAskedBy", c.hangup_because as "hangupBecause",
  c.answered_by as "answeredBy", c.beep_at as "beepAt", c.message_at as "messageAt", c.closed_at as "closedAt", c.phone_leg as "phoneLeg", c.socket_leg as "socketLeg", c.conversation, c.socket_started_at as "socketStartedAt",
  exists (select from transfers t where t.call_id = c.id) as "handedOver",
  (v.settings->>'max_minutes')::int as "maxMinutes", ${wantsSql("carrier")} as record`;
const callTables = `calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version`;

const legColumns = `leg, kind, status, ended_as as "endedAs", detail, sip_code as "sipCode", disconnected_by as "disconnectedBy",
  started_at as "startedAt", ended_at as "endedAt", duration_s as "durationS", rate::text, price::text, network, seen_at as "seenAt",
  ringing_at as "ringingAt", answered_at as "answeredAt", lost_at as "lostAt", over_at as "overAt"`;

/** Which column each fact of a call is kept in, and its type. What is not here never changes by hearing. */
const columnOf = {
  status: ["status", "text"],
  endReason: ["end_reason", "text"],
  endDetail: ["end_detail", "text"],
  dialedAt: ["dialed_at", "timestamptz"],
  ringingAt: ["ringing_at", "timestamptz"],
  answeredAt: ["answered_at", "timestamptz"],
  endedAt: ["ended_at", "timestamptz"],
  deadlineAt: ["deadline_at", "timestamptz"],
  askedAt: ["asked_at", "timestamptz"],
  hangupAskedAt: ["hangup_asked_at", "timestamptz"],
  hangupAskedBy: ["hangup_asked_by", "text"],
  hangupBecause: ["hangup_because", "text"],
  answeredBy: ["answered_by", "text"],
  beepAt: ["beep_at", "timestamptz"],
  messageAt: ["message_at", "timestamptz"],
  phoneLeg: ["phone_leg", "text"],
  socketLeg: ["socket_leg", "text"],
  conversation: ["conversation", "text"],
} as const satisfies Partial<Record<keyof CallKnown, readonly [column: string, type: string]>>;
type Changeable = keyof typeof columnOf;

/** A call and its legs, locked until the transaction ends, so that two words about one call are heard one after the other. */
export async function lockCall(sql: Sql, call: CallId): Promise<Known | null> {
  return (await lockCalls(sql, [call])).get(call) ?? null;
}

/** The same for several, locked in one order by everybody, so that two who lock several wait for each other and not in a circle. */
export async function lockCalls(sql: Sql, calls: readonly CallId[]): Promise<Map<CallId, Known>> {
  const { rows } = await sql.query<CallKnown>({
    name: "lock calls",
    text: `select ${callColumns} from ${callTables} where c.id = any($1::uuid[]) order by c.id for update of c`,
    values: [calls],
  });
  if (rows.length === 0) return new Map();
  const legs = await legsOf(sql, calls);
  return new Map(rows.map((call) => [call.id, { call, legs: legs.get(call.id) ?? [] }]));
}

/** The same without a lock: for looking only. */
export async function readCall(sql: Sql, call: CallId): Promise<Known | null> {
  const { rows } = await sql.query<CallKnown>(`select ${callColumns} from ${callTables} where c.id = $1`, [call]);
  return rows[0] === undefined ? null : { call: rows[0], legs: (await legsOf(sql, [call])).get(call) ?? [] };
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

/** What a word of the carrier says about whom it is about. */
export interface About {
  readonly call: CallId | null;
  readonly leg: LegId | null;
  readonly conversation: ConversationId | null;
}

export interface Found {
  readonly call: CallId | null;
  /** Its mark names one call and its leg belongs to another. */
  readonly contradicts: boolean;
}

/**
 * Which call a word of the carrier is about: our own mark first, then the leg, then the conversation. A mark that contradicts what is known
 * of the leg is not followed: then somebody played one call's webhook to another call's address.
 */
export async function findCall(sql: Sql, by: About): Promise<Found> {
  return (await findCalls(sql, [by]))[0] as Found;
}

/** The same for several words in one statement; the answers stand in the words' order. */
export async function findCalls(sql: Sql, words: readonly About[]): Promise<Found[]> {
  const { rows } = await sql.query<{ nth: number; id: CallId; how: "mark" | "leg" | "conversation" }>({
    name: "find calls",
    text: `select w.nth::int as nth, f.id, f.how
      from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as w (call, leg, conversation, nth), lateral (
        select id, 'mark' as how from calls where id = w.call
        union all select call_id, 'leg' from legs where legs.leg = w.leg
        union all select id, 'leg' from calls where phone_leg = w.leg
        union all (select id, 'conversation' from calls where calls.conversation = w.conversation order by created_at desc limit 1)) f`,
    values: [words.map(({ call }) => call), words.map(({ leg }) => leg), words.map(({ conversation }) => conversation)],
  });
  const found = new Map(rows.map(({ nth, how, id }) => [`${nth} ${how}`, id]));
  return words.map(({ call }, i) => {
    const [mark, leg, conversation] = (["mark", "leg", "conversation"] as const).map((how) => found.get(`${i + 1} ${how}`) ?? null);
    if (mark && leg && mark !== leg) return { call: null, contradicts: true };
    // A mark of a call we do not have: never guess by the conversation.
    return { call: (call === null ? (leg ?? conversation) : (mark ?? leg)) ?? null, contradicts: false };
  });
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

/** Two states of a locked call and its legs. */
export interface Change {
  readonly before: Known;
  readonly after: Known;
}

/** Writes what differs between two states of a locked call and its legs, and tells the listeners when the call itself changed. */
export const saveCall = (sql: Sql, before: Known, after: Known): Promise<void> => saveCalls(sql, [{ before, after }]);

/** The same for several calls, each of them once, in a statement for the legs and one for the calls. */
export async function saveCalls(sql: Sql, changes: readonly Change[]): Promise<void> {
  const legs = changes.flatMap(({ before, after }) =>
    after.legs
      .filter((leg) => !before.legs.some((had) => had.leg === leg.leg && sameLeg(had, leg)))
      .map((leg) => ({ ...leg, call: after.call.id })),
  );
  if (legs.length > 0) await saveLegs(sql, legs);
  const changed = changes.map(({ before, after }) => ({
    call: after.call,
    facts: (Object.keys(columnOf) as Changeable[]).filter((fact) => !same(before.call[fact], after.call[fact])),
  }));
  const moved = changed.filter(({ facts }) => facts.length > 0);
  if (moved.length === 0) return;
  // The rows are locked: what did not change of one of them is written as it is, because another of them changed there.
  const facts = [...new Set(moved.flatMap((one) => one.facts))].sort();
  await sql.query(
    `update calls set ${facts.map((fact) => `${columnOf[fact][0]} = x."${fact}"`).join(", ")}
     from jsonb_to_recordset($1) as x (id uuid, ${facts.map((fact) => `"${fact}" ${columnOf[fact][1]}`).join(", ")}) where calls.id = x.id`,
    [recordset(moved.map(({ call }) => ({ id: call.id, ...Object.fromEntries(facts.map((fact) => [fact, call[fact]])) })))],
  );
  await notifyAll(
    sql,
    moved.map(({ call }) => ({ call_id: call.id, what: "call" })),
  );
}

async function legsOf(sql: Sql, calls: readonly CallId[]): Promise<Map<CallId, LegKnown[]>> {
  const { rows } = await sql.query<LegKnown & { call: CallId }>({
    name: "legs of calls",
    text: `select call_id as call, ${legColumns} from legs where call_id = any($1::uuid[]) order by seen_at, leg`,
    values: [calls],
  });
  const legs = new Map<CallId, LegKnown[]>();
  for (const { call, ...leg } of rows) legs.set(call, [...(legs.get(call) ?? []), leg]);
  return legs;
}

/** A leg belongs to one call for good: said to be another's, it stays as it is. */
async function saveLegs(sql: Sql, legs: readonly (LegKnown & { readonly call: CallId })[]): Promise<void> {
  await sql.query({
    name: "save legs",
    text: `insert into legs (leg, call_id, kind, status, ended_as, detail, sip_code, disconnected_by, started_at, ended_at, duration_s, rate, price,
       network, seen_at, ringing_at, answered_at, lost_at, over_at, updated_at)
     select leg, call, kind, status, "endedAs", detail, "sipCode", "disconnectedBy", "startedAt", "endedAt", "durationS", rate, price,
       network, "seenAt", "ringingAt", "answeredAt", "lostAt", "overAt", now()
     from jsonb_to_recordset($1) as x (leg text, call uuid, kind text, status text, "endedAs" text, detail text, "sipCode" int,
       "disconnectedBy" text, "startedAt" timestamptz, "endedAt" timestamptz, "durationS" int, rate numeric, price numeric, network text,
       "seenAt" timestamptz, "ringingAt" timestamptz, "answeredAt" timestamptz, "lostAt" timestamptz, "overAt" timestamptz)
     on conflict (leg) do update set status = excluded.status, ended_as = excluded.ended_as, detail = excluded.detail,
       sip_code = excluded.sip_code, disconnected_by = excluded.disconnected_by, started_at = excluded.started_at,
       ended_at = excluded.ended_at, duration_s = excluded.duration_s, rate = excluded.rate, price = excluded.price,
       network = excluded.network, seen_at = excluded.seen_at, ringing_at = excluded.ringing_at, answered_at = excluded.answered_at,
       lost_at = excluded.lost_at, over_at = excluded.over_at, updated_at = now()
     where legs.call_id = excluded.call_id`,
    values: [recordset(legs)],
  });
}

function sameLeg(one: LegKnown, other: LegKnown): boolean {
  return (Object.keys(one) as (keyof LegKnown)[]).every((fact) => same(one[fact], other[fact]));
}

function same(one: unknown, other: unknown): boolean {
  return one instanceof Date && other instanceof Date ? one.getTime() === other.getTime() : one === other;
}
