import { rm } from "node:fs/promises";
import type pg from "pg";
import type { CallId, RecordingId } from "../../ids.ts";
import { type Parts, workPath, workPurposes } from "../parts.ts";
import type { Storage } from "../storage.ts";
import { toDeleteOf, unnameToDelete } from "../store.ts";

/** Deletes the objects that are named to go, and takes their names off; broken off, the next run finds them named still. */
export async function deleteLeftovers(
  { pool, storage }: { readonly pool: pg.Pool; readonly storage: Storage },
  call: CallId,
): Promise<void> {
  for (const { id, keys, kept } of await toDeleteOf(pool, call)) {
    for (const key of keys) if (!kept.includes(key)) await storage.delete(key);
    await unnameToDelete(pool, id, keys);
  }
}

/** Removes half-made copies of a recording's sound from the working folder. */
export async function removeParts(parts: Pick<Parts, "workDir">, id: RecordingId): Promise<void> {
  for (const purpose of workPurposes) await rm(await workPath(parts, purpose, id), { force: true });
}
