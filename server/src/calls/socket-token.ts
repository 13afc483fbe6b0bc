import { createHash, randomBytes } from "node:crypto";
import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { wantsSql } from "../recordings/policy.ts";

/** The carrier opens the socket within seconds of its instructions. */
const FRESH_S = 120;

/**
 * A token that opens a call's audio once. Only its hash is kept. `lastsS`: the token of the second connect in the instructions must be good as
 * long as the call may last, because it is used when our process was lost in the middle.
 */
export async function makeSocketToken(sql: Sql, call: CallId, lastsS = FRESH_S): Promise<string> {
  const token = randomBytes(24).toString("base64url");
  await sql.query("insert into socket_tokens (token_hash, call_id, expires_at) values ($1, $2, now() + $3 * interval '1 second')", [
    hashOf(token),
    call,
    lastsS,
  ]);
  return token;
}

/**
 * The call a token opens, and never again; null when it is unknown, used, expired, or its call is over or being ended. To be asked before the
 * socket is accepted. With it `owner`, this process, takes the call's lease (leases.ts): from the first sound on a journal is owed to the rows, even
 * if the database is never reached again.
 */
export async function redeemSocketToken(sql: Sql, owner: string, token: string): Promise<Opened | null> {
  if (!/^[A-Za-z0-9_-]{32}$/.test(token)) return null;
  const { rows } = await sql.query<Opened>(
    `with opened as (
       update socket_tokens t set used_at = now() from calls c
         left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
       where t.token_hash = $1 and t.used_at is null and t.expires_at > now()
         and c.id = t.call_id and c.status <> 'ended' and c.hangup_asked_at is null
       returning t.call_id as call, ${wantsSql("journal")} as "keepsSound"),
     leased as (
       insert into leases (call_id, process) select call, $2 from opened
       on conflict (call_id, process) do update set until = null, finished_by = null)
     select call, "keepsSound" from opened`,
    [hashOf(token), owner],
  );
  return rows[0] ?? null;
}

/** No audio came by the connection a token was redeemed for: it opens its call after all. */
export async function returnSocketToken(sql: Sql, token: string): Promise<void> {
  await sql.query("update socket_tokens set used_at = null where token_hash = $1", [hashOf(token)]);
}

/** What a token opens. `keepsSound`: may its sound be kept in the journal? */
export interface Opened {
  readonly call: CallId;
  readonly keepsSound: boolean;
}

/** How often this call's audio was opened, and how many tokens were made for it in the last minute: what bounds reconnecting. */
export async function countSocketTokens(
  sql: Sql,
  call: CallId,
): Promise<{ readonly used: number; readonly lastMinute: number; readonly all: number }> {
  const { rows } = await sql.query<{ used: number; last_minute: number; all: number }>(
    `select count(*) filter (where used_at is not null) as used, count(*) as all,
            count(*) filter (where created_at > now() - interval '1 minute') as last_minute
     from socket_tokens where call_id = $1`,
    [call],
  );
  const { used, last_minute, all } = rows[0] as { used: number; last_minute: number; all: number };
  return { used, lastMinute: last_minute, all };
}

/** Was the call's audio opened after `at`? */
export async function wasOpenedSince(sql: Sql, call: CallId, at: Date): Promise<boolean> {
  const { rowCount } = await sql.query("select from socket_tokens where call_id = $1 and used_at > $2 limit 1", [call, at]);
  return rowCount === 1;
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
