import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { newId } from "../ids.ts";

/** Who did it: a user, a key, whoever holds a shared link, or the server itself. */
export type Actor = `user:${string}` | `key:${string}` | `link:${string}` | "us";

export type AuditAction =
  | "session.opened"
  | "session.refused"
  | "session.closed"
  | "recording.played"
  | "recording.downloaded"
  | "recording.shared"
  | "call.placed"
  | "call.hung_up"
  | "call.transferred"
  | "call.keys_sent"
  | "call.muted"
  | "call.unmuted"
  | "call.held"
  | "call.released"
  | "deletion.asked"
  | "redaction.asked"
  | "keep_rule.set"
  | "calling_limits.set"
  | "recording.tried_again"
  | "recording.given_up"
  | "listener.made"
  | "listener.changed"
  | "listener.removed"
  | "telling.repeated"
  | "evidence.taken"
  | "doctor.webhooks_set"
  | "agent.made"
  | "agent.changed"
  | "agent.archived"
  | "agent.made_default"
  | "key.made"
  | "key.revoked";

export interface Audit {
  readonly at: Date;
  readonly actor: Actor;
  readonly action: AuditAction;
  readonly call?: CallId;
  /** Ids and facts, never words of a call nor numbers. */
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Writes down who did what. */
export async function recordAudit(sql: Sql, audit: Audit): Promise<void> {
  await sql.query("insert into audits (id, at, actor, action, call_id, detail) values ($1, $2, $3, $4, $5, $6)", [
    newId(),
    audit.at,
    audit.actor,
    audit.action,
    audit.call ?? null,
    audit.detail ?? {},
  ]);
}

/**
 * The same, but only once in `windowMs` for one actor, action, call and detail: a player asks for one file in many ranges, and that is
 * one playback. Inside a transaction: the lock lasts until its end.
 */
export async function recordAuditOnce(sql: Sql, audit: Audit & { readonly call: CallId }, windowMs: number): Promise<void> {
  const detail = JSON.stringify(audit.detail ?? {});
  await sql.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`${audit.actor} ${audit.action} ${audit.call} ${detail}`]);
  await sql.query(
    `insert into audits (id, at, actor, action, call_id, detail)
     select $1, $2, $3, $4, $5, $6::jsonb
     where not exists (
       select 1 from audits where call_id = $5 and at > $7 and actor = $3 and action = $4 and detail = $6::jsonb)`,
    [newId(), audit.at, audit.actor, audit.action, audit.call, detail, new Date(audit.at.getTime() - windowMs)],
  );
}
