import type { Clock } from "../src/clock.ts";

/** A machine with nothing else to do looks at the clock of a running call every 10 ms, with pauses for its memory of at most so long. */
const MOST_MS = 60;

/**
 * The time a call has had: of what passed between two looks at the clock at most `MOST_MS` count. A machine that is busy elsewhere lets a process
 * stand still for seconds, and whoever waits then by the wall's clock finds an engine silent that was given no time to speak. On a machine that keeps up
 * it is the wall's clock. Whoever speaks, plays and waits in one call must look at the same one, and somebody must look often, as a tick does.
 */
export function patientClock(): Clock {
  const beganAt = Date.now();
  let last = performance.now();
  let passed = 0;
  const monotonicMs = (): number => {
    const now = performance.now();
    passed += Math.min(now - last, MOST_MS);
    last = now;
    return passed;
  };
  return { monotonicMs, now: () => new Date(beganAt + monotonicMs()) };
}
