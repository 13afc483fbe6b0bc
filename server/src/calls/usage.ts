import type { CallCost } from "@earshot/contract/call";
import { notify } from "../db/notify.ts";
import type { Sql } from "../db/pool.ts";
import { type CallId, newId } from "../ids.ts";
import { costOf, type Prices } from "../prices.ts";

/** The only place that writes `engine_usage`: what engines say they used for a call, and what that cost at the prices of that day. */

export interface NewUsage {
  readonly call: CallId;
  /** Makes it the same usage when it is told again. */
  readonly id?: string;
  readonly engine: string;
  readonly session: string | null;
  readonly at: Date;
  /** As the engine tells it, and `of` (response, transcription, session), `service`, `model`. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export async function recordUsage(sql: Sql, { call, id = newId(), engine, session, at, raw }: NewUsage, prices: Prices): Promise<void> {
  const cost = costOf(prices, engine, raw);
  await sql.query(
    `insert into engine_usage (id, call_id, engine, session, at, of, raw, cost, currency) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict do nothing`,
    [id, call, engine, session, at, String(raw.of ?? "other"), JSON.stringify(raw), cost?.amount ?? null, cost?.currency ?? null],
  );
}

/**
 * The sessions of this process that are over, of engines that tell no usage: what they have used is the time they were open, also where nobody
 * heard anything of it. Told again, nothing changes.
 */
export async function recordSessionTimes(sql: Sql, call: CallId, process: string, prices: Prices): Promise<void> {
  const { rows } = await sql.query<{ engine: string; session: string; at: Date; seconds: number }>(
    `select engine, session, ended_at as at, extract(epoch from greatest(ended_at - ready_at, '0'))::float8 as seconds from engine_sessions s
      where call_id = $1 and process = $2 and ended_at is not null
        and not exists (select from engine_usage u where u.call_id = s.call_id and u.engine = s.engine and u.of <> 'session')`,
    [call, process],
  );
  for (const { engine, session, at, seconds } of rows)
    await recordUsage(sql, { call, engine, session, at, raw: { of: "session", seconds: Math.round(seconds * 1000) / 1000 } }, prices);
  if (rows.length > 0) await notify(sql, { call_id: call, what: "call" });
}

interface Row {
  call: CallId;
  amount: string | null;
  currency: string | null;
  unpriced: boolean;
  currencies: number;
  sessionSeconds: number | null;
  transcribedSeconds: number | null;
  told: boolean;
  textIn: number;
  audioIn: number;
  cachedIn: number;
  textOut: number;
  audioOut: number;
}

const tokens = (side: string, kind: string) => `coalesce(sum((u.raw->'${side}_token_details'->>'${kind}_tokens')::numeric), 0)::int`;

/** What each of these calls has cost at its engine; calls whose engine has told nothing are not there. One statement. */
export async function engineCosts(sql: Sql, calls: readonly CallId[]): Promise<ReadonlyMap<CallId, Pick<CallCost, "engine" | "usage">>> {
  if (calls.length === 0) return new Map();
  const { rows } = await sql.query<Row>(
    `select u.call_id as call, trim_scale(round(sum(u.cost), 6))::text as amount, min(u.currency) as currency,
       count(distinct u.currency)::int as currencies, bool_or(u.cost is null) as unpriced,
       sum((u.raw->>'seconds')::float8) filter (where u.of = 'session') as "sessionSeconds",
       sum((u.raw->>'seconds')::float8) filter (where u.of = 'transcription') as "transcribedSeconds",
       bool_or(u.of = 'response') as told, ${tokens("input", "text")} as "textIn", ${tokens("input", "audio")} as "audioIn",
       ${tokens("input", "cached")} as "cachedIn", ${tokens("output", "text")} as "textOut", ${tokens("output", "audio")} as "audioOut"
     from engine_usage u where u.call_id = any($1) group by u.call_id`,
    [calls],
  );
  return new Map(
    rows.map((row) => [
      row.call,
      {
        engine:
          row.unpriced || row.currencies !== 1 || row.amount === null || row.currency === null
            ? null
            : { amount: row.amount, currency: row.currency },
        usage: {
          session_seconds: row.sessionSeconds,
          transcribed_seconds: row.transcribedSeconds,
          tokens: row.told
            ? { text_in: row.textIn, audio_in: row.audioIn, cached_in: row.cachedIn, text_out: row.textOut, audio_out: row.audioOut }
            : null,
        },
      },
    ]),
  );
}
