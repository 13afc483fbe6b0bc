import { opendir, rm, stat } from "node:fs/promises";
import { recordEvent } from "../../calls/events.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { type CallId, isUuid } from "../../ids.ts";
import { journalPath } from "../../journal/file.ts";
import type { Parts } from "../parts.ts";
import { wantsSql } from "../policy.ts";
import { CallHeld, CallStillRuns } from "./failures.ts";
import { mustBeFree } from "./holds.ts";

/**
 * How long a journal is kept where no rule says otherwise, in days from the end of its call. Long enough to look at a bad call of the day before
 * over a weekend; a journal is about 150 MB an hour (journal/FORMAT.md), so what lies on the disk is bounded by three days of calls.
 */
export const JOURNAL_DAYS = 3;

const DAY_MS = 24 * 3600 * 1000;
/** Ids asked of the database at once. */
const PAGE = 500;
/** Journals deleted by one look, so that whatever else is swept does not wait long: a folder of years is emptied over many. */
export const MOST_AT_ONCE = 300;

/**
 * Calls of which nothing needs the journal any more: the call has ended and no process is at it, our own recording of it is verified (or there is
 * none to be made: not wanted, no sound in it, deleted), the carrier's is settled and, where both can be decoded, compared, what the engine
 * remembers was asked for, nothing of the call waits to be deleted or redacted, no hold is on it, and its days have passed.
 */
const doneSql = `
  select c.id as call from calls c
    left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
    left join recordings j on j.call_id = c.id and j.source = 'journal'
   where c.id = any($1) and c.status = 'ended'
     and c.ended_at < $2::timestamptz - interval '1 day' * coalesce(
           (select days from keep_rules where what = 'journal' and agent_id = c.agent_id),
           (select days from keep_rules where what = 'journal' and agent_id is null), ${JOURNAL_DAYS})
     and case when j.id is null then not (c.answered_at is not null and ${wantsSql("journal")})
              else j.status in ('verified', 'deleted') or (j.status = 'missing' and j.because = 'JOURNAL_EMPTY') end
     and not exists (select from recordings r where r.call_id = c.id and r.source = 'carrier'
           and (r.status not in ('verified', 'missing', 'failed', 'refused', 'deleted')
             or (j.status = 'verified' and r.status in ('verified', 'failed') and r.storage_key is not null and r.duration_ms > 0
               and coalesce(r.because, '') not in ('STORED_FILE_LOST', 'STORED_FILE_ROTTEN') and not r.detail ? 'comparison')))
     and not exists (select from leases l where l.call_id = c.id and l.until is null)
     and not exists (select from reconciliations h where h.call_id = c.id and h.status = 'waiting')
     and not exists (select from holds h where h.call_id = c.id and h.lifted_at is null)
     and not exists (select from deletions d where d.call_id = c.id and d.done_at is null)
     and not exists (select from redactions d where d.call_id = c.id and d.done_at is null)`;

/**
 * Deletes the journals in our folder that nothing needs any more. Each is looked at once more under the lock of its call, so that a hold placed
 * meanwhile holds; what is deleted is on the call's timeline. @returns how many, at most {@link MOST_AT_ONCE}, and their bytes
 */
export async function deleteOldJournals(parts: Pick<Parts, "pool" | "clock" | "journalDir">): Promise<{ journals: number; bytes: number }> {
  const now = parts.clock.now();
  const { rows } = await parts.pool.query<{ days: number }>(
    "select least(min(days), case when bool_or(agent_id is null) then null else $1::int end)::int as days from keep_rules where what = 'journal'",
    [JOURNAL_DAYS],
  );
  const bornBefore = now.getTime() - (rows[0]?.days ?? JOURNAL_DAYS) * DAY_MS;
  const gone = { journals: 0, bytes: 0 };
  const look = async (page: readonly CallId[]) => {
    if (page.length === 0) return;
    const { rows: done } = await parts.pool.query<{ call: CallId }>(doneSql, [page, now]);
    for (const { call } of done) {
      if (gone.journals >= MOST_AT_ONCE) return;
      const bytes = await deleteOne(parts, call, now);
      if (bytes === null) continue;
      gone.journals++;
      gone.bytes += bytes;
    }
  };
  let page: CallId[] = [];
  for await (const call of journalsIn(parts.journalDir)) {
    if (bornAt(call) >= bornBefore) continue;
    page.push(call);
    if (page.length < PAGE) continue;
    await look(page);
    page = [];
    if (gone.journals >= MOST_AT_ONCE) return gone;
  }
  await look(page);
  return gone;
}

/** Longer than any journal is kept after its call without a reason; what is older was looked at by the process of its folder. */
const LEFT_DAYS = 40;

/**
 * Deletes journals of calls whose sound or words were deleted meanwhile, or of which a stretch was to be destroyed: whoever did that saw its own folder
 * only. The call's timeline tells it. @returns how many
 */
export async function deleteLeftJournals(parts: Pick<Parts, "pool" | "clock" | "journalDir" | "process">): Promise<number> {
  const { rows } = await parts.pool.query<{ call: CallId }>(
    `select call_id as call from (
         select call_id from deletions where done_at > $1 and what && array['audio', 'transcript']
         union select call_id from redactions where done_at > $1 and original = 'destroyed') gone
      where not exists (select from holds h where h.call_id = gone.call_id and h.lifted_at is null)`,
    [new Date(parts.clock.now().getTime() - LEFT_DAYS * DAY_MS)],
  );
  let left = 0;
  for (const { call } of rows) if (await deleteLeft(parts, call)) left++;
  return left;
}

async function deleteLeft({ pool, clock, journalDir, process }: Parameters<typeof deleteLeftJournals>[0], call: CallId): Promise<boolean> {
  const path = journalPath(journalDir, call);
  const there = await stat(path).catch(() => null);
  if (there === null) return false;
  await inTransaction(pool, async (sql) => {
    await recordEvent(sql, {
      call,
      at: clock.now(),
      kind: "journal.deleted",
      actor: "us",
      said: "The journal was deleted on the machine on which it lay: what it held had been deleted elsewhere.",
      detail: { bytes: there.size, process },
      once: `journal.deleted:${process}`,
    });
    await rm(path, { force: true });
  });
  return true;
}

async function* journalsIn(dir: string): AsyncGenerator<CallId> {
  const entries = await opendir(dir, { bufferSize: 256 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (entries === null) return;
  for await (const { name } of entries) {
    const id = name.endsWith(".journal") ? name.slice(0, -".journal".length) : "";
    if (isUuid(id)) yield id as CallId;
  }
}

/** A UUIDv7 begins with its time in milliseconds: a call that is younger than the shortest rule needs no look. */
const bornAt = (id: CallId): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

async function deleteOne({ pool, journalDir }: Pick<Parts, "pool" | "journalDir">, call: CallId, at: Date): Promise<number | null> {
  const path = journalPath(journalDir, call);
  const deleted = async (sql: Sql): Promise<number | null> => {
    await mustBeFree(sql, call);
    const { rowCount } = await sql.query(doneSql, [[call], at]);
    const there = rowCount === 1 ? await stat(path).catch(() => null) : null;
    if (there === null) return null;
    await recordEvent(sql, {
      call,
      at,
      kind: "journal.deleted",
      actor: "us",
      said: "The journal was deleted by rule: the recordings are settled and nothing needs it any more.",
      detail: { bytes: there.size },
      once: "journal.deleted",
    });
    // Last, and still under the call's lock: whoever places a hold from now on finds that it is gone.
    await rm(path, { force: true });
    return there.size;
  };
  return inTransaction(pool, deleted).catch((error: unknown) => {
    if (error instanceof CallHeld || error instanceof CallStillRuns) return null;
    throw error;
  });
}
