import type pg from "pg";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { playableOf } from "../recordings/read.ts";
import type { Kind } from "./listeners.ts";
import { type Posted, post } from "./post.ts";
import { signature } from "./sign.ts";

export interface OutgoingParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn" | "error">;
  /** Where our API is: tellings name addresses there. */
  readonly publicUrl: string;
  /** Are listeners on this machine allowed? In the sandbox only. */
  readonly local?: boolean;
  /** Before the attempt that follows so many failed ones; see {@link pauseMs}. */
  readonly pauseMs?: (attempts: number) => number;
  readonly pollMs?: number;
  readonly timeoutMs?: number;
}

export interface Outgoing {
  /** Looks for due tellings now. */
  wake(): void;
  /** Tells what is due and resolves when all of it was tried. */
  tellDue(): Promise<number>;
  close(): Promise<void>;
}

/** 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h: a listener may be down overnight. */
const PAUSES_S = [30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600];
export const pauseMs = (attempts: number): number => (PAUSES_S[Math.min(attempts, PAUSES_S.length) - 1] ?? 30) * 1000;
/** One more than there are pauses; then it is dead until somebody tells it again by hand. */
const MOST_ATTEMPTS = PAUSES_S.length + 1;
/** Of one listener. */
const AT_ONCE = 8;
/** While it is being told it is nobody else's; after a crash it is due again. */
const LEASE_MS = 60_000;

/**
 * Tells other systems what happened. Tellings are rows that a trigger makes in the transaction of the event itself (migration 0004), so none is lost and
 * each keeps its id however often it is told: who listens can know the second time. At least once, not in order. Each listener is told by itself: one
 * that does not answer, with a day's tellings waiting for it, keeps no other waiting.
 */
export function startOutgoing(parts: OutgoingParts): Outgoing {
  const { pollMs = 2000 } = parts;
  const running = new Map<string, Promise<number>>();
  let closed = false;

  const tellDue = async (): Promise<number> => {
    if (closed) return 0;
    const told = (await dueListeners(parts)).map((listener) => {
      const round = running.get(listener) ?? drain(listener).finally(() => running.delete(listener));
      running.set(listener, round);
      return round;
    });
    return (await Promise.all(told)).reduce((sum, n) => sum + n, 0);
  };
  const drain = async (listener: string): Promise<number> => {
    let told = 0;
    while (!closed) {
      const due = await claim(parts, listener);
      if (due.length === 0) return told;
      await Promise.all(due.map((telling) => tell(parts, telling)));
      told += due.length;
    }
    return told;
  };
  const wake = () => {
    tellDue().catch((error: unknown) => {
      if (!closed) parts.log.error({ err: error }, "Other systems could not be told what happened; it is tried again.");
    });
  };
  const timer = setInterval(wake, pollMs);
  timer.unref();
  return {
    wake,
    tellDue,
    async close() {
      closed = true;
      clearInterval(timer);
      await Promise.allSettled(running.values());
    },
  };
}

interface Due {
  readonly id: string;
  readonly kind: Kind;
  readonly call: string;
  readonly eventId: string;
  readonly attempts: number;
  readonly url: string;
  readonly secret: string;
  readonly at: Date;
  readonly detail: Record<string, unknown>;
}

/** Those that have something to hear now. */
async function dueListeners({ pool, clock }: OutgoingParts): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select l.id from listeners l where l.paused_at is null and l.removed_at is null
        and exists (select from tellings t where t.listener_id = l.id and t.status = 'waiting' and t.next_attempt_at <= $1)`,
    [clock.now()],
  );
  return rows.map(({ id }) => id);
}

/** Takes due tellings of a listener for the length of a lease, so that two processes tell each only once. */
async function claim({ pool, clock }: OutgoingParts, listener: string): Promise<Due[]> {
  const now = clock.now();
  const { rows } = await pool.query<Due>(
    `with due as (
       select t.id from tellings t join listeners l on l.id = t.listener_id
        where t.listener_id = $3 and t.status = 'waiting' and t.next_attempt_at <= $1 and l.paused_at is null and l.removed_at is null
        order by t.next_attempt_at limit ${AT_ONCE} for update of t skip locked)
     update tellings t set next_attempt_at = $2, attempts = t.attempts + 1 from due, listeners l, events e
      where t.id = due.id and l.id = t.listener_id and e.id = t.event_id
     returning t.id, t.kind, t.call_id as call, t.event_id as "eventId", t.attempts, l.url, l.secret, e.at, e.detail`,
    [now, new Date(now.getTime() + LEASE_MS), listener],
  );
  return rows;
}

async function tell(parts: OutgoingParts, due: Due): Promise<void> {
  const { pool, clock, log, local = false, timeoutMs = 10_000 } = parts;
  const body = await bodyOf(parts, due);
  const headers = {
    "user-agent": "Earshot",
    "earshot-kind": due.kind,
    "earshot-telling": due.id,
    "earshot-signature": signature(due.secret, clock.now(), body),
  };
  const posted: Posted = await post(due.url, headers, body, { timeoutMs, local });
  const now = clock.now();
  if ("answered" in posted && posted.answered >= 200 && posted.answered < 300) {
    await pool.query(
      "update tellings set status = 'told', told_at = $2, answer = $3, because = null, next_attempt_at = null where id = $1",
      [due.id, now, posted.answered],
    );
    return;
  }
  const because = "failed" in posted ? posted.failed : `It answered ${posted.answered}.`;
  const dead = due.attempts >= MOST_ATTEMPTS;
  const next = dead ? null : new Date(now.getTime() + (parts.pauseMs ?? pauseMs)(due.attempts));
  await pool.query(
    "update tellings set status = $2, next_attempt_at = $3, answer = $4, because = $5 where id = $1 and status = 'waiting'",
    [due.id, dead ? "dead" : "waiting", next, "answered" in posted ? posted.answered : null, because],
  );
  if (dead)
    log.warn({ telling: due.id, kind: due.kind, call: due.call, because }, "A system was not told: it did not answer in all attempts.");
}

/** Ids, states and addresses of ours: no words, no numbers, no secrets. Whoever wants more asks the API, with a key. */
async function bodyOf({ pool, publicUrl }: Pick<OutgoingParts, "pool" | "publicUrl">, due: Due): Promise<string> {
  const { rows } = await pool.query<{ direction: string; status: string; endReason: string | null; durationMs: number | null }>(
    `select direction, status, end_reason as "endReason", (extract(epoch from ended_at - answered_at) * 1000)::int as "durationMs" from calls where id = $1`,
    [due.call],
  );
  const call = rows[0];
  const recording = due.kind.startsWith("recording.") ? await recordingOf({ pool, publicUrl }, due) : null;
  return JSON.stringify({
    id: due.id,
    kind: due.kind,
    at: due.at.toISOString(),
    call: {
      id: due.call,
      url: `${publicUrl}/api/calls/${due.call}`,
      direction: call?.direction ?? null,
      status: call?.status ?? null,
      end_reason: call?.endReason ?? null,
      duration_ms: call?.durationMs ?? null,
    },
    ...(recording ? { recording } : {}),
    ...(due.kind === "transcript.ready"
      ? { transcript: { url: `${publicUrl}/api/calls/${due.call}/utterances`, utterances: due.detail.utterances ?? null } }
      : {}),
  });
}

/** The recording an event is of, as it is now; its address only while there is something to play. */
async function recordingOf({ pool, publicUrl }: Pick<OutgoingParts, "pool" | "publicUrl">, { call, detail }: Due) {
  const { rows } = await pool.query<{
    id: RecordingId;
    source: string;
    status: string;
    because: string | null;
    sha256: string | null;
    sizeBytes: number | null;
  }>(`select id, source, status, because, sha256, size_bytes as "sizeBytes" from recordings where id::text = $1`, [
    String(detail.recording ?? ""),
  ]);
  const found = rows[0];
  if (!found) return null;
  const playable = await playableOf(pool, call as CallId, { recording: found.id });
  return {
    id: found.id,
    source: found.source,
    status: found.status,
    because: found.because,
    sha256: found.sha256,
    size_bytes: found.sizeBytes,
    url: playable?.file ? `${publicUrl}/api/calls/${call}/recording?recording=${found.id}` : null,
  };
}
