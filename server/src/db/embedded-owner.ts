import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { House } from "./embedded-house.ts";
import { EmbeddedTaken } from "./failures.ts";

/** Connections to an embedded database, and who owns it: one Earshot at a time holds a lock on a connection that lives as long as it does. */

export const DATABASE_USER = "earshot";
export const DATABASE = "earshot";
/** Before the process number in the name of our connections: a refused start can tell who is in its way. */
const SUPERVISOR = "earshot supervisor ";
/** Any fixed number, but not the one of the migrations. */
const OWNER_LOCK = 4_327_002;
/** How long a killed owner's lock may outlive it: until Postgres has noticed the end of the connection. */
const LOCK_OUTLIVES_MS = 2_000;

export const urlOf = (house: Pick<House, "password">, port: number, database: string): string =>
  `postgres://${DATABASE_USER}:${house.password}@127.0.0.1:${port}/${database}`;

/** A connection that names our process to whoever is refused. Ours to end. */
export async function connect(house: Pick<House, "password">, port: number, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: urlOf(house, port, database),
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: `${SUPERVISOR}${process.pid}`,
  });
  client.on("error", () => {}); // "end" follows, and that is what is listened to
  await client.connect();
  return client;
}

/** Makes the database in a Postgres that has none yet. */
export async function createDatabase(house: House, port: number): Promise<void> {
  const client = await connect(house, port, "postgres");
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Becomes the one owner, or throws who is. */
export async function own(house: House, port: number): Promise<pg.Client> {
  const keeper = await connect(house, port, DATABASE);
  if (await takeLock(keeper)) return keeper;
  const owner = await ownerOf(keeper).catch(() => null);
  await keeper.end().catch(() => {});
  throw new EmbeddedTaken(house.folder, owner?.pid ?? null);
}

/** Takes the owner's lock for as long as the connection lives. A killed owner's goes with its connection. */
export async function takeLock(keeper: pg.Client): Promise<boolean> {
  for (const deadline = Date.now() + LOCK_OUTLIVES_MS; ; await sleep(20)) {
    const { rows } = await keeper.query<{ got: boolean }>("select pg_try_advisory_lock($1) as got", [OWNER_LOCK]);
    if (rows[0]?.got) return true;
    if (Date.now() > deadline) return false;
  }
}

/** Who holds the owner's lock; null when nobody does, a null process when it does not say which. */
export async function ownerOf(client: pg.Client): Promise<{ pid: number | null } | null> {
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid) join pg_database d on d.oid = l.database
      where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = $1 and d.datname = current_database()`,
    [OWNER_LOCK],
  );
  if (rows[0] === undefined) return null;
  return { pid: rows[0].name.startsWith(SUPERVISOR) ? Number(rows[0].name.slice(SUPERVISOR.length)) : null };
}
