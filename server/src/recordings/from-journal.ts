import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { isCarriedElsewhere } from "../calls/leases.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { journalPath } from "../journal/file.ts";
import { AudioJobFailed } from "./audio/audio-threads.ts";
import type { Rendered } from "./audio/render.ts";
import { type Reason, RecordingFailure } from "./failures.ts";
import { discard } from "./keeping/leftovers.ts";
import { paced } from "./pace.ts";
import { type Parts, workPath } from "./parts.ts";
import { verifyQueue } from "./queues.ts";
import { recordingKey } from "./storage.ts";
import { move, type RecordingRow, recordingsOfCall, tell } from "./store.ts";

/**
 * The second, independent recording: what passed both sockets, from the call's journal, as a stereo MP3 with the caller left and the agent
 * right. It shares no path with the carrier's. Made when the call is over; doing it again replaces nothing.
 * @returns false when another process does it, or is to: the journal lies where the one that carried the call writes
 */
export async function renderRecording(parts: Parts, call: CallId): Promise<boolean> {
  let elsewhere = false;
  const mine = await parts.claims.whileMine(`recording.render:${call}`, async () => {
    const row = (await inTransaction(parts.pool, (sql) => recordingsOfCall(sql, call))).find(({ source }) => source === "journal");
    if (row?.status === "deleted") {
      await rm(journalPath(parts.journalDir, call), { force: true }); // it may have been written to its end only now
      await discard(parts, row.id);
      return;
    }
    // A sealed original lies where the file would: a withheld recording is not made again.
    if (!row || !["expected", "missing", "failed"].includes(row.status) || row.storageKey || row.sealedKey) return;
    elsewhere = (await sizeOf(journalPath(parts.journalDir, call))) === null && (await isCarriedElsewhere(parts.pool, call, parts.process));
    if (elsewhere) return;
    const path = await workPath(parts, "render", row.id);
    try {
      const rendered = await render(parts, journalPath(parts.journalDir, call), path);
      await keep(parts, row, path, rendered);
      await discard(parts, row.id);
    } catch (error) {
      if (await discard(parts, row.id)) return; // deleted meanwhile
      await spoiled(parts, row, error);
    } finally {
      await rm(path, { force: true });
    }
  });
  return mine && !elsewhere;
}

/** So many at one look: each is a rendering. The next look goes on. */
const FOUND_AT_ONCE = 20;

/**
 * Makes recordings that were said to be missing for want of a journal, and whose journal lies in our folder all the same: another machine said it,
 * or the folder was away. Not by a job, which any process may take. @returns how many were tried
 */
export async function renderFound(parts: Parts): Promise<number> {
  const { rows } = await parts.pool.query<{ call: CallId }>(
    `select call_id as call from recordings where source = 'journal' and status = 'missing' and because = 'JOURNAL_ABSENT' and call_id is not null
      order by created_at desc limit 1000`,
  );
  let found = 0;
  for (const { call } of rows) {
    if ((await sizeOf(journalPath(parts.journalDir, call))) === null) continue;
    await renderRecording(parts, call).catch((error: unknown) => {
      parts.log.warn({ err: error, call }, "A recording whose journal was found could not be made yet; the next look tries again.");
    });
    if (++found >= FOUND_AT_ONCE) break;
  }
  return found;
}

/** Renders until the journal no longer grows: its last frames may be on their way to the disk when the call has just ended. */
async function render({ threads }: Parts, journal: string, path: string): Promise<Rendered> {
  for (;;) {
    const before = await sizeOf(journal);
    if (before === null) throw new RecordingFailure("JOURNAL_ABSENT", "There is no such file.");
    const rendered = await threads.ask({ name: "render", journal, path });
    if ((await sizeOf(journal)) === before) return rendered;
  }
}

const sizeOf = async (path: string): Promise<number | null> => (await stat(path).catch(() => null))?.size ?? null;

async function keep(parts: Parts, row: RecordingRow, path: string, { sizeBytes, sha256, startedAt, samples }: Rendered): Promise<void> {
  if (samples === 0) throw new RecordingFailure("JOURNAL_EMPTY", "It holds no frame of sound.");
  const key = recordingKey(row.id, "mp3");
  const stored = await parts.storage.put(key, paced(createReadStream(path, { highWaterMark: 256 * 1024 }), parts.pace));
  if (stored.sha256 !== sha256) throw new RecordingFailure("STORAGE_UNWRITABLE", `It took ${stored.sizeBytes} of ${sizeBytes} bytes.`);
  await inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    const changes = {
      format: "mp3",
      storageKey: key,
      sizeBytes,
      sha256,
      storedAt: now,
      audioStartedAt: startedAt,
      nextAttemptAt: null,
      because: null,
      ...(row.detail.redacted ? { detail: { redacted: [] } } : {}), // of another file
    };
    if (!(await move(sql, row.id, "stored", changes))) return;
    await enqueue(sql, verifyQueue, row.id, { recording: row.id });
    await tell(sql, row, { at: now, kind: "stored", said: "is stored.", detail: { bytes: sizeBytes, sha256 } });
  });
  parts.wake();
}

/** No journal, no sound in it, or a damaged one: said on the row. The storage is tried again by the job. */
async function spoiled(parts: Parts, row: RecordingRow, error: unknown): Promise<void> {
  const because: Reason | null =
    error instanceof RecordingFailure && error.code !== "STORAGE_UNWRITABLE"
      ? error.code
      : error instanceof AudioJobFailed
        ? "JOURNAL_UNREADABLE"
        : null;
  if (!because) throw error;
  const evidence = (error as Error).message;
  parts.log[because === "JOURNAL_UNREADABLE" ? "error" : "warn"](
    { err: error, recording: row.id, call: row.call, code: because },
    evidence,
  );
  await inTransaction(parts.pool, async (sql) => {
    const to = because === "JOURNAL_UNREADABLE" ? "failed" : "missing";
    const now = parts.clock.now();
    if (!(await move(sql, row.id, to, { because, nextAttemptAt: null, detail: { evidence } }))) return;
    await tell(sql, row, {
      at: now,
      kind: to,
      said: to === "missing" ? "is missing." : "could not be made.",
      because,
      detail: { evidence },
    });
  });
}
