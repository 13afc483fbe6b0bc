import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { endLease, takeLease } from "../calls/leases.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { conversation } from "./audio/test-sounds.ts";
import { askDeletion } from "./keeping/deletion.ts";
import { deleteLeftJournals } from "./keeping/journals.ts";
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

it("the journal of a call that was deleted by another machine goes, too", async () => {
  const { pool } = room.database;
  const call = await carriedThere();
  const asked = { what: ["audio" as const], because: "They asked.", by: "user:someone", at: new Date() };
  await inTransaction(pool, (sql) => askDeletion(sql, call, asked));
  here.wake();
  await room.until(
    async () => (await pool.query("select from deletions where call_id = $1 and done_at is not null", [call])).rowCount === 1,
  );
  const parts = (machine: string) => ({ pool, clock: systemClock, journalDir: folderOf(machine) });
  expect(await deleteLeftJournals(parts("here"))).toBe(0);
  expect(await deleteLeftJournals(parts("there"))).toBe(1);
  await expect(stat(journalPath(folderOf("there"), call))).rejects.toMatchObject({ code: "ENOENT" });
});
