import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { inTransaction } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { journalPath } from "../../journal/file.ts";
import { conversation, mp3Of } from "../audio/test-sounds.ts";
import { writeJournal } from "../test-journal.ts";
import { openTestRoom, type TestRoom } from "../test-room.ts";
import type { Recordings } from "../work.ts";
import { hold, liftHold } from "./holds.ts";
import { deleteOldJournals } from "./journals.ts";
import { setKeepRule } from "./retention.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const talk = conversation(3, 8);
const DAY_MS = 24 * 3600 * 1000;
const old = new Date(Date.now() - 10 * DAY_MS);
const at = new Date();

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
  recordings = await room.start();
});
afterAll(() => room.close());
beforeEach(() => rule(null));

const rule = (days: number | null, agent: string | null = null) =>
  inTransaction(room.database.pool, (sql) => setKeepRule(sql, { agent: agent as never, what: "journal", days }, "user:admin", at));
const dir = () => join(room.folder, "journal");
const there = async (call: CallId) => (await stat(journalPath(dir(), call)).catch(() => null)) !== null;
const clockOf = (now: Date) => ({ now: () => now, monotonicMs: () => performance.now() });
const remove = (now = at) => deleteOldJournals({ pool: room.database.pool, clock: clockOf(now), journalDir: dir() });

/** A call that ended ten days ago, with a journal and both recordings, compared. */
async function wholeCall({
  id = newId<CallId>(old.getTime()),
  announce = true,
  ...more
}: {
  id?: CallId;
  announce?: boolean;
  record?: boolean;
} = {}): Promise<CallId> {
  const made = await room.call({ talkMs: 3000, endedAt: old, ...more });
  const { pool } = room.database;
  await pool.query("update calls set id = $2 where id = $1", [made, id]); // as old as the call: ids begin with their time
  await writeJournal(dir(), id, talk);
  if (announce) await room.announce({ call: id, url: room.files.serve(id, file), sizeBytes: file.length });
  await recordings.callEnded(id);
  if (announce) await room.until(async () => (await room.kinds(id)).includes("carrier compared"));
  return id;
}

it("goes three days after the end when both recordings are verified and compared, is on the timeline, and goes once", async () => {
  const call = await wholeCall();
  expect(await remove(new Date(old.getTime() + 2.9 * DAY_MS))).toEqual({ journals: 0, bytes: 0 });
  expect(await there(call)).toBe(true);
  const gone = await remove(new Date(old.getTime() + 3.1 * DAY_MS));
  expect(gone).toMatchObject({ journals: 1 });
  expect(gone.bytes).toBeGreaterThan(100_000);
  expect(await there(call)).toBe(false);
  const { rows } = await room.database.pool.query("select said, detail from events where call_id = $1 and kind = 'journal.deleted'", [
    call,
  ]);
  expect(rows).toEqual([{ said: expect.stringContaining("deleted by rule"), detail: { bytes: gone.bytes } }]);
  expect(await remove()).toEqual({ journals: 0, bytes: 0 });
  await room.becomes(call, "journal", "verified"); // what was made of it stays
});

it("goes by itself, with a rule of 0 days as soon as nothing needs it", async () => {
  const call = await wholeCall();
  await rule(0);
  const own = await room.start(); // a process looks when it starts, and then every ten minutes
  await own.close();
  expect(await there(call)).toBe(false);
});

it("stays by the agent's own rule before the one for all", async () => {
  const call = await wholeCall();
  const { rows } = await room.database.pool.query("select agent_id from calls where id = $1", [call]);
  await rule(0);
  await rule(30, rows[0].agent_id);
  await remove();
  expect(await there(call)).toBe(true);
  await rule(null, rows[0].agent_id);
  await remove();
  expect(await there(call)).toBe(false);
});

it("never goes while a hold is on the call, and when it is lifted it does", async () => {
  const call = await wholeCall();
  const { pool } = room.database;
  await inTransaction(pool, (sql) => hold(sql, call, { why: "a dispute", by: "user:counsel", at }));
  await remove();
  expect(await there(call)).toBe(true);
  await inTransaction(pool, (sql) => liftHold(sql, call, { by: "user:counsel", at }));
  await remove();
  expect(await there(call)).toBe(false);
});

const needed: readonly (readonly [string, string])[] = [
  [
    "our own recording is not verified",
    "update recordings set status = 'failed', because = 'JOURNAL_INCOMPLETE' where call_id = $1 and source = 'journal'",
  ],
  [
    "our own recording's file is lost",
    "update recordings set status = 'failed', because = 'STORED_FILE_LOST' where call_id = $1 and source = 'journal'",
  ],
  ["our own recording was never asked for", "delete from recordings where call_id = $1 and source = 'journal'"],
  ["the carrier's is still on its way", "update recordings set status = 'announced' where call_id = $1 and source = 'carrier'"],
  ["the two were not compared", "update recordings set detail = detail - 'comparison' where call_id = $1"],
  ["a process holds the call", "insert into leases (call_id, process) values ($1, 'another')"],
  ["the engine's history was not read yet", "insert into reconciliations (call_id, next_attempt_at) values ($1, now())"],
  [
    "something of it waits to be redacted",
    "insert into redactions (id, call_id, from_ms, to_ms, side, original, why, asked_at, asked_by) values (gen_random_uuid(), $1, 0, 1, 'both', 'sealed', 'x', now(), 'us')",
  ],
  ["the call has not ended", "update calls set status = 'in_progress', ended_at = null, deadline_at = now() where id = $1"],
];
it.each(needed)("stays while %s", async (_, statement) => {
  const call = await wholeCall();
  await room.database.pool.query(statement, [call]);
  await remove();
  expect(await there(call)).toBe(true);
});

it("goes where the carrier's recording is missing, failed or refused, and where no recording was wanted", async () => {
  const missing = await wholeCall({ announce: false });
  await room.becomes(missing, "journal", "verified");
  const unwanted = await wholeCall({ announce: false, record: false });
  const refused = await wholeCall();
  await room.database.pool.query(
    "update recordings set status = 'refused', because = 'RECORDING_REFUSED_HOST', storage_key = null where call_id = $1 and source = 'carrier'",
    [refused],
  );
  await remove();
  for (const call of [missing, unwanted, refused]) expect(await there(call)).toBe(false);
});
