import type { EndReason } from "@earshot/contract/status";
import type pg from "pg";
import type { Logger } from "pino";
import type { Carrier } from "../carrier/port.ts";
import type { Clock } from "../clock.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { after, HANGUP_S } from "./deadlines.ts";
import { recordEvent } from "./events.ts";
import { CallOver, CallUnknown } from "./failures.ts";
import { settle } from "./hear.ts";
import { endLeg, regionOf } from "./region.ts";
import { lockCall, saveCall } from "./store.ts";

export interface HangUpParts {
  readonly pool: pg.Pool;
  readonly carrier: Carrier | null;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEnded?: (call: CallId) => void;
}

/** Who ends a call: a person or program, the agent, or one of our rules, named by the end reason it leads to. */
export type HangUpBy = "operator" | "agent" | `us:${string}`;

/**
 * Ends a call: the wish is on the row before the carrier is asked, so that it survives us. Resolves when the carrier has taken it; the end
 * itself comes by webhook. A call that was not dialled yet ends here. Asking again asks the carrier again and keeps who asked first.
 * `because`: one sentence for the call's end, when a rule of ours has more to say than its name. Throws CallUnknown, CallOver, or the carrier's failure (the watchdog then asks once more).
 */
export async function hangUp(
  parts: HangUpParts,
  call: CallId,
  by: HangUpBy,
  detail: Readonly<Record<string, unknown>> = {},
  because: string | null = null,
): Promise<void> {
  const { pool, carrier, clock } = parts;
  const now = clock.now();
  const { leg, over } = await inTransaction(pool, async (sql) => {
    const known = await lockCall(sql, call);
    if (known === null) throw new CallUnknown(call);
    if (known.call.status === "ended") throw new CallOver(call);
    const asked = {
      ...known.call,
      hangupAskedAt: known.call.hangupAskedAt ?? now,
      hangupAskedBy: known.call.hangupAskedBy ?? by,
      hangupBecause: known.call.hangupAskedBy === null ? because : known.call.hangupBecause,
      deadlineAt: earlier(known.call.deadlineAt, after(now, HANGUP_S)),
    };
    const never = known.call.dialedAt === null && known.call.phoneLeg === null && known.call.direction === "outbound";
    const settled = settle(
      { ...known, call: asked },
      now,
      never ? { reason: "cancelled", detail: "It was given up before it was dialled." } : null,
    );
    await saveCall(sql, known, settled.known);
    const said =
      by === "operator" ? "Hang up was asked for." : by === "agent" ? "The agent ends the call." : `We end the call (${by.slice(3)}).`;
    const actor = by === "operator" || by === "agent" ? by : "us";
    await recordEvent(sql, { call, at: now, kind: "call.hangup_asked", actor, said, detail, once: `hangup:${by}` });
    if (never) {
      await recordEvent(sql, {
        call,
        at: now,
        kind: "call.ended",
        actor: "us",
        said: "The call ended. It was given up before it was dialled.",
        detail: { end_reason: "cancelled" },
        once: "ended",
      });
    }
    return { leg: known.call.phoneLeg, over: settled.became.includes("ended") };
  });
  if (over) parts.onEnded?.(call);
  // Without a leg the carrier's answer to our dial, or its first webhook, brings one; both look whether a hang-up waits.
  if (leg !== null && carrier !== null) await hangUpLeg(pool, carrier, call, leg, clock.now());
}

/**
 * We cannot talk with this caller: the carrier is told to say so and to end the call, and `reason` is what it ends with, `because` the evidence. In
 * the caller's transaction. The watchdog hangs up when the end does not come by itself.
 */
export async function noteUnable(
  sql: Sql,
  call: CallId,
  reason: EndReason,
  because: string,
  now: Date,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const by = `us:${reason}`;
  await sql.query(
    `update calls set hangup_asked_at = $2, hangup_asked_by = $5, hangup_because = $3, deadline_at = least(deadline_at, $4)
     where id = $1 and hangup_asked_at is null`,
    [call, now, because, after(now, HANGUP_S), by],
  );
  const said = `The caller hears an apology. ${because}`;
  await recordEvent(sql, { call, at: now, kind: "call.hangup_asked", actor: "us", said, detail, once: `hangup:${by}` });
}

/** Asks the carrier to end the leg, and leaves on the timeline when it would not. Throws the carrier's failure. */
export async function hangUpLeg(pool: pg.Pool, carrier: Carrier, call: CallId, leg: LegId, now: Date): Promise<void> {
  try {
    await endLeg(carrier, leg, await regionOf(pool, call));
  } catch (error) {
    const said = `The carrier did not take our hang-up: ${error instanceof Error ? error.message : String(error)}`;
    await recordEvent(pool, { call, at: now, kind: "call.hangup_failed", actor: "carrier", said });
    throw error;
  }
}

function earlier(one: Date | null, other: Date): Date {
  return one !== null && one < other ? one : other;
}
