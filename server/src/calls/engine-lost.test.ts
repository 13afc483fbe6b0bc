import { expect, test } from "vitest";
import { agentForCall, changeAgent } from "../agents/store.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { askToWait, endWithoutEngine } from "./engine-lost.ts";
import { asked, carrier, db, kinds, parts, refuse, call as ring, useTold } from "./test-told.ts";

useTold();

const loss = { code: "silent", text: "The engine was connected and said nothing for 4.6 s." };

async function call(
  status: "ringing" | "in_progress" = "in_progress",
  transferNumber: string | null = null,
): Promise<{ id: CallId; leg: LegId }> {
  await inTransaction(db.pool, async (sql) => {
    const agent = await agentForCall(sql, null);
    await changeAgent(sql, agent.id, { ...agent.settings, transfer_number: transferNumber });
  });
  return ring(status);
}
const row = async (id: CallId) =>
  (await db.pool.query("select hangup_asked_by as by, hangup_because as because from calls where id = $1", [id])).rows[0];

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
  expect(asked).toMatchObject([["hand over", { leg, to: "+12025550107", sorryIn: "en" }]]);
  expect(await row(id)).toEqual({ by: null, because: null });
  await endWithoutEngine(parts(), id, loss);
  expect(asked.at(-1)).toEqual(["apologise", leg, "en"]);
});

test("a person who cannot be rung is no reason for silence", async () => {
  refuse("hand over", new Error("HTTP 400"));
  const { id, leg } = await call("in_progress", "+12025550107");
  await endWithoutEngine(parts(), id, loss);
  expect(asked.at(-1)).toEqual(["apologise", leg, "en"]);
});

test("an apology that the carrier does not take, or cannot say, is followed by the hang-up", async () => {
  refuse("apologise", new Error("HTTP 400"));
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
