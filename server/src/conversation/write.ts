import type pg from "pg";
import { isAway } from "../db/away.ts";
import { type EmotionSet, openEmotionSets } from "../emotion/sets.ts";
import type { CallId } from "../ids.ts";
import { storeUtterances } from "./store.ts";
import type { Utterance } from "./utterance.ts";

/** Writes what was said into the database, beside the call and not in its way. */
export interface ConversationWriter {
  /** Remembers an utterance as it is now known; a later version of the same one replaces it. Returns at once, whatever the database does. */
  write(utterance: Utterance): void;
  /** Resolves when everything of the call written so far is in the database, or given up as a gap. */
  written(call: CallId): Promise<void>;
  /** Utterances not yet in the database. */
  waiting(): number;
  /** Writes what is left, for at most `withinMs`; what then remains stays in the journals. */
  close(withinMs?: number): Promise<void>;
}

/** About 10 MB: every utterance of 500 calls for ten minutes. */
const MOST_WAITING = 20_000;
/** One statement's worth. */
const BATCH = 200;
/**
 * From one statement's end to the next one's beginning, when there is no backlog. What is said first goes at once; with many calls the rest
 * gathers: at 40 calls a statement for each cost a tenth of the process's time (bench/README.md, "What was tried").
 */
const PAUSE_MS = 50;
/** A failed write is tried again after 100 ms, doubling up to 5 s. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

interface Waiting {
  readonly utterance: Utterance;
  /** Counts up: a version put in place while an older one was being written is still to be written. */
  readonly version: number;
}

/**
 * Opens the writer. One batch is under way at a time, oldest utterance first, so that rows appear in the order things were said; while the
 * database stalls, what is said piles up here (newer versions replacing older ones) and goes out when it is back. Only a full buffer loses:
 * then the oldest give way, and `lost` is told once per call, for its timeline; the call's journal still has them.
 */
export function openConversation(parts: {
  readonly pool: pg.Pool;
  readonly log: { warn(detail: object, text: string): void };
  readonly lost?: (call: CallId, count: number) => void;
  readonly mostWaiting?: number;
}): ConversationWriter {
  const { pool, log, lost, mostWaiting = MOST_WAITING } = parts;
  const sets = openEmotionSets(pool);
  const waiting = new Map<string, Waiting>();
  const waiters = new Map<CallId, (() => void)[]>();
  const callWaiting = new Map<CallId, number>();
  let versions = 0;
  let writing = false;
  let closed = false;
  let waitMs = 0;
  let timer: NodeJS.Timeout | null = null;
  let emptied: (() => void) | null = null;

  const count = (call: CallId, by: number): void => {
    const left = (callWaiting.get(call) ?? 0) + by;
    if (left > 0) {
      callWaiting.set(call, left);
      return;
    }
    callWaiting.delete(call);
    for (const tell of waiters.get(call) ?? []) tell();
    waiters.delete(call);
    if (waiting.size === 0) emptied?.();
  };
  const forget = (key: string, { utterance, version }: Waiting): void => {
    if (waiting.get(key)?.version !== version) return;
    waiting.delete(key);
    count(utterance.call, -1);
  };
  const giveWay = (): void => {
    const oldest = waiting.entries().next().value;
    if (oldest === undefined) return;
    forget(...oldest);
    log.warn({ call: oldest[1].utterance.call }, "The database has stalled for too long: an utterance is now only in its call's journal.");
    lost?.(oldest[1].utterance.call, 1);
  };

  const pump = (): void => {
    if (writing || timer !== null || waiting.size === 0 || closed) return;
    writing = true;
    const batch = [...waiting].slice(0, BATCH);
    writeBatch(batch).then(
      () => {
        writing = false;
        waitMs = 0;
        for (const entry of batch) forget(...entry);
        if (batch.length < BATCH) pumpAfter(PAUSE_MS);
        else pump();
      },
      (error: Error) => {
        writing = false;
        if (waitMs === 0)
          log.warn({ error: error.message, waiting: waiting.size }, "Utterances cannot be written; they wait and are tried again.");
        waitMs = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, waitMs * 2));
        pumpAfter(waitMs);
      },
    );
  };
  const pumpAfter = (ms: number): void => {
    timer = setTimeout(() => {
      timer = null;
      pump();
    }, ms);
  };

  /** All in one statement; if one of them is what the database refuses, each by itself, so that it costs no neighbour. */
  const writeBatch = async (batch: [string, Waiting][]): Promise<void> => {
    const rows = await Promise.all(batch.map(async ([, { utterance }]) => ({ utterance, set: await setOf(utterance) })));
    try {
      await storeUtterances(pool, rows);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      for (const row of rows) {
        await storeUtterances(pool, [row]).catch((cause: Error) => {
          if (!isRefusal(cause)) throw cause;
          log.warn(
            { call: row.utterance.call, ref: row.utterance.ref, error: cause.message },
            "The database refused an utterance; it is left out.",
          );
          lost?.(row.utterance.call, 1);
        });
      }
    }
  };
  const setOf = (utterance: Utterance): Promise<EmotionSet> | null =>
    utterance.emotions === null ? null : sets.having(utterance.emotions.set, Object.keys(utterance.emotions.scores));

  return {
    write(utterance) {
      if (closed) return;
      const key = `${utterance.call} ${utterance.ref}`;
      const isNew = !waiting.has(key);
      waiting.set(key, { utterance, version: ++versions });
      if (isNew) count(utterance.call, 1);
      if (waiting.size > mostWaiting) giveWay();
      pump();
    },
    written(call) {
      if (!callWaiting.has(call)) return Promise.resolve();
      return new Promise((resolve) => waiters.set(call, [...(waiters.get(call) ?? []), resolve]));
    },
    waiting: () => waiting.size,
    async close(withinMs = 5_000) {
      if (waiting.size > 0) {
        let late: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          emptied = resolve;
          late = setTimeout(resolve, withinMs);
        });
        clearTimeout(late);
      }
      closed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}

/** Is it the row that is wrong, and not the database that is away? */
const isRefusal = (error: unknown): boolean => !isAway(error);
