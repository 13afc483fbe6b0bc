import type pg from "pg";
import { CallUnknown } from "../calls/failures.ts";
import { readCallBriefly } from "../calls/read.ts";
import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { cursorOf, type Place, placeOf } from "./cursor.ts";
import { reading } from "./reading.ts";

type Call = NonNullable<Awaited<ReturnType<typeof readCallBriefly>>>;

/** A page of what `list` reads of a call, on one state of the database. Throws CallUnknown, and InvalidRequest for a cursor that is none. */
export async function pageOfCall<Item>(
  pool: pg.Pool,
  id: CallId,
  cursor: string | undefined,
  list: (sql: Sql, after: Place | null, call: Call) => Promise<{ readonly items: Item[]; readonly next: Place | null }>,
): Promise<{ items: Item[]; next: string | null }> {
  const after = placeOf(cursor);
  const { items, next } = await reading(pool, async (sql) => {
    const call = await readCallBriefly(sql, id);
    if (!call) throw new CallUnknown(id);
    return list(sql, after, call);
  });
  return { items, next: cursorOf(next) };
}
