import type { Role } from "@earshot/contract/session";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { SignInLinkRefused } from "./failures.ts";
import { newSecret, sha256 } from "./secrets.ts";
import type { User } from "./users.ts";

/** Long enough to copy it out of a terminal. */
const LIVES_MS = 15 * 60_000;

/**
 * Makes a one-time sign-in link for a user, good for 15 minutes. Answers its token and the path to put behind PUBLIC_URL.
 */
export async function makeSignInLink(sql: Sql, user: string, clock: Clock): Promise<{ token: string; path: string }> {
  const token = newSecret();
  const now = clock.now();
  await sql.query("delete from sign_in_links where expires_at < $1", [now]);
  await sql.query("insert into sign_in_links (token_hash, user_id, expires_at) values ($1, $2, $3)", [
    sha256(token),
    user,
    new Date(now.getTime() + LIVES_MS),
  ]);
  return { token, path: `/enter?token=${token}` };
}

/** Trades a link's token for its user, once. Throws SignInLinkRefused. */
export async function redeemSignInLink(sql: Sql, token: string, clock: Clock): Promise<User> {
  const { rows } = await sql.query<{ id: string; email: string; role: Role }>(
    `update sign_in_links l set used_at = $2 from users u
     where l.token_hash = $1 and l.used_at is null and l.expires_at > $2 and u.id = l.user_id and u.disabled_at is null
     returning u.id, u.email, u.role`,
    [sha256(token), clock.now()],
  );
  if (!rows[0]) throw new SignInLinkRefused();
  return rows[0];
}
