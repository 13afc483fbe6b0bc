import pg from "pg";
import { PgBoss } from "pg-boss";
import type { Logger } from "pino";
import { JOBS_SCHEMA, type Queue } from "./queue.ts";

/** How many jobs of a queue are in which state, and how long the oldest due one has waited. */
export interface QueueState {
  readonly queue: string;
  /** Due now, or later. */
  readonly waiting: number;
  readonly due: number;
  readonly running: number;
  /** Gave up after their last try; kept for a week. */
  readonly failed: number;
  readonly oldestDueSeconds: number;
}

export interface JobsParts {
  readonly pool: pg.Pool;
  readonly log: Pick<Logger, "warn" | "error">;
  /** How often each queue looks for due work when nobody wakes it. 0.5 is pg-boss's least. */
  readonly pollSeconds?: number;
}

export interface Jobs {
  /** Runs `handle` for every job of `queue` from now on. `signal` is aborted when a run has taken too long, or we stop. */
  work<Data extends object>(queue: Queue<Data>, handle: (data: Data, signal: AbortSignal) => Promise<void>): Promise<void>;
  /** Look for due work now. Cheap, and needed by nobody: without it work begins within the poll interval. */
  wake(): void;
  states(): Promise<QueueState[]>;
  /** Takes no more jobs and waits for the running ones, at most so long; the rest is run again by the next process. */
  close(graceMs?: number): Promise<void>;
}

/** A process that died in mid-job is noticed after this; 10 is pg-boss's least. */
const HEARTBEAT_SECONDS = 10;
const WEEK_SECONDS = 7 * 24 * 3600;
/** Only the first worker of a queue polls often. It wakes the others when it finds work: idle queues cost one query each. */
const OTHERS_POLL_SECONDS = 30;

/**
 * Starts the job queues on our own pool, in the schema `jobs`. pg-boss 12.35.0: 12.38.0 needs a release of rrule-temporal that
 * does not exist. Its LISTEN/NOTIFY is left off: with it the poll interval becomes 30 s and retries come that late.
 */
export async function startJobs({ pool, log, pollSeconds = 1 }: JobsParts): Promise<Jobs> {
  const outage = watchOutage(log);
  const boss = new PgBoss({
    schema: JOBS_SCHEMA,
    db: { executeSql: (text, values) => outage.watch(pool.query(text, values)) },
    schedule: false,
    monitorVacuum: false,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
  boss.on("error", (error) => {
    if (!outage.isOn()) log.error({ err: error }, "The job queue met an error; it goes on.");
  });
  boss.on("warning", ({ message, data }) => log.warn({ detail: data }, message));
  await boss.start();
  const workers: string[] = [];
  const wakeAll = (these: readonly string[]) => {
    for (const worker of these) boss.notifyWorker(worker);
  };

  return {
    async work(queue, handle) {
      await declare(boss, queue);
      const siblings: string[] = [];
      for (let nth = 0; nth < queue.concurrency; nth++) {
        const worker = await boss.work(
          queue.name,
          { pollingIntervalSeconds: nth === 0 ? pollSeconds : OTHERS_POLL_SECONDS, batchSize: 1 },
          async ([job]) => {
            if (!job) return;
            wakeAll(siblings); // where one job was there may be more; this worker looks again at once, too
            try {
              await handle(job.data as never, job.signal);
            } catch (error) {
              log.error({ err: error, queue: queue.name, job: job.data }, "A job failed; it is tried again.");
              throw error;
            }
          },
        );
        siblings.push(worker);
        workers.push(worker);
      }
    },

    wake: () => wakeAll(workers),

    async states() {
      const { rows } = await pool.query<QueueState>(
        `select q.name as queue,
                count(*) filter (where j.state in ('created', 'retry'))::int as waiting,
                count(*) filter (where j.state in ('created', 'retry') and j.start_after <= now())::int as due,
                count(*) filter (where j.state = 'active')::int as running,
                count(*) filter (where j.state = 'failed')::int as failed,
                coalesce(extract(epoch from now() - min(j.start_after)
                  filter (where j.state in ('created', 'retry') and j.start_after <= now())), 0)::float8 as "oldestDueSeconds"
           from ${JOBS_SCHEMA}.queue q left join ${JOBS_SCHEMA}.job_common j on j.name = q.name
          where q.name not like '\\_\\_%' group by q.name order by q.name`,
      );
      return rows;
    },

    close: (graceMs = 5000) => boss.stop({ graceful: true, timeout: graceMs }),
  };
}

/**
 * Every queue asks the database every second, so an outage would be told that often by each. Told once here instead, and its end:
 *
 *   there -> away    a query did not reach the database: logged as an error, and the errors of the queues are held back
 *   away  -> there   a query was answered, if only with an error of its own
 */
function watchOutage(log: JobsParts["log"]): { isOn(): boolean; watch<Answer>(query: Promise<Answer>): Promise<Answer> } {
  let away = false;
  const heard = (isAway: boolean, error?: unknown): void => {
    if (isAway === away) return;
    away = isAway;
    if (away) log.error({ err: error }, "The job queues do not reach the database; they go on when it is back.");
    else log.warn({}, "The database is back; the job queues go on.");
  };
  return {
    isOn: () => away,
    watch: (query) => {
      query.then(
        () => heard(false),
        (error: unknown) => heard(!isAnswer(error), error),
      );
      return query;
    },
  };
}

/** An error the database gave as an answer, not one about its being away: SQLSTATE 57P is a shutdown or a start, 08 a connection, 53 no room. */
function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(08|53|57P)/.test(error.code ?? "");
}

async function declare(boss: PgBoss, queue: Queue<object>): Promise<void> {
  const options = {
    retryLimit: queue.tries,
    retryDelay: queue.firstPauseSeconds,
    retryBackoff: true,
    retryDelayMax: queue.longestPauseSeconds,
    expireInSeconds: queue.expireSeconds,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    retentionSeconds: 60 * 24 * 3600,
    deleteAfterSeconds: WEEK_SECONDS,
  };
  await boss.createQueue(queue.name, { ...options, policy: "short" });
  await boss.updateQueue(queue.name, options);
}
