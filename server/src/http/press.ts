import type pg from "pg";
import { inTransaction, type Sql } from "../db/pool.ts";
import { type Audit, recordAuditOnce } from "../people/audits.ts";

/** The same thing asked for again by the same one within this time is the same press: a double click, or a client that did not wait for its answer. */
const PRESSED_TWICE_MS = 3_000;

/** Writes down who pressed, once a press, for a deed that a second time changes nothing. */
export async function auditPress(pool: pg.Pool, audit: Audit): Promise<void> {
  await inTransaction(pool, (sql) => recordAuditOnce(sql, audit, PRESSED_TWICE_MS));
}

/**
 * Does the deed and writes down who asked for it, in one transaction. Pressed twice, in whichever processes, the second time is answered as the
 * first and nothing of it stays: the deed locks its row, or is a job that waits only once. @throws what the deed throws
 */
export async function onePress<T>(pool: pg.Pool, deed: (sql: Sql) => Promise<T>, audited: (answer: T) => Audit): Promise<T> {
  const again = { answer: undefined as T };
  try {
    return await inTransaction(pool, async (sql) => {
      const answer = await deed(sql);
      if (await recordAuditOnce(sql, audited(answer), PRESSED_TWICE_MS)) return answer;
      again.answer = answer;
      throw again;
    });
  } catch (error) {
    if (error === again) return again.answer;
    throw error;
  }
}
