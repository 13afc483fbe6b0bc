import { readLineKept } from "../calls/line-kept.ts";
import type { Sql } from "../db/pool.ts";

/** Requests that belong to no call of ours tell nothing after this long. */
const STRAY_DAYS = 30;
/** So many rows in one statement: the tables are written all the time. */
const BATCH = 5_000;

/**
 * Deletes webhooks and exchanges that are older than the setting says: of calls that have ended and are not on hold, and strays. What waits to be
 * applied stays. Returns how many rows; more may be left when it is a whole batch.
 */
export async function trimLine(sql: Sql, now: Date): Promise<{ readonly webhooks: number; readonly exchanges: number }> {
  const kept = await readLineKept(sql);
  const trim = async (table: "webhooks" | "exchanges", at: string, days: number | null, stays: string): Promise<number> => {
    const { rowCount } = await sql.query(
      `delete from ${table} where id in (
         select t.id from ${table} t left join calls c on c.id = t.call_id
          where ${stays} and case when c.id is null then t.${at} < $1::timestamptz - ${STRAY_DAYS} * interval '1 day'
            else c.status = 'ended' and t.${at} < $1::timestamptz - $2::int * interval '1 day'
              and not exists (select from holds h where h.call_id = c.id and h.lifted_at is null) end
          limit ${BATCH})`,
      [now, days],
    );
    return rowCount ?? 0;
  };
  return {
    webhooks: await trim("webhooks", "received_at", kept.webhooks_days, "t.verdict <> 'pending'"),
    exchanges: await trim("exchanges", "at", kept.exchanges_days, "true"),
  };
}
