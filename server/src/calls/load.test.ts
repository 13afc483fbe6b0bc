import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { recordEvent } from "./events.ts";
import { audioStarted, audioStopped, engineOpened, loadForBridge, mayPrepare } from "./load.ts";
import { receiveCall } from "./receive.ts";
import { makeSocketToken, redeemSocketToken } from "./socket-token.ts";

let db: FreshDatabase;
const NOW = new Date("2026-03-04T10:00:00.000Z");
let legs = 0;
beforeAll(async () => {
  db = await freshDatabase();
  await ensureFirstAgent(db.pool);
});
afterAll(() => db.drop());

const inbound = async (): Promise<CallId> => {
  const arrival = { leg: `leg-${++legs}` as LegId, conversation: null, from: "12025550106", to: "12025550100", regionUrl: null };
  return (await inTransaction(db.pool, (sql) => receiveCall(sql, arrival, NOW))).call;
};

describe("a socket token", () => {
  it("opens its call once, also when it is tried twice at once", async () => {
    const call = await inbound();
    const token = await makeSocketToken(db.pool, call);
    const tries = await Promise.all([1, 2, 3].map(() => redeemSocketToken(db.pool, "process-1", token)));
    expect(tries.filter((opened) => opened?.call === call)).toHaveLength(1);
    expect(tries.filter((opened) => opened === null)).toHaveLength(2);
  });

  it("is not kept itself", async () => {
    const token = await makeSocketToken(db.pool, await inbound());
    const { rows } = await db.pool.query("select encode(token_hash, 'escape') as kept from socket_tokens");
    expect(rows.some(({ kept }) => kept.includes(token))).toBe(false);
  });

  it("opens nothing when it is unknown, old, or its call is over or being ended", async () => {
    expect(await redeemSocketToken(db.pool, "process-1", "x".repeat(32))).toBeNull();
    expect(await redeemSocketToken(db.pool, "process-1", "'; drop table calls; --")).toBeNull();
    expect(await redeemSocketToken(db.pool, "process-1", await makeSocketToken(db.pool, await inbound(), -1))).toBeNull();
    const asked = await inbound();
    await db.pool.query("update calls set hangup_asked_at = now() where id = $1", [asked]);
    expect(await redeemSocketToken(db.pool, "process-1", await makeSocketToken(db.pool, asked))).toBeNull();
    const over = await inbound();
    await db.pool.query("update calls set status = 'ended', ended_at = now(), end_reason = 'lost', deadline_at = null where id = $1", [
      over,
    ]);
    expect(await redeemSocketToken(db.pool, "process-1", await makeSocketToken(db.pool, over))).toBeNull();
  });
});

describe("an engine is opened before the audio comes", () => {
  it("by one process of several, by another when that one is dead, and by none once there was audio", async () => {
    const call = await inbound();
    await db.pool.query("insert into processes (name) values ('process-1'), ('process-2'), ('process-3')");
    const asked = await Promise.all([1, 2, 3].map((n) => mayPrepare(db.pool, call, `process-${n}`)));
    expect(asked.filter(Boolean)).toHaveLength(1);
    const [first, second] = asked[0] ? ["process-1", "process-2"] : [`process-${asked.indexOf(true) + 1}`, "process-1"];
    expect(await mayPrepare(db.pool, call, first)).toBe(true);
    await db.pool.query("update processes set beat_at = now() - interval '1 minute' where name = $1", [first]);
    expect(await mayPrepare(db.pool, call, second)).toBe(true);
    await audioStarted(db.pool, call, "process-3", NOW);
    expect(await mayPrepare(db.pool, call, second)).toBe(false);
    await db.pool.query("delete from processes");
  });
});

describe("what the bridge is given", () => {
  it("is the agent's words with the call's facts filled in; the customer is the other party", async () => {
    const call = await inbound();
    await db.pool.query("update calls set customer_name = 'The caller' where id = $1", [call]);
    const loaded = await loadForBridge(db.pool, call);
    expect(loaded).toMatchObject({
      direction: "inbound",
      customer: "+12025550106",
      engine: "evi",
      answeredAt: null,
      maxMs: 900_000,
      engineResume: null,
    });
    expect(loaded?.prompt).toContain("The person on the line: The caller.");
    expect(loaded?.prompt).toContain("say plainly that you are an AI");
    expect(loaded?.variables).toMatchObject({
      customer_name: "The caller",
      customer_number: "+12025550106",
      direction: "inbound",
      agent_name: "Reception",
    });
  });

  it("is nothing for a call that is not there", async () => {
    expect(await loadForBridge(db.pool, "0199a0b1-7d1f-7000-8000-00000000dead" as CallId)).toBeNull();
  });

  it("goes on with the engine and session the call has", async () => {
    const call = await inbound();
    await engineOpened(db.pool, call, "process-1", { name: "evi", session: "chat-1", resume: "group-1" });
    await engineOpened(db.pool, call, "process-1", { name: "evi", session: "chat-2", resume: null });
    expect(await loadForBridge(db.pool, call)).toMatchObject({ engine: "evi", engineSession: "chat-2", engineResume: "group-1" });
  });
});

it("an engine that another process opened in vain does not take the place of the one that talks", async () => {
  const call = await inbound();
  await engineOpened(db.pool, call, "process-2", { name: "evi", session: "chat-2", resume: "group-2" });
  await audioStarted(db.pool, call, "process-1", NOW);
  await engineOpened(db.pool, call, "process-1", { name: "evi", session: "chat-1", resume: "group-1" });
  await engineOpened(db.pool, call, "process-2", { name: "evi", session: "chat-3", resume: "group-3" });
  expect(await loadForBridge(db.pool, call)).toMatchObject({ engineSession: "chat-1", engineResume: "group-1" });
});

describe("the first sound", () => {
  it("answers a call whose webhook has not come, and expects its recording", async () => {
    const call = await inbound();
    expect(await audioStarted(db.pool, call, "process-1", new Date(NOW.getTime() + 900))).toEqual(new Date(NOW.getTime() + 900));
    const { rows } = await db.pool.query("select status, answered_at, socket_started_at, owner from calls where id = $1", [call]);
    expect(rows[0]).toEqual({
      status: "in_progress",
      answered_at: new Date(NOW.getTime() + 900),
      socket_started_at: new Date(NOW.getTime() + 900),
      owner: "process-1",
    });
    expect((await db.pool.query("select status from recordings where call_id = $1 and source = 'carrier'", [call])).rows).toEqual([
      { status: "expected" },
    ]);
  });

  it("of a second connection moves neither the zero of its clock nor the answer", async () => {
    const call = await inbound();
    await audioStarted(db.pool, call, "process-1", new Date(NOW.getTime() + 900));
    await audioStarted(db.pool, call, "process-2", new Date(NOW.getTime() + 60_000));
    const { rows } = await db.pool.query("select answered_at, socket_started_at, owner from calls where id = $1", [call]);
    expect(rows[0]).toEqual({
      answered_at: new Date(NOW.getTime() + 900),
      socket_started_at: new Date(NOW.getTime() + 900),
      owner: "process-2",
    });
    const { rows: kinds } = await db.pool.query("select kind from events where call_id = $1 and kind like 'audio.%' order by at", [call]);
    expect(kinds.map(({ kind }) => kind)).toEqual(["audio.started", "audio.resumed"]);
  });
});

describe("when the sound is gone", () => {
  const deadlineOf = async (call: CallId) =>
    (await db.pool.query("select deadline_at from calls where id = $1", [call])).rows[0]?.deadline_at;

  it("a call whose audio came is no longer looked at soon", async () => {
    const call = await inbound();
    await db.pool.query(
      "update calls set status = 'in_progress', answered_at = $2, deadline_at = $2::timestamptz + interval '20 s' where id = $1",
      [call, NOW],
    );
    await audioStarted(db.pool, call, "process-1", NOW);
    expect(await deadlineOf(call)).toEqual(new Date(NOW.getTime() + 16 * 60_000));
  });

  it("a running call is looked at soon, never later than it would have been", async () => {
    const call = await inbound();
    await audioStarted(db.pool, call, "process-1", NOW);
    await audioStopped(db.pool, call, new Date(NOW.getTime() + 30_000));
    expect(await deadlineOf(call)).toEqual(new Date(NOW.getTime() + 45_000));
    await audioStopped(db.pool, call, new Date(NOW.getTime() + 90_000));
    expect(await deadlineOf(call)).toEqual(new Date(NOW.getTime() + 45_000));
  });

  it("an ended call is not", async () => {
    const call = await inbound();
    await db.pool.query(
      "update calls set status = 'ended', ended_at = now(), end_reason = 'lost', end_detail = 'tested', deadline_at = null where id = $1",
      [call],
    );
    await audioStopped(db.pool, call, NOW);
    expect(await deadlineOf(call)).toBeNull();
  });
});

it("an event told twice under one name is one row", async () => {
  const call = await inbound();
  const event = { call, at: NOW, kind: "call.tested", actor: "us", said: "It was tested.", once: "tested" } as const;
  expect(await recordEvent(db.pool, event)).toBe(true);
  expect(await recordEvent(db.pool, event)).toBe(false);
  expect(await recordEvent(db.pool, { ...event, call: await inbound() })).toBe(true);
});
