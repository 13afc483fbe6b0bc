import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { systemClock } from "../clock.ts";
import { type CallId, newId } from "../ids.ts";
import { type Ask, type AsksParts, askForEngine, takeAsks, whisper } from "./asks.ts";
import { CallUnknown, NotInProgress, TooManyWhispers } from "./failures.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

async function newCall(status = "in_progress"): Promise<CallId> {
  const call = newId<CallId>();
  await database.pool.query(
    `insert into calls (id, direction, status, end_reason, ended_at, deadline_at)
     values ($1, 'outbound', $2::text, case when $2 = 'ended' then 'caller_hung_up' end, case when $2 = 'ended' then now() end, now() + interval '1 hour')`,
    [call, status],
  );
  return call;
}
/** A process that carries these calls, or none. */
function house(owner: string, calls: readonly CallId[], can = true) {
  const did: Ask[] = [];
  const parts: AsksParts = {
    pool: database.pool,
    clock: systemClock,
    owner,
    here: () => calls,
    doAsk(_, ask) {
      did.push(ask);
      return can;
    },
  };
  return { parts, did };
}
const events = async (call: CallId) =>
  (await database.pool.query("select kind, said, detail from events where call_id = $1 order by at, id", [call])).rows;

test("a whisper asked of the process that carries the call is done at once", async () => {
  const call = await newCall();
  const here = house("here", [call]);
  await whisper(here.parts, call, { how: "context", text: "She is a regular." }, "user:1");
  expect(here.did).toEqual([{ what: "whisper", how: "context", text: "She is a regular." }]);
  expect(await events(call)).toMatchObject([
    {
      kind: "operator.whispered",
      said: "An operator whispered to the agent.",
      detail: { how: "context", text: "She is a regular.", by: "user:1" },
    },
  ]);
});

test("asked of another process, it is done by the one that carries the call, once, with whatever number of beats", async () => {
  const call = await newCall();
  const door = house("door", []);
  const carrier = house("carrier", [call]);
  await whisper(door.parts, call, { how: "say", text: "One moment." }, "key:1");
  await whisper(door.parts, call, { how: "say", text: "I am back." }, "key:1");
  expect(await events(call)).toEqual([]);
  await Promise.all([takeAsks(carrier.parts), takeAsks(carrier.parts), takeAsks(door.parts)]);
  await takeAsks(carrier.parts);
  expect(carrier.did.map((ask) => ask.what === "whisper" && ask.text).sort()).toEqual(["I am back.", "One moment."]);
  expect(door.did).toEqual([]);
  expect((await events(call)).map(({ kind }) => kind)).toEqual(["operator.whispered", "operator.whispered"]);
});

test("one that nobody took in time is not done late, and says so", async () => {
  const call = await newCall();
  await whisper(house("door", []).parts, call, { how: "context", text: "Too late." }, "user:1");
  await database.pool.query("update bridge_asks set asked_at = now() - interval '11 seconds' where call_id = $1", [call]);
  const carrier = house("carrier", [call]);
  await takeAsks(carrier.parts);
  expect(carrier.did).toEqual([]);
  expect((await events(call)).map(({ kind }) => kind)).toEqual(["whisper.failed"]);
});

test("one that meets an engine that is away says so", async () => {
  const call = await newCall();
  await whisper(house("here", [call], false).parts, call, { how: "context", text: "Hello?" }, "user:1");
  expect((await events(call)).map(({ kind }) => kind)).toEqual(["whisper.failed"]);
});

test("only a call that is in progress has an agent to whisper to, and not without end", async () => {
  const { parts } = house("here", []);
  const one = { how: "context", text: "x" } as const;
  await expect(whisper(parts, newId<CallId>(), one, "user:1")).rejects.toBeInstanceOf(CallUnknown);
  await expect(whisper(parts, await newCall("ringing"), one, "user:1")).rejects.toBeInstanceOf(NotInProgress);
  await expect(whisper(parts, await newCall("ended"), one, "user:1")).rejects.toBeInstanceOf(NotInProgress);
  const call = await newCall();
  for (let i = 0; i < 20; i++) await whisper(parts, call, one, "user:1");
  await expect(whisper(parts, call, one, "user:1")).rejects.toBeInstanceOf(TooManyWhispers);
});

test("an engine that is gone is told to whoever carries the call, without a word on the timeline", async () => {
  const call = await newCall();
  const carrier = house("carrier", [call]);
  await askForEngine(house("door", []).parts, call, "chat-1");
  await takeAsks(carrier.parts);
  expect(carrier.did).toEqual([{ what: "engine gone", session: "chat-1" }]);
  expect(await events(call)).toEqual([]);
});
