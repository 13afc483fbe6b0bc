import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";

/** The only place that writes `engine_sessions`. */

export interface EngineSessionRow {
  readonly engine: string;
  readonly session: string;
  readonly resume: string | null;
  readonly readyAt: Date;
  readonly endedAt: Date | null;
}

/** A session is ready to talk. Told twice, the second changes nothing. */
export async function sessionReady(
  sql: Sql,
  call: CallId,
  process: string,
  opened: { readonly engine: string; readonly session: string; readonly resume: string | null; readonly at: Date },
): Promise<void> {
  await sql.query(
    `insert into engine_sessions (engine, session, call_id, resume, process, ready_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (engine, session) do update set process = excluded.process, ready_at = excluded.ready_at where engine_sessions.process = ''`,
    [opened.engine, opened.session, call, opened.resume, process, opened.at],
  );
}

/** This process saw a session end. The first time counts. */
export async function sessionEnded(sql: Sql, engine: string, session: string, at: Date): Promise<void> {
  await sql.query("update engine_sessions set ended_at = coalesce(ended_at, $3) where engine = $1 and session = $2", [engine, session, at]);
}

/** It was closed before anybody heard anything of it: no part of the call. */
export async function sessionDropped(sql: Sql, engine: string, session: string, at: Date): Promise<void> {
  await sql.query("update engine_sessions set dropped_at = $3, ended_at = coalesce(ended_at, $3) where engine = $1 and session = $2", [
    engine,
    session,
    at,
  ]);
}

/** Everything of the call that this process held is closed. */
export async function sessionsOver(sql: Sql, call: CallId, process: string, at: Date): Promise<void> {
  await sql.query("update engine_sessions set ended_at = $3 where call_id = $1 and process = $2 and ended_at is null", [call, process, at]);
}

/**
 * The sessions the caller really talked with, oldest first: not those that were dropped, and not those of processes that opened one while it
 * rang and to which the audio then did not come (they never took a lease).
 */
export async function sessionsOf(sql: Sql, call: CallId): Promise<EngineSessionRow[]> {
  const { rows } = await sql.query<EngineSessionRow>(
    `select engine, session, resume, ready_at as "readyAt", ended_at as "endedAt" from engine_sessions s
      where call_id = $1 and dropped_at is null
        and exists (select from leases l where l.call_id = s.call_id and l.process = s.process)
      order by ready_at, session`,
    [call],
  );
  return rows;
}

/** The vendor says that a session is over. A session we never wrote down (our process died before) is known from now on, as nobody's. */
export async function toldOfEnd(
  sql: Sql,
  call: CallId,
  told: {
    readonly engine: string;
    readonly session: string;
    readonly resume: string | null;
    readonly at: Date;
    readonly why: string;
    /** By our clock: what is waited for after it is counted from here. */
    readonly now: Date;
  },
): Promise<void> {
  await sql.query(
    `insert into engine_sessions as s (engine, session, call_id, resume, process, ready_at, told_ended_at, told_ended_as)
     values ($1, $2, $3, $4, '', $5, $6, $7)
     on conflict (engine, session) do update set told_ended_at = coalesce(s.told_ended_at, excluded.told_ended_at), told_ended_as = excluded.told_ended_as`,
    [told.engine, told.session, call, told.resume, told.at, told.now, told.why],
  );
}

/**
 * Sessions that their vendor told of as over more than `seconds` ago, while, as far as we know, the call still talks with them. One the call has
 * long left (it was resumed or renewed) is none.
 */
export async function unnoticedEnds(sql: Sql, engine: string, seconds: number): Promise<{ call: CallId; session: string }[]> {
  const { rows } = await sql.query<{ call: CallId; session: string }>(
    `select s.call_id as call, s.session from engine_sessions s join calls c on c.id = s.call_id
      where s.engine = $1 and s.told_ended_at < now() - make_interval(secs => $2) and s.ended_at is null and s.process <> ''
        and c.status = 'in_progress' and c.engine_session = s.session`,
    [engine, seconds],
  );
  return rows;
}
