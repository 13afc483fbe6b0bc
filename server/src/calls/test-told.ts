import { pino } from "pino";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import type { Carrier } from "../carrier/port.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import type { InCallParts } from "./in-call.ts";
import { receiveCall } from "./receive.ts";

/** Calls, and a carrier that only notes what it is asked, or will not: for tests; only they read this. */

export let db: FreshDatabase;
/** What the carrier was asked in this test: `[what, ...]`. */
export let asked: unknown[][] = [];
const refused = new Map<string, Error>();

/** From now on the carrier, asked for this, notes it and fails so; null: not any more. */
export function refuse(what: string, failure: Error | null): void {
  if (failure === null) refused.delete(what);
  else refused.set(what, failure);
}

/** A database of the file's own, with an agent. To be called once, at the top of a test file. */
export function useTold(): void {
  beforeAll(async () => {
    db = await freshDatabase();
    await ensureFirstAgent(db.pool);
  });
  beforeEach(() => {
    asked = [];
    refused.clear();
  });
  afterAll(() => db.drop());
}

/** The carrier is asked. */
export async function note(what: string, ...rest: unknown[]): Promise<void> {
  asked.push([what, ...rest]);
  const failure = refused.get(what);
  if (failure !== undefined) throw failure;
}

export const carrier: Carrier = {
  name: "told",
  dial: async () => ({ dialed: "unknown", text: "" }),
  hangUp: (leg) => note("hang up", leg),
  legState: async () => null,
  openRecording: async () => {
    throw new Error("none");
  },
  mayFetch: () => false,
  press: (leg, keys) => note("press", leg, keys),
  mute: (leg, on) => note("mute", leg, on),
  handOver: (handOver) => note("hand over", handOver),
  apologise: (leg, language) => note("apologise", leg, language),
  askToWait: (leg, words) => note("wait", leg, words),
  leaveMessage: (message) => note("message", message),
};

export const parts = (more: Partial<InCallParts> = {}): InCallParts => ({
  pool: db.pool,
  carrier,
  clock: systemClock,
  log: pino({ level: "silent" }),
  number: "+12025550100",
  ...more,
});

let legs = 0;
/** A call that came in, on a leg of its own. */
export async function call(status: "ringing" | "in_progress" | "ended" = "in_progress"): Promise<{ id: CallId; leg: LegId }> {
  const leg = `leg-${++legs}` as LegId;
  const arrival = { leg, conversation: null, from: "12025550106", to: "12025550100", regionUrl: null };
  const { call: id } = await inTransaction(db.pool, (sql) => receiveCall(sql, arrival, new Date()));
  if (status === "in_progress") await db.pool.query("update calls set status = 'in_progress', answered_at = now() where id = $1", [id]);
  if (status === "ended")
    await db.pool.query("update calls set status = 'ended', ended_at = now(), end_reason = 'lost', deadline_at = null where id = $1", [id]);
  return { id, leg };
}

/** The kinds of a call's events, in the order they were written down. */
export const kinds = async (id: CallId): Promise<string[]> =>
  (await db.pool.query("select kind from events where call_id = $1 order by recorded_at", [id])).rows.map(({ kind }) => kind);
