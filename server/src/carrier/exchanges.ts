import type { Sql } from "../db/pool.ts";
import { type CallId, newId } from "../ids.ts";

/** The only place that writes `exchanges`: what we asked of a carrier, and what it answered. */

/** One request to the carrier and its answer. */
export interface Exchange {
  readonly at: Date;
  readonly method: string;
  readonly url: string;
  /** Texts of both bodies, tokens taken out; null when there was none. */
  readonly request: string | null;
  /** Null: no answer came. */
  readonly status: number | null;
  /** Its body, or what went wrong instead. */
  readonly answer: string | null;
  readonly tookMs: number;
  /** The carrier's id of the exchange, to name in a support case. */
  readonly trace: string | null;
  /** The call it is about, when that is known beforehand. */
  readonly call?: CallId | null;
}

const LONGEST_TEXT = 8_192;

/** Keeps an exchange with the call it is about: as is told, by our mark in it, else by the leg in its path; without a call when neither is known. */
export async function storeExchange(sql: Sql, carrier: string, exchange: Exchange): Promise<void> {
  const call = exchange.call ?? /[?&]call=([0-9a-f-]{36})/.exec(exchange.request ?? "")?.[1] ?? null;
  const leg = /\/v1\/calls\/([^/?]+)/.exec(exchange.url)?.[1] ?? null;
  await sql.query(
    `insert into exchanges (id, at, carrier, call_id, method, url, request, status, answer, took_ms, trace)
     values ($1, $2, $3, coalesce((select id from calls where id = $4), (select id from calls where phone_leg = $5), (select call_id from legs where leg = $5)),
       $6, $7, $8, $9, $10, $11, $12)`,
    [
      newId(exchange.at.getTime()),
      exchange.at,
      carrier,
      call,
      leg === null ? null : decodeURIComponent(leg),
      exchange.method,
      exchange.url.slice(0, 2_000),
      kept(exchange.request),
      exchange.status,
      kept(exchange.answer),
      Math.max(0, Math.round(exchange.tookMs)),
      exchange.trace,
    ],
  );
}

function kept(text: string | null): string | null {
  return text === null ? null : text.slice(0, LONGEST_TEXT).replaceAll("\0", "").toWellFormed();
}
