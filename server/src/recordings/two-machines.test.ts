import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { endLease, takeLease } from "../calls/leases.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import { type CallId, newId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { conversation } from "./audio/test-sounds.ts";
import { askDeletion } from "./keeping/deletion.ts";
import { hold, liftHold } from "./keeping/holds.ts";
import { deleteLeftJournals } from "./keeping/journals.ts";
import { type Deletable, type Receipt, receiptHolds } from "./keeping/receipt.ts";
import { writeJournal } from "./test-journal.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

/** Two machines share a database and a storage; each writes the journals of the calls it carries into a folder of its own. */
let room: TestRoom;
let here: Recordings;
const talk = conversation(3, 12);
const ours = { sources: ["journal" as const], consent: "none" as const };
const folderOf = (machine: string) => join(room.folder, machine, "journal");
const start = (machine: string) => room.start({ owner: machine, journalDir: folderOf(machine) });

beforeAll(async () => {
  room = await openTestRoom();
  await room.database.pool.query(
    "insert into processes (name, beat_at) values ('here', now() + interval '1 day'), ('there', now() + interval '1 day')",
  );
  here = await start("here");
});
afterAll(() => room.close());

/** A call the other machine carried, and its journal there. */
async function carriedThere(): Promise<CallId> {
  const call = await room.call({ talkMs: 3000, recording: ours });
  await writeJournal(folderOf("there"), call, talk);
  await takeLease(room.database.pool, call, "there");
  await endLease(room.database.pool, call, "there");
  return call;
}

it("our own recording is made by the machine whose journal it is, whoever is asked first", async () => {
  const { pool } = room.database;
  const call = await carriedThere();
  await here.callEnded(call);
  const looked = async () =>
    ((
      await pool.query("select from jobs.job_common where name = 'recording.render' and singleton_key = $1 and state = 'completed'", [call])
    ).rowCount ?? 0) > 0;
  await room.until(looked);
  expect((await room.rows(call)).journal).toMatchObject({ status: "expected", because: null });
  const there = await start("there");
  await there.sweep();
  await room.becomes(call, "journal", "verified");
  await there.close();
  expect(await room.kinds(call)).not.toContain("journal missing");
});

it("a recording that was said to be missing is made when a machine comes back that has its journal", async () => {
  const call = await carriedThere();
  await room.database.pool.query("update processes set beat_at = now() - interval '1 hour' where name = 'there'");
  await here.callEnded(call);
  expect(await room.becomes(call, "journal", "missing")).toMatchObject({ because: "JOURNAL_ABSENT" });
  const there = await start("there");
  await room.becomes(call, "journal", "verified");
  await there.close();
});

const leftJournals = (machine: string) =>
  deleteLeftJournals({ pool: room.database.pool, clock: systemClock, journalDir: folderOf(machine), process: machine });
const journalThere = async (call: CallId) => (await stat(journalPath(folderOf("there"), call)).catch(() => null)) !== null;

async function receiptOf(call: CallId, what: Deletable[]): Promise<Receipt> {
  const { pool } = room.database;
  const id = await inTransaction(pool, (sql) =>
    askDeletion(sql, call, { what, because: "They asked.", by: "user:someone", at: new Date() }),
  );
  here.wake();
  const receipt = async () =>
    (await pool.query("select receipt from deletions where id = $1 and done_at is not null", [id])).rows[0]?.receipt;
  await room.until(async () => (await receipt()) !== undefined);
  return receipt();
}

it("the journal of a call that was deleted by another machine goes, too; the receipt says that it may lie there, and the timeline when it is gone", async () => {
  const call = await carriedThere();
  await here.callEnded(call);
  const receipt = await receiptOf(call, ["audio"]);
  expect(receipt).toMatchObject({ journal: "not on this machine", journal_elsewhere: { carried_by: ["there"] } });
  expect(receiptHolds(receipt)).toBe(true);
  expect(await leftJournals("here")).toBe(0);
  expect(await journalThere(call)).toBe(true);
  expect(await leftJournals("there")).toBe(1);
  expect(await journalThere(call)).toBe(false);
  const { rows } = await room.database.pool.query("select detail from events where call_id = $1 and kind = 'journal.deleted'", [call]);
  expect(rows).toEqual([{ detail: { process: "there", bytes: expect.any(Number) } }]);
  expect(await receiptOf(call, ["transcript"])).toMatchObject({ journal: "there was none", journal_elsewhere: null });
});

it("of a call that nobody carried the receipt says that there was no journal", async () => {
  expect(await receiptOf(await room.call({ answered: false }), ["audio"])).toMatchObject({
    journal: "there was none",
    journal_elsewhere: null,
  });
});

it("a journal whose call has a destroyed stretch goes from the machine on which it lies, whichever redacted the recording", async () => {
  const { pool } = room.database;
  const call = await carriedThere();
  await pool.query(
    `insert into redactions (id, call_id, from_ms, to_ms, side, original, why, asked_at, asked_by, done_at)
     values ($1, $2, 0, 100, 'both', 'destroyed', 'a card number', now(), 'user:someone', now())`,
    [newId(), call],
  );
  await inTransaction(pool, (sql) => hold(sql, call, { why: "a dispute", by: "user:counsel", at: new Date() }));
  expect(await leftJournals("there")).toBe(0);
  await inTransaction(pool, (sql) => liftHold(sql, call, { by: "user:counsel", at: new Date() }));
  expect(await leftJournals("there")).toBe(1);
  expect(await journalThere(call)).toBe(false);
});
