import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { recordEvent } from "../../calls/events.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { enqueue } from "../../jobs/queue.ts";
import { journalPath } from "../../journal/file.ts";
import { AudioJobFailed } from "../audio/audio-threads.ts";
import type { Stretch } from "../audio/redact.ts";
import { RecordingFailure } from "../failures.ts";
import { paced } from "../pace.ts";
import { type Parts, workPath } from "../parts.ts";
import { redactQueue, verifyQueue } from "../queues.ts";
import { readBack } from "../read-back.ts";
import { recordingKey } from "../storage.ts";
import { change, lockRecording, move, type RecordingRow, recordingsOfCall, tell } from "../store.ts";
import { StretchOutside } from "./failures.ts";
import { mustBeFree } from "./holds.ts";
import { scrubStretch } from "./scrub.ts";

/** A stretch of a call that is not to be heard: a card number read aloud. Times on the call's clock. */
export interface AskedRedaction {
  readonly fromMs: number;
  readonly toMs: number;
  readonly side: Stretch["side"];
  /** Sealed: kept where nothing plays it. Destroyed: gone, with the journal. */
  readonly original: "sealed" | "destroyed";
  readonly why: string;
  readonly by: string;
  readonly at: Date;
}

/**
 * Writes down what is to be redacted, takes the words out at once and has the sound done, in the caller's transaction.
 * @throws CallUnknown, CallStillRuns, CallHeld, StretchOutside
 */
export async function askRedaction(sql: Sql, call: CallId, asked: AskedRedaction): Promise<string> {
  const { answeredAt, endedAt } = await mustBeFree(sql, call);
  const talkMs = answeredAt ? endedAt.getTime() - answeredAt.getTime() : 0;
  if (!(asked.fromMs >= 0 && asked.fromMs < asked.toMs && asked.fromMs < talkMs))
    throw new StretchOutside(asked.fromMs, asked.toMs, talkMs);
  const id = newId();
  await sql.query(
    `insert into redactions (id, call_id, from_ms, to_ms, side, original, why, asked_at, asked_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [id, call, asked.fromMs, asked.toMs, asked.side, asked.original, asked.why, asked.at, asked.by],
  );
  const words = await scrubStretch(sql, call, asked.fromMs, asked.toMs, asked.side);
  await recordEvent(sql, {
    call,
    at: asked.at,
    kind: "call.redacted",
    actor: "operator",
    said: `A stretch of ${((asked.toMs - asked.fromMs) / 1000).toFixed(1)} s was redacted.`,
    detail: {
      redaction: id,
      from_ms: asked.fromMs,
      to_ms: asked.toMs,
      side: asked.side,
      original: asked.original,
      utterances: words,
      by: asked.by,
    },
  });
  await enqueue(sql, redactQueue, call, { call });
  return id;
}

interface Open {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly side: Stretch["side"];
  readonly original: "sealed" | "destroyed";
}

/**
 * Replaces every recording of a call by a copy in which the redacted stretches are a tone, and seals or destroys the originals; one that cannot be
 * decoded is not played any more. Broken off, it begins again: the row changes only when the copy lies in the storage. What is here is redacted at
 * once; recordings still on their way (an engine's may take hours) when they have come, and only then the redaction is done.
 * @returns false when another process does it
 */
export async function redactRecordings(parts: Parts, call: CallId): Promise<boolean> {
  return parts.claims.whileMine(`recording.redact:${call}`, async () => {
    const { open, rows, answeredAt } = await inTransaction(parts.pool, async (sql) => {
      const { rows: open } = await sql.query<Open>(
        `select id, from_ms as "fromMs", to_ms as "toMs", side, original from redactions where call_id = $1 and done_at is null order by from_ms`,
        [call],
      );
      const { rows: calls } = await sql.query<{ answeredAt: Date | null }>(`select answered_at as "answeredAt" from calls where id = $1`, [
        call,
      ]);
      return { open, rows: await recordingsOfCall(sql, call), answeredAt: calls[0]?.answeredAt ?? null };
    });
    if (open.length === 0 || !answeredAt) return;
    const destroy = open.some(({ original }) => original === "destroyed");
    const underWay = rows.filter(({ status }) => ["expected", "announced", "fetching", "stored"].includes(status));
    for (const row of rows)
      if (row.storageKey && row.status !== "deleted" && !underWay.includes(row)) await redactOne(parts, row, open, answeredAt, destroy);
    if (destroy && !underWay.some(({ source }) => source === "journal")) await rm(journalPath(parts.journalDir, call), { force: true });
    if (underWay.length > 0) {
      await enqueue(parts.pool, redactQueue, call, { call }, WAIT_MS); // what is on its way must not stay in clear
      return;
    }
    await inTransaction(parts.pool, (sql) =>
      sql.query("update redactions set done_at = $2 where id = any($1)", [open.map(({ id }) => id), parts.clock.now()]),
    );
    parts.wake();
  });
}

const WAIT_MS = 5000;

async function redactOne(parts: Parts, row: RecordingRow, open: readonly Open[], answeredAt: Date, destroy: boolean): Promise<void> {
  const done = new Set(((row.detail.redacted as { id: string }[] | undefined) ?? []).map(({ id }) => id));
  const due = open.filter(({ id }) => !done.has(id));
  if (due.length === 0 || !row.format) return;
  const key = row.storageKey as string;
  const offset = (row.audioStartedAt ?? answeredAt).getTime() - answeredAt.getTime();
  const [original, copy] = [await workPath(parts, "original", row.id), await workPath(parts, "redact", row.id)];
  try {
    if ((await readBack(parts, key, original)) !== row.sha256) throw new RecordingFailure("STORED_FILE_ROTTEN", `Key ${key}.`);
    const stretches = due.map(({ fromMs, toMs, side }) => ({ fromMs: fromMs - offset, toMs: toMs - offset, side }));
    const made = await parts.threads
      .ask({ name: "redact", source: { path: original, format: row.format }, stretches, path: copy })
      .catch(notDecoded);
    if (made === null) return await withhold(parts, row, due, destroy);
    const redactedKey = recordingKey(row.id, `r${done.size + due.length}.${made.format}`);
    const stored = await parts.storage.put(redactedKey, paced(createReadStream(copy), parts.pace));
    if (stored.sha256 !== made.sha256)
      throw new RecordingFailure("STORAGE_UNWRITABLE", `It took ${stored.sizeBytes} of ${made.sizeBytes} bytes.`);
    await inTransaction(parts.pool, async (sql) => {
      const now = parts.clock.now();
      const current = await lockRecording(sql, row.id);
      if (current?.storageKey !== key) return;
      // What came from the carrier is sealed once; a copy that is redacted again is no original.
      const seal = !destroy && !row.sealedKey;
      await change(sql, row.id, {
        storageKey: redactedKey,
        format: made.format,
        sizeBytes: made.sizeBytes,
        sha256: made.sha256,
        ...(seal ? { sealedKey: key, sealedSha256: row.sha256 } : destroy ? { sealedKey: null } : {}),
        detail: { redacted: [...((row.detail.redacted as object[] | undefined) ?? []), ...due.map(({ id }) => ({ id }))] },
      });
      // Verified anew: peaks and measurements must be those of what is played.
      if (row.status === "verified" || row.status === "failed") await restore(sql, row);
      await tell(sql, row, {
        at: now,
        kind: "redacted",
        said: "has a tone where it was redacted.",
        detail: { stretches: due.length, original: destroy ? "destroyed" : "sealed" },
      });
    });
    if (destroy || row.sealedKey) await parts.storage.delete(key);
    if (destroy && row.sealedKey) await parts.storage.delete(row.sealedKey);
  } finally {
    await rm(original, { force: true });
    await rm(copy, { force: true });
  }
}

function notDecoded(error: unknown): null {
  if (error instanceof AudioJobFailed && error.unreadable) return null;
  throw error;
}

/** What cannot be decoded cannot be redacted: the whole file goes where nothing plays it, or goes. */
async function withhold(parts: Parts, row: RecordingRow, due: readonly Open[], destroy: boolean): Promise<void> {
  const key = row.storageKey as string;
  await inTransaction(parts.pool, async (sql) => {
    const current = await lockRecording(sql, row.id);
    if (current?.storageKey !== key) return;
    const changes = {
      storageKey: null,
      peaks: null,
      because: "RECORDING_WITHHELD",
      verifiedAt: null,
      ...(destroy ? { sealedKey: null } : row.sealedKey ? {} : { sealedKey: key, sealedSha256: row.sha256 }),
      detail: { redacted: [...((row.detail.redacted as object[] | undefined) ?? []), ...due.map(({ id }) => ({ id }))] },
    } as const;
    if (!(await move(sql, row.id, "failed", changes))) await change(sql, row.id, changes);
    await tell(sql, row, {
      at: parts.clock.now(),
      kind: "redacted",
      said: "is not played any more: it cannot be decoded to be redacted.",
      because: "RECORDING_WITHHELD",
      detail: { stretches: due.length, original: destroy ? "destroyed" : "sealed" },
    });
  });
  if (destroy || row.sealedKey) await parts.storage.delete(key);
  if (destroy && row.sealedKey) await parts.storage.delete(row.sealedKey);
}

async function restore(sql: Sql, row: RecordingRow): Promise<void> {
  if (row.status === "verified") await move(sql, row.id, "failed", { because: null });
  await move(sql, row.id, "stored", { because: null, verifiedAt: null });
  await enqueue(sql, verifyQueue, row.id, { recording: row.id });
}
