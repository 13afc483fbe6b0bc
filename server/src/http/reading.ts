import type pg from "pg";
import { inTransaction, type Sql } from "../db/pool.ts";

/** Longer than any read of a million calls took (bench); shorter than a person waits. */
const LIMIT_MS = 10_000;

/**
 * Runs reads on one state of the database, and ends them when they take too long. On one core: with the embedded database the others
 * are the calls'.
 */
export const reading = <T>(pool: pg.Pool, read: (sql: Sql) => Promise<T>): Promise<T> =>
  inTransaction(pool, async (sql) => {
    await sql.query(
      `set transaction isolation level repeatable read, read only; set local statement_timeout = ${LIMIT_MS}; set local max_parallel_workers_per_gather = 0`,
    );
    return read(sql);
  });
