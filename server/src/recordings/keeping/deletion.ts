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
import { deleteQueue } from "../queues.ts";
import type { Storage } from "../storage.ts";
import { change, forgetDetail, move, type RecordingRow, recordingsOfCall } from "../store.ts";
import { CallHeld } from "./failures.ts";
import { mustBeFree } from "./holds.ts";
import { canonical, type Deletable, type Receipt } from "./receipt.ts";
import { scrubCustomer, scrubTranscript } from "./scrub.ts";

export interface KeepingParts {
  readonly pool: pg.Pool;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly journalDir: string;
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
  readonly call: CallId;
  readonly what: Deletable[];
  readonly askedAt: Date;
  readonly askedBy: string;
  readonly because: string;
}

/**
 * Does a deletion that was asked for. Files go first, each looked for again; then rows and receipt in one transaction: broken off, it begins
 * again and what is gone stays gone. A hold placed meanwhile stops it.
 */
export async function runDeletion(parts: KeepingParts, id: string): Promise<void> {
  const { rows } = await parts.pool.query<Asked>(
    `select call_id as call, what, asked_at as "askedAt", asked_by as "askedBy", because from deletions where id = $1 and done_at is null`,
    [id],
  );
  const asked = rows[0];
  if (!asked) return;
  const audio = asked.what.includes("audio");
  const words = asked.what.includes("transcript");
  const known = await inTransaction(parts.pool, async (sql) => {
    await mustBeFree(sql, asked.call);
    return recordingsOfCall(sql, asked.call);
  }).catch((error: unknown) => {
    if (error instanceof CallHeld) return null; // it waits until the hold is lifted
    throw error;
  });
  if (!known) return;
  const files = audio ? await deleteFiles(parts, known) : [];
  // The journal holds sound and words alike: either is reason enough.
  const journal = audio || words ? await deleteJournal(parts, asked.call) : "kept";
  await inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    const touched: Record<string, number> = {};
    const add = (more: Record<string, number>) => {
      for (const [table, n] of Object.entries(more)) touched[table] = (touched[table] ?? 0) + n;
    };
    if (audio) add({ recordings: await forgetSound(sql, known) });
    if (words) add(await scrubTranscript(sql, asked.call));
    if (asked.what.includes("customer")) add(await scrubCustomer(sql, asked.call));
    const receipt = await sign(sql, asked, {
      files,
      journal,
      rows: touched,
      done: now,
      carrier: audio ? carrierCopy(known) : null,
      engine: audio || words ? await engineCopy(sql, asked.call) : null,
    });
    await sql.query("update deletions set done_at = $2, receipt = $3 where id = $1", [id, now, receipt]);
    await recordEvent(sql, {
      call: asked.call,
      at: now,
      kind: "call.deleted",
      actor: asked.askedBy === "us" ? "us" : "operator",
      said: `Deleted of this call: ${asked.what.join(", ")}.`,
      detail: { deletion: id, by: asked.askedBy },
      once: `deleted:${id}`,
    });
    await notify(sql, { call_id: asked.call, what: "recording" });
  });
}

async function deleteFiles({ storage }: KeepingParts, rows: readonly RecordingRow[]): Promise<Receipt["files"]> {
  const files: Receipt["files"][number][] = [];
  for (const { source, storageKey, sealedKey, sha256, sizeBytes } of rows) {
    for (const key of [storageKey, sealedKey]) {
      if (!key) continue;
      await storage.delete(key);
      files.push({
        source,
        sha256: key === storageKey ? sha256 : null,
        bytes: key === storageKey ? sizeBytes : null,
        gone: (await storage.head(key)) === null,
      });
    }
  }
  return files;
}

async function deleteJournal({ journalDir }: KeepingParts, call: CallId): Promise<Receipt["journal"]> {
  const path = journalPath(journalDir, call);
  const there = await stat(path).catch(() => null);
  await rm(path, { force: true });
  return there ? "deleted" : "there was none";
}

/** The rows stay and say that there was a recording; what can be heard or seen of it goes. */
async function forgetSound(sql: Sql, rows: readonly RecordingRow[]): Promise<number> {
  let n = 0;
  for (const { id, status } of rows) {
    if (status === "expected") await move(sql, id, "missing", { because: "RECORDING_DELETED" });
    if (status === "fetching") await move(sql, id, "announced");
    const moved = await move(sql, id, "deleted", { because: "RECORDING_DELETED", nextAttemptAt: null });
    if (moved) n++;
    await change(sql, id, { storageKey: null, sealedKey: null, announcedUrl: null, peaks: null });
    await forgetDetail(sql, id);
  }
  return n;
}

function carrierCopy(rows: readonly RecordingRow[]): Receipt["carrier_copy"] {
  const announced = rows
    .filter(({ source, announcedAt }) => source === "carrier" && announcedAt)
    .map(({ announcedAt }) => (announcedAt as Date).getTime());
  return announced.length === 0 ? null : { gone_by: new Date(Math.max(...announced) + 30 * 24 * 3600 * 1000).toISOString() };
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
    rows,
    done,
    carrier,
    engine,
  }: {
    engine: Receipt["engine_copy"];
    files: Receipt["files"];
    journal: Receipt["journal"];
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
    rows,
    carrier_copy: carrier,
    engine_copy: engine,
    key: key.publicHex,
  };
  return { ...said, signature: key.sign(Buffer.from(canonical(said))) };
}
