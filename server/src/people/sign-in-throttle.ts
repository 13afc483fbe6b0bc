import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { TooManySignIns } from "./failures.ts";
import { sha256 } from "./secrets.ts";

const WINDOW_MS = 15 * 60_000;

/**
 * Attempts in 15 minutes. The first stops guessing at one account; the second one machine guessing at many; the third many machines
 * guessing at one, and is wide because it also shuts out the owner (a sign-in link still opens).
 */
export const LIMITS = { emailFromAddress: 5, address: 30, email: 100 } as const;

interface Attempt {
  readonly email: string;
  readonly address: string;
}

const names = ({ email, address }: Attempt) => {
  const who = email.toLowerCase();
  const from = network(address);
  return [
    { who: sha256(`pair ${who} ${from}`), limit: LIMITS.emailFromAddress },
    { who: sha256(`address ${from}`), limit: LIMITS.address },
    { who: sha256(`email ${who}`), limit: LIMITS.email },
  ];
};

/** Counts an attempt before it is tried, so that a hundred at once are a hundred. Throws TooManySignIns. */
export async function takeAttempt(sql: Sql, attempt: Attempt, clock: Clock): Promise<void> {
  const now = clock.now();
  await sql.query("delete from sign_in_attempts where window_ends_at <= $1", [now]);
  for (const { who, limit } of names(attempt)) {
    const { rows } = await sql.query<{ attempts: number; window_ends_at: Date }>(
      `insert into sign_in_attempts as a (who, attempts, window_ends_at) values ($1, 1, $2)
       on conflict (who) do update set attempts = a.attempts + 1
       returning attempts, window_ends_at`,
      [who, new Date(now.getTime() + WINDOW_MS)],
    );
    const row = rows[0];
    if (row && row.attempts > limit) throw new TooManySignIns(Math.ceil((row.window_ends_at.getTime() - now.getTime()) / 1000));
  }
}

/** A right password is no guess: what it counted is taken back. */
export async function forgiveAttempt(sql: Sql, attempt: Attempt): Promise<void> {
  const [pair, ...others] = names(attempt);
  await sql.query("delete from sign_in_attempts where who = $1", [pair?.who]);
  for (const { who } of others) await sql.query("update sign_in_attempts set attempts = attempts - 1 where who = $1", [who]);
}

/** An IPv6 customer has a whole /64 of addresses: they count as one. */
function network(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter(Boolean);
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").filter(Boolean).length;
  return [...groups, ...Array<string>(Math.max(0, missing)).fill("0")].slice(0, 4).join(":");
}
