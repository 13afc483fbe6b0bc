import { join } from "node:path";
import { HumeClient } from "hume";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { type Program, startProgram } from "../../test/program.ts";
import { sessionReady } from "../calls/engine-sessions.ts";
import { takeLease } from "../calls/leases.ts";
import { systemClock } from "../clock.ts";
import { createEviEngine } from "../engine/evi/evi.ts";
import { type CallId, newId } from "../ids.ts";
import { type Jobs, startJobs } from "../jobs/jobs.ts";
import { listUtterances } from "./read.ts";
import { type Reconciling, startReconciling } from "./reconcile.ts";

/** The real database and job queue; Hume is the emulator, talked with by Hume's own package. */
let database: FreshDatabase;
let evi: Program;
let hume: HumeClient;
let jobs: Jobs;
let reconciling: Reconciling | null = null;
const KEY = "a key";
beforeAll(async () => {
  database = await freshDatabase();
  evi = await startProgram(join(import.meta.dirname, "../../../emulators/evi/main.ts"), ["--api-key", KEY, "--think-ms", "10"]);
  const ws = `${evi.url.replace("http", "ws")}/v0/evi`;
  hume = new HumeClient({ apiKey: KEY, environment: { base: evi.url, evi: ws, tts: ws, stream: ws } });
});
afterAll(async () => {
  await evi?.stop();
  await database?.drop();
});
beforeEach(async () => {
  jobs = await startJobs({ pool: database.pool, log, pollSeconds: 0.5 });
});
afterEach(async () => {
  await reconciling?.close();
  reconciling = null;
  await jobs.close();
});

const log = { warn() {}, error() {} };
const at = (url: string) =>
  createEviEngine({ url: `${url.replace("http", "ws")}/v0/evi/chat`, apiKey: KEY, configId: null, clock: systemClock });
async function start(url: string, pausesMs: readonly number[] = [50, 50]): Promise<Reconciling> {
  reconciling = await startReconciling({ pool: database.pool, clock: systemClock, log, engines: { evi: at(url) }, jobs, pausesMs });
  return reconciling;
}

/** A chat in which the caller said these, each answered by the parrot. */
async function chat(...words: string[]): Promise<string> {
  const socket = hume.empathicVoice.chat.connect({ reconnectAttempts: 0, configId: "parrot" });
  const ends = { heard: 0, wake: (): void => {} };
  let id = "";
  socket.on("message", (message) => {
    if (message.type === "chat_metadata") id = message.chatId;
    if (message.type === "assistant_end") ends.heard++;
    ends.wake();
  });
  await socket.waitForOpen();
  for (const [index, text] of words.entries()) {
    socket.sendUserInput(text);
    while (ends.heard <= index) await new Promise<void>((resolve) => (ends.wake = resolve));
  }
  socket.close();
  await vi.waitFor(async () => {
    const { status } = await hume.empathicVoice.chats.listChatEvents(id).then((page) => page.response);
    expect(status).toBe("USER_ENDED");
  });
  return id;
}
async function endedCall(
  sessions: readonly string[],
  rows: readonly [speaker: string, text: string, atMs: number][] = [],
): Promise<CallId> {
  const { pool } = database;
  const call = newId<CallId>();
  await pool.query(
    `insert into calls (id, direction, status, end_reason, engine, answered_at, ended_at)
     values ($1, 'outbound', 'ended', 'caller_hung_up', 'evi', now() - interval '1 minute', now() + interval '5 seconds')`,
    [call],
  );
  await takeLease(pool, call, "p");
  for (const session of sessions) await sessionReady(pool, call, "p", { engine: "evi", session, resume: null, at: new Date() });
  await pool.query("update leases set until = now() where call_id = $1", [call]);
  for (const [speaker, text, ms] of rows)
    await pool.query(
      "insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms, cut, heard_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      [newId(), call, speaker, `row ${ms}`, text, ms, ms + 900, speaker === "agent", speaker === "agent" ? 400 : null],
    );
  return call;
}
const state = async (call: CallId) => (await database.pool.query("select * from reconciliations where call_id = $1", [call])).rows[0];
const settled = (call: CallId, status: string) =>
  vi.waitFor(async () => expect((await state(call))?.status).toBe(status), { interval: 20 });
const events = async (call: CallId) =>
  (await database.pool.query("select kind, said, detail from events where call_id = $1 order by at", [call])).rows;
const transcript = async (call: CallId) =>
  (await listUtterances(database.pool, call, 100, null)).items.map(({ speaker, text, source }) => `${source} ${speaker} ${text}`);

test("what is missing of two chats is filled in, once and marked; what was heard, and how far, stays as it was", async () => {
  const first = await chat("one", "two");
  const second = await chat("three");
  const call = await endedCall(
    [first, second],
    [
      ["caller", "one", 58_000],
      ["agent", "I heard: one", 58_500],
    ],
  );
  const before = (await database.pool.query("select * from utterances where call_id = $1 order by id", [call])).rows;
  const filling = await start(evi.url);
  await filling.callEnded(call);
  await settled(call, "done");
  const said = await transcript(call);
  expect(said.filter((one) => one.startsWith("heard"))).toEqual(["heard caller one", "heard agent I heard: one"]);
  expect(said.filter((one) => one.startsWith("engine caller"))).toEqual(["engine caller two", "engine caller three"]);
  expect((await database.pool.query("select * from utterances where call_id = $1 and source = 'heard' order by id", [call])).rows).toEqual(
    before,
  );
  const { filled } = await state(call);
  expect(await events(call)).toMatchObject([{ kind: "transcript.filled", detail: { utterances: filled } }]);

  await database.pool.query("update reconciliations set status = 'waiting', next_attempt_at = now() where call_id = $1", [call]);
  await filling.sweep();
  await settled(call, "done");
  expect(await transcript(call)).toEqual(said);
});

test("a call whose end nobody told of is found; one with everything in its rows is left alone", async () => {
  const call = await endedCall(
    [await chat("hello")],
    [
      ["caller", "hello", 58_000],
      ["agent", "I heard: hello", 58_400],
    ],
  );
  await (await start(evi.url)).sweep();
  await settled(call, "done");
  expect(await state(call)).toMatchObject({ filled: 0, because: null });
  expect(await events(call)).toEqual([]);
});

test("a chat that Hume does not keep is no failure", async () => {
  const call = await endedCall(["00000000-0000-4000-8000-000000000000"]);
  await (await start(evi.url)).callEnded(call);
  await settled(call, "not_kept");
});

test("a vendor that is away is asked again, and given up where it can be seen", async () => {
  const call = await endedCall(["some chat"]);
  await (await start("http://127.0.0.1:1", [20, 20])).callEnded(call);
  await settled(call, "given_up");
  expect(await state(call)).toMatchObject({ attempts: 3, because: expect.stringContaining("did not answer") });
  expect(await events(call)).toMatchObject([{ kind: "transcript.unfilled", detail: { attempts: 3 } }]);
});

test("nothing comes back that was deleted meanwhile", async () => {
  const call = await endedCall([await chat("forget this")]);
  await database.pool.query(
    "insert into deletions (id, call_id, asked_at, asked_by, because, what) values ($1, $2, now(), 'us', 'asked for', '{transcript}')",
    [newId(), call],
  );
  await (await start(evi.url)).callEnded(call);
  await settled(call, "done");
  expect(await transcript(call)).toEqual([]);
});
