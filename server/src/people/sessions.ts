import type { OpenSession } from "@earshot/contract/user";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { NoSuchSession } from "./failures.ts";
import { newSecret, sha256 } from "./secrets.ts";
import type { User } from "./users.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A session nobody uses for this long ends. */
export const IDLE_MS = 14 * DAY_MS;
/** And every session ends after this long, used or not. */
export const LONGEST_MS = 90 * DAY_MS;
/** Use is written down no more often than this: a page of the dashboard asks many things at once. */
const SEEN_EVERY_MS = 5 * MINUTE_MS;

export interface Session {
  /** sha256 of the token: what the row is known by. */
  readonly hash: Buffer;
  readonly user: User;
  readonly csrf: string;
  readonly expiresAt: Date;
}

/** Where a session is opened: for its owner to recognise it by. */
export interface SignedInAt {
  readonly address: string;
  /** The browser's own words for itself. */
  readonly program: string | null;
}

/** Opens a session. The token is for the cookie and is not stored. */
export async function openSession(
  sql: Sql,
  user: User,
  clock: Clock,
  at: SignedInAt | null = null,
): Promise<{ token: string; session: Session }> {
  const token = newSecret();
  const session = { hash: sha256(token), user, csrf: newSecret(), expiresAt: new Date(clock.now().getTime() + IDLE_MS) };
  await sql.query(
    "insert into sessions (token_hash, user_id, csrf, created_at, last_seen_at, expires_at, address, program) values ($1, $2, $3, $4, $4, $5, $6, $7)",
    [session.hash, user.id, session.csrf, clock.now(), session.expiresAt, at?.address ?? null, at?.program?.slice(0, 300) ?? null],
  );
  await sql.query("delete from sessions where expires_at < $1", [clock.now()]);
  return { token, session };
}

/** The session of a token; null when it is unknown, expired, or its user is disabled. Being used lets it live on. */
export async function sessionOf(sql: Sql, token: string, clock: Clock): Promise<Session | null> {
  return readSession(sql, sha256(token), clock);
}

/** Is this session still good? For streams, which outlive the request that was checked. */
export async function isSessionOpen(sql: Sql, hash: Buffer, clock: Clock): Promise<boolean> {
  return (await readSession(sql, hash, clock)) !== null;
}

async function readSession(sql: Sql, hash: Buffer, clock: Clock): Promise<Session | null> {
  const now = clock.now();
  const { rows } = await sql.query<{
    user_id: string;
    email: string;
    role: User["role"];
    csrf: string;
    created_at: Date;
    last_seen_at: Date;
    expires_at: Date;
  }>(
    `select s.user_id, u.email, u.role, s.csrf, s.created_at, s.last_seen_at, s.expires_at
     from sessions s join users u on u.id = s.user_id
     where s.token_hash = $1 and s.expires_at > $2 and u.disabled_at is null`,
    [hash, now],
  );
  const row = rows[0];
  if (!row) return null;
  let expiresAt = row.expires_at;
  if (now.getTime() - row.last_seen_at.getTime() > SEEN_EVERY_MS) {
    expiresAt = new Date(Math.min(now.getTime() + IDLE_MS, row.created_at.getTime() + LONGEST_MS));
    await sql.query("update sessions set last_seen_at = $2, expires_at = $3 where token_hash = $1", [hash, now, expiresAt]);
  }
  return { hash, user: { id: row.user_id, email: row.email, role: row.role }, csrf: row.csrf, expiresAt };
}

/** Ends one session. */
export async function closeSession(sql: Sql, hash: Buffer): Promise<void> {
  await sql.query("delete from sessions where token_hash = $1", [hash]);
}

/** What an open session is called towards its owner: the beginning of its hash, from which no token can be found. */
const idOf = (hash: Buffer): string => hash.toString("hex", 0, 12);

/** The open sessions of a user, the last used first. `here` is the one that asks. */
export async function sessionsOf(sql: Sql, user: string, here: Buffer, clock: Clock): Promise<OpenSession[]> {
  const { rows } = await sql.query<{
    token_hash: Buffer;
    created_at: Date;
    last_seen_at: Date;
    expires_at: Date;
    address: string | null;
    program: string | null;
  }>(
    `select token_hash, created_at, last_seen_at, expires_at, address, program from sessions
     where user_id = $1 and expires_at > $2 order by last_seen_at desc, token_hash limit 200`,
    [user, clock.now()],
  );
  return rows.map(({ token_hash, created_at, last_seen_at, expires_at, ...row }) => ({
    id: idOf(token_hash),
    here: token_hash.equals(here),
    created_at: created_at.toISOString(),
    last_seen_at: last_seen_at.toISOString(),
    expires_at: expires_at.toISOString(),
    ...row,
  }));
}

/** Ends one session of a user by its id. Answers its hash. Throws NoSuchSession. */
export async function closeSessionById(sql: Sql, user: string, id: string): Promise<Buffer> {
  const { rows } = await sql.query<{ token_hash: Buffer }>(
    "delete from sessions where user_id = $1 and encode(substring(token_hash for 12), 'hex') = $2 returning token_hash",
    [user, id],
  );
  if (!rows[0]) throw new NoSuchSession();
  return rows[0].token_hash;
}

/** Ends every session of a user but one. */
export async function closeOtherSessions(sql: Sql, user: string, kept: Buffer): Promise<void> {
  await sql.query("delete from sessions where user_id = $1 and token_hash <> $2", [user, kept]);
}

/** Ends every session of a user: "sign out everywhere". */
export async function closeSessionsOf(sql: Sql, user: string): Promise<void> {
  await sql.query("delete from sessions where user_id = $1", [user]);
}
