import type { Sql } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import { keptDetail, NOTHING_LEFT, saidAfterwards } from "./event-words.ts";

/** A carrier's request that told of keys or of words it recognised. */
const heldWords = `(position('"dtmf"'::bytea in body) > 0 or position('"speech"'::bytea in body) > 0 or url ~ '[?&](dtmf|speech)[=%\\[]')`;

/**
 * Takes what a person said, or who they are, out of a call's rows. The one place that writes in other rooms' tables: forgetting somebody
 * must not depend on every room remembering to. Ids, times, states and reasons stay, so that the call remains accounted for.
 * @returns how many rows of each table were touched, for the receipt
 */
export async function scrubTranscript(sql: Sql, call: CallId): Promise<Record<string, number>> {
  return {
    utterances: await count(sql, "delete from utterances where call_id = $1", call),
    events: await scrubEvents(sql, call),
    // Keys pressed and words recognised also came as webhooks, and went out as requests.
    webhooks: await count(sql, `update webhooks set body = '', url = split_part(url, '?', 1) where call_id = $1 and ${heldWords}`, call),
    exchanges: await count(sql, "update exchanges set request = null, answer = null where call_id = $1 and request is not null", call),
    transfers: await count(sql, "update transfers set announcement = null where call_id = $1 and announcement is not null", call),
    // What tools were called with, and what operators whispered.
    engine_webhooks: await count(sql, "update engine_webhooks set body = '' where call_id = $1 and body <> ''", call),
    bridge_asks: await count(sql, "update bridge_asks set ask = ask - 'text' where call_id = $1 and ask ? 'text'", call),
    // What the engine remembers is not filled in again.
    reconciliations: await count(
      sql,
      "update reconciliations set status = 'given_up', because = 'The transcript was deleted.' where call_id = $1 and status = 'waiting'",
      call,
    ),
  };
}

/** Who they are: numbers, name, and what was told about them; the carrier's raw requests and answers with it. */
export async function scrubCustomer(sql: Sql, call: CallId): Promise<Record<string, number>> {
  return {
    calls: await count(
      sql,
      `update calls set customer_name = null, variables = '{}', metadata = '{}',
          from_number = case when direction = 'inbound' then null else from_number end,
          to_number = case when direction = 'outbound' then null else to_number end
        where id = $1`,
      call,
    ),
    webhooks: await count(sql, "update webhooks set body = '', headers = '{}', url = split_part(url, '?', 1) where call_id = $1", call),
    exchanges: await count(sql, "update exchanges set request = null, answer = null where call_id = $1", call),
    events: await scrubEvents(sql, call),
  };
}

/** Of the timeline, all of it or what happened in a window, only what event-words.ts lets stay. */
async function scrubEvents(
  sql: Sql,
  call: CallId,
  { from = null, to = null }: { from?: Date | null; to?: Date | null } = {},
): Promise<number> {
  const { rowCount } = await sql.query(
    `update events set said = case when $2::jsonb->kind = 'true' then said else coalesce($2::jsonb->>kind, $4) end,
        detail = coalesce((select jsonb_object_agg(key, value) from jsonb_each(detail) where key = any($3)), '{}')
      where call_id = $1 and ($5::timestamptz is null or at between $5 and $6)`,
    [call, JSON.stringify(saidAfterwards), keptDetail, NOTHING_LEFT, from, to],
  );
  return rowCount ?? 0;
}

/** Clocks differ by less. */
const BEFORE_MS = 1000;
/** What was said or keyed is acted upon after it: the turn ends, a tool is called with it and answers, the carrier is asked for something. */
const AFTER_MS = 30_000;

/**
 * Words that lie in a stretch of the call, with a mark in their place; and what the timeline, tools and raw requests have of that time, as with a
 * deleted transcript: what was said there was also passed on. Requests that are told again come late, so those that held keys, words or tools go from
 * the stretch on. The second time does nothing. @returns how many utterances
 */
export async function scrubStretch(
  sql: Sql,
  call: CallId,
  fromMs: number,
  toMs: number,
  side: "caller" | "agent" | "both",
): Promise<number> {
  const { rowCount } = await sql.query(
    `update utterances set text = '[redacted]', emotions = null, emotion_set = null
      where call_id = $1 and started_ms < $3 and ended_ms > $2 and ($4 = 'both' or speaker = $4)`,
    [call, fromMs, toMs, side],
  );
  const { rows } = await sql.query<{ zero: Date | null }>(
    "select coalesce(answered_at, socket_started_at) as zero from calls where id = $1",
    [call],
  );
  const zero = rows[0]?.zero?.getTime();
  if (zero !== undefined) await scrubAround(sql, call, new Date(zero + fromMs - BEFORE_MS), new Date(zero + toMs + AFTER_MS));
  return rowCount ?? 0;
}

async function scrubAround(sql: Sql, call: CallId, from: Date, to: Date): Promise<void> {
  await scrubEvents(sql, call, { from, to });
  await sql.query(
    `update webhooks set body = '', url = split_part(url, '?', 1) where call_id = $1 and received_at >= $2 and verdict <> 'pending' and ${heldWords}`,
    [call, from],
  );
  await sql.query("update engine_webhooks set body = '' where call_id = $1 and received_at >= $2 and verdict <> 'pending' and body <> ''", [
    call,
    from,
  ]);
  for (const statement of [
    "update exchanges set request = null, answer = null where call_id = $1 and at between $2 and $3 and (request is not null or answer is not null)",
    "update transfers set announcement = null where call_id = $1 and asked_at between $2 and $3 and announcement is not null",
    "update bridge_asks set ask = ask - 'text' where call_id = $1 and asked_at between $2 and $3 and ask ? 'text'",
  ])
    await sql.query(statement, [call, from, to]);
}

async function count(sql: Sql, statement: string, call: CallId): Promise<number> {
  return (await sql.query(statement, [call])).rowCount ?? 0;
}
