import { useSyncExternalStore } from "react";

type Ticker = { now: Date; heard: Set<() => void>; stop: () => void };
/** One clock for everything on the page that ticks at the same pace: a list of hundreds of rows has one timer. */
const tickers = new Map<number, Ticker>();

function subscribe(everyMs: number, heard: () => void): () => void {
  if (everyMs === 0) return () => {};
  let ticker = tickers.get(everyMs);
  if (!ticker) {
    const started: Ticker = { now: lately(everyMs), heard: new Set(), stop: () => clearInterval(ticking) };
    const ticking = setInterval(() => {
      started.now = new Date();
      for (const told of started.heard) told();
    }, everyMs);
    tickers.set(everyMs, started);
    ticker = started;
  }
  ticker.heard.add(heard);
  return () => {
    ticker.heard.delete(heard);
    if (ticker.heard.size > 0) return;
    ticker.stop();
    tickers.delete(everyMs);
  };
}

/** Where nothing ticks yet: a moment not older than one tick, the same one for a whole rendering. */
const idle = new Map<number, Date>();

function lately(everyMs: number): Date {
  const known = idle.get(everyMs);
  if (known && (everyMs === 0 || Date.now() - known.getTime() < everyMs)) return known;
  const now = new Date();
  idle.set(everyMs, now);
  return now;
}

/** The present, told again every `everyMs` milliseconds; 0 is a clock that stands still, for what has ended. */
export function useNow(everyMs: number): Date {
  return useSyncExternalStore(
    (heard) => subscribe(everyMs, heard),
    () => tickers.get(everyMs)?.now ?? lately(everyMs),
  );
}
