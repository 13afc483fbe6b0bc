import pg from "pg";
import { NO_WORD_MS } from "../db/pool.ts";

/** None of these statements waits for anything: one that takes longer waits for a database that hangs. */
const WITHIN_MS = 5_000;

/**
 * Who works on what, across processes: an advisory lock in Postgres for each name, all on one connection of ours. When the process
 * dies the connection dies and the claims with it, so its successor goes on at once; no lease to wait for. If only the connection is
 * lost, another process may do the same work a second time, which every step of this room survives.
 *
 * States: no connection -> (first claim) connected -> (lost, or no answer in time) no connection; `close` ends it.
 */
export class Claims {
  readonly #url: string;
  /** Name to "somebody asked for it again meanwhile". */
  readonly #held = new Map<string, boolean>();
  #connection: Promise<pg.Client> | null = null;
  /** What it has come to. */
  #connected: pg.Client | null = null;
  /** The last statement sent: one at a time on the one connection. */
  #last: Promise<unknown> = Promise.resolve();

  readonly #withinMs: number;

  constructor(url: string, withinMs = WITHIN_MS) {
    this.#url = url;
    this.#withinMs = withinMs;
  }

  /**
   * Runs `work` unless another process holds `name`; then it gives false. Asked again in this process while it runs, it runs once
   * more afterwards: no word that came in between is lost.
   */
  async whileMine(name: string, work: () => Promise<void>): Promise<boolean> {
    if (this.#held.has(name)) {
      this.#held.set(name, true);
      return true;
    }
    this.#held.set(name, false);
    let locked: pg.Client | null = null;
    try {
      const client = await this.#client();
      if (!(await this.#say(client, "select pg_try_advisory_lock(hashtextextended($1, 0)) as done", name))) return false;
      locked = client;
      do {
        this.#held.set(name, false);
        await work();
      } while (this.#held.get(name));
      return true;
    } finally {
      this.#held.delete(name); // in the same breath as the last look: whoever asks from here on takes the lock again, it counts
      if (locked) await this.#say(locked, "select pg_advisory_unlock(hashtextextended($1, 0)) as done", name).catch(() => {}); // a lost connection has unlocked already
    }
  }

  async close(): Promise<void> {
    const client = await this.#connection?.catch(() => null);
    this.#connection = null;
    await client?.end().catch(() => {});
  }

  #say(client: pg.Client, statement: string, name: string): Promise<boolean> {
    const said = this.#last.then(() => client.query<{ done: boolean }>(statement, [name])).then(({ rows }) => rows[0]?.done === true);
    // A connection that failed once is not asked again: another one may be answered.
    this.#last = said.catch(() => {
      this.#lost(client);
      void client.end().catch(() => {});
    });
    return said;
  }

  #client(): Promise<pg.Client> {
    this.#connection ??= this.#connect().catch((error: unknown) => {
      this.#connection = null;
      throw error;
    });
    return this.#connection;
  }

  #lost(client: pg.Client): void {
    if (this.#connected !== client) return;
    this.#connected = null;
    this.#connection = null;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: "earshot claims",
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      statement_timeout: this.#withinMs,
      query_timeout: this.#withinMs + NO_WORD_MS,
    });
    client.on("error", () => this.#lost(client));
    client.on("end", () => this.#lost(client));
    await client.connect();
    this.#connected = client;
    return client;
  }
}
