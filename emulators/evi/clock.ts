/** Time as the emulator uses it: everything that waits, waits here, so that a test can let an hour pass at once. */
export interface Clock {
  /** Ms since 1970. */
  now(): number;
  /** Does a deed so many ms from now. Returns what calls it off. */
  after(ms: number, deed: () => void): () => void;
}

export const wallClock: Clock = {
  now: () => Date.now(),
  after(ms, deed) {
    const timer = setTimeout(deed, ms);
    return () => clearTimeout(timer);
  },
};

/** Waits so many ms, or until it is woken: what wakes it is in `wake` meanwhile. */
export function waits(clock: Clock, ms: number, wake: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const up = (): void => {
      callOff();
      wake.delete(up);
      resolve();
    };
    const callOff = clock.after(ms, up);
    wake.add(up);
  });
}

export interface HandClock extends Clock {
  /** Lets ms pass: everything due in them is done, in order. */
  pass(ms: number): void;
  /** Moves to the next thing due, if that is not further away; else stands still. For waits whose end is not the clock's alone. */
  passToNext(withinMs: number): void;
}

/** A clock that stands still until it is moved by hand. */
export function handClock(startMs = 1_790_000_000_000): HandClock {
  let nowMs = startMs;
  let due: { atMs: number; deed: () => void }[] = [];
  const clock: HandClock = {
    now: () => nowMs,
    after(ms, deed) {
      const one = { atMs: nowMs + Math.max(0, ms), deed };
      due.push(one);
      return () => {
        due = due.filter((other) => other !== one);
      };
    },
    pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = due.filter((one) => one.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        due = due.filter((one) => one !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.deed();
      }
      nowMs = untilMs;
    },
    passToNext(withinMs) {
      const nextMs = Math.min(...due.map((one) => one.atMs));
      if (nextMs <= nowMs + withinMs) clock.pass(Math.max(0, nextMs - nowMs));
    },
  };
  return clock;
}
