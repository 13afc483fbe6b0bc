import { readdir, rm } from "node:fs/promises";
import type pg from "pg";
import type { CallId, RecordingId } from "../../ids.ts";
import { audioFormats } from "../audio/sound.ts";
import { type Parts, workPath, workPurposes } from "../parts.ts";
import { recordingKey, type Storage } from "../storage.ts";
import { recordingById, toDeleteOf, unnameToDelete } from "../store.ts";

interface Places extends Pick<Parts, "workDir"> {
  readonly pool: pg.Pool;
  readonly storage: Storage;
}

/** Deletes the objects that are named to go, and takes their names off; broken off, the next run finds them named still. */
export async function deleteLeftovers(places: Places, call: CallId): Promise<void> {
  for (const { id, deleted, keys, kept } of await toDeleteOf(places.pool, call)) {
    for (const key of keys) if (!kept.includes(key)) await places.storage.delete(key);
    if (deleted) await removeParts(places, id);
    await unnameToDelete(places.pool, id, keys);
  }
}

/** Where a recording's file may lie as it was fetched or made, whether or not its row came to say so. */
export const originalKeys = (id: RecordingId): string[] => audioFormats.map((format) => recordingKey(id, format));

/**
 * What a fetch or a rendering brought although its recording was deleted meanwhile, or before a crash: its file under whichever ending, and what is
 * half-made. @returns false when the recording is not deleted, and nothing was done
 */
export async function discard(places: Places, id: RecordingId): Promise<boolean> {
  const row = await recordingById(places.pool, id);
  if (row?.status !== "deleted") return false;
  for (const key of originalKeys(id)) await places.storage.delete(key);
  await removeParts(places, id);
  return true;
}

const part = /^[a-z]+-([0-9a-f-]{36})\.part$/;

/**
 * At a start: what a fetch or a rendering of a deleted recording left when its process was killed. The half-made file tells of it, and is the last
 * thing they remove.
 */
export async function discardLeftParts(places: Places): Promise<void> {
  const names = await readdir(places.workDir).catch(() => []);
  const ids = new Set(names.flatMap((name) => part.exec(name)?.[1] ?? []));
  for (const id of ids) await discard(places, id as RecordingId);
}

/** Removes half-made copies of a recording's sound from the working folder. */
export async function removeParts(places: Pick<Parts, "workDir">, id: RecordingId): Promise<void> {
  for (const purpose of workPurposes) await rm(await workPath(places, purpose, id), { force: true });
}
