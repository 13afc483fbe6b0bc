import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { type Queue, underWay } from "../jobs/queue.ts";
import { journalPath } from "../journal/file.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { StorageUnreadable, StorageUnwritable } from "./failures.ts";
import { askDeletion } from "./keeping/deletion.ts";
import { compareQueue, renderQueue } from "./queues.ts";
import type { Storage } from "./storage.ts";
import { writeJournal } from "./test-journal.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import { listWaiting } from "./waiting.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
beforeAll(async () => {
  room = await openTestRoom();
});
afterEach(() => running?.close()); // or it takes the next test's jobs with its own storage
afterAll(() => room.close());

let running: Recordings | null = null;
const start = async (storage: Storage) => {
  running = await room.start({ storage });
  return running;
};

/** Waits until the job has failed once and pauses, then lets it be as after its last try. */
async function givesUp(queue: Queue<{ call: CallId }>, call: CallId): Promise<void> {
  const { pool } = room.database;
  const given = "update jobs.job_common set state = 'failed' where name = $1 and singleton_key = $2 and state = 'retry'";
  await room.until(async () => ((await pool.query(given, [queue.name, call])).rowCount ?? 0) > 0);
}

it("a storage that is away for longer than our jobs try leaves no recording unmade and no pair uncompared", async () => {
  let away = true;
  const refuse = () => Promise.reject(new StorageUnwritable("bucket", new Error("503")));
  const storage: Storage = {
    ...room.storage,
    put: (key, body) => (away ? refuse() : room.storage.put(key, body)),
    read: (key) => (away ? Promise.reject(new Error("503")) : room.storage.read(key)),
  };
  const recordings = await start(storage);
  const talk = conversation(3, 9);
  const file = await mp3Of(talk);
  const call = await room.call({ talkMs: 3000, endedAt: new Date(Date.now() - 120_000) });
  await writeJournal(join(room.folder, "journal"), call, talk);
  await recordings.callEnded(call);
  await givesUp(renderQueue, call);
  expect((await room.rows(call)).journal.status).toBe("expected");

  away = false;
  await recordings.sweep();
  await room.becomes(call, "journal", "verified");
  await room.announce({ call, url: room.files.serve("outage", file), sizeBytes: file.length });
  const { pool } = room.database;
  await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
  await room.until(async () => (await underWay(pool, compareQueue)).size === 0); // the other one's job, which finds it done, would be taken for ours
  // As if the storage had gone away between the verification and the comparison.
  await pool.query("update recordings set detail = detail - 'comparison', stored_at = now() - interval '2 minutes' where call_id = $1", [
    call,
  ]);
  away = true;
  await recordings.sweep();
  await givesUp(compareQueue, call);
  expect((await listWaiting(pool, new Date())).find(({ call_id }) => call_id === call)).toMatchObject({
    what: "comparison",
    id: (await room.rows(call)).carrier.id,
    because: { message: expect.stringContaining("503") },
  });
  away = false;
  await recordings.sweep();
  await room.until(async () => (await room.kinds(call)).filter((kind) => kind === "carrier compared").length === 2);
});

it("a job that pauses between two tries is left its pause by the sweep", async () => {
  const storage: Storage = { ...room.storage, put: () => Promise.reject(new StorageUnwritable("bucket", new Error("503"))) };
  const recordings = await start(storage);
  const call = await room.call({ talkMs: 3000, endedAt: new Date(Date.now() - 120_000) });
  await writeJournal(join(room.folder, "journal"), call, conversation(3, 10));
  await recordings.callEnded(call);
  const jobs = async (): Promise<string[]> => {
    const asked = "select state from jobs.job_common where name = $1 and singleton_key = $2";
    return (await room.database.pool.query<{ state: string }>(asked, [renderQueue.name, call])).rows.map(({ state }) => state);
  };
  await room.until(async () => (await jobs()).includes("retry"));
  await recordings.sweep();
  expect(await jobs()).toHaveLength(1);
  const waits = (await listWaiting(room.database.pool, new Date())).find(({ call_id }) => call_id === call);
  expect(waits).toMatchObject({
    what: "rendering",
    because: { code: "STORAGE_UNWRITABLE", remedy: expect.stringContaining("STORAGE_URL") },
  });
});

it("the words of a call that are to go take nothing of its sound with them: our own recording is made of the journal first", async () => {
  let away = true;
  const storage: Storage = {
    ...room.storage,
    put: (key, body) => (away ? Promise.reject(new StorageUnwritable("bucket", new Error("503"))) : room.storage.put(key, body)),
  };
  const recordings = await start(storage);
  const { pool } = room.database;
  const call = await room.call({ talkMs: 3000, recording: { sources: ["journal"], consent: "none" } });
  await writeJournal(join(room.folder, "journal"), call, conversation(3, 11));
  const asked = { what: ["transcript" as const], because: "They asked.", by: "user:someone", at: new Date() };
  const id = await inTransaction(pool, (sql) => askDeletion(sql, call, asked)); // before anybody heard of the call's end
  recordings.wake();
  const because = async () => (await listWaiting(pool, new Date())).find((one) => one.id === id)?.because?.code;
  expect(await because()).toBe("RECORDING_FIRST");
  await recordings.callEnded(call);
  await room.until(
    async () =>
      ((await pool.query("select from jobs.job_common where singleton_key = $1 and state = 'completed'", [id])).rowCount ?? 0) > 0,
  );
  expect(await because()).toBe("RECORDING_FIRST");

  away = false;
  await recordings.sweep();
  await room.becomes(call, "journal", "verified");
  const isDone = async () => (await pool.query("select from deletions where id = $1 and done_at is not null", [id])).rowCount === 1;
  await room.until(isDone);
  await expect(stat(journalPath(join(room.folder, "journal"), call))).rejects.toMatchObject({ code: "ENOENT" });
  expect((await room.rows(call)).journal.status).toBe("verified");
});

it("a file that cannot be read back yet waits and says why, until it is verified", async () => {
  let away = true;
  const storage: Storage = {
    ...room.storage,
    read: (key) => (away ? Promise.reject(new StorageUnreadable("bucket", new Error("503"))) : room.storage.read(key)),
  };
  const recordings = await start(storage);
  const talk = conversation(3, 13);
  const file = await mp3Of(talk);
  const call = await room.call({ talkMs: 3000, recording: { sources: ["carrier"], consent: "none" } });
  await room.announce({ call, url: room.files.serve("unreadable", file), sizeBytes: file.length });
  const waits = async () => (await listWaiting(room.database.pool, new Date())).find(({ call_id }) => call_id === call);
  await room.until(async () => (await waits())?.because?.code === "STORAGE_UNREADABLE");
  expect(await waits()).toMatchObject({ what: "verification", source: "carrier" });
  away = false;
  const { pool } = room.database;
  await pool.query("update jobs.job_common set start_after = now() where singleton_key = $1", [(await room.rows(call)).carrier.id]);
  recordings.wake();
  expect(await room.becomes(call, "carrier", "verified")).toMatchObject({ trouble: null, because: null });
});
