import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { listen } from "../db/notify.ts";
import { unpack } from "../emotion/scores.ts";
import { openEmotionSets } from "../emotion/sets.ts";
import { type CallId, newId } from "../ids.ts";
import type { Utterance } from "./utterance.ts";
import { type ConversationWriter, openConversation } from "./write.ts";

let database: FreshDatabase;
let writer: ConversationWriter;
const warnings: string[] = [];
const lost: CallId[] = [];
const log = { warn: (_: object, text: string): void => void warnings.push(text) };

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  warnings.length = 0;
  lost.length = 0;
  writer = openConversation({ pool: database.pool, log, lost: (call) => lost.push(call) });
});
afterEach(() => writer.close());

async function newCall(): Promise<CallId> {
  const call = newId<CallId>();
  await database.pool.query(
    "insert into calls (id, direction, status, deadline_at) values ($1, 'outbound', 'in_progress', now() + interval '1 hour')",
    [call],
  );
  return call;
}
const words = (call: CallId, ref: string, more: Partial<Utterance> = {}): Utterance => ({
  call,
  ref,
  speaker: "caller",
  text: `words of ${ref}`,
  startedMs: 10.4,
  endedMs: 20.6,
  cut: false,
  heardMs: null,
  language: null,
  emotions: null,
  ...more,
});
const rows = async (call: CallId) =>
  (
    await database.pool.query(
      "select u.*, s.name as set_name, s.names from utterances u left join emotion_sets s on s.id = u.emotion_set where call_id = $1 order by u.started_ms, u.engine_ref",
      [call],
    )
  ).rows;

test("what is said is a row in a moment, and whoever listens hears of it", async () => {
  const call = await newCall();
  const heard: string[] = [];
  const ear = await listen(database.url, (change) => void heard.push(`${change.what} ${change.call_id}`));
  writer.write(words(call, "c1", { language: "en", emotions: { set: "evi-prosody-48", scores: { Joy: 0.5, Awe: 0.25 } } }));
  await writer.written(call);
  const [row] = await rows(call);
  expect(row).toMatchObject({
    speaker: "caller",
    text: "words of c1",
    started_ms: 10,
    ended_ms: 21,
    cut: false,
    heard_ms: null,
    language: "en",
  });
  expect(unpack(row.emotions, row.names)).toEqual({ Joy: 0.5, Awe: 0.25 });
  await vi.waitFor(() => expect(heard).toEqual([`utterance ${call}`]));
  await ear.close();
});

test("the same utterance told again is one row with the last of what is known; feelings are not taken away", async () => {
  const call = await newCall();
  writer.write(words(call, "a1", { speaker: "agent", emotions: { set: "evi-prosody-48", scores: { Joy: 0.5 } } }));
  await writer.written(call);
  writer.write(words(call, "a1", { speaker: "agent", endedMs: 900, heardMs: 300, cut: true }));
  await writer.written(call);
  expect(await rows(call)).toMatchObject([{ ended_ms: 900, heard_ms: 300, cut: true, set_name: "evi-prosody-48" }]);
});

test("no more of a sentence was heard than it lasted, however its times are rounded", async () => {
  const call = await newCall();
  writer.write(words(call, "a1", { speaker: "agent", startedMs: 0.6, endedMs: 900.4, heardMs: 899.8 }));
  await writer.written(call);
  expect(await rows(call)).toMatchObject([{ started_ms: 1, ended_ms: 900, heard_ms: 899 }]);
});

test("while the database stalls everything waits in order; afterwards all of it is there once", async () => {
  const call = await newCall();
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query("lock table utterances in access exclusive mode");
  for (let i = 0; i < 500; i++) writer.write(words(call, `c${i}`, { startedMs: i }));
  for (let i = 0; i < 500; i++) writer.write(words(call, `c${i}`, { startedMs: i, text: `better words of c${i}` }));
  expect(writer.waiting()).toBe(500);
  await client.query("rollback");
  client.release();
  await writer.written(call);
  const stored = await rows(call);
  expect(stored.map((row) => row.engine_ref)).toEqual(Array.from({ length: 500 }, (_, i) => `c${i}`));
  expect(stored.every((row) => row.text.startsWith("better"))).toBe(true);
  expect(warnings).toEqual([]);
});

test("a connection that breaks in the middle costs nothing", async () => {
  const call = await newCall();
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query("lock table utterances in access exclusive mode");
  writer.write(words(call, "c1"));
  await vi.waitFor(async () => {
    const { rowCount } = await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    expect(rowCount).toBe(1);
  });
  writer.write(words(call, "c2"));
  await client.query("rollback");
  client.release();
  await writer.written(call);
  expect((await rows(call)).map((row) => row.engine_ref)).toEqual(["c1", "c2"]);
  expect(warnings).toHaveLength(1);
});

test("what the database refuses costs itself and no neighbour", async () => {
  const call = await newCall();
  const nobody = newId<CallId>();
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query("lock table utterances in access exclusive mode");
  writer.write(words(call, "c1"));
  writer.write(words(nobody, "c1"));
  writer.write(words(call, "c2", { startedMs: 1e15 }));
  writer.write(words(call, "c3"));
  await client.query("rollback");
  client.release();
  await Promise.all([writer.written(call), writer.written(nobody)]);
  expect((await rows(call)).map((row) => row.engine_ref)).toEqual(["c1", "c3"]);
  expect(lost.sort()).toEqual([nobody, call].sort());
});

test("a zero character does not cost the sentence it stands in", async () => {
  const call = await newCall();
  writer.write(words(call, "c1", { text: "before\u0000after" }));
  await writer.written(call);
  expect((await rows(call))[0].text).toBe("before\u2400after");
});

test("a buffer that is full lets the oldest go, and says so", async () => {
  const call = await newCall();
  const small = openConversation({ pool: database.pool, log, lost: (one) => lost.push(one), mostWaiting: 10 });
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query("lock table utterances in access exclusive mode");
  for (let i = 0; i < 14; i++) small.write(words(call, `c${i}`));
  expect(small.waiting()).toBe(10);
  expect(lost).toHaveLength(4);
  await client.query("rollback");
  client.release();
  await small.close();
  expect((await rows(call)).map((row) => row.engine_ref)).toContain("c13");
});

test("vocabularies that grow in ten places at once give every name one place", async () => {
  const name = "free-names";
  const stores = Array.from({ length: 10 }, () => openEmotionSets(database.pool));
  await Promise.all(
    stores.flatMap((store, i) =>
      Array.from({ length: 10 }, (_, round) => store.having(name, [`Feeling ${(i + round) % 17}`, `Mood ${round}`, `Own ${i}-${round}`])),
    ),
  );
  const { rows: sets } = await database.pool.query<{ id: number; names: string[] }>("select id, names from emotion_sets where name = $1", [
    name,
  ]);
  expect(sets).toHaveLength(1);
  expect(new Set(sets[0]?.names).size).toBe(sets[0]?.names.length);
  expect(sets[0]?.names).toHaveLength(17 + 10 + 100);
  const early = await (stores[0] as (typeof stores)[number]).having(name, ["Mood 0"]);
  expect(sets[0]?.names.slice(0, early.names.length)).toEqual(early.names);
});
