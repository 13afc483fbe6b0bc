import { rm, stat } from "node:fs/promises";
import type pg from "pg";
import { sessionsOf } from "../../calls/engine-sessions.ts";
import { recordEvent } from "../../calls/events.ts";
import type { Clock } from "../../clock.ts";
import { notify } from "../../db/notify.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { enqueue } from "../../jobs/queue.ts";
import { journalPath } from "../../journal/file.ts";
import { evidenceKey } from "../evidence/key.ts";
import { wantsSql } from "../policy.ts";
import { deleteQueue, redactQueue } from "../queues.ts";
import { filesOf, type Storage } from "../storage.ts";
import { oneAtATime, type RecordingRow, recordingsOfCall } from "../store.ts";
import { CallHeld } from "./failures.ts";
import { forgetSound, silence } from "./forget-sound.ts";
import { mustBeFree } from "./holds.ts";
import { originalKeys, removeParts } from "./leftovers.ts";
import { canonical, carriersCopyGoneBy, type Deletable, type JournalElsewhere, type Receipt } from "./receipt.ts";
import { scrubCustomer, scrubTranscript } from "./scrub.ts";

export interface KeepingParts {
  readonly pool: pg.Pool;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly journalDir: string;
  /** This process, as it is named in leases. */
  readonly process: string;
  /** Half-fetched and half-made files. */
  readonly workDir: string;
}

/** Writes down that it was asked, in the caller's transaction, and has it done. @throws CallUnknown, CallStillRuns, CallHeld */
export async function askDeletion(
  sql: Sql,
  call: CallId,
  asked: { readonly what: readonly Deletable[]; readonly because: string; readonly by: string; readonly at: Date },
): Promise<string> {
  await mustBeFree(sql, call);
  const { rows } = await sql.query<{ id: string }>("select id from deletions where call_id = $1 and done_at is null and what @> $2", [
    call,
    asked.what,
  ]);
  const id = rows[0]?.id ?? newId();
  if (!rows[0]) {
    await sql.query("insert into deletions (id, call_id, asked_at, asked_by, because, what) values ($1, $2, $3, $4, $5, $6)", [
      id,
      call,
      asked.at,
      asked.by,
      asked.because,
      asked.what,
    ]);
  }
  await enqueue(sql, deleteQueue, id, { deletion: id });
  return id;
}

interface Asked {
  readonly id: string;
  readonly call: CallId;
  readonly what: Deletable[];
  readonly askedAt: Date;
  readonly askedBy: string;
  readonly because: string;
}

/** What is already known for the receipt, kept with the deletion until it is done: a crash in between does not make it say less. */
interface SoFar {
  readonly recordings?: number;
  readonly journal?: "deleted";
}

/**
 * Does a deletion that was asked for. First every recording is silenced: from then on nothing is played, and a fetch or a rendering that is under
 * way comes too late and discards what it brings. Then files go, each looked for again; then rows and receipt in one transaction. Broken off, it
 * begins again and what is gone stays gone. A hold placed before it began stops it. Words alone wait until our own recording is made of the journal they
 * lie in.
 */
export async function runDeletion(parts: KeepingParts, id: string): Promise<void> {
  const { rows } = await parts.pool.query<Asked>(
    `select id, call_id as call, what, asked_at as "askedAt", asked_by as "askedBy", because from deletions where id = $1 and done_at is null`,
    [id],
  );
  const asked = rows[0];
  if (!asked) return;
  if (await recordingFirst(parts.pool, asked)) return enqueue(parts.pool, deleteQueue, id, { deletion: id }, WAIT_MS);
  // What is announced between the look and the end is seen at the end, and makes it begin again.
  for (;;) {
    const known = await begin(parts, asked);
    if (known === null) return;
    const files = await deleteFiles(parts, known);
    // The journal holds sound and words alike: either is reason enough.
    if (asked.what.some((what) => what !== "customer")) await deleteJournal(parts, asked);
    if (await finish(parts, asked, files)) return;
  }
}

const WAIT_MS = 5000;

/**
 * The words of a call are to go, its sound is to stay, and our own recording is not made yet: the journal, which holds both, is all there is of it.
 * On `deletions d`. The row of a recording comes within moments of the call's end; an old call without one (brought from another system) has none to come.
 */
export const recordingFirstSql = `('transcript' = any(d.what) and not 'audio' = any(d.what) and exists (
  select from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
    left join recordings j on j.call_id = c.id and j.source = 'journal'
   where c.id = d.call_id and (j.status = 'expected' or (j.id is null and c.ended_at > now() - interval '1 hour' and c.answered_at is not null and ${wantsSql("journal")}))))`;

async function recordingFirst(sql: Sql, { id }: Asked): Promise<boolean> {
  return (await sql.query(`select from deletions d where d.id = $1 and ${recordingFirstSql}`, [id])).rowCount === 1;
}

/** The recordings to be deleted, silenced; null when the call is on hold: it waits until that is lifted. */
async function begin({ pool }: KeepingParts, { id, call, what }: Asked): Promise<RecordingRow[] | null> {
  return inTransaction(pool, async (sql) => {
    await mustBeFree(sql, call);
    if (!what.includes("audio")) return [];
    await oneAtATime(sql, call);
    const rows = await recordingsOfCall(sql, call);
    let silenced = 0;
    for (const row of rows) if (await silence(sql, row)) silenced++;
    await sql.query(
      "update deletions set receipt = jsonb_set(receipt, '{recordings}', to_jsonb(coalesce((receipt->>'recordings')::int, 0) + $2::int)) where id = $1",
      [id, silenced],
    );
    return rows;
  }).catch((error: unknown) => {
    if (error instanceof CallHeld) return null;
    throw error;
  });
}

async function deleteFiles(parts: KeepingParts, rows: readonly RecordingRow[]): Promise<Receipt["files"]> {
  const { storage } = parts;
  const files: Receipt["files"][number][] = [];
  for (const row of rows) {
    const { id, source, storageKey, sealedKey } = row;
    const remove = async (key: string, sha256: string | null, bytes: number | null) => {
      await storage.delete(key);
      files.push({ source, sha256, bytes, gone: (await storage.head(key)) === null });
    };
    if (storageKey) await remove(storageKey, row.sha256, row.sizeBytes);
    if (sealedKey) await remove(sealedKey, row.sealedSha256, null);
    // What a crash left, or lies where a fetch was about to say so.
    for (const key of new Set([...row.toDelete, ...originalKeys(id)])) {
      const there = key === storageKey || key === sealedKey ? null : await storage.head(key);
      if (there) await remove(key, null, there.sizeBytes);
    }
    await storage.abortUploads?.({ prefix: filesOf(id) });
    await removeParts(parts, id);
  }
  return files;
}

async function deleteJournal({ pool, journalDir }: KeepingParts, { id, call }: Asked): Promise<void> {
  const path = journalPath(journalDir, call);
  if (!(await stat(path).catch(() => null))) return;
  await pool.query(`update deletions set receipt = receipt || '{"journal": "deleted"}' where id = $1`, [id]);
  await rm(path, { force: true });
}

/**
 * Whether another machine may have the journal that is not here: somebody else carried the call, and nobody wrote down that it was deleted. Null: there
 * is none. A restart gives a process another name; then it is said of our own folder too, and is true.
 */
async function elsewhere(sql: Sql, call: CallId, process: string): Promise<JournalElsewhere | null> {
  const { rows } = await sql.query<{ by: string }>(
    `select distinct by from leases l, unnest(array[l.process, l.finished_by]) by
      where l.call_id = $1 and by <> $2 and not exists (select from events e where e.call_id = $1 and e.kind = 'journal.deleted')
        and not exists (select from deletions d where d.call_id = $1 and d.receipt->>'journal' = 'deleted') order by by`,
    [call, process],
  );
  if (rows.length === 0) return null;
  return {
    carried_by: rows.map(({ by }) => by),
    removed:
      "If it lies on another machine, that machine's server removes it within ten minutes, or at its next start; the call's timeline says so then.",
  };
}

/** Rows and receipt. False when a recording came meanwhile that was not silenced: then nothing is done. */
async function finish(parts: KeepingParts, asked: Asked, files: Receipt["files"]): Promise<boolean> {
  const { id, call, what } = asked;
  const audio = what.includes("audio");
  const words = what.includes("transcript");
  return inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    // As whoever applies a webhook does it: the call, then its recordings.
    await sql.query("select from calls where id = $1 for update", [call]);
    await oneAtATime(sql, call);
    const { rows: notes } = await sql.query<{ soFar: SoFar }>(`select receipt as "soFar" from deletions where id = $1 for update`, [id]);
    const soFar = notes[0]?.soFar ?? {};
    const touched: Record<string, number> = {};
    const add = (more: Record<string, number>) => {
      for (const [table, n] of Object.entries(more)) touched[table] = (touched[table] ?? 0) + n;
    };
    const recordings = audio ? await recordingsOfCall(sql, call) : [];
    if (recordings.some(({ status }) => status !== "deleted")) return false;
    for (const row of recordings) await forgetSound(sql, row);
    if (recordings.some(({ toDelete }) => toDelete.length > 0)) await enqueue(sql, redactQueue, call, { call });
    if (audio) add({ recordings: soFar.recordings ?? 0 });
    if (words) add(await scrubTranscript(sql, call));
    if (what.includes("customer")) add(await scrubCustomer(sql, call));
    const gone = audio || words;
    const journalElsewhere = gone && !soFar.journal ? await elsewhere(sql, call, parts.process) : null;
    const receipt = await sign(sql, asked, {
      files,
      journal: gone ? (soFar.journal ?? (journalElsewhere ? "not on this machine" : "there was none")) : "kept",
      journalElsewhere,
      rows: touched,
      done: now,
      carrier: audio ? carrierCopy(recordings) : null,
      engine: gone ? await engineCopy(sql, call) : null,
    });
    await sql.query("update deletions set done_at = $2, receipt = $3 where id = $1", [id, now, receipt]);
    await recordEvent(sql, {
      call,
      at: now,
      kind: "call.deleted",
      actor: asked.askedBy === "us" ? "us" : "operator",
      said: `Deleted of this call: ${what.join(", ")}.`,
      detail: { deletion: id, by: asked.askedBy },
      once: `deleted:${id}`,
    });
    await notify(sql, { call_id: call, what: "recording" });
    return true;
  });
}

function carrierCopy(rows: readonly RecordingRow[]): Receipt["carrier_copy"] {
  const announced = rows.filter(({ source }) => source === "carrier").flatMap(({ announcedAt }) => announcedAt ?? []);
  if (announced.length === 0) return null;
  return { gone_by: carriersCopyGoneBy(new Date(Math.max(...announced.map((at) => at.getTime())))).toISOString() };
}

/** The sessions the vendor may still know, its own recording and transcript of them included. */
async function engineCopy(sql: Sql, call: CallId): Promise<Receipt["engine_copy"]> {
  const sessions = await sessionsOf(sql, call);
  const byEngine = Map.groupBy(sessions, ({ engine }) => engine);
  return sessions.length === 0 ? null : [...byEngine].map(([engine, of]) => ({ engine, sessions: of.map(({ session }) => session) }));
}

async function sign(
  sql: Sql,
  { call, what, askedAt, askedBy, because }: Asked,
  {
    files,
    journal,
    journalElsewhere,
    rows,
    done,
    carrier,
    engine,
  }: {
    engine: Receipt["engine_copy"];
    files: Receipt["files"];
    journal: Receipt["journal"];
    journalElsewhere: JournalElsewhere | null;
    rows: Record<string, number>;
    done: Date;
    carrier: Receipt["carrier_copy"];
  },
): Promise<Receipt> {
  const key = await evidenceKey(sql);
  const said = {
    call,
    what,
    asked_at: askedAt.toISOString(),
    asked_by: askedBy,
    because,
    done_at: done.toISOString(),
    files,
    journal,
    journal_elsewhere: journalElsewhere,
    rows,
    carrier_copy: carrier,
    engine_copy: engine,
    key: key.publicHex,
  };
  return { ...said, signature: key.sign(Buffer.from(canonical(said))) };
}
