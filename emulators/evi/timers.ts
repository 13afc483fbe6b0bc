import type { Clock } from "./clock.ts";

/** Waits with names: there is one of each, and a new one of a name takes the place of the old. */
export interface Timers {
  /** Does a deed `afterMs` from now, instead of what was waited for by this name. */
  set(name: string, afterMs: number, deed: () => void): void;
  stop(name: string): void;
  stopAll(): void;
}

export function openTimers(clock: Clock): Timers {
  const waiting = new Map<string, () => void>();
  const timers: Timers = {
    set(name, afterMs, deed) {
      timers.stop(name);
      const callOff = clock.after(afterMs, () => {
        waiting.delete(name);
        deed();
      });
      waiting.set(name, callOff);
    },
    stop(name) {
      waiting.get(name)?.();
      waiting.delete(name);
    },
    stopAll() {
      for (const name of [...waiting.keys()]) timers.stop(name);
    },
  };
  return timers;
}
