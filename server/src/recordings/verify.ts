import { rm } from "node:fs/promises";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { AudioJobFailed } from "./audio/audio-threads.ts";
import type { Inspected } from "./audio/inspect.ts";
import { standingReason } from "./compare-sources.ts";
import { RecordingFailure } from "./failures.ts";
import { type Judgement, judge } from "./judge.ts";
import { inClearOf } from "./keeping/in-clear.ts";
import { type Parts, workPath } from "./parts.ts";
import { compareQueue, redactQueue } from "./queues.ts";
import { readBack } from "./read-back.ts";
import { callFacts, lockRecording, move, type RecordingRow, recordingById, tell } from "./store.ts";

/**
 * Reads a stored recording back from the storage, checks its hash, decodes all of it beside the event loop, and judges it: `verified`, or
 * `failed` with a reason, kept and playable all the same. Peaks and measurements are written with the verdict.
 * @returns false when another process does it
 */
export async function verifyRecording(parts: Parts, id: RecordingId): Promise<boolean> {
  return parts.claims.whileMine(`recording.verify:${id}`, async () => {
    const row = await recordingById(parts.pool, id);
    if (row?.status !== "stored" || !row.storageKey || !row.format) return;
    const path = await workPath(parts, "verify", id);
    try {
      const sha256 = await readBack(parts, row.storageKey, path);
      if (sha256 !== row.sha256) throw new RecordingFailure("STORED_FILE_ROTTEN", `${row.storageKey} reads as ${sha256}.`);
      const inspected = await parts.threads.ask({ name: "inspect", path, format: row.format });
      await conclude(parts, row, inspected);
    } catch (error) {
      await unsound(parts, row, error);
    } finally {
      await rm(path, { force: true });
    }
  });
}

async function conclude(parts: Parts, row: RecordingRow, { facts, peaks }: Omit<Inspected, "levels" | "clips">): Promise<void> {
  await inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    if ((await lockRecording(sql, row.id))?.storageKey !== row.storageKey) return; // another file took its place meanwhile, and is verified by itself
    const alone = judge(facts, await expectationOf(sql, row));
    const verdict = alone.because ? alone : { ...alone, ...(await standingReason(sql, row)) };
    const changes = {
      durationMs: facts.durationMs,
      channels: facts.channels,
      sampleRate: facts.rateHz,
      peaks: peaks.length > 0 ? Buffer.from(peaks) : null,
      because: verdict.because,
      verifiedAt: verdict.because ? null : now,
      detail: { sound: facts, verdict },
    };
    if (!(await move(sql, row.id, verdict.because ? "failed" : "verified", changes))) return;
    await report(sql, row, now, verdict);
    if (row.call) await enqueue(sql, compareQueue, row.call, { call: row.call });
    await redactIfDue(sql, row);
  });
  parts.wake();
}

async function report(sql: Sql, row: RecordingRow, at: Date, { because, evidence, differenceMs }: Judgement): Promise<void> {
  await tell(sql, row, {
    at,
    kind: because ? "failed" : "verified",
    said: because ? "did not stand its checks." : "is whole.",
    ...(because ? { because } : {}),
    detail: { evidence, ...(differenceMs === null ? {} : { difference_ms: differenceMs }) },
  });
}

async function unsound(parts: Parts, row: RecordingRow, error: unknown): Promise<void> {
  const because =
    error instanceof RecordingFailure ? error.code : error instanceof AudioJobFailed && error.unreadable ? "RECORDING_UNREADABLE" : null;
  if (!because) throw error;
  const evidence = (error as Error).message;
  parts.log.warn({ recording: row.id, call: row.call, code: because }, evidence);
  await inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    if ((await lockRecording(sql, row.id))?.storageKey !== row.storageKey) return;
    if (!(await move(sql, row.id, "failed", { because, detail: { evidence } }))) return;
    await redactIfDue(sql, row);
    await tell(sql, row, { at: now, kind: "failed", said: "did not stand its checks.", because, detail: { evidence } });
  });
}

/** A file that came after its call was redacted waits for nothing but this. */
async function redactIfDue(sql: Sql, { id, call }: RecordingRow): Promise<void> {
  if (call && (await inClearOf(sql, call)).has(id)) await enqueue(sql, redactQueue, call, { call });
}

async function expectationOf(sql: Sql, row: RecordingRow) {
  // An engine reconstructs what its session heard, from before the answer to wherever the session ended: its length proves nothing.
  if (row.source === "engine") return { source: row.source, talkMs: null, announcedMs: null, beganMs: null };
  const call = row.call ? await callFacts(sql, row.call) : null;
  const { answeredAt, movedAt } = call ?? {};
  const endedAt = movedAt ?? call?.endedAt;
  const announced = row.detail.announced as { started_at: string | null; ended_at: string | null } | undefined;
  const announcedMs =
    announced?.started_at && announced.ended_at ? Date.parse(announced.ended_at) - Date.parse(announced.started_at) : null;
  return {
    source: row.source,
    talkMs: answeredAt && endedAt ? endedAt.getTime() - answeredAt.getTime() : null,
    announcedMs,
    beganMs: answeredAt && row.audioStartedAt ? row.audioStartedAt.getTime() - answeredAt.getTime() : null,
  };
}
