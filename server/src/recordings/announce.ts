import type { RecordingSource } from "@earshot/contract/recording";
import type { Sql } from "../db/pool.ts";
import type { CallId, ConversationId, RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { forgetSound, isSoundDeleted, silence } from "./keeping/forget-sound.ts";
import { originalKeys } from "./keeping/leftovers.ts";
import { carriersCopyGoneBy } from "./keeping/receipt.ts";
import { fetchQueue, redactQueue } from "./queues.ts";
import {
  carrierRecording,
  change,
  dropExpected,
  hasOrphans,
  insertRecording,
  lockRecording,
  move,
  nameToDelete,
  oneAtATime,
  orphansOf,
  type RecordingRow,
  recordingById,
  recordingsOfCall,
  tell,
} from "./store.ts";

/**
 * A call shall have a recording of `source`: from now on it is accounted for, until it is there or says why not.
 * The second time does nothing. Part of the caller's transaction. @returns its id when it is expected from now on
 */
export async function expectRecording(sql: Sql, call: CallId, source: RecordingSource, at: Date): Promise<RecordingId | null> {
  await oneAtATime(sql, call);
  const there = await recordingsOfCall(sql, call);
  if (there.some((recording) => recording.source === source)) return null;
  if (await isSoundDeleted(sql, call)) {
    await insertRecording(sql, { source, status: "deleted", at, call, because: "RECORDING_DELETED" });
    return null;
  }
  const id = await insertRecording(sql, { source, status: "expected", at, call });
  if (id) await tell(sql, { id, call, source }, { at, kind: "expected", said: "is expected.", once: "expected" });
  return id;
}

/** What the carrier's webhook says of a recording. */
export interface Announcement {
  /** Null while the conversation is not known to us: it is kept, fetched, and matched when the call appears. */
  readonly call: CallId | null;
  readonly conversation: ConversationId | null;
  /** The carrier's own id of it: the second announcement of the same one is known by it. */
  readonly recording: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly at: Date;
}

/**
 * `again`: known already, nothing moved. `empty`: the carrier has nothing to give, which is *missing*, not done. `deleted`: the call's sound was
 * deleted before the carrier told of this; it is not fetched.
 */
export type Announced = "announced" | "again" | "empty" | "deleted";

/**
 * Takes the carrier's word that a recording is to be had, in the caller's transaction, and has it fetched. It takes the place of the expected
 * one; also of one given up as missing: a file that comes late is taken all the same. The address is judged when it is fetched.
 */
export async function announceRecording(sql: Sql, said: Announcement): Promise<Announced> {
  if (said.call) await oneAtATime(sql, said.call);
  await oneAtATime(sql, said.recording);
  const empty = said.url.trim() === "" || said.sizeBytes === 0;
  const known = await carrierRecording(sql, said.recording);
  if (!known && said.call && (await isSoundDeleted(sql, said.call))) return tellDeleted(sql, said.call, said);
  const row = known ?? (await placeFor(sql, said));
  if (row.carrierRecording !== null && !(row.announcedUrl === null && !empty)) return "again";
  return empty ? tellEmpty(sql, row, said) : tellAnnounced(sql, row, said);
}

/** The row that shall carry this announcement: the call's expected one, else a new one. */
async function placeFor(sql: Sql, said: Announcement): Promise<RecordingRow> {
  const waiting = said.call ? await recordingsOfCall(sql, said.call) : [];
  const expected = waiting.find(
    ({ source, carrierRecording, status }) =>
      source === "carrier" && carrierRecording === null && (status === "expected" || status === "missing"),
  );
  if (expected) return expected;
  const id = await insertRecording(sql, { source: "carrier", status: "expected", at: said.at, call: said.call, ...names(said) });
  const inserted = id && (await recordingById(sql, id));
  if (!inserted) throw new Error("A row of recordings that was just inserted is not there.");
  return { ...inserted, carrierRecording: null };
}

const names = ({ conversation, recording }: Announcement) => ({ conversation, carrierRecording: recording });

/** The carrier's word for a recording of a call whose sound is deleted: kept as a row that says so, so that the call stays accounted for. */
async function tellDeleted(sql: Sql, call: CallId, said: Announcement): Promise<Announced> {
  const waiting = (await recordingsOfCall(sql, call)).find(
    ({ source, carrierRecording, status }) => source === "carrier" && carrierRecording === null && status === "deleted",
  );
  const told = { ...names(said), announcedAt: said.at, because: "RECORDING_DELETED" } as const;
  if (waiting) await change(sql, waiting.id, told);
  const id = waiting?.id ?? (await insertRecording(sql, { source: "carrier", status: "deleted", at: said.at, call, ...told }));
  if (!id) return "again";
  await tell(
    sql,
    { id, call, source: "carrier" },
    {
      at: said.at,
      kind: "deleted",
      actor: "carrier",
      said: "was announced after the call's sound was deleted; it is not fetched.",
      because: "RECORDING_DELETED",
      detail: { carrier_recording: said.recording, gone_by: carriersCopyGoneBy(said.at).toISOString() },
    },
  );
  return "deleted";
}

async function tellAnnounced(sql: Sql, row: RecordingRow, said: Announcement): Promise<Announced> {
  const late = row.status === "missing";
  const moved = await move(sql, row.id, "announced", {
    ...names(said),
    announcedUrl: said.url,
    announcedBytes: said.sizeBytes,
    announcedAt: said.at,
    audioStartedAt: said.startedAt,
    attempts: 0,
    nextAttemptAt: said.at,
    because: null,
    detail: { announced: { started_at: said.startedAt, ended_at: said.endedAt } },
  });
  if (!moved) return "again";
  await enqueue(sql, fetchQueue, row.id, { recording: row.id });
  await tell(sql, row, {
    at: said.at,
    kind: "announced",
    actor: "carrier",
    said: late ? "was announced after all." : "was announced.",
    detail: { bytes: said.sizeBytes, carrier_recording: said.recording },
  });
  return "announced";
}

async function tellEmpty(sql: Sql, row: RecordingRow, said: Announcement): Promise<Announced> {
  if (row.status === "missing") {
    await change(sql, row.id, { ...names(said), because: "RECORDING_EMPTY", announcedAt: said.at });
  } else if (
    !(await move(sql, row.id, "missing", { ...names(said), because: "RECORDING_EMPTY", announcedAt: said.at, nextAttemptAt: null }))
  ) {
    return "again";
  }
  await tell(sql, row, {
    at: said.at,
    kind: "missing",
    actor: "carrier",
    said: "was announced as empty.",
    because: "RECORDING_EMPTY",
    detail: { carrier_recording: said.recording },
  });
  return "empty";
}

/**
 * Gives the recordings that were announced before their call was known to that call; the expected one they take the place of goes.
 * The second time does nothing. @returns how many
 */
export async function matchOrphans(sql: Sql, call: CallId, conversation: ConversationId, at: Date): Promise<number> {
  if (!(await hasOrphans(sql, conversation))) return 0;
  await oneAtATime(sql, call);
  const orphans = await orphansOf(sql, conversation);
  const gone = await isSoundDeleted(sql, call);
  await dropExpected(sql, call);
  for (const id of orphans) {
    await change(sql, id, { call });
    if (gone) await letGo(sql, call, id);
    const said = "had been announced before the call was known; now it belongs to it.";
    await tell(sql, { id, call, source: "carrier" }, { at, kind: "matched", said, once: "matched" });
  }
  return orphans.length;
}

/** It came while nobody knew whose it was, and that call's sound is deleted: so is this. */
async function letGo(sql: Sql, call: CallId, id: RecordingId): Promise<void> {
  const row = await lockRecording(sql, id);
  if (!row || !(await silence(sql, row))) return;
  const named = [row.storageKey, row.sealedKey].filter((key) => key !== null);
  await nameToDelete(sql, id, [...new Set([...named, ...originalKeys(id)])]);
  await forgetSound(sql, row);
  await enqueue(sql, redactQueue, call, { call });
}
