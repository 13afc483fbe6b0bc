import type { LiveChange } from "@earshot/contract/call";

/** What can be written of, and asked of, a connection. */
export interface Outlet {
  write(text: string): void;
  /** Are bytes waiting because the other side reads slower than we write? */
  isFull(): boolean;
}

/** More changes than this waiting for a slow reader become one "read everything again". */
const WAITING = 500;

const snapshot = "event: snapshot\ndata: {}\n\n";
const beat = ": beat\n\n";

/**
 * One reader of the live stream. While it keeps up, each change goes out at once; while it does not, changes wait here, each once,
 * and what is kept for it stays bounded however long it sleeps.
 *
 *   keeping up -> behind      a change arrives and the connection is full
 *   behind -> keeping up      `drained`: what waited is written
 *   behind -> behind          too much waits: it is forgotten, and a snapshot stands for all of it
 */
export function liveStream(outlet: Outlet) {
  const waiting = new Map<string, LiveChange>();
  let missed = false;

  const flush = (): void => {
    if (missed) outlet.write(snapshot);
    else for (const change of waiting.values()) outlet.write(eventOf(change));
    missed = false;
    waiting.clear();
  };

  return {
    /** Begins, or begins again after something may have been missed. */
    snapshot(): void {
      waiting.clear();
      missed = true;
      if (!outlet.isFull()) flush();
    },
    changed(change: LiveChange): void {
      if (missed) return;
      if (!outlet.isFull()) {
        outlet.write(eventOf(change));
        return;
      }
      waiting.set(`${change.call_id} ${change.what}`, change);
      if (waiting.size > WAITING) {
        waiting.clear();
        missed = true;
      }
    },
    drained: flush,
    beat(): void {
      if (!outlet.isFull()) outlet.write(beat);
    },
  };
}

const eventOf = (change: LiveChange): string => `event: change\ndata: ${JSON.stringify(change)}\n\n`;
