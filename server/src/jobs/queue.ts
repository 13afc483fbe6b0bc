import type { Sql } from "../db/pool.ts";

/** pg-boss keeps its tables here, apart from ours. */
export const JOBS_SCHEMA = "jobs";

/**
 * A kind of work. Its jobs are nudges: what is to be done is read from the room's own rows, so a job too many does nothing
 * and a lost one is made again by the room's sweep. A job that throws is tried again `tries` times with doubling pauses;
 * foreseen failures are no throws, they are written on the row with the time of the next attempt.
 */
export interface Queue<Data extends object> {
  readonly name: string;
  /** At once in this process. */
  readonly concurrency: number;
  /** Of one run; a longer one is given up and run again. */
  readonly expireSeconds: number;
  readonly tries: number;
  readonly firstPauseSeconds: number;
  readonly longestPauseSeconds: number;
  /** Never set: ties the name to the shape of its data. */
  readonly data?: Data;
}

export function queue<Data extends object>(
  name: string,
  {
    concurrency = 1,
    expireSeconds = 900,
    tries = 10,
    firstPauseSeconds = 2,
    longestPauseSeconds = 600,
  }: Partial<Omit<Queue<Data>, "name" | "data">> = {},
): Queue<Data> {
  return { name, concurrency, expireSeconds, tries, firstPauseSeconds, longestPauseSeconds };
}

/**
 * Adds a job in the caller's transaction: it exists when the fact does. At most one job waits under a `key`; another nudge only
 * brings it forward. One that already runs hinders nothing. While
 * the queue does not exist (this database never saw `work` for it) nothing is added: the sweep at the first start finds the row.
 *
 * Written as SQL because pg-boss's own `send` needs a started instance, and the rooms that announce facts have only the
 * transaction. The columns are those of pg-boss 12.35.0 (its insertJobs); jobs.test.ts holds the two together.
 */
export async function enqueue<Data extends object>(sql: Sql, queue: Queue<Data>, key: string, data: Data, delayMs = 0): Promise<void> {
  const { rows } = await sql.query(`select to_regclass('${JOBS_SCHEMA}.job_common') is not null as here`);
  if (!rows[0]?.here) return;
  await sql.query(
    `insert into ${JOBS_SCHEMA}.job_common as waiting
       (name, data, singleton_key, start_after, keep_until, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max,
        expire_seconds, deletion_seconds, heartbeat_seconds, dead_letter)
     select q.name, $3, $2, t.due, t.due + q.retention_seconds * interval '1 second', q.policy, q.retry_limit, q.retry_delay, q.retry_backoff,
        q.retry_delay_max, q.expire_seconds, q.deletion_seconds, q.heartbeat_seconds, q.dead_letter
       from ${JOBS_SCHEMA}.queue q, (select now() + $4 * interval '1 millisecond' as due) t
      where q.name = $1
     on conflict (name, coalesce(singleton_key, '')) where state = 'created' and policy = 'short'
     do update set start_after = least(waiting.start_after, excluded.start_after)`,
    [queue.name, key, data, delayMs],
  );
}

/** The keys of all jobs of a queue that wait, pause between two tries, or run: whoever renews lost work leaves these alone. */
export async function underWay(sql: Sql, queue: Queue<object>): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ key: string }>(
    `select singleton_key as key from ${JOBS_SCHEMA}.job_common where name = $1 and state in ('created', 'retry', 'active') and singleton_key is not null`,
    [queue.name],
  );
  return new Set(rows.map(({ key }) => key));
}
