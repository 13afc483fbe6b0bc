import type { Role } from "@earshot/contract/session";
import type { Sql } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { hashPassword, isPassword } from "./passwords.ts";
import { newSecret } from "./secrets.ts";
import { closeSessionsOf } from "./sessions.ts";

export interface User {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
}

/** The account of an installation that was given no ADMIN_EMAIL: entered by a one-time link only. */
const OPERATOR_EMAIL = "operator@earshot.local";

/** The user of an e-mail, upper and lower case alike; null when there is none or it is disabled. */
export async function userToSignIn(sql: Sql, email: string): Promise<(User & { passwordHash: string }) | null> {
  const { rows } = await sql.query<{ id: string; email: string; role: Role; password_hash: string }>(
    "select id, email, role, password_hash from users where lower(email) = lower($1) and disabled_at is null",
    [email],
  );
  const row = rows[0];
  return row ? { id: row.id, email: row.email, role: row.role, passwordHash: row.password_hash } : null;
}

/** Stores a new hash of the same password. */
export async function replaceHash(sql: Sql, user: string, hash: string): Promise<void> {
  await sql.query("update users set password_hash = $2 where id = $1", [user, hash]);
}

/**
 * Makes the installation's first administrator, or brings it in line with the configuration: a changed ADMIN_EMAIL renames it, a changed
 * ADMIN_PASSWORD ends its sessions. Without a configured one and without any user, an account entered by sign-in link is made.
 * Inside a transaction; several processes may start at once. Answers the account a sign-in link should be made for.
 */
export async function ensureAdmin(sql: Sql, admin: { readonly email: string; readonly password: string } | null): Promise<string> {
  await sql.query("select pg_advisory_xact_lock(hashtextextended('earshot first admin', 0))");
  if (!admin) return anyAdmin(sql);
  const { rows } = await sql.query<{ id: string; email: string; password_hash: string; role: Role; from_environment: boolean }>(
    `select id, email, password_hash, role, from_environment from users
     where from_environment or lower(email) = lower($1) order by lower(email) = lower($1) desc, id`,
    [admin.email],
  );
  const found = rows[0];
  if (!found) {
    const id = newId();
    await sql.query("insert into users (id, email, password_hash, role, from_environment) values ($1, $2, $3, 'admin', true)", [
      id,
      admin.email,
      await hashPassword(admin.password),
    ]);
    return id;
  }
  const same = await isPassword(admin.password, found.password_hash);
  await sql.query(
    `update users set email = $2, password_hash = $3, role = 'admin', from_environment = true, disabled_at = null where id = $1`,
    [found.id, admin.email, same ? found.password_hash : await hashPassword(admin.password)],
  );
  if (!same) await closeSessionsOf(sql, found.id);
  for (const replaced of rows.slice(1)) {
    await sql.query("update users set from_environment = false, disabled_at = now() where id = $1", [replaced.id]);
    await closeSessionsOf(sql, replaced.id);
  }
  return found.id;
}

async function anyAdmin(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ id: string }>(
    "select id from users where role = 'admin' and disabled_at is null order by created_at, id limit 1",
  );
  if (rows[0]) return rows[0].id;
  const id = newId();
  await sql.query("insert into users (id, email, password_hash, role) values ($1, $2, $3, 'admin')", [
    id,
    OPERATOR_EMAIL,
    await hashPassword(newSecret()),
  ]);
  return id;
}
