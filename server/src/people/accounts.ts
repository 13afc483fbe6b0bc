import type { Role } from "@earshot/contract/session";
import type { User } from "@earshot/contract/user";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { EmailTaken, FollowsConfiguration, LastAdmin, NoSuchUser } from "./failures.ts";
import { hashPassword } from "./passwords.ts";
import { newSecret } from "./secrets.ts";
import { closeSessionsOf } from "./sessions.ts";

/** The accounts of an installation: who may come in, as what. */

interface Row {
  id: string;
  email: string;
  role: Role;
  from_environment: boolean;
  created_at: Date;
  disabled_at: Date | null;
  invited_at: Date | null;
  last_seen_at: Date | null;
  sessions: number;
  link_expires_at: Date | null;
}

const asJson = ({ disabled_at, invited_at, ...row }: Row): User => ({
  ...row,
  state: disabled_at ? "disabled" : invited_at ? "invited" : "active",
  created_at: row.created_at.toISOString(),
  last_seen_at: row.last_seen_at?.toISOString() ?? null,
  link_expires_at: row.link_expires_at?.toISOString() ?? null,
});

const select = `select u.id, u.email, u.role, u.from_environment, u.created_at, u.disabled_at, u.invited_at,
         s.last_seen_at, coalesce(s.open, 0)::int as sessions, l.expires_at as link_expires_at
    from users u
    left join lateral (select max(last_seen_at) as last_seen_at, count(*) as open from sessions where user_id = u.id and expires_at > $1) s on true
    left join password_links l on l.user_id = u.id and l.expires_at > $1`;

/** Every account, the disabled ones last. */
export async function listAccounts(sql: Sql, clock: Clock): Promise<User[]> {
  const { rows } = await sql.query<Row>(`${select} order by u.disabled_at is not null, lower(u.email), u.id limit 1000`, [clock.now()]);
  return rows.map(asJson);
}

/** One account. Throws NoSuchUser. */
export async function getAccount(sql: Sql, id: string, clock: Clock): Promise<User> {
  const { rows } = await sql.query<Row>(`${select} where u.id = $2`, [clock.now(), id]);
  if (!rows[0]) throw new NoSuchUser();
  return asJson(rows[0]);
}

/** Makes an account nobody can enter yet: its password is chosen by link. Throws EmailTaken. */
export async function inviteAccount(sql: Sql, wish: { email: string; role: Role }, clock: Clock): Promise<string> {
  const { rows } = await sql.query<{ id: string }>(
    `insert into users (id, email, password_hash, role, created_at, invited_at) values ($1, $2, $3, $4, $5, $5)
     on conflict (lower(email)) do nothing returning id`,
    [newId(), wish.email, await hashPassword(newSecret()), wish.role, clock.now()],
  );
  if (!rows[0]) throw new EmailTaken();
  return rows[0].id;
}

/**
 * Gives an account another role, or takes its entry and gives it back; one that is disabled loses its sessions and links. Inside a transaction.
 * @throws NoSuchUser; FollowsConfiguration for the account of the configuration; LastAdmin when nobody could administrate afterwards
 */
export async function changeAccount(sql: Sql, id: string, change: { role?: Role; disabled?: boolean }, clock: Clock): Promise<void> {
  // One at a time: two administrators who disable each other at once must not both succeed.
  await sql.query("select pg_advisory_xact_lock(hashtextextended('earshot accounts', 0))");
  const before = await getAccount(sql, id, clock);
  const role = change.role ?? before.role;
  const disabled = change.disabled ?? before.state === "disabled";
  const field = change.disabled === true ? "disabled" : "role";
  if (before.from_environment && (role !== before.role || disabled)) throw new FollowsConfiguration(field);
  const administrates = role === "admin" && !disabled && before.state !== "invited";
  if (before.role === "admin" && before.state === "active" && !administrates && !(await isAnotherAdmin(sql, id)))
    throw new LastAdmin(field);
  await sql.query("update users set role = $2, disabled_at = case when $3 then coalesce(disabled_at, $4) end where id = $1", [
    id,
    role,
    disabled,
    clock.now(),
  ]);
  if (!disabled) return;
  await closeSessionsOf(sql, id);
  await sql.query("delete from password_links where user_id = $1", [id]);
  await sql.query("delete from sign_in_links where user_id = $1", [id]);
}

async function isAnotherAdmin(sql: Sql, id: string): Promise<boolean> {
  const { rows } = await sql.query(
    "select 1 from users where role = 'admin' and disabled_at is null and invited_at is null and id <> $1 limit 1",
    [id],
  );
  return rows.length === 1;
}

/** Stores the password somebody chose; with it an invitation is accepted. */
export async function setPassword(sql: Sql, id: string, hash: string): Promise<void> {
  await sql.query("update users set password_hash = $2, invited_at = null where id = $1", [id, hash]);
}
