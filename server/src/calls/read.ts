import type { Call, CallEvent, ListCalls } from "@earshot/contract/call";
import type { Exchange } from "@earshot/contract/carrier";
import type { EndReason } from "@earshot/contract/status";
import type { Webhook } from "@earshot/contract/webhook";
import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { hasBestStatus, recordingsOf } from "../recordings/read.ts";
import { redact, redactText, redactUrl } from "./redact.ts";
import { engineCosts } from "./usage.ts";

/** Where a page ended: microseconds (calls, events) or milliseconds (utterances) of its last row, and its id. */
type Place = { readonly at: number; readonly id: string };
type Page<T> = { readonly items: T[]; readonly next: Place | null };

interface CallRow {
  id: CallId;
  direction: Call["direction"];
  status: Call["status"];
  end_reason: EndReason | null;
  end_detail: string | null;
  from_number: string | null;
  to_number: string | null;
  customer_name: string | null;
  variables: Call["variables"];
  metadata: Call["metadata"];
  agent_id: string | null;
  agent_version: number | null;
  agent_name: string | null;
  created_at: Date;
  dialed_at: Date | null;
  ringing_at: Date | null;
  answered_at: Date | null;
  ended_at: Date | null;
  engine: string | null;
  price: string | null;
  utterance_count: number;
  at: number;
}

/** Microseconds since 1970: a JavaScript Date would lose the last three digits and with them the order. */
const micros = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`;
const instant = (parameter: string) => `(timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond')`;

const columns = `
  c.id, c.direction, c.status, c.end_reason, c.end_detail, c.from_number, c.to_number, c.customer_name, c.variables, c.metadata,
  c.agent_id, c.agent_version, v.settings->>'name' as agent_name, c.created_at, c.dialed_at, c.ringing_at, c.answered_at, c.ended_at,
  c.engine, ${micros("c.created_at")} as at,
  (select trim_scale(sum(l.price))::text from legs l where l.call_id = c.id) as price,
  (select count(*)::int from utterances u where u.call_id = c.id) as utterance_count`;
const agentOfCall = "left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version";

/** One call; null when there is none. */
export async function readCall(sql: Sql, id: CallId): Promise<Call | null> {
  const { rows } = await sql.query<CallRow>(`select ${columns} from calls c ${agentOfCall} where c.id = $1`, [id]);
  return (await withRecordings(sql, rows))[0] ?? null;
}

/** When a call was answered, and its status; null when there is no such call. */
export async function readCallBriefly(sql: Sql, id: CallId): Promise<{ status: Call["status"]; answeredAt: Date | null } | null> {
  const { rows } = await sql.query<{ status: Call["status"]; answered_at: Date | null }>(
    "select status, answered_at from calls where id = $1",
    [id],
  );
  return rows[0] ? { status: rows[0].status, answeredAt: rows[0].answered_at } : null;
}

/** The calls of a query, newest first: three statements, whatever the filters and however many calls. */
export async function listCalls(sql: Sql, query: ListCalls, after: Place | null): Promise<Page<Call>> {
  const { text, values } = pageOfCalls(query, after);
  const { rows } = await sql.query<CallRow>(text, values);
  const { items, next } = pageOf(rows, query.limit);
  return { items: await withRecordings(sql, items), next };
}

/**
 * The statement for a page of calls. A search has two arms, each in the list's own order and each cut at the page's size, because a call
 * may be found by what was said or by its name; `or` between them would make Postgres look at every call. The names are looked up first
 * (materialized): guessing their number too high, the planner walked all 200,000 calls for a name nobody has (230 ms; now 2).
 */
export function pageOfCalls(query: ListCalls, after: Place | null): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const use = (value: unknown): string => `$${values.push(value)}`;
  const where: string[] = [];

  if (query.status === "live") where.push("c.status <> 'ended'");
  else if (query.status) where.push(`c.status = ${use(query.status)}`);
  if (query.direction) where.push(`c.direction = ${use(query.direction)}`);
  if (query.end_reason) where.push(`c.end_reason = ${use(query.end_reason)}`);
  if (query.agent_id) where.push(`c.agent_id = ${use(query.agent_id)}`);
  if (query.from) where.push(`c.created_at >= ${use(new Date(query.from))}`);
  if (query.to) where.push(`c.created_at < ${use(new Date(query.to))}`);
  if (query.recording) where.push(hasBestStatus(query.recording));
  if (query.number !== undefined) {
    const part = use(`%${query.number.replace(/\D/g, "")}%`);
    where.push(`(c.from_number like ${part} or c.to_number like ${part})`);
  }
  if (after) where.push(`(c.created_at, c.id) < (${instant(use(after.at))}, ${use(after.id)}::uuid)`);

  const limit = use(query.limit + 1);
  const arm = (...more: string[]) => {
    const all = [...where, ...more];
    return `select c.id, c.created_at from calls c ${all.length > 0 ? `where ${all.join(" and ")}` : ""} order by c.created_at desc, c.id desc limit ${limit}`;
  };
  let found = `found as materialized (${arm()})`;
  if (query.search !== undefined) {
    const words = searched(use(query.search), /[\p{L}\p{N}]$/u.test(query.search));
    const said = arm(`exists (select 1 from utterances u where u.call_id = c.id and to_tsvector('simple', u.text) @@ ${words})`);
    const named = arm("c.id in (select id from named)");
    found = `named as materialized (select id from calls where customer_name is not null and to_tsvector('simple', customer_name) @@ ${words}),
      found as materialized ((${said}) union (${named}) order by created_at desc, id desc limit ${limit})`;
  }
  return {
    text: `with ${found}
      select ${columns} from found join calls c on c.id = found.id ${agentOfCall} order by c.created_at desc, c.id desc`,
    values,
  };
}

/** A person's search as a tsquery: words, "phrases", -without, or; the last word may still be half typed. */
const searched = (parameter: string, halfTyped: boolean): string => {
  const whole = `websearch_to_tsquery('simple', ${parameter})`;
  return halfTyped ? `case when ${whole}::text = '' then ${whole} else (${whole}::text || ':*')::tsquery end` : whole;
};

/** A call's events in the order they happened. */
export async function listEvents(
  sql: Sql,
  call: CallId,
  answeredAt: Date | null,
  limit: number,
  after: Place | null,
): Promise<Page<CallEvent>> {
  const { rows } = await sql.query<{
    id: string;
    at: number;
    when: Date;
    kind: string;
    actor: CallEvent["actor"];
    said: string;
    detail: Record<string, unknown>;
  }>(
    `select id, ${micros("at")} as at, at as "when", kind, actor, said, detail from events
     where call_id = $1 and ($2::bigint is null or (at, id) > (${instant("$2")}, $3::uuid))
     order by at, id limit $4`,
    [call, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const { items, next } = pageOf(rows, limit);
  return {
    items: items.map(({ id, when, kind, actor, said, detail }) => ({
      id,
      at: when.toISOString(),
      call_ms: answeredAt && when.getTime() - answeredAt.getTime(),
      kind,
      actor,
      said,
      detail: redact(detail) as Record<string, unknown>,
    })),
    next,
  };
}

/** Every request of the carrier about a call, as it arrived, with what became of it; secrets taken out once more. */
export async function listWebhooks(sql: Sql, call: CallId, limit: number, after: Place | null): Promise<Page<Webhook>> {
  const { rows } = await sql.query<Omit<Webhook, "received_at" | "body"> & { at: number; received_at: Date; body: Buffer }>(
    `select id, ${micros("received_at")} as at, received_at, carrier, door, method, url, headers, body, verdict, because from webhooks
     where call_id = $1 and ($2::bigint is null or (received_at, id) > (${instant("$2")}, $3::uuid))
     order by received_at, id limit $4`,
    [call, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const { items, next } = pageOf(rows, limit);
  return {
    items: items.map(({ at: _at, ...row }) => ({
      ...row,
      received_at: row.received_at.toISOString(),
      url: redactUrl(row.url),
      headers: redact(row.headers) as Record<string, unknown>,
      body: redactText(row.body.toString("utf8")),
    })),
    next,
  };
}

/** What we asked of the carrier about a call, and what it answered; secrets taken out once more. */
export async function listExchanges(sql: Sql, call: CallId, limit: number, after: Place | null): Promise<Page<Exchange>> {
  const { rows } = await sql.query<Omit<Exchange, "at"> & { at: number; when: Date }>(
    `select id, ${micros("at")} as at, at as "when", carrier, method, url, request, status, answer, took_ms, trace from exchanges
     where call_id = $1 and ($2::bigint is null or (at, id) > (${instant("$2")}, $3::uuid))
     order by at, id limit $4`,
    [call, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const { items, next } = pageOf(rows, limit);
  return {
    items: items.map(({ when, ...row }) => ({
      ...row,
      at: when.toISOString(),
      url: redactUrl(row.url),
      request: row.request && redactText(row.request),
      answer: row.answer && redactText(row.answer),
    })),
    next,
  };
}

/** Calls that were placed and are not dialled yet. */
export async function countQueued(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>("select count(*)::int as n from calls where status = 'queued'");
  return rows[0]?.n ?? 0;
}

function pageOf<Row extends { at: number; id: string }>(rows: Row[], limit: number): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? { at: last.at, id: last.id } : null };
}

async function withRecordings(sql: Sql, rows: CallRow[]): Promise<Call[]> {
  const recordings = await recordingsOf(
    sql,
    rows.map(({ id, answered_at }) => ({ id, answeredAt: answered_at })),
  );
  const costs = await engineCosts(
    sql,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({
    id: row.id,
    direction: row.direction,
    status: row.status,
    end_reason: row.end_reason,
    end_detail: row.end_detail,
    from: row.from_number,
    to: row.to_number,
    agent: row.agent_id && row.agent_version !== null ? { id: row.agent_id, name: row.agent_name ?? "", version: row.agent_version } : null,
    customer_name: row.customer_name,
    variables: row.variables,
    metadata: row.metadata,
    created_at: row.created_at.toISOString(),
    dialed_at: row.dialed_at?.toISOString() ?? null,
    ringing_at: row.ringing_at?.toISOString() ?? null,
    started_at: row.answered_at?.toISOString() ?? null,
    ended_at: row.ended_at?.toISOString() ?? null,
    duration_ms: between(row.answered_at, row.ended_at),
    ring_ms: between(row.ringing_at, row.answered_at ?? row.ended_at),
    engine: row.engine,
    price: row.price,
    // Vonage charges in euros and says so nowhere but in its documents.
    price_currency: row.price && "EUR",
    cost: {
      carrier: row.price === null ? null : { amount: row.price, currency: "EUR" },
      engine: costs.get(row.id)?.engine ?? null,
      usage: costs.get(row.id)?.usage ?? null,
    },
    utterance_count: row.utterance_count,
    recording: recordings(row.id),
  }));
}

/** Milliseconds from one to the other, never negative: the two may come from two clocks. */
const between = (from: Date | null, to: Date | null): number | null => from && to && Math.max(0, to.getTime() - from.getTime());
