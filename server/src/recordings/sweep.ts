import type pg from "pg";
import { recordEvent } from "../calls/events.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { CallId, ConversationId, RecordingId } from "../ids.ts";
import { enqueue, type Queue, underWay } from "../jobs/queue.ts";
import { expectRecording, matchOrphans } from "./announce.ts";
import { inClearSql } from "./keeping/in-clear.ts";
import type { Parts } from "./parts.ts";
import { wantsSql } from "./policy.ts";
import { compareQueue, deleteQueue, fetchQueue, lookQueue, redactQueue, renderQueue, verifyQueue } from "./queues.ts";
import { change, lockRecording, move, tell } from "./store.ts";
import { uncomparedSql } from "./uncompared.ts";

/**
 * What the room owes after a call has ended: its own recording, and a time until which the carrier must have announced its one.
 * Safe to repeat. Without consent (the agent does not record) or an answer nothing is owed.
 */
export async function callIsOver(sql: Sql, call: CallId, now: Date, announceWithinMs: number): Promise<void> {
  const { rows } = await sql.query<{
    endedAt: Date;
    answered: boolean;
    recorded: boolean;
    reconstructed: boolean;
    expected: RecordingId | null;
  }>(
    `select c.ended_at as "endedAt", c.answered_at is not null as answered, c.answered_at is not null and ${wantsSql("journal")} as recorded,
            c.answered_at is not null and ${wantsSql("engine")} as reconstructed,
            (select r.id from recordings r where r.call_id = c.id and r.status = 'expected' and r.source = 'carrier' and r.deadline_at is null limit 1) as expected
       from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
      where c.id = $1 and c.status = 'ended'`,
    [call],
  );
  const ended = rows[0];
  if (!ended) return;
  if (ended.expected) {
    const deadline = new Date(ended.endedAt.getTime() + announceWithinMs);
    await change(sql, ended.expected, { deadlineAt: deadline, nextAttemptAt: deadline });
  }
  if (ended.answered) await transcriptIsReady(sql, call, now);
  if (ended.recorded) {
    await expectRecording(sql, call, "journal", now);
    await enqueue(sql, renderQueue, call, { call });
  }
  if (ended.reconstructed) {
    const id = await expectRecording(sql, call, "engine", now);
    if (id !== null) await change(sql, id, { nextAttemptAt: now });
    await enqueue(sql, lookQueue, call, { call });
  }
}

/** The bridge has written every utterance before it says that the call is over. */
async function transcriptIsReady(sql: Sql, call: CallId, at: Date): Promise<void> {
  const { rows } = await sql.query<{ n: number }>("select count(*)::int as n from utterances where call_id = $1", [call]);
  const utterances = rows[0]?.n ?? 0;
  await recordEvent(sql, {
    call,
    at,
    kind: "transcript.ready",
    actor: "us",
    said: `The transcript is complete: ${utterances} utterances.`,
    detail: { utterances },
    once: "transcript.ready",
  });
}

/** How far back a start looks for calls whose end nobody told us of; the running server looks back a little only. */
const LOOK_BACK_AT_START_MS = 30 * 24 * 3600 * 1000;
const LOOK_BACK_MS = 3 * 3600 * 1000;

/**
 * Finds what waits for nobody: calls that ended without our hearing of it, announcements whose call has appeared, deadlines that
 * passed, and rows whose job was lost with a process. At the start of a process everything in the middle of something is due.
 */
export async function sweep(parts: Parts, atStart: boolean): Promise<void> {
  const { pool, clock } = parts;
  const now = clock.now();
  await adoptOrphans(pool, now);
  await accountForCalls(parts, now, atStart ? LOOK_BACK_AT_START_MS : LOOK_BACK_MS);
  await giveUpWaiting(parts, now);
  await renewJobs(pool, now, atStart);
  parts.wake();
}

async function adoptOrphans(pool: pg.Pool, now: Date): Promise<void> {
  const { rows } = await pool.query<{ call: CallId; conversation: ConversationId }>(
    `select distinct on (c.conversation) c.id as call, c.conversation from recordings r join calls c on c.conversation = r.conversation
      where r.call_id is null and r.conversation is not null order by c.conversation, c.created_at desc`,
  );
  for (const { call, conversation } of rows) await inTransaction(pool, (sql) => matchOrphans(sql, call, conversation, now));
}

async function accountForCalls({ pool, announceWithinMs }: Parts, now: Date, lookBackMs: number): Promise<void> {
  const { rows } = await pool.query<{ id: CallId }>(
    `select c.id from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
      where c.status = 'ended' and c.created_at > $1
        and (exists (select from recordings r where r.call_id = c.id and r.source = 'carrier' and r.status = 'expected' and r.deadline_at is null)
          or (c.answered_at is not null and ${wantsSql("journal")}
              and not exists (select from recordings r where r.call_id = c.id and r.source = 'journal'))
          or (c.answered_at is not null and ${wantsSql("engine")}
              and not exists (select from recordings r where r.call_id = c.id and r.source = 'engine')))
      order by c.created_at limit 1000`,
    [new Date(now.getTime() - lookBackMs)],
  );
  for (const { id } of rows) await inTransaction(pool, (sql) => callIsOver(sql, id, now, announceWithinMs));
}

async function giveUpWaiting({ pool, log }: Parts, now: Date): Promise<void> {
  const { rows } = await pool.query<{ id: RecordingId }>(
    "select id from recordings where status = 'expected' and source = 'carrier' and next_attempt_at <= $1 limit 500",
    [now],
  );
  for (const { id } of rows) {
    await inTransaction(pool, async (sql) => {
      const row = await lockRecording(sql, id);
      if (row?.status !== "expected" || !row.nextAttemptAt || row.nextAttemptAt > now) return;
      if (!(await move(sql, id, "missing", { because: "RECORDING_NOT_ANNOUNCED", nextAttemptAt: null }))) return;
      await tell(sql, row, { at: now, kind: "missing", said: "was not announced in time.", because: "RECORDING_NOT_ANNOUNCED" });
      log.warn(
        { recording: id, call: row.call, code: "RECORDING_NOT_ANNOUNCED" },
        "The carrier has not announced the recording of a call.",
      );
    });
  }
}

/** Work of ours begins within seconds; what is older and not done has lost its job. */
const FORGOTTEN_MS = 60_000;

/**
 * Rows are the truth, jobs only nudges: whatever waits and has no job gets one. A job gives up after its tries (a storage that is away for an hour
 * outlives them), and the next sweep makes another; one that waits for its next try is left its pause. At a start the jobs of the process before
 * look as if they ran, so nothing is left to them.
 */
async function renewJobs(pool: pg.Pool, now: Date, atStart: boolean): Promise<void> {
  const forgotten = atStart ? now : new Date(now.getTime() - FORGOTTEN_MS);
  const renew = async <Data extends object>(queue: Queue<Data>, rows: readonly { key: string }[], data: (key: string) => Data) => {
    const there = atStart || rows.length === 0 ? new Set() : await underWay(pool, queue);
    for (const { key } of rows) if (!there.has(key)) await enqueue(pool, queue, key, data(key));
  };
  const due = async (statement: string, ...values: unknown[]) => (await pool.query<{ key: string }>(statement, values)).rows;
  const call = (key: string) => ({ call: key as CallId });
  const recording = (key: string) => ({ recording: key as RecordingId });

  const fetches = await due(
    "select id as key from recordings where status in ('announced', 'fetching') and (next_attempt_at <= $1 or ($2 and status = 'fetching')) order by next_attempt_at limit 1000",
    now,
    atStart,
  );
  for (const { key } of fetches) await enqueue(pool, fetchQueue, key, recording(key)); // their pauses are on the rows
  const unlooked = await due(
    "select distinct call_id as key from recordings where status = 'expected' and source = 'engine' and next_attempt_at <= $1 limit 1000",
    forgotten,
  );
  for (const { key } of unlooked) await enqueue(pool, lookQueue, key, call(key));
  await renew(verifyQueue, await due("select id as key from recordings where status = 'stored' and stored_at <= $1", forgotten), recording);
  await renew(deleteQueue, await due("select id as key from deletions where done_at is null and asked_at <= $1", forgotten), (key) => ({
    deletion: key,
  }));
  await renew(
    redactQueue,
    await due(
      `select call_id as key from redactions where done_at is null and asked_at <= $1
        union select call_id from recordings where to_delete <> '{}' and call_id is not null
        union select r.call_id from redactions d join recordings r on r.call_id = d.call_id
          where r.status in ('verified', 'failed') and coalesce(r.because, '') not in ('STORED_FILE_LOST', 'STORED_FILE_ROTTEN') and ${inClearSql}
            and not exists (select from holds h where h.call_id = r.call_id and h.lifted_at is null)`,
      forgotten,
    ),
    call,
  );
  await renew(
    renderQueue,
    await due(
      `select r.call_id as key from recordings r join calls c on c.id = r.call_id
        where c.status = 'ended' and c.ended_at <= $1 and r.source = 'journal' and (r.status = 'expected' or ($2 and r.because = 'JOURNAL_UNREADABLE'))
        order by c.ended_at limit 1000`,
      forgotten,
      atStart,
    ),
    call,
  );
  await renew(
    compareQueue,
    await due(
      `select call_id as key from recordings where ${uncomparedSql}
        group by call_id having count(distinct source) > 1 and max(stored_at) <= $1 limit 1000`,
      forgotten,
    ),
    call,
  );
}
