import type { Terminal } from "./command.ts";

/** Between two words of progress where nobody watches, such as in a log. */
const QUIET_MS = 10_000;
/** Between two on a terminal. */
const LIVELY_MS = 100;

/** The process's own terminal. Progress is one line that changes in place, and is gone when something else is said. */
export function openTerminal(): Terminal & { done(): void } {
  const live = process.stderr.isTTY === true;
  let shown = false;
  let last = Number.NEGATIVE_INFINITY;
  const done = (): void => {
    if (shown) process.stderr.write("\r\x1b[2K");
    shown = false;
  };
  return {
    done,
    say(line = "") {
      done();
      process.stdout.write(`${line}\n`);
    },
    tell(line) {
      done();
      process.stderr.write(`${line}\n`);
    },
    progress(text) {
      const now = performance.now();
      if (now - last < (live ? LIVELY_MS : QUIET_MS)) return;
      last = now;
      process.stderr.write(live ? `\r\x1b[2K${text}` : `${text}\n`);
      shown = live;
    },
  };
}
