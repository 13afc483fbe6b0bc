import { setTimeout } from "node:timers/promises";
import type { AgentSettings, LineRules } from "@earshot/contract/agent";
import type pg from "pg";
import type { Logger } from "pino";
import type { Carrier, Dial, DialAnswer } from "../carrier/port.ts";
import type { Clock } from "../clock.ts";
import { whileAway } from "../db/away.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { after, LOOK_AFTER_UNKNOWN_S, RING_SECONDS } from "./deadlines.ts";
import type { Ending } from "./endings.ts";
import { recordEvent } from "./events.ts";
import { hangUpLeg } from "./hang-up.ts";
import { settle } from "./hear.ts";
import { isDead } from "./leases.ts";
import { notePaceRefused, takePermit } from "./pace.ts";
import { lockCall, saveCall } from "./store.ts";

/** Asking the carrier to dial what was placed (place.ts): once, in its turn, and never again by itself. */

export interface DialingParts {
  readonly pool: pg.Pool;
  /** Null when none is configured: then nothing can be placed. */
  readonly carrier: Carrier | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** Dials under way: whoever closes the server waits for them, and tests for their end. */
  readonly dialing: Set<Promise<void>>;
  readonly onEnded?: (call: CallId) => void;
  /** Name of this process: a call that it took and could not dial any more is dialled by another. */
  readonly owner: string;
  /** Aborted when the server stops: calls that wait for their turn are then not dialled. */
  readonly closing?: AbortSignal;
}

/** A call that is to be dialled. */
interface Waiting {
  readonly call: CallId;
  readonly from: string;
  readonly to: string;
  readonly settings: Pick<AgentSettings, "max_minutes" | "line">;
}

/** Dials behind whoever asked; what comes of it is on the row. */
export function startDialing(parts: DialingParts, carrier: Carrier, { call, from, to, settings }: Waiting): void {
  const detect = detectFor(settings.line);
  const dial = {
    call,
    from,
    to,
    ringSeconds: RING_SECONDS,
    maxSeconds: settings.max_minutes * 60,
    ...(detect === null ? {} : { detect }),
  };
  const work = dialNow(parts, carrier, dial)
    .catch((error: unknown) => parts.log.error({ call, err: error }, "dialling ended in an error; the watchdog will look at the call"))
    .finally(() => parts.dialing.delete(work));
  parts.dialing.add(work);
}

/**
 * Dials what a dead process had taken and never asked the carrier for: nobody's phone has rung, so it is no second time. Calls that have waited
 * too long are left to the watchdog. Returns how many were taken over.
 */
export async function dialWaiting(parts: DialingParts): Promise<number> {
  const { pool, carrier, owner } = parts;
  if (carrier === null || parts.closing?.aborted) return 0;
  const { rows } = await pool.query<Waiting>(
    `with taken as (
       update calls set owner = $1 where id in (
         select c.id from calls c where c.status = 'queued' and c.direction = 'outbound' and c.dialed_at is null and c.hangup_asked_at is null
            and c.created_at > now() - interval '60 seconds' and c.owner is not null and ${isDead("c.owner")}
          order by c.created_at limit 20 for update skip locked)
       returning id, from_number, to_number, agent_id, agent_version)
     select t.id as call, t.from_number as from, t.to_number as to, v.settings from taken t
       join agent_versions v on v.agent_id = t.agent_id and v.version = t.agent_version`,
    [owner],
  );
  for (const waiting of rows) startDialing(parts, carrier, waiting);
  return rows.length;
}

/** Who answers is only asked when the agent has a rule for machines: knowing costs money, and with the beep up to five seconds of silence. */
function detectFor(line: LineRules | undefined): NonNullable<Dial["detect"]> | null {
  if (line === undefined || line.voicemail === "talk") return null;
  return line.voicemail === "leave_message" ? "beep" : "soon";
}

async function dialNow(parts: DialingParts, carrier: Carrier, dial: Dial): Promise<void> {
  const { pool, clock, closing } = parts;
  // A database that is restarted meanwhile loses no call: nobody's phone has rung yet, and what the carrier answered is still known here.
  const through = <T>(deed: () => Promise<T>): Promise<T> => whileAway(deed, AWAY_MS, closing);
  if (!(await through(() => waitForPermit(parts, carrier, dial.call)))) return;
  const claimedAt = clock.now();
  let tries = 0;
  if (!(await through(() => claim(pool, dial.call, claimedAt, tries++ > 0)))) return;
  const answer = await ask(parts, carrier, dial);
  const { over, hangUp } = await through(() => inTransaction(pool, (sql) => noteAnswer(sql, dial.call, answer, clock.now())));
  if (over) parts.onEnded?.(dial.call);
  if (hangUp && answer.dialed === "yes") await hangUpLeg(pool, carrier, dial.call, answer.leg, clock.now());
}

/** So long a call's dialling waits for a database that is away; then the watchdog looks at the call. */
const AWAY_MS = 45_000;

/** The carrier takes so many new calls a second (pace.ts): until it is its turn the call stays queued. False: it is not to be dialled now. */
async function waitForPermit({ pool, clock, closing, onEnded }: DialingParts, carrier: Carrier, call: CallId): Promise<boolean> {
  const waitMs = await takePermit(pool, carrier.name, "create");
  if (waitMs === null) {
    const detail = "Too many calls wait for the carrier's limit of new calls a second.";
    if (await inTransaction(pool, (sql) => endUndialed(sql, call, detail, clock.now()))) onEnded?.(call);
    return false;
  }
  if (waitMs === 0) return true;
  await pool.query("update calls set deadline_at = deadline_at + $2 * interval '1 millisecond' where id = $1 and status = 'queued'", [
    call,
    waitMs,
  ]);
  return setTimeout(waitMs, true, closing === undefined ? {} : { signal: closing }).catch(() => false);
}

/**
 * Dials; "too many" is the one answer that is safe to ask again after, because then there is no call (vonage-voice §1.4). What somebody gave up while it
 * waited is not asked for again.
 */
async function ask(parts: DialingParts, carrier: Carrier, dial: Dial): Promise<DialAnswer> {
  const { pool, closing } = parts;
  for (let tries = 1; ; tries++) {
    const answer = await carrier.dial(dial);
    if (answer.dialed !== "no" || answer.code !== "limited") return answer;
    await whileAway(() => notePaceRefused(pool, carrier.name, "create"), AWAY_MS, closing);
    const waitMs = tries < MOST_TRIES ? await whileAway(() => takePermit(pool, carrier.name, "create"), AWAY_MS, closing) : null;
    if (waitMs === null) return answer;
    await whileAway(() => noteWaiting(parts, dial.call, tries, waitMs), AWAY_MS, closing);
    if (!(await waitsStill(parts, dial.call, waitMs))) return answer;
  }
}
const MOST_TRIES = 5;

/** The carrier's turn is waited for: whoever looks at the call sees it, and the watchdog gives it the time. */
async function noteWaiting({ pool, clock }: DialingParts, call: CallId, tries: number, waitMs: number): Promise<void> {
  const said = `The carrier takes no more new calls just now; it is asked again in ${Math.ceil(waitMs / 1000)} s.`;
  await inTransaction(pool, async (sql) => {
    await sql.query("update calls set deadline_at = deadline_at + $2 * interval '1 millisecond' where id = $1 and status = 'dialing'", [
      call,
      waitMs,
    ]);
    await recordEvent(sql, { call, at: clock.now(), kind: "call.dial_limited", actor: "carrier", said, once: `dial_limited:${tries}` });
  });
}

/** So often it is looked whether a call that waits is still wanted. */
const LOOK_EVERY_MS = 500;

/** Waits for so long; false as soon as the call is not to be dialled any more: given up, over, or the server stops. */
async function waitsStill({ pool, closing }: DialingParts, call: CallId, waitMs: number): Promise<boolean> {
  const until = performance.now() + waitMs;
  const isWanted = async (): Promise<boolean> =>
    (await pool.query("select from calls where id = $1 and status = 'dialing' and hangup_asked_at is null", [call])).rowCount === 1;
  for (;;) {
    const leftMs = Math.min(LOOK_EVERY_MS, until - performance.now());
    if (leftMs > 0) await setTimeout(leftMs, null, closing === undefined ? {} : { signal: closing }).catch(() => {});
    if (closing?.aborted || !(await whileAway(isWanted, AWAY_MS, closing))) return false;
    if (performance.now() >= until) return true;
  }
}

async function endUndialed(sql: Sql, call: CallId, detail: string, now: Date): Promise<boolean> {
  const known = await lockCall(sql, call);
  if (known === null || known.call.status !== "queued") return false;
  await saveCall(sql, known, settle(known, now, { reason: "not_dialed", detail }).known);
  const said = `The call ended. ${detail}`;
  await recordEvent(sql, { call, at: now, kind: "call.ended", actor: "us", said, detail: { end_reason: "not_dialed" }, once: "ended" });
  return true;
}

/**
 * Takes a queued call for dialling, once: the time is on the row before the carrier hears of it. `again`: we have tried before, and that very time on
 * the row is our own claim, of whose commit we did not hear.
 */
async function claim(pool: pg.Pool, call: CallId, now: Date, again: boolean): Promise<boolean> {
  return inTransaction(pool, async (sql) => {
    const known = await lockCall(sql, call);
    if (again && known?.call.dialedAt?.getTime() === now.getTime())
      return known.call.hangupAskedAt === null && known.call.status !== "ended";
    if (known === null || known.call.status !== "queued" || known.call.dialedAt !== null || known.call.hangupAskedAt !== null) return false;
    const dialed = { ...known, call: { ...known.call, dialedAt: now } };
    await saveCall(sql, known, settle(dialed, now).known);
    await recordEvent(sql, { call, at: now, kind: "call.dialed", actor: "us", said: "The carrier was asked to dial.", once: "dialed" });
    return true;
  });
}

/** What the carrier answered, on the row. Unknown stays dialing: the phone may ring; webhooks or the watchdog tell. Never dialled again. */
async function noteAnswer(sql: Sql, call: CallId, answer: DialAnswer, now: Date): Promise<{ over: boolean; hangUp: boolean }> {
  const known = await lockCall(sql, call);
  if (known === null) return { over: false, hangUp: false };
  switch (answer.dialed) {
    case "yes": {
      const named = {
        ...known.call,
        phoneLeg: known.call.phoneLeg ?? answer.leg,
        conversation: known.call.conversation ?? answer.conversation,
      };
      await saveCall(sql, known, settle({ ...known, call: named }, now).known);
      await recordEvent(sql, {
        call,
        at: now,
        kind: "call.accepted",
        actor: "carrier",
        said: "The carrier accepted the call.",
        detail: { leg: answer.leg },
        once: "accepted",
      });
      return { over: false, hangUp: known.call.hangupAskedAt !== null && known.call.status !== "ended" };
    }
    case "no": {
      const ending = endOfRefused(answer, known.call.hangupAskedBy !== null);
      const settled = settle(known, now, ending);
      await saveCall(sql, known, settled.known);
      const over = settled.became.includes("ended");
      if (over) {
        const detail = { end_reason: ending.reason, code: answer.code, http_status: answer.status };
        await recordEvent(sql, {
          call,
          at: now,
          kind: "call.ended",
          actor: "carrier",
          said: `The call ended. ${ending.detail}`,
          detail,
          once: "ended",
        });
      }
      return { over, hangUp: false };
    }
    case "unknown": {
      const said = `Whether the carrier took the call is not known: ${answer.text} It is not dialled again; the carrier's webhooks will tell.`;
      await recordEvent(sql, { call, at: now, kind: "call.dial_unknown", actor: "us", said, once: "dial_unknown" });
      // The watchdog asks the carrier for such a call soon; usually the webhooks are first.
      if (known.call.status === "dialing")
        await saveCall(sql, known, { ...known, call: { ...known.call, deadlineAt: after(now, LOOK_AFTER_UNKNOWN_S) } });
      return { over: false, hangUp: false };
    }
  }
}

/** The carrier has no call of ours; `givenUp`: somebody wanted none any more, while it waited for the carrier's turn. */
function endOfRefused({ code, status, text }: DialAnswer & { dialed: "no" }, givenUp: boolean): Ending {
  if (code === "limited" && givenUp) return { reason: "cancelled", detail: "It was given up before the carrier took it." };
  return { reason: "carrier_refused", detail: `The carrier refused to dial${status === null ? "" : ` (HTTP ${status})`}: ${text}` };
}
