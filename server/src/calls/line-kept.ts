import { LineKept } from "@earshot/contract/carrier";
import type { Sql } from "../db/pool.ts";

/** How long the carrier's raw requests, and ours to it, are kept. A setting that cannot be understood counts as not set: then all is kept. */
export async function readLineKept(sql: Sql): Promise<LineKept> {
  const { rows } = await sql.query<{ value: unknown }>("select value from settings where name = 'line_kept'");
  return LineKept.safeParse(rows[0]?.value ?? {}).data ?? LineKept.parse({});
}

export async function setLineKept(sql: Sql, kept: LineKept): Promise<void> {
  await sql.query("insert into settings (name, value) values ('line_kept', $1) on conflict (name) do update set value = excluded.value", [
    JSON.stringify(kept),
  ]);
}
