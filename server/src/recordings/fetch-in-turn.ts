import { inTransaction } from "../db/pool.ts";
import type { RecordingId } from "../ids.ts";
import { fetchRecording } from "./fetch.ts";
import type { Pace } from "./pace.ts";
import type { Parts } from "./parts.ts";
import { type Place, type Places, places } from "./places.ts";
import { change, lockRecording, recordingById } from "./store.ts";

/** Twenty-five files of 60 MB, two hours each, or seven hundred of five minutes. */
const BYTES_AT_ONCE = 1536 * 1024 * 1024;
/** Slow ones beside: each is a connection and a half-fetched file. */
const MOST_ASIDE = 256;
/** Where nothing was announced: a call of half an hour. */
const USUAL_BYTES = 15 * 1024 * 1024;
/** Slower than this after the first seconds is slow: 60 MB take a quarter of an hour. */
const SLOW_BYTES_PER_SECOND = 64 * 1024;
/** So often a transfer is looked at. */
const LOOK_MS = 5_000;
/** So often its row is touched while bytes come, so that nobody takes it for forgotten (fetch.ts looks again after 60 s). */
const TOUCH_MS = 20_000;
const LOOK_AGAIN_MS = 60_000;
/** No file takes this long, even at 10 kB/s: 200 MB. */
const LONGEST_MS = 6 * 3600 * 1000;

export interface FetchesInTurn {
  /** Fetches a recording when it is its turn. @returns false when another process does it; true also while a slow one goes on by itself */
  fetch(id: RecordingId): Promise<boolean>;
  readonly places: Pick<Places, "state">;
  /** Waits for the slow ones after `stop` was aborted. */
  settled(): Promise<void>;
}

/**
 * Lets fetches begin by the bytes they announce. One that turns out to be slow (60 MB at 10 kB/s: 100 minutes) gives back its place and its worker of
 * the queue and goes on beside, so that it keeps nobody waiting; what becomes of it is on its row as ever. While bytes come its row says so.
 */
export function fetchesInTurn(parts: Parts, stop: AbortSignal, { lookMs = LOOK_MS }: { readonly lookMs?: number } = {}): FetchesInTurn {
  const turns = places(BYTES_AT_ONCE, MOST_ASIDE);
  const running = new Set<Promise<unknown>>();
  return {
    places: turns,
    async fetch(id) {
      const row = await recordingById(parts.pool, id);
      if (row === null || (row.status !== "announced" && row.status !== "fetching")) return true;
      const place = await turns.enter(row.announcedBytes || USUAL_BYTES, stop);
      const watched = watch(parts, id, place, lookMs);
      const fetched = fetchRecording(
        { ...parts, pace: watched.pace },
        id,
        AbortSignal.any([stop, AbortSignal.timeout(LONGEST_MS)]),
      ).finally(() => {
        watched.end();
        place.leave();
        running.delete(fetched);
      });
      running.add(fetched);
      const first = await Promise.race([fetched, watched.slow]);
      if (first !== "slow") return first;
      fetched.catch((error: unknown) => {
        if (!stop.aborted) parts.log.error({ err: error, recording: id }, "A slow fetch failed; it is tried again.");
      });
      return true;
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}

/** Counts what passes; tells when it is slow, and the row that it goes on. */
function watch(
  parts: Parts,
  id: RecordingId,
  place: Place,
  lookMs: number,
): { readonly pace: Pace; readonly slow: Promise<"slow">; end(): void } {
  let bytes = 0;
  let touched = { bytes: 0, atMs: performance.now() };
  const beganMs = performance.now();
  let isSlow: (word: "slow") => void = () => {};
  const slow = new Promise<"slow">((resolve) => {
    isSlow = resolve;
  });
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (bytes < ((nowMs - beganMs) / 1000) * SLOW_BYTES_PER_SECOND && place.aside()) isSlow("slow");
    if (bytes === touched.bytes || nowMs - touched.atMs < Math.min(TOUCH_MS, 4 * lookMs)) return;
    touched = { bytes, atMs: nowMs };
    const again = new Date(parts.clock.now().getTime() + LOOK_AGAIN_MS);
    touch(parts, id, bytes, again).catch(() => {}); // the sweep looks once too often then, and finds that it runs
  }, lookMs);
  timer.unref();
  return {
    slow,
    pace: {
      async take(more) {
        await parts.pace.take(more);
        bytes += more;
      },
    },
    end: () => clearInterval(timer),
  };
}

async function touch({ pool }: Parts, id: RecordingId, bytes: number, again: Date): Promise<void> {
  await inTransaction(pool, async (sql) => {
    const row = await lockRecording(sql, id);
    if (row?.status === "fetching") await change(sql, id, { nextAttemptAt: again, detail: { passed_bytes: bytes } });
  });
}
