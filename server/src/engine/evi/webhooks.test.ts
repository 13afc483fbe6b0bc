import { createHmac } from "node:crypto";
import { fastify } from "fastify";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { sessionEnded, sessionReady } from "../../calls/engine-sessions.ts";
import { takeLease } from "../../calls/leases.ts";
import { setLineKept } from "../../calls/line-kept.ts";
import { systemClock } from "../../clock.ts";
import { Failure } from "../../failure.ts";
import { type CallId, newId } from "../../ids.ts";
import { type HumeWebhooks, openHumeWebhooks } from "./webhooks.ts";

const KEY = "a webhook signing key";
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const unnoticed: string[] = [];
async function door(secret: string | null = KEY) {
  unnoticed.length = 0;
  const webhooks: HumeWebhooks = openHumeWebhooks({
    pool: database.pool,
    clock: systemClock,
    log: { warn() {}, error() {} },
    secret,
    onUnnoticedEnd: (_, session) => void unnoticed.push(session),
    sweepMs: 3_600_000,
  });
  const app = fastify();
  app.setErrorHandler((error, _request, reply) =>
    reply.code(error instanceof Failure ? error.status : 500).send(String((error as Failure).code)),
  );
  await app.register(webhooks.door);
  closing.push(
    () => app.close(),
    () => webhooks.close(),
  );
  const post = async (body: object | string, more: { key?: string; at?: number; headers?: Record<string, string> } = {}) => {
    const raw = typeof body === "string" ? body : JSON.stringify(body);
    const seconds = String(Math.floor((more.at ?? Date.now()) / 1000));
    const headers = more.headers ?? {
      "content-type": "application/json",
      "x-hume-ai-webhook-timestamp": seconds,
      "x-hume-ai-webhook-signature": createHmac("sha256", more.key ?? KEY)
        .update(`${raw}.${seconds}`)
        .digest("hex"),
    };
    const answer = await app.inject({ method: "POST", url: "/webhooks/hume", payload: raw, headers });
    return [answer.statusCode, answer.body];
  };
  return { webhooks, post };
}

async function runningCall(session: string | null = null): Promise<CallId> {
  const call = newId<CallId>();
  await database.pool.query(
    `insert into calls (id, direction, status, engine, engine_session, deadline_at)
     values ($1, 'outbound', 'in_progress', 'evi', $2, now() + interval '1 hour')`,
    [call, session],
  );
  await takeLease(database.pool, call, "p");
  if (session !== null)
    await sessionReady(database.pool, call, "p", { engine: "evi", session, resume: `group of ${session}`, at: new Date() });
  return call;
}
const ended = (chat: string, more: Record<string, unknown> = {}) => ({
  event_name: "chat_ended",
  chat_group_id: `group of ${chat}`,
  chat_id: chat,
  config_id: null,
  caller_number: null,
  custom_session_id: null,
  end_time: Date.now(),
  duration_seconds: 94,
  end_reason: "USER_ENDED",
  twilio_metadata: null,
  ...more,
});
const stored = async (session: string) =>
  (
    await database.pool.query("select event, times, verdict, call_id, body from engine_webhooks where session = $1 order by event", [
      session,
    ])
  ).rows;
const applied = (session: string, verdict = "applied") =>
  vi.waitFor(async () => expect((await stored(session)).map((row) => row.verdict)).toEqual([verdict]));
const events = async (call: CallId) =>
  (await database.pool.query("select kind, said, detail from events where call_id = $1 order by at, id", [call])).rows;

test("is stored as it came, answered, and joined to its call", async () => {
  const { post } = await door();
  const call = await runningCall("chat-1");
  const body = `${JSON.stringify(ended("chat-1"))}\n `;
  expect(await post(body)).toEqual([200, ""]);
  await applied("chat-1");
  const [row] = await stored("chat-1");
  expect(row).toMatchObject({ call_id: call, event: "chat_ended" });
  expect(row.body.toString()).toBe(body);
  expect(await events(call)).toMatchObject([
    {
      kind: "engine.session_ended",
      said: "EVI says that its chat ended after 94 s: USER_ENDED.",
      detail: { session: "chat-1", seconds: 94 },
    },
  ]);
});

test("ten times the same one is once", async () => {
  const { post } = await door();
  const call = await runningCall("chat-2");
  const body = ended("chat-2");
  await Promise.all(Array.from({ length: 10 }, () => post(body)));
  await applied("chat-2");
  expect((await stored("chat-2"))[0]?.times).toBe(10);
  expect(await events(call)).toHaveLength(1);
});

test("finds its call by our own id, by the chat, or by the group; else it is kept", async () => {
  const { post } = await door();
  const byId = await runningCall();
  await post(ended("chat-never-written-down", { custom_session_id: byId }));
  await applied("chat-never-written-down");
  expect((await stored("chat-never-written-down"))[0]?.call_id).toBe(byId);
  const byGroup = await runningCall("chat-3");
  await post(ended("chat-3b", { chat_group_id: "group of chat-3" }));
  await applied("chat-3b");
  expect((await stored("chat-3b"))[0]?.call_id).toBe(byGroup);
  await post(ended("chat-of-nobody", { custom_session_id: "not an id of ours" }));
  await applied("chat-of-nobody", "unknown_call");
});

test.each([
  ["another key", { key: "not our key" }],
  ["an old time", { at: Date.now() - 200_000 }],
  ["no signature", { headers: { "content-type": "application/json" } }],
])("refuses and keeps nothing of one with %s", async (_, more) => {
  const { post } = await door();
  expect(await post(ended("chat-forged"), more)).toEqual([401, "ENGINE_WEBHOOK_REFUSED"]);
  expect(await stored("chat-forged")).toEqual([]);
});

test("refuses everything while nobody said how Hume signs", async () => {
  const { post } = await door(null);
  expect(await post(ended("chat-4"))).toEqual([403, "ENGINE_WEBHOOKS_OFF"]);
});

test("keeps what it believes and cannot read", async () => {
  const { post } = await door();
  expect(await post("[1, 2]")).toEqual([200, ""]);
  await vi.waitFor(async () => {
    const { rows } = await database.pool.query("select verdict from engine_webhooks where body = '[1, 2]'");
    expect(rows).toEqual([{ verdict: "unreadable" }]);
  });
});

test("one that was stored and not applied is applied by the next look", async () => {
  const { webhooks } = await door();
  const call = await runningCall("chat-5");
  await database.pool.query(
    "insert into engine_webhooks (id, received_at, engine, identity, event, session, body) values ($1, now(), 'evi', 'chat-5 chat_ended', 'chat_ended', 'chat-5', $2)",
    [newId(), Buffer.from(JSON.stringify(ended("chat-5")))],
  );
  await webhooks.sweep();
  expect((await events(call)).map(({ kind }) => kind)).toEqual(["engine.session_ended"]);
});

test("a chat that ended there and still runs here is noticed, once; one we left or saw end is not", async () => {
  const { webhooks, post } = await door();
  // What other tests left behind is old by now.
  await database.pool.query("update engine_sessions set ended_at = coalesce(ended_at, now())");
  unnoticed.length = 0;
  const call = await runningCall("chat-6");
  const left = await runningCall("chat-7");
  await database.pool.query("update calls set engine_session = 'chat-8' where id = $1", [left]);
  await runningCall("chat-9");
  for (const chat of ["chat-6", "chat-7", "chat-9"]) {
    await post(ended(chat));
    await applied(chat);
  }
  await database.pool.query("update engine_sessions set told_ended_at = now() where session in ('chat-6', 'chat-7', 'chat-9')");
  await webhooks.sweep();
  expect(unnoticed).toEqual([]); // our own connection may close in the same breath
  await sessionEnded(database.pool, "evi", "chat-9", new Date());
  await database.pool.query(
    "update engine_sessions set told_ended_at = now() - interval '6 seconds' where session in ('chat-6', 'chat-7', 'chat-9')",
  );
  await webhooks.sweep();
  await webhooks.sweep();
  expect(unnoticed).toEqual(["chat-6"]);
  expect((await events(call)).map(({ kind }) => kind)).toEqual(["engine.session_ended", "engine.end_unnoticed"]);
});

test("raw requests go when the operator says so: not those of a call that runs or is on hold, nor what waits", async () => {
  const { pool } = database;
  const [over, held, running] = [await runningCall("old-1"), await runningCall("old-2"), await runningCall("old-3")];
  await pool.query("update calls set status = 'ended', end_reason = 'caller_hung_up', ended_at = now() where id = any($1)", [[over, held]]);
  await pool.query("insert into holds (id, call_id, why, placed_at, placed_by) values ($1, $2, 'a dispute', now(), 'user:1')", [
    newId(),
    held,
  ]);
  const old = (session: string, call: CallId | null, verdict: string, days: number) =>
    pool.query(
      `insert into engine_webhooks (id, received_at, engine, identity, event, session, body, verdict, call_id, attempts)
       values ($1, now() - make_interval(days => $2), 'evi', $3, 'chat_ended', $3, '{}', $4, $5, 99)`,
      [newId(), days, session, verdict, call],
    );
  await old("old-1", over, "applied", 8);
  await old("old-1b", over, "applied", 6);
  await old("old-2", held, "applied", 8);
  await old("old-3", running, "applied", 8);
  await old("old-4", null, "unknown_call", 31);
  await old("old-5", null, "pending", 31);
  await setLineKept(pool, { webhooks_days: 7, exchanges_days: null });
  await (await door()).webhooks.sweep();
  const { rows } = await pool.query("select session from engine_webhooks where session like 'old-%' order by session");
  expect(rows.map(({ session }) => session)).toEqual(["old-1b", "old-2", "old-3", "old-5"]);
});
