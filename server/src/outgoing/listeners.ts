import { randomBytes } from "node:crypto";
import type { Sql } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { urlRefusal } from "./address.ts";
import { ListenerUnknown, ListenerUrlRefused, TellingUnknown } from "./failures.ts";

/** What can be told. Migration 0019 has the same list. */
export const kinds = ["call.ended", "recording.stored", "recording.missing", "recording.failed", "transcript.ready"] as const;
export type Kind = (typeof kinds)[number];

/** Another system that wants to hear. Its secret is shown once and never read again but to sign. */
export interface Listener {
  readonly id: string;
  readonly url: string;
  readonly kinds: readonly Kind[];
  readonly said: string;
  readonly madeAt: Date;
  readonly pausedAt: Date | null;
  /** Of the last week. */
  readonly waiting: number;
  readonly told: number;
  readonly dead: number;
}

/** @returns the listener's id and its secret. @throws ListenerUrlRefused */
export async function makeListener(
  sql: Sql,
  asked: { url: string; kinds: readonly Kind[]; said?: string; by: string; at: Date; local: boolean },
): Promise<{ id: string; secret: string }> {
  const refusal = urlRefusal(asked.url, asked.local);
  if (refusal !== null) throw new ListenerUrlRefused(asked.url, refusal);
  const made = { id: newId(), secret: `whs_${randomBytes(32).toString("base64url")}` };
  await sql.query("insert into listeners (id, url, kinds, secret, said, made_at, made_by) values ($1, $2, $3, $4, $5, $6, $7)", [
    made.id,
    asked.url,
    [...new Set(asked.kinds)],
    made.secret,
    asked.said ?? "",
    asked.at,
    asked.by,
  ]);
  return made;
}

export async function listListeners(sql: Sql): Promise<Listener[]> {
  const { rows } = await sql.query<Listener>(
    `select l.id, l.url, l.kinds, l.said, l.made_at as "madeAt", l.paused_at as "pausedAt",
            count(t.id) filter (where t.status = 'waiting')::int as waiting,
            count(t.id) filter (where t.status = 'told')::int as told,
            count(t.id) filter (where t.status = 'dead')::int as dead
       from listeners l left join tellings t on t.listener_id = l.id and t.made_at > now() - interval '7 days'
      where l.removed_at is null group by l.id order by l.made_at, l.id`,
  );
  return rows;
}

/** A paused listener's tellings wait; nothing is lost. Only a person pauses. @throws ListenerUnknown */
export async function pauseListener(sql: Sql, id: string, paused: boolean, at: Date): Promise<void> {
  const { rowCount } = await sql.query("update listeners set paused_at = $2 where id = $1 and removed_at is null", [
    id,
    paused ? at : null,
  ]);
  if (rowCount === 0) throw new ListenerUnknown(id);
}

/** @throws ListenerUnknown */
export async function removeListener(sql: Sql, id: string, at: Date): Promise<void> {
  const { rowCount } = await sql.query("update listeners set removed_at = $2 where id = $1 and removed_at is null", [id, at]);
  if (rowCount === 0) throw new ListenerUnknown(id);
  await sql.query(
    "update tellings set status = 'dead', because = 'The listener was removed.', next_attempt_at = null where listener_id = $1 and status = 'waiting'",
    [id],
  );
}

/** One telling as an operator sees it. */
export interface Telling {
  readonly id: string;
  readonly kind: Kind;
  readonly call: string;
  readonly madeAt: Date;
  readonly status: "waiting" | "told" | "dead";
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly answer: number | null;
  readonly because: string | null;
  readonly toldAt: Date | null;
}

export async function listTellings(sql: Sql, listener: string, limit: number): Promise<Telling[]> {
  const { rows } = await sql.query<Telling>(
    `select id, kind, call_id as call, made_at as "madeAt", status, attempts, next_attempt_at as "nextAttemptAt", answer, because, told_at as "toldAt"
       from tellings where listener_id = $1 order by made_at desc, id desc limit $2`,
    [listener, limit],
  );
  return rows;
}

/** Tells it again now, whether it was told, is dead or waits. @throws TellingUnknown */
export async function tellAgain(sql: Sql, telling: string, at: Date): Promise<void> {
  const { rowCount } = await sql.query(
    `update tellings t set status = 'waiting', attempts = 0, next_attempt_at = $2, because = null from listeners l
      where t.id = $1 and l.id = t.listener_id and l.removed_at is null`,
    [telling, at],
  );
  if (rowCount === 0) throw new TellingUnknown(telling);
}
