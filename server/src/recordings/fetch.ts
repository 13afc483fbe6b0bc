import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { sessionsOf } from "../calls/engine-sessions.ts";
import { CarrierFailure, CarrierHasNot, CarrierHostForbidden, CarrierUnauthorized } from "../carrier/failures.ts";
import { inTransaction } from "../db/pool.ts";
import { EngineFailure } from "../engine/failures.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { type Reason, RecordingFailure, reasons } from "./failures.ts";
import { discard } from "./keeping/leftovers.ts";
import { paced } from "./pace.ts";
import { type Parts, workPath } from "./parts.ts";
import { fetchQueue, verifyQueue } from "./queues.ts";
import { reasonOfEngine, sessionOf } from "./reconstruction.ts";
import { afterFailure } from "./retry.ts";
import { recordingKey } from "./storage.ts";
import { change, lockRecording, move, type RecordingRow, tell } from "./store.ts";
import { type Source, type Transferred, transfer } from "./transfer.ts";

/** The database's clock starts jobs, ours tells their time: so much too early is not early. */
const EARLY_MS = 500;
/** While a fetch runs, the sweep looks again this often whether somebody still does. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Fetches one announced recording into the storage. Every step may be the last before a crash: the file grows on the disk, the object
 * appears whole under its key, the row follows; whoever comes next goes on from there. Does nothing when there is nothing to fetch.
 * @returns false when another process does it
 */
export async function fetchRecording(parts: Parts, id: RecordingId, signal: AbortSignal): Promise<boolean> {
  return parts.claims.whileMine(`recording.fetch:${id}`, async () => {
    const row = await begin(parts, id);
    if (!row) {
      await discard(parts, id);
      return;
    }
    try {
      const path = await workPath(parts, "fetch", id);
      const { from, url } = await whereFrom(parts, row, signal);
      const fetched = await transfer(from, {
        url,
        call: row.call,
        announcedBytes: row.announcedBytes ?? 0,
        path,
        keepShort: row.detail.keep_short === true,
        pace: parts.pace,
        signal,
      });
      await store(parts, row, path, fetched);
      await discard(parts, id);
      await rm(path, { force: true });
    } catch (error) {
      if (await discard(parts, id)) return; // deleted meanwhile: whatever went wrong, nothing of it stays
      if (signal.aborted) throw error; // we stop, or it took too long: the job runs again, and from where it was
      await failed(parts, row, error);
    }
  });
}

/** Whose file it is, and its address there: the carrier's as announced; an engine's is asked for, because it is signed and soon expires. */
async function whereFrom(parts: Parts, row: RecordingRow, signal: AbortSignal): Promise<{ from: Source; url: string }> {
  const url = row.announcedUrl ?? "";
  if (row.source !== "engine") return { from: parts.carrier as Source, url };
  const session = sessionOf(url);
  const engine = (await sessionsOf(parts.pool, row.call as CallId)).find((one) => one.session === session)?.engine ?? "";
  const from = parts.reconstructions[engine];
  if (from === undefined) throw new RecordingFailure("RECONSTRUCTION_ABSENT", `The engine ${engine} offers none now.`);
  const told = await from.look([{ session, resume: null }], signal);
  if (told.state === "none")
    throw new RecordingFailure(told.because === "failed" ? "RECONSTRUCTION_FAILED" : "RECONSTRUCTION_NOT_KEPT", told.text);
  const part = told.state === "ready" ? told.parts[0] : undefined;
  if (part === undefined) throw new RecordingFailure("RECONSTRUCTION_LATE", "The engine is making it again.");
  return { from, url: part.url };
}

/** Marks the row as being fetched; null when it is not to be. */
async function begin(parts: Parts, id: RecordingId): Promise<RecordingRow | null> {
  return inTransaction(parts.pool, async (sql) => {
    const row = await lockRecording(sql, id);
    if (!row?.announcedUrl || (row.source === "carrier" && !parts.carrier)) return null;
    const now = parts.clock.now();
    const early = (row.nextAttemptAt?.getTime() ?? 0) - now.getTime();
    if (row.status === "announced" && row.attempts > 0 && early > EARLY_MS) {
      await enqueue(sql, fetchQueue, id, { recording: id }, early);
      return null;
    }
    const changes = { attempts: row.attempts + 1, nextAttemptAt: new Date(now.getTime() + LOOK_AGAIN_MS) };
    if (row.status === "fetching") await change(sql, id, changes);
    else if (row.status !== "announced" || !(await move(sql, id, "fetching", changes))) return null;
    return { ...row, status: "fetching", attempts: row.attempts + 1 };
  });
}

async function store(parts: Parts, row: RecordingRow, path: string, { format, sizeBytes }: Transferred): Promise<void> {
  const key = recordingKey(row.id, format);
  const stored = await parts.storage.put(key, paced(createReadStream(path, { highWaterMark: 256 * 1024 }), parts.pace));
  if (stored.sizeBytes !== sizeBytes)
    throw new RecordingFailure("STORAGE_UNWRITABLE", `It took ${stored.sizeBytes} of ${sizeBytes} bytes.`);
  await inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    const moved = await move(sql, row.id, "stored", {
      format,
      storageKey: key,
      sizeBytes,
      sha256: stored.sha256,
      storedAt: now,
      nextAttemptAt: null,
      because: null,
      ...(row.detail.redacted ? { detail: { redacted: [] } } : {}), // of another file
    });
    if (!moved) return;
    await enqueue(sql, verifyQueue, row.id, { recording: row.id });
    await tell(sql, row, {
      at: now,
      kind: "stored",
      said: "is stored.",
      detail: { bytes: sizeBytes, sha256: stored.sha256, attempts: row.attempts },
    });
  });
  parts.wake();
}

/** Writes the failure on the row it spoiled and, unless it is final, when it is tried again. */
async function failed(parts: Parts, row: RecordingRow, error: unknown): Promise<void> {
  const because = reasonOf(error);
  if (!because) throw error;
  const now = parts.clock.now();
  const next = afterFailure({ because, attempts: row.attempts, announcedAt: row.announcedAt ?? now, now }, parts.pauseMs);
  const evidence = (error as Error).message;
  parts.log[reasons[because].blame === "us" ? "error" : "warn"](
    { recording: row.id, call: row.call, code: because, attempt: row.attempts, next: next.do },
    evidence,
  );
  await inTransaction(parts.pool, async (sql) => {
    if (next.do === "end") {
      if (!(await move(sql, row.id, next.as, { because: next.because, nextAttemptAt: null, detail: { evidence } }))) return;
      const said = { missing: "is missing.", failed: "could not be fetched.", refused: "was refused." }[next.as];
      await tell(sql, row, { at: now, kind: next.as, said, because: next.because, detail: { evidence, attempts: row.attempts } });
      return;
    }
    const inMs = next.do === "again" ? next.inMs : 0;
    const kept = next.do === "keep" ? { keep_short: true } : {};
    const moved = await move(sql, row.id, "announced", {
      because,
      nextAttemptAt: new Date(now.getTime() + inMs),
      detail: { evidence, ...kept },
    });
    if (!moved) return;
    await enqueue(sql, fetchQueue, row.id, { recording: row.id }, inMs);
    await tell(sql, row, {
      at: now,
      kind: "fetch_failed",
      said: "could not be fetched yet.",
      because,
      detail: { evidence, attempt: row.attempts, again_in_ms: inMs },
      once: `fetch_failed:${because}`, // once for each reason: thirty attempts are one line
    });
  });
  if (next.do !== "end") parts.wake();
}

/** Null for what nobody foresaw: that is thrown on, logged as ours, and the job runs again. */
function reasonOf(error: unknown): Reason | null {
  if (error instanceof RecordingFailure) return error.code;
  if (error instanceof CarrierHasNot) return "RECORDING_NOT_READY";
  if (error instanceof CarrierHostForbidden) return "RECORDING_REFUSED_HOST";
  if (error instanceof CarrierUnauthorized) return "RECORDING_FORBIDDEN";
  if (error instanceof CarrierFailure) return "RECORDING_UNREACHABLE";
  if (error instanceof EngineFailure) return reasonOfEngine(error);
  return null;
}
