import type { Sql } from "../db/pool.ts";
import type { RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { NothingToDo, RecordingUnknown } from "./failures.ts";
import { fetchQueue, lookQueue, renderQueue, verifyQueue } from "./queues.ts";
import { change, lockRecording, move, type RecordingRow, tell } from "./store.ts";

/** What a person may do with a recording that is not well. Each in the caller's transaction; `wake` the room afterwards. */

export type Again = "fetched" | "made" | "verified";

/**
 * Tries again what failed or was given up: a file that lies in the storage is verified anew, the carrier is asked for its one, our own is made
 * from the journal. @returns what is being done. @throws RecordingUnknown, NothingToDo
 */
export async function tryAgain(sql: Sql, id: RecordingId, { by, at }: { by: string; at: Date }): Promise<Again> {
  const row = await lockRecording(sql, id);
  if (!row) throw new RecordingUnknown(id);
  if (row.because === "RECORDING_WITHHELD")
    throw new NothingToDo(row.status, "a stretch of it is not to be heard, and it cannot be decoded to take that out.");
  const again = await choose(sql, row, at);
  if (!again) throw new NothingToDo(row.status, "there is nothing to try again.");
  await tell(sql, row, { at, kind: "tried_again", actor: "operator", said: `is to be ${again} again, somebody asked.`, detail: { by } });
  return again;
}

async function choose(sql: Sql, row: RecordingRow, at: Date): Promise<Again | null> {
  const { id, status, storageKey, announcedUrl, call, source } = row;
  if (storageKey && (status === "failed" || status === "stored")) {
    if (status === "failed") await move(sql, id, "stored", { because: null });
    await enqueue(sql, verifyQueue, id, { recording: id });
    return "verified";
  }
  if (announcedUrl && ["missing", "failed", "refused", "announced"].includes(status)) {
    const changes = { because: null, attempts: 0, nextAttemptAt: at, announcedAt: at };
    if (status === "announced") await change(sql, id, { attempts: 0, nextAttemptAt: at });
    else if (!(await move(sql, id, "announced", changes))) return null;
    await enqueue(sql, fetchQueue, id, { recording: id });
    return "fetched";
  }
  if (source === "engine" && call && ["missing", "failed", "expected"].includes(status)) {
    await enqueue(sql, lookQueue, call, { call });
    return "fetched";
  }
  if (source === "journal" && call && ["missing", "failed", "expected"].includes(status)) {
    await enqueue(sql, renderQueue, call, { call });
    return "made";
  }
  return null;
}

/** Stops asking for a recording; it is missing from now on, and says who decided. A late file is taken all the same. */
export async function giveUp(sql: Sql, id: RecordingId, { by, at }: { by: string; at: Date }): Promise<void> {
  const row = await lockRecording(sql, id);
  if (!row) throw new RecordingUnknown(id);
  const moved = await move(sql, id, "missing", { because: "RECORDING_GIVEN_UP", nextAttemptAt: null });
  if (!moved) throw new NothingToDo(row.status, "nothing is being tried.");
  await tell(sql, row, {
    at,
    kind: "missing",
    actor: "operator",
    said: "was given up by hand.",
    because: "RECORDING_GIVEN_UP",
    detail: { by },
  });
}
