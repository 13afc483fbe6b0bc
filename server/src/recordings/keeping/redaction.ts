import { rm } from "node:fs/promises";
import { recordEvent } from "../../calls/events.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { enqueue } from "../../jobs/queue.ts";
import { journalPath } from "../../journal/file.ts";
import type { Stretch } from "../audio/redact.ts";
import type { Parts } from "../parts.ts";
import { redactQueue } from "../queues.ts";
import { recordingsOfCall } from "../store.ts";
import { StretchOutside } from "./failures.ts";
import { mustBeFree } from "./holds.ts";
import { deleteLeftovers, removeParts } from "./leftovers.ts";
import { type Redaction, redactFile } from "./redact-file.ts";
import { scrubStretch } from "./scrub.ts";

/** A stretch of a call that is not to be heard: a card number read aloud. Times on the call's clock. */
export interface AskedRedaction {
  readonly fromMs: number;
  readonly toMs: number;
  readonly side: Stretch["side"];
  /** Sealed: kept where nothing plays it. Destroyed: gone, with the journal. */
  readonly original: "sealed" | "destroyed";
  readonly why: string;
  readonly by: string;
  readonly at: Date;
}

/**
 * Writes down what is to be redacted, takes the words out at once and has the sound done, in the caller's transaction.
 * @throws CallUnknown, CallStillRuns, CallHeld, StretchOutside
 */
export async function askRedaction(sql: Sql, call: CallId, asked: AskedRedaction): Promise<string> {
  const { answeredAt, endedAt } = await mustBeFree(sql, call);
  const talkMs = answeredAt ? endedAt.getTime() - answeredAt.getTime() : 0;
  if (!(asked.fromMs >= 0 && asked.fromMs < asked.toMs && asked.fromMs < talkMs))
    throw new StretchOutside(asked.fromMs, asked.toMs, talkMs);
  const id = newId();
  await sql.query(
    `insert into redactions (id, call_id, from_ms, to_ms, side, original, why, asked_at, asked_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [id, call, asked.fromMs, asked.toMs, asked.side, asked.original, asked.why, asked.at, asked.by],
  );
  const words = await scrubStretch(sql, call, asked.fromMs, asked.toMs, asked.side);
  await recordEvent(sql, {
    call,
    at: asked.at,
    kind: "call.redacted",
    actor: "operator",
    said: `A stretch of ${((asked.toMs - asked.fromMs) / 1000).toFixed(1)} s was redacted.`,
    detail: {
      redaction: id,
      from_ms: asked.fromMs,
      to_ms: asked.toMs,
      side: asked.side,
      original: asked.original,
      utterances: words,
      by: asked.by,
    },
  });
  await enqueue(sql, redactQueue, call, { call });
  return id;
}

/**
 * Brings the files of a call in order. What is named to go goes. Every recording with a stretch that is not to be heard is replaced by a copy in
 * which it is a tone, and the original sealed or destroyed; one that cannot be decoded is not played any more. Broken off, it begins again: the
 * row changes only when the copy lies in the storage, and what is to go stays named until it is gone. What is here is redacted at once; what is
 * on its way (an engine's may take hours) when it has come, and only then the redaction is done. A file that comes after that finds all
 * redactions of its call due, and is not played before ({@link inClearSql}).
 * @returns false when another process does it
 */
export async function redactRecordings(parts: Parts, call: CallId): Promise<boolean> {
  return parts.claims.whileMine(`recording.redact:${call}`, async () => {
    await deleteLeftovers(parts, call);
    const { redactions, rows, answeredAt, held } = await inTransaction(parts.pool, (sql) => look(sql, call));
    if (redactions.length === 0 || !answeredAt || held) return; // what is held is not played, and goes on when the hold is lifted
    const underWay = rows.filter(({ status }) => ["expected", "announced", "fetching", "stored"].includes(status));
    for (const row of rows) {
      if (underWay.includes(row)) continue;
      await removeParts(parts, row.id);
      if (row.status !== "deleted") await redactFile(parts, row, redactions, answeredAt);
    }
    const destroyed = redactions.some(({ original }) => original === "destroyed");
    if (destroyed && !underWay.some(({ source }) => source === "journal")) await rm(journalPath(parts.journalDir, call), { force: true });
    await deleteLeftovers(parts, call);
    const open = redactions.filter(({ doneAt }) => doneAt === null).map(({ id }) => id);
    if (open.length > 0 && underWay.length > 0) {
      await enqueue(parts.pool, redactQueue, call, { call }, WAIT_MS); // what is on its way must not stay in clear
      return;
    }
    if (open.length > 0) await parts.pool.query("update redactions set done_at = $2 where id = any($1)", [open, parts.clock.now()]);
    parts.wake();
  });
}

const WAIT_MS = 5000;

/** What is to be redacted and what there is; words that came since it was asked for are taken out, too. */
async function look(sql: Sql, call: CallId) {
  const { rows: redactions } = await sql.query<Redaction>(
    `select id, from_ms as "fromMs", to_ms as "toMs", side, original, done_at as "doneAt" from redactions where call_id = $1 order by from_ms, id`,
    [call],
  );
  const { rows: calls } = await sql.query<{ answeredAt: Date | null; held: boolean }>(
    `select answered_at as "answeredAt", exists (select from holds h where h.call_id = c.id and h.lifted_at is null) as held
       from calls c where id = $1`,
    [call],
  );
  for (const { fromMs, toMs, side } of redactions) await scrubStretch(sql, call, fromMs, toMs, side);
  return { redactions, rows: await recordingsOfCall(sql, call), answeredAt: calls[0]?.answeredAt ?? null, held: calls[0]?.held ?? false };
}
