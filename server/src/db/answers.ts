import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { isAway } from "./away.ts";
import { DatabaseUnreachable } from "./failures.ts";
import { whereIs } from "./pool.ts";

/** A database that is restarted beside us is back in seconds. */
const SILENT_MS = 15_000;
/** One that says it is starting may have a crash to recover from. */
const STARTING_MS = 5 * 60_000;
const AGAIN_MS = 100;
/** SQLSTATE cannot_connect_now: it is starting up, or shutting down. */
const NOT_NOW = "57P03";

/**
 * Resolves once the database takes statements: a server that starts while its database is being restarted waits for it, because callers wait for
 * the server. Whatever waiting does not mend (no such database, no such user) throws at once, as does the end of patience, or who has `given` it up: DatabaseUnreachable.
 */
export async function untilAnswers(
  pool: pg.Pool,
  log: { warn(text: string): void },
  patience: { readonly silentMs: number; readonly startingMs: number } = { silentMs: SILENT_MS, startingMs: STARTING_MS },
  given?: AbortSignal,
): Promise<void> {
  const began = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      await pool.query("select 1");
      return;
    } catch (error) {
      const most = (error as { code?: unknown }).code === NOT_NOW ? patience.startingMs : patience.silentMs;
      if (!isAway(error) || given?.aborted || performance.now() - began > most) throw new DatabaseUnreachable(whereIs(pool), error);
      if (tries === 0) log.warn(`the database at ${whereIs(pool)} does not answer yet (${(error as Error).message}); waiting for it`);
      await sleep(AGAIN_MS);
    }
  }
}
