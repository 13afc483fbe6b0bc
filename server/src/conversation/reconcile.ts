import type pg from "pg";
import type { Logger } from "pino";
import { sessionsOf } from "../calls/engine-sessions.ts";
import { recordEvent } from "../calls/events.ts";
import type { Clock } from "../clock.ts";
import { notify } from "../db/notify.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import { pack } from "../emotion/scores.ts";
import { openEmotionSets } from "../emotion/sets.ts";
import { EngineFailure } from "../engine/failures.ts";
import type { Engine, History } from "../engine/port.ts";
import { type CallId, newId } from "../ids.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { enqueue, queue } from "../jobs/queue.ts";
import { type Had, type Missing, missingOf, refOf } from "./missing.ts";

/** Ask the engine of a call that ended what it remembers of it. */
export const reconcileQueue = queue<{ call: CallId }>("conversation.reconcile", { concurrency: 2, expireSeconds: 300 });

export interface ReconcileParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn" | "error">;
  readonly engines: Readonly<Record<string, Pick<Engine, "history"> | undefined>>;
  readonly jobs: Pick<Jobs, "work" | "wake">;
  /** Between the attempts, ms; after the last one it is given up. */
  readonly pausesMs?: readonly number[];
  readonly sweepMs?: number;
}

export interface Reconciling {
  /** The call is over and all we know of it is in the rows. Told twice, the second changes nothing. */
  callEnded(call: CallId): Promise<void>;
  /** Looks for what is due and for ends nobody told of. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** Hume may need a moment to write a chat's end down; away for a day, its history is given up. */
const PAUSES_MS = [10_000, 60_000, 5 * 60_000, 30 * 60_000, 3 * 3_600_000, 6 * 3_600_000, 12 * 3_600_000];
const SWEEP_MS = 60_000;
/** One look at all chats of a call. */
const LOOK_MS = 60_000;
/** Ends that nobody told of are looked for so far back. */
const LOOKED_FOR_H = 48;

/**
 * Fills transcripts from the engine's history after calls. The only place that writes `reconciliations`. A call's own rows are never changed:
 * what was heard, and how far, we know better than the engine.
 */
export async function startReconciling(parts: ReconcileParts): Promise<Reconciling> {
  const { pool, clock, log, engines, jobs } = parts;
  const names = Object.keys(engines).filter((name) => engines[name]?.history !== undefined);
  const stopping = new AbortController();
  await jobs.work(reconcileQueue, ({ call }, signal) => reconcile(parts, call, AbortSignal.any([signal, stopping.signal])));

  const callEnded = async (call: CallId): Promise<void> => {
    const now = clock.now();
    const { rowCount } = await pool.query(
      `insert into reconciliations (call_id, next_attempt_at)
       select id, $2 from calls where id = $1 and status = 'ended' and engine = any($3)
          and exists (select from engine_sessions s where s.call_id = calls.id and s.dropped_at is null)
       on conflict do nothing`,
      [call, now, names],
    );
    if (rowCount === 0) return;
    await enqueue(pool, reconcileQueue, call, { call });
    jobs.wake();
  };
  const sweep = async (): Promise<void> => {
    if (names.length === 0) return;
    const { rows: untold } = await pool.query<{ id: CallId }>(
      `select c.id from calls c where c.status = 'ended' and c.engine = any($1) and c.ended_at > now() - interval '${LOOKED_FOR_H} hours'
          and exists (select from engine_sessions s where s.call_id = c.id and s.dropped_at is null)
          and not exists (select from reconciliations r where r.call_id = c.id)
          and not exists (select from leases l where l.call_id = c.id and l.until is null) limit 200`,
      [names],
    );
    for (const { id } of untold) await callEnded(id);
    const { rows: due } = await pool.query<{ id: CallId }>(
      "select call_id as id from reconciliations where status = 'waiting' and next_attempt_at <= $1 order by next_attempt_at limit 200",
      [clock.now()],
    );
    for (const { id } of due) await enqueue(pool, reconcileQueue, id, { call: id });
  };
  let sweeping: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweep().catch((error: unknown) => {
      if (!stopping.signal.aborted) log.warn({ err: error }, "The look for transcripts to fill failed; the next one follows.");
    });
  }, parts.sweepMs ?? SWEEP_MS);
  timer.unref();
  return {
    callEnded,
    sweep,
    async close() {
      clearInterval(timer);
      stopping.abort();
      await sweeping;
    },
  };
}

/** One attempt. Does nothing when there is nothing to do. */
async function reconcile(parts: ReconcileParts, call: CallId, signal: AbortSignal): Promise<void> {
  const { pool, clock } = parts;
  const { rows } = await pool.query<{ engine: string; attempts: number }>(
    `update reconciliations r set attempts = attempts + 1, next_attempt_at = $2
       from calls c where c.id = r.call_id and r.call_id = $1 and r.status = 'waiting' and r.next_attempt_at <= $3 returning c.engine, r.attempts`,
    [call, new Date(clock.now().getTime() + 5 * 60_000), new Date(clock.now().getTime() + 500)],
  );
  const row = rows[0];
  if (row === undefined) return;
  let history: History;
  try {
    const sessions = (await sessionsOf(pool, call)).filter(({ engine }) => engine === row.engine);
    const asked = parts.engines[row.engine]?.history;
    if (asked === undefined || sessions.length === 0)
      history = { state: "none", text: "The engine is not configured any more, or keeps no history." };
    else history = await asked(sessions, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]));
  } catch (error) {
    if (signal.aborted || !(error instanceof EngineFailure)) throw error;
    return again(parts, call, row.attempts, error.message);
  }
  if (history.state === "running") return again(parts, call, row.attempts, "The engine has not ended the session yet.");
  if (history.state === "none") return settle(pool, call, { status: "not_kept", filled: null, because: history.text, at: clock.now() });
  await fill(parts, call, history);
}

/** Writes what is missing, once, unless it was deleted meanwhile. */
async function fill({ pool, clock }: ReconcileParts, call: CallId, history: Extract<History, { state: "kept" }>): Promise<void> {
  const sets = openEmotionSets(pool);
  const missing = await whatIsMissing(pool, call, history);
  const packed = new Map<string, { set: number; bytes: Buffer }>();
  for (const { remembered } of missing) {
    if (remembered.emotions === null) continue;
    const { id, names } = await sets.having(remembered.emotions.set, Object.keys(remembered.emotions.scores));
    packed.set(remembered.id, { set: id, bytes: Buffer.from(pack(names, remembered.emotions.scores)) });
  }
  await inTransaction(pool, async (sql) => {
    const { rows } = await sql.query<{ gone: boolean }>(
      "select exists (select from deletions where call_id = $1 and 'transcript' = any(what)) as gone from reconciliations where call_id = $1 for update",
      [call],
    );
    if (rows[0] === undefined) return;
    let filled = 0;
    for (const one of rows[0].gone ? [] : missing) filled += await insert(sql, call, one, packed.get(one.remembered.id) ?? null);
    await settle(sql, call, { status: "done", filled, because: null, at: clock.now() });
    if (filled === 0) return;
    await recordEvent(sql, {
      call,
      at: clock.now(),
      kind: "transcript.filled",
      actor: "engine",
      said: `${filled === 1 ? "One utterance that was missing came" : `${filled} utterances that were missing came`} from the engine's history.`,
      detail: { utterances: filled },
      once: "transcript.filled",
    });
    await notify(sql, { call_id: call, what: "utterance" });
  });
}

async function whatIsMissing(sql: Sql, call: CallId, { said }: Extract<History, { state: "kept" }>): Promise<Missing[]> {
  const { rows: calls } = await sql.query<{ zero: Date | null; ended: Date | null }>(
    "select coalesce(answered_at, socket_started_at) as zero, ended_at as ended from calls where id = $1",
    [call],
  );
  const { zero = null, ended = null } = calls[0] ?? {};
  if (zero === null) return [];
  const { rows: had } = await sql.query<Had>(
    `select engine_ref as ref, speaker, text, started_ms as "startedMs", ended_ms as "endedMs" from utterances where call_id = $1`,
    [call],
  );
  const { rows: redacted } = await sql.query<{ fromMs: number; toMs: number }>(
    `select from_ms as "fromMs", to_ms as "toMs" from redactions where call_id = $1`,
    [call],
  );
  const endedMs = (ended ?? new Date(8.64e15)).getTime() - zero.getTime();
  return missingOf({ had, remembered: said, zero, endedMs, redacted });
}

async function insert(
  sql: Sql,
  call: CallId,
  { remembered, startedMs, endedMs }: Missing,
  emotions: { set: number; bytes: Buffer } | null,
): Promise<number> {
  const { rowCount } = await sql.query(
    `insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms, source, emotion_set, emotions)
     values ($1, $2, $3, $4, $5, $6, $7, 'engine', $8, $9) on conflict (call_id, engine_ref) do nothing`,
    [
      newId(),
      call,
      remembered.speaker,
      refOf(remembered),
      remembered.text.replaceAll("\u0000", "\u2400"),
      startedMs,
      endedMs,
      emotions?.set ?? null,
      emotions?.bytes ?? null,
    ],
  );
  return rowCount ?? 0;
}

/** Not now: later, or, after the last pause, never. */
async function again(parts: ReconcileParts, call: CallId, attempts: number, because: string): Promise<void> {
  const { pool, clock, log } = parts;
  const pause = (parts.pausesMs ?? PAUSES_MS)[attempts - 1];
  if (pause !== undefined) {
    const next = new Date(clock.now().getTime() + pause);
    await pool.query("update reconciliations set next_attempt_at = $2, because = $3 where call_id = $1", [call, next, because]);
    await enqueue(pool, reconcileQueue, call, { call }, pause);
    return;
  }
  log.warn({ call, because }, "The engine's history of a call is given up.");
  await inTransaction(pool, async (sql) => {
    await settle(sql, call, { status: "given_up", filled: null, because, at: clock.now() });
    await recordEvent(sql, {
      call,
      at: clock.now(),
      kind: "transcript.unfilled",
      actor: "us",
      said: "The engine's history could not be had: what may be missing in the transcript was not filled in.",
      detail: { because, attempts },
      once: "transcript.unfilled",
    });
  });
}

async function settle(
  sql: Sql,
  call: CallId,
  { status, filled, because, at }: { status: "done" | "not_kept" | "given_up"; filled: number | null; because: string | null; at: Date },
): Promise<void> {
  await sql.query("update reconciliations set status = $2, filled = $3, because = $4, done_at = $5 where call_id = $1", [
    call,
    status,
    filled,
    because,
    at,
  ]);
}
