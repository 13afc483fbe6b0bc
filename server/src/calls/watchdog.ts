import type pg from "pg";
import type { Logger } from "pino";
import type { Carrier, LegState } from "../carrier/port.ts";
import type { Clock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { noteAnswer } from "./apply.ts";
import { after, deadlineOf, ENDING_S, HANGUP_S, LOOK_AFTER_RESTART_S } from "./deadlines.ts";
import { type Ending, lost } from "./endings.ts";
import { recordEvent, recordEvents } from "./events.ts";
import { hangUpLeg } from "./hang-up.ts";
import { hear, settle, wordOf } from "./hear.ts";
import { awaitsAudio, type CallKnown, type Known, phoneLeg } from "./known.ts";
import { isDead } from "./leases.ts";
import { askLeg, regionOf } from "./region.ts";
import { lastSign, lockCall, saveCall } from "./store.ts";
import { saidOfEnd } from "./tell.ts";
import { cancelTransfersOf, expireTransfers } from "./transfers.ts";
import { isMessageInDoubt } from "./voicemail.ts";

export interface WatchdogParts {
  readonly pool: pg.Pool;
  readonly carrier: Carrier | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of this process: calls whose audio another living process has are left to that one. Absent: it is alone. */
  readonly owner?: string;
  /** Does this process hear the call's audio right now? Then it lives, whatever the carrier's register says. */
  readonly carries?: (call: CallId) => boolean;
  readonly onEnded?: (call: CallId) => void;
  /** How often it looks; tests call `tick` themselves. */
  readonly everyMs?: number;
}

export interface Watchdog {
  /** Looks at every call whose deadline has passed; resolves when all of them are dealt with. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

/** What the carrier answered when asked for a leg. */
type Told =
  | { readonly told: "state"; readonly state: LegState }
  | { readonly told: "not known" }
  | { readonly told: "nothing"; readonly because: string }
  | { readonly told: "no leg" };

const EVERY_MS = 2_000;
const AT_ONCE = 20;
/** A living process that has not looked at its own call for so long does not look any more. */
const LEFT_TO_OWNER_S = 60;

/**
 * Ends what nobody ended. Every open call has a deadline in its row; when it has passed, the carrier is asked for the leg once. What it says is
 * heard like a webhook; when it says nothing that ends the call, the call is hung up, and ended as `lost` if that brings no word either.
 * One statement per tick takes the due calls and moves their deadlines on, so several servers never look at one call together, and a server
 * that dies while looking leaves the call to the next tick. A call is looked at by the process that has its audio, while that lives: only there it is
 * known that somebody still speaks.
 */
export function startWatchdog(parts: WatchdogParts): Watchdog {
  let running: Promise<void> | null = null;
  const tick = (): Promise<void> => {
    running ??= look(parts).finally(() => {
      running = null;
    });
    return running;
  };
  const timer = setInterval(() => {
    tick().catch((error: unknown) => parts.log.error({ err: error }, "the watchdog could not look"));
  }, parts.everyMs ?? EVERY_MS);
  return {
    tick,
    async close() {
      clearInterval(timer);
      await running?.catch(() => {});
    },
  };
}

/**
 * After a start: every open call may have lost its process. The carrier has a moment to reach us by itself (its webhooks wait in its queue, its
 * audio comes back by the second connect), then each is looked at. Harmless for calls another living server carries: looking only asks.
 * Returns how many there are.
 */
export async function recoverCalls(pool: pg.Pool, now: Date): Promise<number> {
  const { rowCount } = await pool.query("update calls set deadline_at = least(deadline_at, $1) where status <> 'ended'", [
    after(now, LOOK_AFTER_RESTART_S),
  ]);
  return rowCount ?? 0;
}

async function look(parts: WatchdogParts): Promise<void> {
  await expireTransfers(parts.pool, parts.clock.now());
  const { rows } = await parts.pool.query<{ id: CallId }>(
    `update calls set deadline_at = $1::timestamptz + $2 * interval '1 second'
     where id in (
       select id from calls where status <> 'ended' and deadline_at <= $1
          and ($3::text is null or owner is null or owner = $3 or ${isDead("owner")} or deadline_at <= $1::timestamptz - ${LEFT_TO_OWNER_S} * interval '1 second')
        order by deadline_at limit ${AT_ONCE} for update skip locked)
     returning id`,
    [parts.clock.now(), HANGUP_S, parts.owner ?? null],
  );
  await Promise.all(
    rows.map(({ id }) =>
      lookAt(parts, id).catch((error: unknown) =>
        parts.log.error({ call: id, err: error }, "the watchdog could not deal with a call; it tries again"),
      ),
    ),
  );
}

async function lookAt(parts: WatchdogParts, call: CallId): Promise<void> {
  const leg = await legToAsk(parts.pool, call);
  const told = leg === null ? await lookFor(parts, call) : await ask(parts, call, leg);
  const { hangUp, over } = await inTransaction(parts.pool, async (sql) => {
    const before = await lockCall(sql, call);
    if (before === null || before.call.status === "ended") return { hangUp: false, over: false };
    const now = parts.clock.now();
    const word = told.told === "state" ? wordOf(told.state.leg, before.call, told.state, now) : null;
    const known = word === null ? before : hear(before, word, now).known;
    const carried = parts.carries?.(call) ?? false;
    const unleft = carried && mayHaveMessage(known) && (await isMessageInDoubt(sql, call));
    const next = unleft ? withoutMessage(now) : judge(known, told, carried, now);
    // Nobody told when the talk ended: it lasted as long as there is a sign of it, not until we looked.
    const at = next.ending?.reason === "lost" && known.call.answeredAt !== null ? await lastSign(sql, call, now) : null;
    const ending = next.ending !== null && at !== null ? { ...next.ending, at: latest(at, known.call.answeredAt) } : next.ending;
    const settled = settle({ ...known, call: { ...known.call, ...next.set } }, now, ending);
    // A judged call keeps the deadline it was given: settling only knows the usual one.
    const judged =
      settled.known.call.status === "ended"
        ? settled.known.call
        : { ...settled.known.call, deadlineAt: next.set.deadlineAt ?? settled.known.call.deadlineAt };
    const became = judged.status === "ended" ? (["ended"] as const) : [];
    await saveCall(sql, before, { ...settled.known, call: judged });
    // The answer's webhook may have come while nobody listened: then it is known from here, with all that belongs to it.
    await noteAnswer(sql, before, { ...settled.known, call: judged });
    const evidence = { watchdog: described(told), status: before.call.status };
    await recordEvent(sql, { call, at: now, kind: "watchdog.looked", actor: "us", said: next.said, detail: evidence });
    await recordEvents(sql, saidOfEnd(before, { known: { ...settled.known, call: judged }, became, revised: false }, null, evidence));
    if (became.length > 0) await cancelTransfersOf(sql, [{ ...settled.known, call: judged }]);
    return { hangUp: next.hangUp, over: became.length > 0 };
  });
  if (over) parts.onEnded?.(call);
  // The leg may have been found only now, by looking for it.
  const due = told.told === "state" ? told.state.leg : leg;
  if (hangUp && due !== null && parts.carrier !== null)
    await hangUpLeg(parts.pool, parts.carrier, call, due, parts.clock.now()).catch((error: unknown) =>
      parts.log.warn({ call, err: error }, "the watchdog's hang-up did not reach the carrier"),
    );
}

interface Judgement {
  readonly set: Partial<CallKnown>;
  readonly ending: Ending | null;
  readonly hangUp: boolean;
  readonly said: string;
}

/** What to do with a call whose deadline has passed, given what the carrier says of it. Pure. */
export function judge(known: Known, told: Told, carried: boolean, now: Date): Judgement {
  const { call } = known;
  if (phoneLeg(known)?.endedAs) {
    return {
      set: {},
      ending: lost(known, `The carrier says the call is over, but never why (${described(told)}).`),
      hangUp: false,
      said: "The carrier says the call is over.",
    };
  }
  const usual = deadlineOf(call.status, call);
  const overdue = usual === null || usual <= now || call.hangupAskedAt !== null;
  const asked = call.askedAt !== null;
  const lives = told.told === "state" || carried;
  if (lives && !overdue) {
    const soon = awaitsAudio(known) && !carried ? after(now, HANGUP_S) : null;
    if (soon !== null && usual !== null && soon < usual)
      return { set: { deadlineAt: soon, askedAt: null }, ending: null, hangUp: false, said: "The call still runs, without our audio." };
    return { set: { deadlineAt: usual, askedAt: null }, ending: null, hangUp: false, said: "The call still runs." };
  }
  if ((told.told === "nothing" || told.told === "no leg") && !overdue && usual !== null) {
    const soon = after(now, HANGUP_S);
    return {
      set: { deadlineAt: soon < usual ? soon : usual },
      ending: null,
      hangUp: false,
      said: `Nothing new: the carrier ${described(told)}.`,
    };
  }
  if (!asked && told.told !== "no leg") {
    const set = {
      askedAt: now,
      deadlineAt: after(now, told.told === "not known" ? ENDING_S : HANGUP_S),
      ...(lives && call.hangupAskedAt === null
        ? { hangupAskedAt: now, hangupAskedBy: call.status === "in_progress" ? "us:time_limit" : "us:no_answer" }
        : {}),
    };
    const said = lives
      ? `The call is ${call.status} for too long; we hang up.`
      : `No word of the call: ${described(told)}. Once more is waited.`;
    return { set, ending: null, hangUp: lives, said };
  }
  const evidence = `No word of its end came while it was ${call.status}; asked, the carrier: ${described(told)}.`;
  return { set: {}, ending: lost(known, evidence), hangUp: false, said: evidence };
}

const mayHaveMessage = (known: Known): boolean =>
  known.call.messageAt !== null && known.call.hangupAskedAt === null && !phoneLeg(known)?.endedAs;

/** The machine still hears the agent, so our message is not what it hears: nobody talks with a machine. */
function withoutMessage(now: Date): Judgement {
  const hangupBecause = "A machine answered; our message could not be left: the carrier did not answer, and the audio still came to us.";
  return {
    set: {
      messageAt: null,
      hangupAskedAt: now,
      hangupAskedBy: "us:voicemail",
      hangupBecause,
      askedAt: now,
      deadlineAt: after(now, HANGUP_S),
    },
    ending: null,
    hangUp: true,
    said: "The carrier did not leave our message: the machine still hears the agent. We hang up.",
  };
}

const latest = (one: Date, other: Date | null): Date => (other !== null && other > one ? other : one);

async function legToAsk(pool: pg.Pool, call: CallId): Promise<LegId | null> {
  const { rows } = await pool.query<{ phone_leg: LegId | null }>("select phone_leg from calls where id = $1", [call]);
  return rows[0]?.phone_leg ?? null;
}

/**
 * A call that was dialled and never got a leg: the create's answer was lost and no webhook came. The carrier is asked for calls to that number
 * since then. Only when exactly one is no other call's it is taken for ours; nothing is ever dialled again.
 */
async function lookFor({ pool, carrier }: WatchdogParts, call: CallId): Promise<Told> {
  const { rows } = await pool.query<{ from: string | null; to: string | null; since: Date | null }>(
    `select from_number as "from", to_number as "to", dialed_at - interval '5 seconds' as since from calls where id = $1 and direction = 'outbound'`,
    [call],
  );
  const dialed = rows[0];
  if (carrier?.legsDialed === undefined || !dialed?.from || !dialed.to || !dialed.since) return { told: "no leg" };
  try {
    const legs = await carrier.legsDialed(dialed.from, dialed.to, dialed.since, call);
    const { rows: taken } = await pool.query<{ leg: LegId }>(
      "select leg from legs where leg = any($1) union select phone_leg from calls where phone_leg = any($1)",
      [legs.map(({ leg }) => leg)],
    );
    const free = legs.filter(({ leg }) => !taken.some((one) => one.leg === leg));
    return free.length === 1 && free[0] !== undefined ? { told: "state", state: free[0] } : { told: "no leg" };
  } catch (error) {
    return { told: "nothing", because: error instanceof Error ? error.message : String(error) };
  }
}

async function ask({ pool, carrier }: WatchdogParts, call: CallId, leg: LegId): Promise<Told> {
  if (carrier === null) return { told: "nothing", because: "no carrier is configured" };
  try {
    const state = await askLeg(carrier, leg, await regionOf(pool, call));
    return state === null ? { told: "not known" } : { told: "state", state };
  } catch (error) {
    return { told: "nothing", because: error instanceof Error ? error.message : String(error) };
  }
}

function described(told: Told): string {
  switch (told.told) {
    case "state":
      return `says "${told.state.status}"`;
    case "not known":
      return "does not know the leg";
    case "nothing":
      return `could not be asked: ${told.because}`;
    case "no leg":
      return "never named a leg of it";
  }
}
