import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import {
  DatabaseForbids,
  DatabaseTooOld,
  DatabaseUnreachable,
  MigrationEdited,
  MigrationFailed,
  MigrationNamesWrong,
  MigrationUnknown,
} from "./failures.ts";
import { whereIs } from "./pool.ts";

/** Any fixed number will do, as long as every Earshot uses the same one. */
const MIGRATION_LOCK = 4_327_001;
/** SQLSTATE insufficient_privilege. */
const NOT_ALLOWED = "42501";
const OLDEST_POSTGRES = 150_000;

export const migrationsFolder = join(import.meta.dirname, "../../migrations");

interface Migration {
  readonly number: number;
  readonly file: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Brings the database up to date: each file of `folder` once, in order, in a transaction of its own, together with a row in
 * schema_migrations. Servers starting at the same time wait for each other. Returns how many files were run now.
 * Throws the failures of db/failures.ts; a failed migration leaves nothing behind.
 */
export async function migrate(pool: pg.Pool, folder: string = migrationsFolder): Promise<number> {
  const migrations = await readMigrations(folder);
  const client = await pool.connect().catch((cause: unknown) => {
    throw new DatabaseUnreachable(whereIs(pool), cause);
  });
  try {
    await refuseOldPostgres(client);
    await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
    try {
      return await runMissing(client, migrations).catch((error: unknown) => {
        throw (error as { code?: unknown }).code === NOT_ALLOWED ? new DatabaseForbids(whereIs(pool), error) : error;
      });
    } finally {
      await client.query("select pg_advisory_unlock($1)", [MIGRATION_LOCK]).catch(() => {});
    }
  } finally {
    client.release();
  }
}

/** The migrations of a folder, in order; refuses names that leave the order open. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]);
      if (number !== index + 1) throw new MigrationNamesWrong(file);
      const sql = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n");
      return { number, file, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function runMissing(client: pg.ClientBase, migrations: readonly Migration[]): Promise<number> {
  await client.query(`create table if not exists schema_migrations (
    number int primary key, file text not null, checksum text not null, ran_at timestamptz not null default now())`);
  const { rows } = await client.query<{ number: number; file: string; checksum: string }>(
    "select number, file, checksum from schema_migrations order by number",
  );
  for (const ran of rows) {
    const ours = migrations[ran.number - 1];
    if (ours === undefined) throw new MigrationUnknown(ran.file);
    if (ours.checksum !== ran.checksum) throw new MigrationEdited(ours.file);
  }
  if (rows.length === 0) await refuseWhereNoSchemaMayBeMade(client);
  const missing = migrations.slice(rows.length);
  for (const migration of missing) await runOne(client, migration);
  return missing.length;
}

/** The queue of jobs makes a schema of its own, later: better told before the first table is there. */
async function refuseWhereNoSchemaMayBeMade(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ may: boolean }>("select has_database_privilege(current_database(), 'create') as may");
  if (rows[0]?.may === false) throw Object.assign(new Error("no schema can be made in it"), { code: NOT_ALLOWED });
}

async function runOne(client: pg.ClientBase, migration: Migration): Promise<void> {
  await client.query("begin");
  try {
    await client.query(migration.sql);
    await client.query("insert into schema_migrations (number, file, checksum) values ($1, $2, $3)", [
      migration.number,
      migration.file,
      migration.checksum,
    ]);
    await client.query("commit");
  } catch (cause) {
    await client.query("rollback").catch(() => {});
    throw new MigrationFailed(migration.file, cause);
  }
}

async function refuseOldPostgres(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ number: number; name: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as name",
  );
  if (rows[0] === undefined || rows[0].number < OLDEST_POSTGRES) throw new DatabaseTooOld(rows[0]?.name ?? "unknown");
}
