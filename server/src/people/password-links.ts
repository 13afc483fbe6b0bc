import type { Role } from "@earshot/contract/session";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { getAccount, setPassword } from "./accounts.ts";
import { AccountDisabled, FollowsConfiguration, PasswordLinkRefused, PasswordTooPlain } from "./failures.ts";
import { hashPassword } from "./passwords.ts";
import { newSecret, sha256 } from "./secrets.ts";
import { closeSessionsOf } from "./sessions.ts";
import type { User } from "./users.ts";

const DAY_MS = 24 * 60 * 60_000;
/** An invitation may lie in a mailbox over a week-end; a forgotten password is wanted today. */
const LIVES_MS = { invited: 7 * DAY_MS, active: DAY_MS } as const;

/**
 * Makes a one-time link for an account to choose a password with; the one before ends. Answers the path to put behind PUBLIC_URL.
 * @throws NoSuchUser, AccountDisabled, FollowsConfiguration
 */
export async function makePasswordLink(sql: Sql, id: string, clock: Clock): Promise<{ path: string; expiresAt: Date }> {
  const { state, from_environment } = await getAccount(sql, id, clock);
  if (state === "disabled") throw new AccountDisabled();
  if (from_environment) throw new FollowsConfiguration("password");
  const token = newSecret();
  const expiresAt = new Date(clock.now().getTime() + LIVES_MS[state]);
  await sql.query(
    `insert into password_links (user_id, token_hash, expires_at) values ($1, $2, $3)
     on conflict (user_id) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at`,
    [id, sha256(token), expiresAt],
  );
  return { path: `/welcome?token=${token}`, expiresAt };
}

/**
 * Trades a link for the password that was chosen, once; whoever was signed in with the one before is signed out. Inside a transaction.
 * @throws PasswordLinkRefused, PasswordTooPlain (the link stays good)
 */
export async function redeemPasswordLink(sql: Sql, token: string, password: string, clock: Clock): Promise<User> {
  const { rows } = await sql.query<{ id: string; email: string; role: Role }>(
    `delete from password_links l using users u
     where l.token_hash = $1 and l.expires_at > $2 and u.id = l.user_id and u.disabled_at is null and not u.from_environment
     returning u.id, u.email, u.role`,
    [sha256(token), clock.now()],
  );
  const user = rows[0];
  if (!user) throw new PasswordLinkRefused();
  refusePlain(password, user.email);
  await setPassword(sql, user.id, await hashPassword(password));
  await closeSessionsOf(sql, user.id);
  return user;
}

/** Throws PasswordTooPlain for what is guessed first: the e-mail itself, or one character again and again. */
export function refusePlain(password: string, email: string): void {
  const plain = password.normalize("NFKC").toLowerCase();
  const [name = ""] = email.toLowerCase().split("@");
  const own = name.length >= 4 && plain.replaceAll(name, "").length < 6;
  if (plain === email.toLowerCase() || own || new Set(plain).size < 5) throw new PasswordTooPlain();
}
