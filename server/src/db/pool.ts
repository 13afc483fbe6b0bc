import pg from "pg";

/** Whatever can run a statement: the pool for a single one, a client inside `inTransaction`. */
export type Sql = Pick<pg.ClientBase, "query">;

/** Sizes and counts are bigint in Postgres and numbers here: all of ours stay far below 2^53. */
const BIGINT = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === BIGINT && format !== "binary" ? Number : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig["getTypeParser"],
};

/** A database that does not even say that a statement took too long is given up so much later. */
export const NO_WORD_MS = 1_000;

/**
 * Opens a pool of at most `max` connections. Bigint comes as number, timestamptz as Date, numeric as text.
 * Connects with the first query, so an unreachable database shows itself there. `withinMs`: what each statement may take, waiting for locks
 * included; absent: as long as it takes.
 */
export function openPool(url: string, max = 10, withinMs?: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    types,
    application_name: "earshot",
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    options: `-c timezone=UTC${withinMs === undefined ? "" : ` -c statement_timeout=${withinMs}`}`,
    ...(withinMs !== undefined && { query_timeout: withinMs + NO_WORD_MS }),
  });
  // A connection lost while idle is replaced by the next query, which tells if that fails too; without a listener it would end the process.
  pool.on("error", () => {});
  return pool;
}

/** Host and name of the pool's database, without its secrets: for people. */
export function whereIs(pool: pg.Pool): string {
  const url = URL.parse(pool.options.connectionString ?? "");
  return url === null ? "DATABASE_URL" : `${url.host}${url.pathname}`;
}

/**
 * Runs `fn` in one transaction: committed when it resolves, rolled back when it throws.
 * A connection that cannot even roll back is thrown away, never returned to the pool.
 */
export async function inTransaction<T>(pool: pg.Pool, fn: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    await client.query("begin");
    try {
      const result = await fn(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch((failed: Error) => {
        broken = failed;
      });
      throw error;
    }
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}
