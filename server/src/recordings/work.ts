import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type pg from "pg";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Carrier } from "../carrier/port.ts";
import type { Clock } from "../clock.ts";
import { metAnother } from "../db/away.ts";
import { inTransaction } from "../db/pool.ts";
import type { Reconstructions } from "../engine/port.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { type Jobs, type QueueState, startJobs } from "../jobs/jobs.ts";
import { jobsMetrics } from "../jobs/metrics.ts";
import { enqueue, type Queue } from "../jobs/queue.ts";
import { asWav, removeLeftWavs, type WavSound } from "./as-wav.ts";
import { AudioThreads } from "./audio/audio-threads.ts";
import type { AudioFormat } from "./audio/sound.ts";
import { auditRecordings } from "./audit.ts";
import { Claims } from "./claims.ts";
import { compareSources } from "./compare-sources.ts";
import { fetchesInTurn } from "./fetch-in-turn.ts";
import { renderFound, renderRecording } from "./from-journal.ts";
import { runDeletion } from "./keeping/deletion.ts";
import { deleteLeftJournals, deleteOldJournals, MOST_AT_ONCE } from "./keeping/journals.ts";
import { discardLeftParts } from "./keeping/leftovers.ts";
import { redactRecordings } from "./keeping/redaction.ts";
import { applyKeepRules } from "./keeping/retention.ts";
import { tellingTrouble } from "./keeping/trouble.ts";
import { pace } from "./pace.ts";
import type { Parts } from "./parts.ts";
import { auditQueue, compareQueue, deleteQueue, fetchQueue, lookQueue, redactQueue, renderQueue, verifyQueue } from "./queues.ts";
import { lookForReconstruction } from "./reconstruction.ts";
import { pauseMs } from "./retry.ts";
import type { Storage } from "./storage.ts";
import { callIsOver, sweep } from "./sweep.ts";
import { expireUnclaimed } from "./unclaimed.ts";
import { verifyRecording } from "./verify.ts";

export interface RecordingsParts {
  readonly pool: pg.Pool;
  /** Of the same database: claims need a connection of their own. */
  readonly url: string;
  /** Null while none is configured. */
  readonly carrier: Pick<Carrier, "openRecording" | "mayFetch"> | null;
  /** By the engine's name; absent: no engine makes recordings of its own. */
  readonly reconstructions?: Readonly<Record<string, Reconstructions | undefined>>;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** Name of this process, as in calls.owner. Absent: it carries no calls. */
  readonly owner?: string;
  readonly journalDir: string;
  /** Default: `fetching` beside the journals. */
  readonly workDir?: string;
  /** How long after the end of a call its recording may be announced; 10 minutes by default. */
  readonly announceWithinMs?: number;
  /** So often it is looked whether a fetch is slow and goes on beside; 5 s by default. */
  readonly lookMs?: number;
  /** Between two looks for what nobody waits for; 15 s by default. */
  readonly sweepMs?: number;
  /** How far below normal priority sound is decoded and encoded; behind live calls by default (audio-threads.ts). */
  readonly audioNice?: number;
  /** Before the attempt that follows so many failed ones; see retry.ts. */
  readonly pauseMs?: (attempts: number) => number;
}

export interface Recordings {
  /** Something was announced: look now rather than with the next poll. */
  wake(): void;
  /** The call is over and its journal closed: our own recording is made, and the carrier's must be announced in time. */
  callEnded(call: CallId): Promise<void>;
  /** A stored file as a WAV, made on the spot. */
  asWav(file: { readonly key: string; readonly format: AudioFormat }): Promise<WavSound>;
  /** The durable queue itself, for other rooms' work. */
  readonly jobs: Pick<Jobs, "work" | "wake">;
  /** What waits, runs and failed, for metrics and the operator. */
  states(): Promise<QueueState[]>;
  /** The same for /metrics. */
  readonly metrics: Registry;
  /** Does everything now that is due: for tests and `earshot` commands. */
  sweep(): Promise<void>;
  /** Breaks running fetches off; the next start goes on where they were. */
  close(): Promise<void>;
}

/** Of all fetching, storing and reading back together: three calls of five minutes may end every second. */
const BYTES_PER_SECOND = 24 * 1024 * 1024;
const BURST_BYTES = 8 * 1024 * 1024;

/** When another process works on it, we look again after this. */
const ELSEWHERE_MS = 5000;

/** An end that breaks against another transaction is tried again at once so many times, before the sweep does it. */
const MOST_TRIES = 3;

/** Between two looks through the folder of journals: what waits there longer costs 150 MB for each hour a call lasted, no more. */
const JOURNALS_MS = 10 * 60_000;

const DAY_MS = 24 * 3600 * 1000;
/** Files read back whole by the daily round: a thousand recordings are looked at within five days. */
const DAILY_SAMPLE = 200;

async function dailyRound(parts: Parts): Promise<void> {
  while ((await applyKeepRules(parts)) > 0) parts.wake();
  await expireUnclaimed(parts);
  const { unexplained, ...report } = await auditRecordings(parts, { hash: DAILY_SAMPLE });
  if (unexplained.length === 0) parts.log.info(report, "The daily audit accounts for every call and recording.");
  else
    parts.log.error(
      { ...report, unexplained: unexplained.slice(0, 20) },
      `The daily audit cannot account for ${unexplained.length} of them.`,
    );
  // None of ours takes a day: these are of lost processes.
  const left = await parts.storage.abortUploads?.({ before: new Date(parts.clock.now().getTime() - DAY_MS) });
  if (left) parts.log.info({ uploads: left }, "What was left of uploads that had been broken off was removed from the storage.");
}

/** Brings every recording to its end: starts the jobs, goes on with what an earlier process left, and sweeps from time to time. */
export async function startRecordings(given: RecordingsParts): Promise<Recordings> {
  const { pool, log, clock } = given;
  const jobs = await startJobs({ pool, log });
  const claims = new Claims(given.url);
  const threads = new AudioThreads(Math.max(1, Math.min(2, availableParallelism() - 1)), given.audioNice);
  const parts: Parts = {
    reconstructions: {},
    process: given.owner ?? "",
    announceWithinMs: 10 * 60_000,
    pauseMs: (attempts) => pauseMs(attempts),
    workDir: join(dirname(given.journalDir), "fetching"),
    pace: pace(BYTES_PER_SECOND, BURST_BYTES),
    ...given,
    threads,
    claims,
    wake: () => jobs.wake(),
  };
  const stopping = new AbortController();
  const fetches = fetchesInTurn(parts, stopping.signal, given.lookMs === undefined ? {} : { lookMs: given.lookMs });
  /** What another process is at may need a second look when it is done: whoever asked us is not forgotten. */
  const orLater =
    <Data extends object>(queue: Queue<Data>, key: (data: Data) => string, work: (data: Data, signal: AbortSignal) => Promise<boolean>) =>
    async (data: Data, signal: AbortSignal) => {
      try {
        if (!(await work(data, AbortSignal.any([signal, stopping.signal])))) await enqueue(pool, queue, key(data), data, ELSEWHERE_MS);
      } catch (error) {
        if (!stopping.signal.aborted) throw error; // broken off by our own end: the next start finds the row
      }
    };
  const recordingOf = ({ recording }: { recording: RecordingId }) => recording;
  const callOf = ({ call }: { call: CallId }) => call;
  await jobs.work(
    fetchQueue,
    orLater(fetchQueue, recordingOf, ({ recording }) => fetches.fetch(recording)),
  );
  await jobs.work(
    verifyQueue,
    orLater(verifyQueue, recordingOf, ({ recording }) => tellingTrouble(pool, { recording }, () => verifyRecording(parts, recording))),
  );
  await jobs.work(
    lookQueue,
    orLater(lookQueue, callOf, ({ call }, signal) => lookForReconstruction(parts, call, signal)),
  );
  await jobs.work(
    renderQueue,
    orLater(renderQueue, callOf, ({ call }) => tellingTrouble(pool, { ownRecordingOf: call }, () => renderRecording(parts, call))),
  );
  await jobs.work(
    compareQueue,
    orLater(compareQueue, callOf, ({ call }) => tellingTrouble(pool, { comparisonOf: call }, () => compareSources(parts, call))),
  );
  await jobs.work(deleteQueue, ({ deletion }) => tellingTrouble(pool, { deletion }, () => runDeletion(parts, deletion)));
  await jobs.work(
    redactQueue,
    orLater(redactQueue, callOf, ({ call }) => tellingTrouble(pool, { redactionsOf: call }, () => redactRecordings(parts, call))),
  );
  await jobs.work(auditQueue, async () => {
    await enqueue(pool, auditQueue, "daily", {}, DAY_MS); // first: however this one ends, tomorrow's comes
    await dailyRound(parts);
  });
  await enqueue(pool, auditQueue, "daily", {}, DAY_MS);
  await removeLeftWavs(parts, clock.now());
  await discardLeftParts(parts);

  let sweeping: Promise<void> = Promise.resolve();
  let journalsAt = Number.NEGATIVE_INFINITY;
  /** Each process looks after the folder it writes into: another machine's has other journals. */
  const sweepJournals = async () => {
    if (clock.monotonicMs() < journalsAt + JOURNALS_MS) return;
    journalsAt = clock.monotonicMs();
    await renderFound(parts);
    await deleteLeftJournals(parts);
    const gone = await deleteOldJournals(parts);
    if (gone.journals >= MOST_AT_ONCE) journalsAt = Number.NEGATIVE_INFINITY; // there may be more: the next sweep goes on
    if (gone.journals > 0) log.info(gone, "Journals that nothing needs any more were deleted.");
  };
  const sweepNow = (first = false) => {
    sweeping = sweeping.then(() => sweep(parts, first)).then(sweepJournals);
    return sweeping;
  };
  const failed = (error: unknown) => {
    sweeping = Promise.resolve();
    if (!stopping.signal.aborted) log.error({ err: error }, "The sweep of the recordings failed; the next one follows.");
  };
  // Not waited for: after a crash it may find much, and callers whose process was lost wait for this one to listen.
  sweepNow(true).catch(failed);
  const timer = setInterval(() => void sweepNow().catch(failed), given.sweepMs ?? 15_000);
  timer.unref();

  return {
    wake: () => jobs.wake(),
    async callEnded(call) {
      // Two processes may hear of one end at once, and the carrier's announcement comes in between: who lost against another tries again.
      const over = (tries: number): Promise<void> =>
        inTransaction(pool, (sql) => callIsOver(sql, call, clock.now(), parts.announceWithinMs)).catch((error: unknown) => {
          if (tries === 0 || !metAnother(error)) throw error;
          return over(tries - 1);
        });
      await over(MOST_TRIES);
      jobs.wake();
    },
    asWav: (file) => asWav(parts, file),
    jobs,
    states: () => jobs.states(),
    metrics: jobsMetrics(jobs),
    sweep: () => sweepNow(),
    async close() {
      clearInterval(timer);
      stopping.abort();
      await sweeping.catch(() => {});
      await jobs.close();
      await fetches.settled();
      await threads.close();
      await claims.close();
    },
  };
}
