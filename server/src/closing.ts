import { setTimeout as sleep } from "node:timers/promises";

/** What has not closed by then never will; Kubernetes, for one, kills after 30 s without a word. */
const LONGEST_CLOSING_MS = 25_000;
/** So long may one part keep the others waiting: what waits for a database that stands still must not keep the calls' last words from their journals. */
const LONGEST_PART_MS = 4_000;
/** So long may the last lines of the log take. */
const LAST_LINES_MS = 1_000;

const notInTime = Symbol();

/** The process was asked to stop while it was starting: what is built is closed, and nothing more is built. */
export class Stopped extends Error {}

/**
 * The parts of the process and its end. States: starting (asked to stop, it throws at its next part and ends), serving (asked once, it lets its calls
 * go on to their end, asked twice, it does not wait), closing. Parts close newest first; the process ends with 1 when one did not close in time.
 */
export interface Closing {
  /** Something that was built and is to be closed, in four seconds unless it may take longer. Throws Stopped when the process was asked to stop meanwhile. */
  part(name: string, close: () => unknown, withinMs?: number): void;
  /** Aborted when the process was asked to stop. */
  readonly stopping: AbortSignal;
  /** Where to tell of it. */
  tellTo(log: LogLike, written: (withinMs: number) => Promise<void>): void;
  /** The start is complete. `drain` is done before the parts are closed, until `enough`. */
  serves(drain: (enough: AbortSignal) => Promise<void>): void;
  /** The start failed or was stopped: closes what was built, and ends the process, with 0 if it was to stop. */
  failed(text: string, code: number): Promise<void>;
}

interface LogLike {
  info(detail: object, text: string): void;
  error(detail: object, text: string): void;
}

/** Hears the signals, and with `parent` also that nobody is left at stdin: then nobody is left to wait for either. */
export function openClosing(parts: { readonly parent: boolean; readonly withinMs?: number }): Closing {
  const { parent, withinMs = LONGEST_CLOSING_MS } = parts;
  const built: { readonly name: string; readonly withinMs: number; close(): unknown }[] = [];
  const asked = new AbortController();
  const enough = new AbortController();
  let log: LogLike | null = null;
  let written = async (_: number): Promise<void> => {};
  let drain: ((enough: AbortSignal) => Promise<void>) | null = null;
  let closing: Promise<void> | null = null;
  let atPart = "start";
  let late = false;

  const stop = (why: string): void => {
    if (asked.signal.aborted) {
      enough.abort();
      return;
    }
    asked.abort();
    log?.info({ why }, "stopping");
    if (drain !== null) void drained(drain).then(() => end(0));
    // While it starts, `failed` goes on from here; what the start waits for must not keep it from ending.
    else closeInTime();
  };
  const drained = (before: (enough: AbortSignal) => Promise<void>): Promise<void> =>
    before(enough.signal).catch((error: unknown) => log?.error({ err: error }, "the calls could not be waited for"));
  const closeInTime = (): void => {
    const overdue = (): void => {
      log?.error({ part: atPart }, "the process did not close in time; the rest is left to the next start");
      process.exit(1);
    };
    setTimeout(overdue, withinMs).unref();
  };
  const end = async (code: number): Promise<void> => {
    closeInTime();
    closing ??= closeAll();
    await closing;
    await written(LAST_LINES_MS);
    process.exit(late ? 1 : code);
  };
  const closeAll = async (): Promise<void> => {
    for (const one of built.toReversed()) {
      atPart = one.name;
      try {
        if ((await Promise.race([one.close(), sleep(one.withinMs, notInTime)])) !== notInTime) continue;
        late = true;
        log?.error({ part: one.name }, "a part did not close in time; what it had left is done at the next start");
      } catch (error) {
        log?.error({ err: error, part: one.name }, "a part did not close cleanly");
      }
    }
  };

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop(signal));
  if (parent)
    process.stdin.resume().once("close", () => {
      enough.abort();
      stop("the parent is gone");
    });

  return {
    part(name, close, withinMs = LONGEST_PART_MS) {
      built.push({ name, close, withinMs });
      if (asked.signal.aborted) throw new Stopped();
    },
    stopping: asked.signal,
    tellTo(to, lines) {
      log = to;
      written = lines;
    },
    serves(before) {
      if (asked.signal.aborted) throw new Stopped();
      drain = before;
    },
    async failed(text, code) {
      if (!asked.signal.aborted) process.stderr.write(`${text}\n`);
      await end(asked.signal.aborted ? 0 : code);
    },
  };
}
