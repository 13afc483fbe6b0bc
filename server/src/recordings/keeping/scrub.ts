import type { Sql } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import { keptDetail, NOTHING_LEFT, saidAfterwards } from "./event-words.ts";

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
    webhooks: await count(
      sql,
      `update webhooks set body = '', url = split_part(url, '?', 1) where call_id = $1
        and (position('"dtmf"'::bytea in body) > 0 or position('"speech"'::bytea in body) > 0 or url ~ '[?&](dtmf|speech)[=%\\[]')`,
      call,
    ),
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

/** Of the timeline only what event-words.ts lets stay. */
async function scrubEvents(sql: Sql, call: CallId): Promise<number> {
  const { rowCount } = await sql.query(
    `update events set said = case when $2::jsonb->kind = 'true' then said else coalesce($2::jsonb->>kind, $4) end,
        detail = coalesce((select jsonb_object_agg(key, value) from jsonb_each(detail) where key = any($3)), '{}')
      where call_id = $1`,
    [call, JSON.stringify(saidAfterwards), keptDetail, NOTHING_LEFT],
  );
  return rowCount ?? 0;
}

/** Words that lie in a stretch of the call, with a mark in their place. */
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
  return rowCount ?? 0;
}

async function count(sql: Sql, statement: string, call: CallId): Promise<number> {
  return (await sql.query(statement, [call])).rowCount ?? 0;
}
