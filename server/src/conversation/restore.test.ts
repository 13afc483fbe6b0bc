import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { systemClock } from "../clock.ts";
import { type CallId, newId } from "../ids.ts";
import { journalPath, openJournals } from "../journal/file.ts";
import { readKept } from "../journal/kept.ts";
import { restoreUtterances } from "./restore.ts";

let database: FreshDatabase;
let dir: string;
beforeAll(async () => {
  database = await freshDatabase();
  dir = await mkdtemp(join(tmpdir(), "earshot-restore-"));
});
afterAll(async () => {
  await database.drop();
  await rm(dir, { recursive: true, force: true });
});

/** A call whose process died: its journal holds these versions of utterances, told at those ms from the answer. */
async function deadCall(
  told: { at: number; ref: string; speaker: string; from: number; to: number; heardMs?: number; cut?: boolean; joy?: number }[],
) {
  const call = newId<CallId>();
  const answered = Date.now() - 60_000;
  await database.pool.query(
    "insert into calls (id, direction, status, answered_at, deadline_at) values ($1, 'outbound', 'in_progress', $2, now() + interval '1 hour')",
    [call, new Date(answered)],
  );
  const journals = openJournals({ dir, clock: systemClock, log: { warn() {} } });
  const journal = journals.open(call);
  const monotonicAnswer = systemClock.monotonicMs() - (Date.now() - answered);
  for (const { at, from, to, heardMs = null, cut = false, joy, ...rest } of told) {
    const utterance = {
      ...rest,
      call,
      text: `words of ${rest.ref}`,
      startedAtMs: answered + from,
      endedAtMs: answered + to,
      heardMs,
      cut,
      language: null,
      emotions: joy === undefined ? null : { set: "test", scores: { joy } },
    };
    journal.put("utterance", monotonicAnswer + at, JSON.stringify(utterance));
  }
  await journals.close();
  return { call, path: journalPath(dir, call) };
}
const restored = async (call: CallId, path: string) => restoreUtterances(database.pool, call, await readKept(path));
const rows = async (call: CallId) =>
  (
    await database.pool.query(
      "select engine_ref, started_ms, ended_ms, heard_ms, cut from utterances where call_id = $1 order by started_ms",
      [call],
    )
  ).rows;

test("what was said and not stored is brought back, once", async () => {
  const { call, path } = await deadCall([
    { at: 61_000, ref: "a1", speaker: "agent", from: 60_100, to: 60_900, heardMs: 800 },
    { at: 63_000, ref: "c1", speaker: "caller", from: 61_500, to: 62_400 },
  ]);
  expect(await restored(call, path)).toBe(2);
  expect(await restored(call, path)).toBe(0);
  expect(await rows(call)).toEqual([
    { engine_ref: "a1", started_ms: 60_100, ended_ms: 60_900, heard_ms: 800, cut: false },
    { engine_ref: "c1", started_ms: 61_500, ended_ms: 62_400, heard_ms: null, cut: false },
  ]);
});

test("a sentence in the middle of which the process died is cut where the journal ends", async () => {
  const { call, path } = await deadCall([{ at: 60_200, ref: "a1", speaker: "agent", from: 60_200, to: 90_000 }]);
  expect(await restored(call, path)).toBe(1);
  const [row] = await rows(call);
  expect(row).toMatchObject({ started_ms: 60_200, cut: true });
  expect(row.ended_ms - row.started_ms).toBe(row.heard_ms);
  expect(row.ended_ms).toBeLessThan(90_000);
});

test("rows that are complete are left as they are", async () => {
  const { call, path } = await deadCall([{ at: 61_000, ref: "a1", speaker: "agent", from: 60_100, to: 60_900, heardMs: 800 }]);
  await database.pool.query(
    "insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms, heard_ms) values ($1, $2, 'agent', 'a1', 'as stored', 1, 2, 1)",
    [newId(), call],
  );
  expect(await restored(call, path)).toBe(0);
  expect(await rows(call)).toMatchObject([{ started_ms: 1, ended_ms: 2 }]);
});

test("feelings that came after the words come too, and change nothing else of the row", async () => {
  const { call, path } = await deadCall([
    { at: 61_000, ref: "c1", speaker: "caller", from: 60_100, to: 60_900 },
    { at: 61_500, ref: "c1", speaker: "caller", from: 60_100, to: 60_900, joy: 0.5 },
  ]);
  await database.pool.query(
    "insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms) values ($1, $2, 'caller', 'c1', 'as stored', 1, 2)",
    [newId(), call],
  );
  expect(await restored(call, path)).toBe(0);
  expect(await rows(call)).toMatchObject([{ started_ms: 1, ended_ms: 2 }]);
  const { rows: felt } = await database.pool.query(
    "select text, emotions is not null as felt, emotion_set is not null as named from utterances where call_id = $1",
    [call],
  );
  expect(felt).toEqual([{ text: "as stored", felt: true, named: true }]);
});

test("words the database cannot take cost no others", async () => {
  const { call, path } = await deadCall([
    { at: 61_000, ref: "c1", speaker: "caller", from: 60_100, to: 1e15 },
    { at: 62_000, ref: "c2", speaker: "caller", from: 61_100, to: 61_900 },
  ]);
  await restored(call, path);
  expect(await rows(call)).toMatchObject([{ engine_ref: "c2" }]);
});

test("words in a stretch that was redacted meanwhile come back without what they say, and those of a deleted transcript not at all", async () => {
  const told = [
    { at: 61_000, ref: "c1", speaker: "caller", from: 60_100, to: 60_900 },
    { at: 63_000, ref: "c2", speaker: "caller", from: 61_500, to: 62_400 },
    { at: 63_500, ref: "a1", speaker: "agent", from: 60_500, to: 61_000, heardMs: 500 },
  ];
  const { call, path } = await deadCall(told);
  await database.pool.query(
    `insert into redactions (id, call_id, from_ms, to_ms, side, original, why, asked_at, asked_by)
     values ($1, $2, 60000, 61200, 'caller', 'sealed', 'a card number', now(), 'user:someone')`,
    [newId(), call],
  );
  await restored(call, path);
  const words = async (of: CallId) =>
    (await database.pool.query("select engine_ref, text from utterances where call_id = $1 order by engine_ref", [of])).rows.map(
      ({ engine_ref, text }) => `${engine_ref} ${text}`,
    );
  expect(await words(call)).toEqual(["a1 words of a1", "c1 [redacted]", "c2 words of c2"]);

  const gone = await deadCall(told);
  await database.pool.query(
    `insert into deletions (id, call_id, asked_at, asked_by, because, what, done_at)
     values ($1, $2, now(), 'user:someone', 'asked', '{transcript}', now())`,
    [newId(), gone.call],
  );
  await restored(gone.call, gone.path);
  expect(await words(gone.call)).toEqual([]);
});
