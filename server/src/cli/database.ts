import { access } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import type { Config } from "../config.ts";
import { findRunning, startEmbedded } from "../db/embedded.ts";
import { migrationsFolder, readMigrations } from "../db/migrate.ts";
import { openPool } from "../db/pool.ts";
import { DatabaseAbsent, DatabaseOtherVersion } from "./failures.ts";

/** The server's database as a command uses it. */
export interface OpenDatabase {
  readonly pool: pg.Pool;
  /** Where it is, without secrets. */
  readonly said: string;
  /** A server's database is left running; one that was started for the command is stopped. */
  close(): Promise<void>;
}

/**
 * Opens the database the server would use: DATABASE_URL; else the embedded one, beside a running server or started for as long as the command
 * takes. A command changes no schema. @throws DatabaseAbsent, DatabaseOtherVersion, DatabaseUnreachable and the Embedded failures
 */
export async function openDatabase(config: Config): Promise<OpenDatabase> {
  const place = await find(config);
  const pool = openPool(place.url, 4);
  const close = async (): Promise<void> => {
    await pool.end();
    await place.stop();
  };
  try {
    await refuseOtherVersion(pool);
  } catch (error) {
    await close();
    throw error;
  }
  return { pool, said: place.said, close };
}

async function find({ databaseUrl, dataDir }: Config): Promise<{ url: string; said: string; stop(): Promise<void> }> {
  const nothing = async (): Promise<void> => {};
  if (databaseUrl !== null) return { url: databaseUrl, said: `at ${new URL(databaseUrl).host}`, stop: nothing };
  const running = await findRunning(dataDir);
  if (running !== null) return { url: running, said: "embedded, the running server's", stop: nothing };
  await access(join(dataDir, "postgres/data")).catch(() => {
    throw new DatabaseAbsent(dataDir);
  });
  const quiet = (): void => {};
  const started = await startEmbedded({ dataDir, log: { info: quiet, warn: quiet, error: quiet } });
  return { url: started.url, said: "embedded, started for this command", stop: started.stop };
}

async function refuseOtherVersion(pool: pg.Pool): Promise<void> {
  const ours = await readMigrations(migrationsFolder);
  const { rows: table } = await pool.query<{ there: boolean }>("select to_regclass('schema_migrations') is not null as there");
  const done = table[0]?.there ? (await pool.query<{ n: number }>("select count(*)::int as n from schema_migrations")).rows[0]?.n : 0;
  if (done !== ours.length) throw new DatabaseOtherVersion(done ?? 0, ours.length);
}
