import type pg from "pg";
import { inTransaction } from "../db/pool.ts";
import type { RecordingId } from "../ids.ts";
import type { Parts } from "./parts.ts";
import { lockRecording, move, type StoredStatus } from "./store.ts";

/** A recording the carrier announced of a conversation that no call of ours has: somebody's voice that no page shows. */
export interface Unclaimed {
  readonly id: RecordingId;
  readonly status: StoredStatus;
  readonly because: string | null;
  readonly conversation: string | null;
  readonly carrierRecording: string | null;
  readonly announcedAt: Date;
  readonly sizeBytes: number | null;
}

/** A call that is not known after so long never will be: the carrier's own copy is gone by then, too (Vonage keeps them for 30 days). */
export const UNCLAIMED_DAYS = 30;
/** Within this a webhook of the call itself may still be on its way. */
const SOON = "interval '1 hour'";

const unclaimedSql = "call_id is null and status <> 'deleted'";

export async function listUnclaimed(pool: pg.Pool, limit = 1000): Promise<Unclaimed[]> {
  const { rows } = await pool.query<Unclaimed>(
    `select id, status, because, conversation, carrier_recording as "carrierRecording", coalesce(announced_at, created_at) as "announcedAt",
            coalesce(size_bytes, announced_bytes) as "sizeBytes"
       from recordings where ${unclaimedSql} order by created_at, id limit $1`,
    [limit],
  );
  return rows;
}

export async function countUnclaimed(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from recordings where ${unclaimedSql} and created_at < now() - ${SOON}`,
  );
  return rows[0]?.n ?? 0;
}

/** Deletes those nobody claimed in {@link UNCLAIMED_DAYS}; what is under way is left alone. @returns how many */
export async function expireUnclaimed({ pool, storage, clock, log }: Pick<Parts, "pool" | "storage" | "clock" | "log">): Promise<number> {
  const before = new Date(clock.now().getTime() - UNCLAIMED_DAYS * 24 * 3600 * 1000);
  const { rows } = await pool.query<{ id: RecordingId }>(
    `select id from recordings where ${unclaimedSql} and created_at < $1 and status in ('announced', 'verified', 'missing', 'failed', 'refused') limit 1000`,
    [before],
  );
  let expired = 0;
  for (const { id } of rows) {
    await inTransaction(pool, async (sql) => {
      const row = await lockRecording(sql, id);
      if (row === null || row.call !== null) return; // its call appeared just now
      // The file first, under the row's lock: broken off here, the row still names it and the next round begins again.
      for (const key of [row.storageKey, row.sealedKey]) if (key !== null) await storage.delete(key);
      const gone = {
        because: "RECORDING_DELETED",
        nextAttemptAt: null,
        storageKey: null,
        sealedKey: null,
        announcedUrl: null,
        peaks: null,
      } as const;
      if (await move(sql, id, "deleted", gone)) expired++;
    });
  }
  if (expired > 0) log.warn({ recordings: expired, code: "RECORDING_DELETED" }, "Recordings whose call never appeared were deleted.");
  return expired;
}
