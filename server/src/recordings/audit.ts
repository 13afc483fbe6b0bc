import type pg from "pg";
import type { Clock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { type Reason, StoredFileLost } from "./failures.ts";
import { wantsSql } from "./policy.ts";
import { verifyQueue } from "./queues.ts";
import { sha256Of } from "./read-back.ts";
import type { Storage } from "./storage.ts";
import { change, lockRecording, move, type StoredStatus, tell } from "./store.ts";

export interface AuditParts {
  readonly pool: pg.Pool;
  readonly storage: Storage;
  readonly clock: Clock;
}

export interface AuditWish {
  /** How many files are read back whole and hashed, those not read for longest first; the others are only looked up with their size. */
  readonly hash: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** A call or a recording nobody can account for. */
export interface Unexplained {
  readonly call: CallId | null;
  readonly recording: RecordingId | null;
  readonly why: string;
}

export interface AuditReport {
  /** Calls that have ended, and how many of them are accounted for: each recording is there, on its way, or says why not. */
  readonly calls: number;
  readonly accounted: number;
  /** Recordings by status, and the reasons of those that are not there. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly files: number;
  readonly hashed: number;
  readonly lost: number;
  readonly rotten: number;
  /** Objects in the storage that no recording names. */
  readonly strays: number;
  readonly unexplained: readonly Unexplained[];
}

/** So long after its end a call may have recordings on their way without a word. */
const UNDERWAY_MS = 30 * 60_000;
const PAGE = 500;

/**
 * Accounts for every call that has ended and every file that is kept. A file that is lost or no longer the one that was stored is written on its
 * recording, which then says so; one that is back is whole again. Safe beside a running server; constant memory.
 */
export async function auditRecordings(parts: AuditParts, wish: AuditWish): Promise<AuditReport> {
  const unexplained: Unexplained[] = [];
  const calls = await accountForCalls(parts, unexplained);
  const files = await lookUpFiles(parts, wish, unexplained);
  const { statuses, reasons } = await counts(parts.pool);
  const spoiled = new Set(unexplained.map(({ call }) => call).filter((call) => call !== null));
  return {
    calls,
    accounted: calls - spoiled.size,
    statuses,
    reasons,
    ...files,
    strays: await countStrays(parts),
    unexplained,
  };
}

/** An answered call whose agent records has a row for our own recording, and every row that is not there has a reason or is on its way. */
async function accountForCalls({ pool, clock }: AuditParts, unexplained: Unexplained[]): Promise<number> {
  const since = new Date(clock.now().getTime() - UNDERWAY_MS);
  const { rows: ended } = await pool.query<{ n: number }>("select count(*)::int as n from calls where status = 'ended'");
  const { rows: without } = await pool.query<{ call: CallId }>(
    `select c.id as call from calls c join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
      where c.status = 'ended' and c.answered_at is not null and (${wantsSql("carrier")} or ${wantsSql("journal")}) and c.ended_at < $1
        and not exists (select from recordings r where r.call_id = c.id)`,
    [since],
  );
  for (const { call } of without)
    unexplained.push({ call, recording: null, why: "It was to be recorded and has no recording, not even a missing one." });
  const { rows: stuck } = await pool.query<{ call: CallId | null; recording: RecordingId; status: StoredStatus; because: string | null }>(
    `select r.call_id as call, r.id as recording, r.status, r.because from recordings r left join calls c on c.id = r.call_id
      where (r.status in ('missing', 'failed', 'refused') and r.because is null)
         or (r.status in ('expected', 'announced', 'fetching') and (c.id is null or c.status = 'ended') and greatest(c.ended_at, r.created_at) < $1
             and (r.next_attempt_at is null or r.next_attempt_at < $1))
         or (r.status in ('stored', 'verified') and (r.storage_key is null or r.sha256 is null))
         or (r.status = 'stored' and r.stored_at < $1)`,
    [since],
  );
  for (const { call, recording, status, because } of stuck) {
    unexplained.push({
      call,
      recording,
      why: because
        ? `It is ${status} (${because}) and nothing is about to happen.`
        : `It is ${status}, and nothing says why or is about to happen.`,
    });
  }
  return ended[0]?.n ?? 0;
}

interface Kept {
  readonly id: RecordingId;
  readonly call: CallId | null;
  readonly status: StoredStatus;
  readonly because: string | null;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

async function lookUpFiles(parts: AuditParts, { hash, onProgress }: AuditWish, unexplained: Unexplained[]) {
  const { pool, storage } = parts;
  const { rows: all } = await pool.query<{ n: number }>(
    "select count(*)::int as n from recordings where storage_key is not null and status <> 'deleted'",
  );
  const toHash = new Set(await leastRecentlyRead(pool, hash));
  const found = { files: 0, hashed: 0, lost: 0, rotten: 0 };
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await pool.query<Kept>(
      `select id, call_id as call, status, because, storage_key as key, size_bytes as "sizeBytes", sha256 from recordings
        where storage_key is not null and status <> 'deleted' and id > $1 order by id limit ${PAGE}`,
      [after],
    );
    for (const kept of rows) {
      found.files++;
      const read = toHash.has(kept.id);
      if (read) found.hashed++;
      const because = read ? await readWhole(storage, kept) : await lookUp(storage, kept);
      if (because === "STORED_FILE_LOST") found.lost++;
      if (because === "STORED_FILE_ROTTEN") found.rotten++;
      await note(parts, kept, because, read);
      if (because)
        unexplained.push({
          call: kept.call,
          recording: kept.id,
          why: because === "STORED_FILE_LOST" ? "Its file is not in the storage." : "Its file is not the one that was stored.",
        });
      if (found.files % 100 === 0) onProgress?.(found.files, all[0]?.n ?? 0);
    }
    const last = rows.at(-1);
    if (!last) break;
    after = last.id;
  }
  onProgress?.(found.files, all[0]?.n ?? 0);
  return found;
}

async function leastRecentlyRead(pool: pg.Pool, most: number): Promise<RecordingId[]> {
  const { rows } = await pool.query<{ id: RecordingId }>(
    "select id from recordings where storage_key is not null and status <> 'deleted' order by audited_at nulls first, stored_at limit $1",
    [most],
  );
  return rows.map(({ id }) => id);
}

type Spoiled = Extract<Reason, "STORED_FILE_LOST" | "STORED_FILE_ROTTEN"> | null;

async function lookUp(storage: Storage, { key, sizeBytes }: Kept): Promise<Spoiled> {
  const head = await storage.head(key);
  if (!head) return "STORED_FILE_LOST";
  return head.sizeBytes === sizeBytes ? null : "STORED_FILE_ROTTEN";
}

async function readWhole(storage: Storage, { key, sha256 }: Kept): Promise<Spoiled> {
  try {
    return (await sha256Of(await storage.read(key))) === sha256 ? null : "STORED_FILE_ROTTEN";
  } catch (error) {
    if (error instanceof StoredFileLost) return "STORED_FILE_LOST";
    throw error;
  }
}

/** Writes what was found on the row: spoiled from now on, or whole again (and to be verified anew). */
async function note({ pool, clock }: AuditParts, kept: Kept, because: Spoiled, read: boolean): Promise<void> {
  const was = kept.because === "STORED_FILE_LOST" || kept.because === "STORED_FILE_ROTTEN";
  if (!because && !was && !read) return;
  const now = clock.now();
  await inTransaction(pool, async (sql) => {
    const row = await lockRecording(sql, kept.id);
    if (!row || row.storageKey !== kept.key) return;
    if (read) await change(sql, kept.id, { auditedAt: now });
    if (because && row.because !== because && (await move(sql, kept.id, "failed", { because }))) {
      const said = because === "STORED_FILE_LOST" ? "is no longer in the storage." : "is no longer the file that was stored.";
      await tell(sql, row, { at: now, kind: "spoiled", said, because });
    }
    if (!because && was && read && (await move(sql, kept.id, "stored", { because: null }))) {
      await enqueue(sql, verifyQueue, kept.id, { recording: kept.id });
      await tell(sql, row, { at: now, kind: "restored", said: "is back in the storage." });
    }
  });
}

async function counts(pool: pg.Pool) {
  const { rows } = await pool.query<{ status: string; because: string | null; n: number }>(
    "select status, because, count(*)::int as n from recordings group by status, because order by status, because",
  );
  const statuses: Record<string, number> = {};
  const reasons: Record<string, number> = {};
  for (const { status, because, n } of rows) {
    statuses[status] = (statuses[status] ?? 0) + n;
    if (because && status !== "announced") reasons[because] = (reasons[because] ?? 0) + n;
  }
  return { statuses, reasons };
}

async function countStrays({ pool, storage }: AuditParts): Promise<number> {
  let strays = 0;
  let page: string[] = [];
  const look = async () => {
    const { rows } = await pool.query<{ n: number }>(
      "select count(distinct storage_key)::int as n from recordings where storage_key = any($1)",
      [page],
    );
    strays += page.length - (rows[0]?.n ?? 0);
    page = [];
  };
  for await (const { key } of storage.list("recordings/")) {
    page.push(key);
    if (page.length >= PAGE) await look();
  }
  if (page.length > 0) await look();
  return strays;
}
