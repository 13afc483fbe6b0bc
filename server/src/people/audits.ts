import type { Audit as AuditJson } from "@earshot/contract/audit";
import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { newId } from "../ids.ts";

/** Who did it: a user, a key, whoever holds a shared link, the server itself, or whoever runs commands on its machine. */
export type Actor = `user:${string}` | `key:${string}` | `link:${string}` | "us" | "command";

export type AuditAction =
  | "session.opened"
  | "session.refused"
  | "session.closed"
  | "recording.played"
  | "recording.downloaded"
  | "recording.shared"
  | "recording.unsealed"
  | "call.placed"
  | "call.hung_up"
  | "call.transferred"
  | "call.keys_sent"
  | "call.muted"
  | "call.whispered"
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
  | "key.revoked"
  | "user.invited"
  | "user.role_set"
  | "user.disabled"
  | "user.enabled"
  | "user.link_made"
  | "user.signed_out"
  | "password.chosen"
  | "password.changed";

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
 * one playback; a button pressed twice is one press. Inside a transaction: the lock lasts until its end. @returns whether it was written now
 */
export async function recordAuditOnce(sql: Sql, audit: Audit, windowMs: number): Promise<boolean> {
  const detail = JSON.stringify(audit.detail ?? {});
  await sql.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `${audit.actor} ${audit.action} ${audit.call ?? "no call"} ${detail}`,
  ]);
  const { rowCount } = await sql.query(
    `insert into audits (id, at, actor, action, call_id, detail)
     select $1, $2, $3, $4, $5, $6::jsonb
     where not exists (
       select 1 from audits where ${audit.call === undefined ? "call_id is null" : "call_id = $5"} and at > $7 and actor = $3 and action = $4 and detail = $6::jsonb)`,
    [newId(), audit.at, audit.actor, audit.action, audit.call ?? null, detail, new Date(audit.at.getTime() - windowMs)],
  );
  return rowCount === 1;
}

/** Who did what, the latest first: at most `limit`, those after `after`. Users and keys by their name as it is now. */
export async function listAudits(
  sql: Sql,
  wish: {
    readonly about?: string | undefined;
    readonly by?: string | undefined;
    readonly call?: string | undefined;
    readonly from?: Date | undefined;
    readonly to?: Date | undefined;
    readonly limit: number;
    readonly after: { readonly at: number; readonly id: string } | null;
  },
): Promise<{ items: AuditJson[]; next: { at: number; id: string } | null }> {
  const { rows } = await sql.query<Omit<AuditJson, "at"> & { at: Date; us: number }>(
    `select a.id, a.at, a.actor, coalesce(u.email, k.name) as who, a.action, a.call_id, a.detail,
            floor(extract(epoch from a.at) * 1000000)::bigint as us
       from audits a
       left join users u on a.actor = 'user:' || u.id
       left join api_keys k on a.actor = 'key:' || k.id
      where ($1::text is null or a.action = $1 or starts_with(a.action, $1 || '.'))
        and ($2::text is null or a.actor = $2)
        and ($3::uuid is null or a.call_id = $3)
        and ($4::timestamptz is null or a.at >= $4)
        and ($5::timestamptz is null or a.at < $5)
        and ($6::bigint is null or (a.at, a.id) < ('epoch'::timestamptz + $6 * interval '1 microsecond', $7::uuid))
      order by a.at desc, a.id desc limit $8`,
    [
      wish.about ?? null,
      wish.by ?? null,
      wish.call ?? null,
      wish.from ?? null,
      wish.to ?? null,
      wish.after?.at ?? null,
      wish.after?.id ?? null,
      wish.limit + 1,
    ],
  );
  const last = rows.length > wish.limit ? rows[wish.limit - 1] : undefined;
  return {
    items: rows.slice(0, wish.limit).map(({ us: _us, at, ...row }) => ({ ...row, at: at.toISOString() })),
    next: last ? { at: Number(last.us), id: last.id } : null,
  };
}
