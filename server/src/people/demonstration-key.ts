import type pg from "pg";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { makeApiKey, revokeApiKey } from "./api-keys.ts";

const NAME = "Demonstration call";
/** The demonstration takes under a minute. */
const LIVES_MS = 10 * 60_000;

/** Ends demonstration keys an earlier process left, which a crash kept it from revoking. */
export async function endDemonstrationKeys(sql: Sql, clock: Clock): Promise<void> {
  await sql.query("update api_keys set revoked_at = $2 where name = $1 and revoked_at is null", [NAME, clock.now()]);
}

/** A key for the start script to place the one demonstration call with. It ends after ten minutes, or with the next start. */
export async function makeDemonstrationKey(pool: pg.Pool, clock: Clock): Promise<string> {
  const { key, made } = await makeApiKey(pool, { name: NAME, role: "member" }, clock);
  setTimeout(() => void revokeApiKey(pool, made.id, clock).catch(() => {}), LIVES_MS).unref();
  return key;
}
