import type pg from "pg";
import { inTransaction } from "../db/pool.ts";
import type { RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import type { AuditParts, AuditWish, Unexplained } from "./audit.ts";
import { countKeptFiles, hasFilesSql, type Kept, type KeptFile, keptFiles } from "./kept-files.ts";
import { verifyQueue } from "./queues.ts";
import { sha256Of } from "./read-back.ts";
import { isSpoiled, type Spoiled, spoil, spoiledBy } from "./spoiled.ts";
import type { Storage } from "./storage.ts";
import { change, lockRecording, move, type RecordingRow, tell } from "./store.ts";

export interface FilesFound {
  readonly files: number;
  readonly hashed: number;
  readonly lost: number;
  readonly rotten: number;
  /** The storage or its disk gave an error instead of the file: nothing is known of it, and nothing is written on its recording. */
  readonly unreadable: number;
}

/** Null: it is there and whole. */
type Looked = Spoiled | null | { readonly unreadable: string };

/** So many files in a row that cannot be read at all: it is the storage, and the others are not tried. */
const MOST_UNREADABLE = 20;

/**
 * Looks up every kept file, sealed originals included, and hashes a sample: those not read for longest, and always those known as spoiled, so that
 * one that is back is noticed and one that is not is counted every time.
 */
export async function lookUpFiles(parts: AuditParts, { hash, onProgress }: AuditWish, unexplained: Unexplained[]): Promise<FilesFound> {
  const all = await countKeptFiles(parts.pool);
  const toHash = new Set(await leastRecentlyRead(parts.pool, hash));
  const found = { files: 0, hashed: 0, lost: 0, rotten: 0, unreadable: 0 };
  let inARow = 0;
  for await (const kept of keptFiles(parts.pool)) {
    const read = toHash.has(kept.id) || isSpoiled(kept.because) || isSpoiled(kept.sealedBecause);
    for (const file of kept.files) {
      found.files++;
      if (read) found.hashed++;
      const looked = await look(parts.storage, file, read);
      if (looked === "STORED_FILE_LOST") found.lost++;
      if (looked === "STORED_FILE_ROTTEN") found.rotten++;
      const why = whyOf(file, looked);
      if (why !== null) unexplained.push({ call: kept.call, recording: kept.id, why });
      if (looked === null || typeof looked === "string") {
        inARow = 0;
        await (file.which === "played" ? note : noteSealed)(parts, kept, file, looked, read);
      } else {
        found.unreadable++;
        inARow++;
      }
      if (found.files % 100 === 0) onProgress?.(found.files, all);
    }
    if (inARow >= MOST_UNREADABLE) {
      const why = `The storage cannot be read: of ${all} files ${all - found.files} were not looked at.`;
      unexplained.push({ call: null, recording: null, why });
      break;
    }
  }
  onProgress?.(found.files, all);
  return found;
}

async function leastRecentlyRead(pool: pg.Pool, most: number): Promise<RecordingId[]> {
  const { rows } = await pool.query<{ id: RecordingId }>(
    `select id from recordings where ${hasFilesSql} order by audited_at nulls first, stored_at limit $1`,
    [most],
  );
  return rows.map(({ id }) => id);
}

/** What goes wrong while a file is looked at is data: one bad file or disk ends no audit. */
async function look(storage: Storage, file: KeptFile, read: boolean): Promise<Looked> {
  try {
    if (read) return (await sha256Of(await storage.read(file.key))) === file.sha256 ? null : "STORED_FILE_ROTTEN";
    const head = await storage.head(file.key);
    if (!head) return "STORED_FILE_LOST";
    return file.sizeBytes === null || head.sizeBytes === file.sizeBytes ? null : "STORED_FILE_ROTTEN";
  } catch (error) {
    return spoiledBy(error) ?? { unreadable: error instanceof Error ? error.message : String(error) };
  }
}

function whyOf({ which }: KeptFile, looked: Looked): string | null {
  if (looked === null) return null;
  const file = which === "played" ? "Its file" : "Its sealed original";
  if (looked === "STORED_FILE_LOST") return `${file} is not in the storage.`;
  if (looked === "STORED_FILE_ROTTEN") return `${file} is not the one that was stored.`;
  return `${file} could not be read: ${looked.unreadable}`;
}

/** Writes what was found on the row: spoiled from now on, or whole again (and to be verified anew). */
async function note(parts: AuditParts, kept: Kept, file: KeptFile, because: Spoiled | null, read: boolean): Promise<void> {
  if (!because && !read) return;
  await withRow(parts, kept, async (sql, row, now) => {
    if (row.storageKey !== file.key) return;
    if (read) await change(sql, kept.id, { auditedAt: now });
    if (because) await spoil(sql, row, because, now);
    if (!because && isSpoiled(row.because) && (await move(sql, kept.id, "stored", { because: null }))) {
      await enqueue(sql, verifyQueue, kept.id, { recording: kept.id });
      await tell(sql, row, { at: now, kind: "restored", said: "is back in the storage." });
    }
  });
}

/** The recording itself stands whatever becomes of its sealed original. */
async function noteSealed(parts: AuditParts, kept: Kept, file: KeptFile, because: Spoiled | null, read: boolean): Promise<void> {
  const was = kept.sealedBecause;
  if (because === was && !read) return;
  await withRow(parts, kept, async (sql, row, now) => {
    if (row.sealedKey !== file.key) return;
    if (read) await change(sql, kept.id, { auditedAt: now });
    if (because === was || (because === null && !read)) return;
    await change(sql, kept.id, { detail: { sealed: { because } } });
    if (because) await tell(sql, row, { at: now, kind: "spoiled", said: "has no sound sealed original any more.", because });
    else await tell(sql, row, { at: now, kind: "restored", said: "has its sealed original back." });
  });
}

async function withRow(
  { pool, clock }: AuditParts,
  { id }: Kept,
  work: (sql: Parameters<typeof lockRecording>[0], row: RecordingRow, now: Date) => Promise<void>,
): Promise<void> {
  await inTransaction(pool, async (sql) => {
    const row = await lockRecording(sql, id);
    if (row) await work(sql, row, clock.now());
  });
}

/** Objects in the storage that no recording names, as what is played, as a sealed original, or as what is about to go. */
export async function countStrays({ pool, storage }: AuditParts, unexplained: Unexplained[]): Promise<number> {
  let strays = 0;
  let page: string[] = [];
  const look = async () => {
    const { rows } = await pool.query<{ n: number }>(
      `select count(*)::int as n from (select storage_key from recordings where storage_key = any($1)
         union select sealed_key from recordings where sealed_key = any($1)
         union select key from recordings, unnest(to_delete) key where to_delete <> '{}' and key = any($1)) named`,
      [page],
    );
    strays += page.length - (rows[0]?.n ?? 0);
    page = [];
  };
  for await (const key of listed(storage, unexplained)) {
    page.push(key);
    if (page.length >= STRAYS_PAGE) await look();
  }
  if (page.length > 0) await look();
  return strays;
}
const STRAYS_PAGE = 500;

async function* listed(storage: Storage, unexplained: Unexplained[]): AsyncGenerator<string> {
  const list = storage.list("recordings/")[Symbol.asyncIterator]();
  for (;;) {
    const next = await list.next().catch((error: unknown) => {
      const why = `The storage could not be listed: ${error instanceof Error ? error.message : String(error)}`;
      unexplained.push({ call: null, recording: null, why });
      return { done: true as const, value: undefined };
    });
    if (next.done) return;
    yield next.value.key;
  }
}
