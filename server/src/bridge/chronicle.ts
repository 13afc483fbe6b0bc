import { setTimeout as sleep } from "node:timers/promises";
import { isAway } from "../db/away.ts";
import type { CallId } from "../ids.ts";
import { openTurns } from "../journal/turns.ts";

/** Does what concerns the database beside the calls, each call's in order, and not in their way. */
export interface Chronicle {
  /** Does `deed` after everything asked before for the call; again until it succeeds while the database is away. Resolves to null when it was given up. */
  after<T>(call: CallId, deed: () => Promise<T>): Promise<T | null>;
  /** The same for what the call's journal keeps as well: with too many of them waiting it is left to the journal at once. */
  keep(call: CallId, deed: () => Promise<unknown>): void;
  /**
   * Reads what a call waits for: before all that is to be written of it and of others; again while the database is away. Resolves to null when it
   * was given up, or when it is wanted no more.
   */
  load<T>(call: CallId, deed: () => Promise<T>, wanted: () => boolean): Promise<T | null>;
  /** Resolves when everything asked for the call so far is done. */
  written(call: CallId): Promise<void>;
  /** Was something of the call left to its journal since this was asked last? */
  leftToJournal(call: CallId): boolean;
  /** Tries what is left once more, then gives it up. */
  close(): Promise<void>;
}

/** So many of one call's may wait. Beyond it they are left to its journal, and come from there when the call is over. */
const MOST_WAITING = 1_000;
/** Calls whose deeds are under way at once: a lock one of them waits for leaves the others seven ways, and requests twelve of the pool's connections. */
const MOST_AT_ONCE = 8;
const WAITS_MS = [100, 200, 500, 1_000, 2_000, 5_000] as const;

interface Chain {
  last: Promise<unknown>;
  waiting: number;
}

/** Opens the chronicle. One deed of a call is under way at a time. What the database refuses (and not merely misses) is left out with a warning. */
export function openChronicle(log: { warn(detail: object, text: string): void }): Chronicle {
  const chains = new Map<CallId, Chain>();
  const left = new Set<CallId>();
  const loading = new Set<Promise<unknown>>();
  const turns = openTurns(MOST_AT_ONCE);
  const closing = new AbortController();
  let away = false;

  const inTurn = <T>(deed: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => turns.take((over) => void deed().finally(over).then(resolve, reject)));

  /** Until it succeeds, is refused, or is wanted no more. A deed that waits for the database gives its turn to others. */
  const persist = async <T>(call: CallId, deed: () => Promise<T>, wanted: () => boolean, missed: () => void): Promise<T | null> => {
    for (let tries = 0; wanted(); tries++) {
      try {
        const result = await deed();
        away = false;
        return result;
      } catch (error) {
        const again = isAway(error) && !closing.signal.aborted;
        if (!again) {
          log.warn({ call, error: (error as Error).message }, "Something of a call's timeline is given up.");
          if (isAway(error)) missed();
          return null;
        }
        if (!away) log.warn({ error: (error as Error).message }, "The timeline cannot be written; what happens waits and is tried again.");
        away = true;
        await sleep(WAITS_MS[Math.min(tries, WAITS_MS.length - 1)], undefined, { signal: closing.signal }).catch(() => {});
      }
    }
    return null;
  };
  const always = (): boolean => true;

  const after = <T>(call: CallId, deed: () => Promise<T>): Promise<T | null> => {
    const chain = chains.get(call) ?? { last: Promise.resolve(), waiting: 0 };
    chains.set(call, chain);
    chain.waiting++;
    const done = chain.last.then(() =>
      persist(
        call,
        () => inTurn(deed),
        always,
        () => left.add(call),
      ),
    );
    chain.last = done.then(() => {
      // In the same breath as the last look: whoever asks next begins a new chain.
      if (--chain.waiting === 0) chains.delete(call);
    });
    return done;
  };

  return {
    after,
    keep(call, deed) {
      if ((chains.get(call)?.waiting ?? 0) < MOST_WAITING) void after(call, deed);
      else {
        if (!left.has(call)) log.warn({ call }, "The database is too far behind for a call's timeline; the rest waits in its journal.");
        left.add(call);
      }
    },
    load(call, deed, wanted) {
      const loaded = persist(call, deed, wanted, () => {});
      loading.add(loaded);
      return loaded.finally(() => loading.delete(loaded));
    },
    async written(call) {
      await chains.get(call)?.last;
    },
    leftToJournal: (call) => left.delete(call),
    async close() {
      closing.abort();
      while (chains.size > 0) await Promise.all([...chains.values()].map(({ last }) => last));
      await Promise.all(loading);
    },
  };
}
