import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import { agentForCall, changeAgent } from "../agents/store.ts";
import type { Carrier } from "../carrier/port.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { askToWait, endWithoutEngine } from "./engine-lost.ts";
import type { InCallParts } from "./in-call.ts";
import { receiveCall } from "./receive.ts";

let db: FreshDatabase;
let legs = 0;
let asked: unknown[] = [];
let refuses: readonly string[] = [];
beforeAll(async () => {
  db = await freshDatabase();
  await ensureFirstAgent(db.pool);
});
beforeEach(() => {
  asked = [];
  refuses = [];
});
afterAll(() => db.drop());

const note = async (what: string, ...rest: unknown[]): Promise<void> => {
  asked.push([what, ...rest]);
  if (refuses.includes(what)) throw new Error(`no ${what}`);
};
const carrier: Carrier = {
  name: "told",
  dial: async () => ({ dialed: "unknown", text: "" }),
  hangUp: (leg) => note("hang up", leg),
  legState: async () => null,
  openRecording: async () => {
    throw new Error("none");
  },
  mayFetch: () => false,
  handOver: ({ leg, to, sorryIn }) => note("hand over", leg, to, sorryIn),
  apologise: (leg, language) => note("apologise", leg, language),
  askToWait: (leg, words) => note("wait", leg, words),
};
const parts = (more: Partial<InCallParts> = {}): InCallParts => ({
  pool: db.pool,
  carrier,
  clock: systemClock,
  log: pino({ level: "silent" }),
  number: "+12025550100",
  ...more,
});
const loss = { code: "silent", text: "The engine was connected and said nothing for 4.6 s." };

async function call(
  status: "ringing" | "in_progress" = "in_progress",
  transferNumber: string | null = null,
): Promise<{ id: CallId; leg: LegId }> {
  const leg = `leg-${++legs}` as LegId;
  await inTransaction(db.pool, async (sql) => {
    const agent = await agentForCall(sql, null);
    await changeAgent(sql, agent.id, { ...agent.settings, transfer_number: transferNumber });
  });
  const arrival = { leg, conversation: null, from: "12025550106", to: "12025550100", regionUrl: null };
  const { call: id } = await inTransaction(db.pool, (sql) => receiveCall(sql, arrival, new Date()));
  if (status === "in_progress") await db.pool.query("update calls set status = 'in_progress', answered_at = now() where id = $1", [id]);
  return { id, leg };
}
const row = async (id: CallId) =>
  (await db.pool.query("select hangup_asked_by as by, hangup_because as because from calls where id = $1", [id])).rows[0];
const kinds = async (id: CallId): Promise<string[]> =>
  (await db.pool.query("select kind from events where call_id = $1 order by recorded_at", [id])).rows.map(({ kind }) => kind);

test("a caller on the line hears the carrier's apology, and the call's end has the loss as its reason", async () => {
  const { id, leg } = await call();
  await endWithoutEngine(parts(), id, loss);
  expect(asked).toEqual([["apologise", leg, "en"]]);
  expect(await row(id)).toEqual({ by: "us:engine_failed", because: loss.text });
  expect(await kinds(id)).toContain("call.hangup_asked");
});

test("told twice, the caller hears it once", async () => {
  const { id, leg } = await call();
  await endWithoutEngine(parts(), id, loss);
  await endWithoutEngine(parts(), id, loss);
  expect(asked).toEqual([
    ["apologise", leg, "en"],
    ["hang up", leg],
  ]);
});

test("an agent with a person to hand callers to hands over, once in a call", async () => {
  const { id, leg } = await call("in_progress", "+12025550107");
  await endWithoutEngine(parts(), id, loss);
  expect(asked).toEqual([["hand over", leg, "+12025550107", "en"]]);
  expect(await row(id)).toEqual({ by: null, because: null });
  await endWithoutEngine(parts(), id, loss);
  expect(asked.at(-1)).toEqual(["apologise", leg, "en"]);
});

test("a person who cannot be rung is no reason for silence", async () => {
  refuses = ["hand over"];
  const { id, leg } = await call("in_progress", "+12025550107");
  await endWithoutEngine(parts(), id, loss);
  expect(asked.at(-1)).toEqual(["apologise", leg, "en"]);
});

test("an apology that the carrier does not take, or cannot say, is followed by the hang-up", async () => {
  refuses = ["apologise"];
  const one = await call();
  await endWithoutEngine(parts(), one.id, loss);
  expect(asked.at(-1)).toEqual(["hang up", one.leg]);
  const { apologise: _, ...mute } = carrier;
  const other = await call();
  await endWithoutEngine(parts({ carrier: mute }), other.id, loss);
  expect(asked.at(-1)).toEqual(["hang up", other.leg]);
  expect(await row(other.id)).toMatchObject({ by: "us:engine_failed", because: loss.text });
});

test("who was not on the line yet is not rung any longer", async () => {
  const { id, leg } = await call("ringing");
  await endWithoutEngine(parts(), id, loss);
  expect(asked).toEqual([["hang up", leg]]);
});

test("a moment is asked of who is on the line, in the agent's language", async () => {
  const { id, leg } = await call();
  await askToWait(parts(), id, false);
  await askToWait(parts(), (await call("ringing")).id, true);
  expect(asked).toEqual([["wait", leg, { language: "en", again: false }]]);
});
