import { isAway } from "../db/away.ts";
import type { CallId } from "../ids.ts";

/** Does what concerns the database beside the calls, in order, and not in their way. */
export interface Chronicle {
  /** Does `deed` after everything asked before; again until it succeeds while the database is away. Resolves to null when it was given up. */
  after<T>(call: CallId, deed: () => Promise<T>): Promise<T | null>;
  /** Resolves when everything asked for the call so far is done. */
  written(call: CallId): Promise<void>;
  /** Tries what is left once more, then gives it up. */
  close(): Promise<void>;
}

/** Beyond this the oldest deeds are given up: the journals have what they would have written. */
const MOST_WAITING = 5_000;
const WAITS_MS = [100, 200, 500, 1_000, 2_000, 5_000] as const;

interface Deed {
  readonly call: CallId;
  readonly run: () => Promise<unknown>;
  readonly done: (result: unknown) => void;
}

/** Opens the chronicle. One deed is under way at a time. What the database refuses (and not merely misses) is left out with a warning. */
export function openChronicle(log: { warn(detail: object, text: string): void }): Chronicle {
  let deeds: Deed[] = [];
  let running: Promise<void> | null = null;
  let closed = false;
  let cutWait: (() => void) | null = null;

  const work = async (): Promise<void> => {
    let tries = 0;
    for (let deed = deeds[0]; deed !== undefined; deed = deeds[0]) {
      let result: unknown = null;
      try {
        result = await deed.run();
        tries = 0;
      } catch (error) {
        const away = isAway(error);
        if (away && !closed) {
          if (tries === 0)
            log.warn({ error: (error as Error).message }, "The timeline cannot be written; what happens waits and is tried again.");
          await wait(WAITS_MS[Math.min(tries++, WAITS_MS.length - 1)] as number);
          continue;
        }
        log.warn({ call: deed.call, error: (error as Error).message }, "Something of a call's timeline is given up.");
      }
      if (deeds[0] === deed) deeds.shift();
      deed.done(result);
    }
    // In the same breath as the last look: whoever asks next, even in answer to the deed just done, starts anew.
    running = null;
  };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      cutWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    after<T>(call: CallId, deed: () => Promise<T>): Promise<T | null> {
      return new Promise((resolve) => {
        deeds.push({ call, run: deed, done: (result) => resolve(result as T | null) });
        if (deeds.length > MOST_WAITING) {
          const given = deeds.slice(0, -MOST_WAITING);
          deeds = deeds.slice(-MOST_WAITING);
          for (const { done } of given) done(null);
        }
        running ??= work();
      });
    },
    async written(call) {
      if (deeds.some((deed) => deed.call === call)) await this.after(call, async () => {});
    },
    async close() {
      closed = true;
      cutWait?.();
      await running;
    },
  };
}
