import { CallingLimits } from "@earshot/contract/calling-limits";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { z } from "zod";
import type { Sql } from "../db/pool.ts";
import { DayLimitReached, NumberNotAllowed, NumberOurOwn, TooManyCalls } from "./failures.ts";
import type { PhoneNumber } from "./phone-number.ts";

/** Kept in `settings` under `call_limits`; what is not set there has these defaults. */
const { max_concurrent, max_per_day, allowed } = CallingLimits.shape;
const Stored = z.object({
  max_concurrent: max_concurrent.default(20),
  max_per_day: max_per_day.default(1000),
  allowed: allowed.default(null),
});

/** The limits in force. Settings that cannot be understood count as not set: never as "everything is allowed". */
export async function readLimits(sql: Sql): Promise<CallingLimits> {
  const { rows } = await sql.query<{ value: unknown }>("select value from settings where name = 'call_limits'");
  return Stored.safeParse(rows[0]?.value ?? {}).data ?? Stored.parse({});
}

/** In force with the next call that is placed; those that run go on. How fast the carrier may be asked is kept by pace.ts. */
export async function setLimits(sql: Sql, { legs_per_second: _, ...limits }: CallingLimits): Promise<void> {
  await sql.query("insert into settings (name, value) values ('call_limits', $1) on conflict (name) do update set value = excluded.value", [
    JSON.stringify(limits),
  ]);
}

/** Throws when this number must not be dialled. Without a setting only our own number's country may. Pure. */
export function refuseForbiddenNumber(limits: CallingLimits, to: PhoneNumber, ourNumber: string): void {
  if (to.number === ourNumber) throw new NumberOurOwn(to.number);
  if (to.premium) throw new NumberNotAllowed(to.number, "it is a premium-rate number.");
  const allowed = limits.allowed ?? [parsePhoneNumberFromString(ourNumber)?.country ?? ourNumber.slice(0, 2)];
  const fits = allowed.some((one) => (one.startsWith("+") ? to.number.startsWith(one) : to.country === one));
  if (!fits) throw new NumberNotAllowed(to.number, `only ${allowed.join(", ") || "nothing"} may be called.`);
}

/** How many calls run now, and how many were placed in the last 24 hours. */
export async function usedOfLimits(sql: Sql, now: Date): Promise<{ open: number; day: number }> {
  const { rows } = await sql.query<{ open: number; day: number }>(
    `select (select count(*)::int from calls where status <> 'ended') as open,
            (select count(*)::int from calls where direction = 'outbound' and created_at > $1::timestamptz - interval '24 hours') as day`,
    [now],
  );
  return rows[0] as { open: number; day: number };
}

/** Throws when one more call would be too many. Call it under the placing lock, so that two at once cannot both be the last. */
export async function refuseTooMany(sql: Sql, limits: CallingLimits, now: Date): Promise<void> {
  const { open, day } = await usedOfLimits(sql, now);
  if (open >= limits.max_concurrent) throw new TooManyCalls(open);
  if (day >= limits.max_per_day) throw new DayLimitReached(day);
}
