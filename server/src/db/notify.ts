import { LiveChange } from "@earshot/contract/call";
import pg from "pg";
import type { Sql } from "./pool.ts";

const CHANNEL = "earshot_live";
/** A lost connection is tried again after 100 ms, doubling up to 5 s. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** Tells every listening process that a call changed. Part of the caller's transaction: heard only after its commit, or never. */
export const notify = (sql: Sql, change: LiveChange): Promise<void> => notifyAll(sql, [change]);

/** The same of several changes, in one statement; a change named twice is told once. */
export async function notifyAll(sql: Sql, changes: readonly LiveChange[]): Promise<void> {
  if (changes.length === 0) return;
  await sql.query({
    name: "notify",
    text: "select pg_notify($1, change) from unnest($2::text[]) change",
    values: [CHANNEL, [...new Set(changes.map((change) => JSON.stringify(change)))]],
  });
}

/** The same for a statement that writes rows too, as its last part: tells the changes in the text array at `place`, one JSON each. */
export const telling = (place: string): string => `select pg_notify('${CHANNEL}', change) from unnest(${place}::text[]) as change`;
export const told = (change: LiveChange): string => JSON.stringify(change);

/**
 * Hears every change until closed, on a connection of its own. Rejects when the first connection fails; later losses are mended
 * silently and nothing is invented for the time between: `missed` is called once listening again, for whoever must read anew.
 */
export async function listen(url: string, heard: (change: LiveChange) => void, missed?: () => void): Promise<{ close(): Promise<void> }> {
  let closed = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: url,
      application_name: "earshot listen",
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    let lost = false;
    let listening = false;
    const onLoss = (): void => {
      if (lost) return;
      lost = true;
      if (!closed && listening) again(FIRST_WAIT_MS);
    };
    next.on("error", onLoss);
    next.on("end", onLoss);
    next.on("notification", ({ payload }) => {
      const change = understand(payload);
      if (change !== null && !closed) heard(change);
    });
    try {
      await next.connect();
      await next.query(`listen ${CHANNEL}`);
    } catch (error) {
      await next.end().catch(() => {});
      throw error;
    }
    client = next;
    listening = true;
    if (closed) await next.end().catch(() => {});
    else if (lost) again(FIRST_WAIT_MS);
  };

  const again = (waitMs: number): void => {
    timer = setTimeout(() => {
      if (closed) return;
      connect().then(
        () => {
          if (!closed) missed?.();
        },
        () => {
          if (!closed) again(Math.min(waitMs * 2, LONGEST_WAIT_MS));
        },
      );
    }, waitMs);
  };

  await connect();
  return {
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}

function understand(payload: string | undefined): LiveChange | null {
  try {
    return LiveChange.safeParse(JSON.parse(payload ?? "")).data ?? null;
  } catch {
    return null;
  }
}
