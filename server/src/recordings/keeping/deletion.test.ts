import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import { newId } from "../../ids.ts";
import { journalPath } from "../../journal/file.ts";
import { announceRecording, expectRecording } from "../announce.ts";
import { conversation, mp3Of, streamed } from "../audio/test-sounds.ts";
import { auditRecordings } from "../audit.ts";
import { playableOf } from "../read.ts";
import { recordingKey, type Storage } from "../storage.ts";
import { writeJournal } from "../test-journal.ts";
import { openTestRoom, type TestRoom } from "../test-room.ts";
import type { Recordings } from "../work.ts";
import { askDeletion, runDeletion } from "./deletion.ts";
import { type Receipt, receiptHolds } from "./receipt.ts";

let room: TestRoom;
let recordings: Recordings | null = null;
let file: Buffer;
const now = new Date();
const clock = { now: () => now, monotonicMs: () => performance.now() };
const talk = conversation(3, 8);

/** What happens when a file has just been put, and whether deleting fails. */
let put: ((key: string) => Promise<void>) | null = null;
let undeletable = false;
const storage = (): Storage => ({
  ...room.storage,
  async put(key, body) {
    const stored = await room.storage.put(key, body);
    const hook = put;
    put = null;
    await hook?.(key);
    return stored;
  },
  async delete(key) {
    if (undeletable) throw new Error("The storage does not answer.");
    await room.storage.delete(key);
  },
});

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
});
afterEach(async () => {
  [put, undeletable] = [null, false];
  await recordings?.close();
});
afterAll(() => room.close());

const start = async () => {
  recordings = await room.start({ clock, storage: storage() });
  return recordings;
};
const pool = () => room.database.pool;
const parts = () => ({
  pool: pool(),
  storage: storage(),
  clock,
  journalDir: join(room.folder, "journal"),
  process: "",
  workDir: join(room.folder, "fetching"),
});
const ask = (call: CallId) =>
  inTransaction(pool(), (sql) => askDeletion(sql, call, { what: ["audio"], because: "asked", by: "user:someone", at: now }));
const remove = async (call: CallId): Promise<Receipt> => {
  const id = await ask(call);
  await runDeletion(parts(), id);
  return receiptOf(id);
};
const receiptOf = async (id: string): Promise<Receipt> =>
  (await pool().query("select receipt from deletions where id = $1 and done_at is not null", [id])).rows[0]?.receipt;
const callWithJournal = async (): Promise<CallId> => {
  const call = await room.call({ talkMs: 3000, endedAt: now });
  await writeJournal(join(room.folder, "journal"), call, talk);
  return call;
};
const journalThere = async (call: CallId) => (await stat(journalPath(join(room.folder, "journal"), call)).catch(() => null)) !== null;
const all = async (call: CallId) =>
  (await pool().query("select status, because, carrier_recording, storage_key, announced_url from recordings where call_id = $1", [call]))
    .rows;
/** Objects in the storage and half-made files of a call's recordings. */
async function left(call: CallId): Promise<string[]> {
  const { rows } = await pool().query<{ id: string }>("select id from recordings where call_id = $1", [call]);
  const found: string[] = [];
  for await (const { key } of room.storage.list("recordings/")) if (rows.some(({ id }) => key.includes(id))) found.push(key);
  for (const { id } of rows) if ((await room.partBytes(id)) > 0) found.push(`fetch-${id}.part`);
  return found;
}
const unexplained = async () => (await auditRecordings({ pool: pool(), storage: room.storage, clock }, { hash: 0 })).unexplained;

describe("a recording of a call whose sound is deleted", () => {
  it("that the carrier announces only afterwards is not fetched, and says that it is deleted", async () => {
    const call = await callWithJournal();
    await inTransaction(pool(), (sql) => expectRecording(sql, call, "carrier", now));
    await remove(call);
    const { callEnded, sweep } = await start();
    await callEnded(call); // only now: nobody had told it when the deletion was asked
    const said = { call, conversation: null, recording: newId(), url: room.files.serve(call, file), sizeBytes: file.length };
    const announce = (more = {}) =>
      inTransaction(pool(), (sql) => announceRecording(sql, { ...said, startedAt: null, endedAt: null, at: now, ...more }));
    expect(await announce()).toBe("deleted");
    expect(await announce()).toBe("again");
    expect(await announce({ recording: newId() })).toBe("deleted");
    await sweep();
    await room.until(async () => !(await journalThere(call)));
    const rows = await all(call);
    expect(rows).toHaveLength(3);
    for (const row of rows)
      expect(row).toMatchObject({ status: "deleted", because: "RECORDING_DELETED", storage_key: null, announced_url: null });
    expect(room.files.asked(call)).toEqual([]);
    expect(await left(call)).toEqual([]);
    expect(await room.kinds(call)).toEqual(["carrier expected", "carrier deleted", "carrier deleted"]);
    expect(await unexplained()).toEqual([]);
  });

  it("that came before its call was known goes with its file when it is matched", async () => {
    const { sweep } = await start();
    const call = await callWithJournal();
    const [orphan] = [
      await room.announce({
        call: null,
        conversation: `CON-of-${call}` as never,
        url: room.files.serve(call, file),
        sizeBytes: file.length,
      }),
    ];
    const orphaned = async () =>
      (await pool().query("select id, status, storage_key from recordings where carrier_recording = $1", [orphan])).rows[0];
    await room.until(async () => (await orphaned()).status === "verified");
    const { storage_key: key } = await orphaned();
    await remove(call);
    await pool().query("update calls set conversation = $2 where id = $1", [call, `CON-of-${call}`]);
    await sweep();
    recordings?.wake();
    await room.until(async () => (await room.storage.head(key)) === null);
    expect(await orphaned()).toMatchObject({ status: "deleted", storage_key: null });
    await room.until(async () => (await pool().query("select from recordings where to_delete <> '{}'")).rowCount === 0);
  });
});

describe("a deletion", () => {
  it("beside a fetch leaves nothing of what that brings, in the storage or half-made", async () => {
    const call = await callWithJournal();
    await start();
    await room.announce({ call, url: room.files.serve(call, file, [{ as: "stepped", bytes: 8000 }]), sizeBytes: file.length });
    await room.becomes(call, "carrier", "fetching");
    await room.files.next();
    await room.until(async () => (await left(call)).length > 0);
    const receipt = await remove(call);
    expect(receiptHolds(receipt)).toBe(true);
    expect(await left(call)).toEqual([]);
    let over = false;
    const closed = recordings?.close().then(() => {
      over = true;
    });
    while (!over) await Promise.race([room.files.next(), closed]);
    expect(await left(call)).toEqual([]);
    expect((await all(call)).every(({ status }) => status === "deleted")).toBe(true);
  });

  it.each(["carrier", "journal"] as const)(
    "that comes between the file and the row of the %s's recording leaves neither",
    async (source) => {
      const call = await callWithJournal();
      let receipt: Receipt | null = null;
      const { callEnded } = await start();
      put = async () => {
        receipt = await remove(call);
      };
      if (source === "carrier") await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
      else await callEnded(call);
      await room.until(async () => receipt !== null);
      await recordings?.close();
      expect(await left(call)).toEqual([]);
      expect((await all(call)).every(({ status, storage_key }) => status === "deleted" && storage_key === null)).toBe(true);
      expect(await journalThere(call)).toBe(false);
    },
  );

  it("finds what a fetch left that was killed before it could say so", async () => {
    const call = await callWithJournal();
    await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
    const { id } = (await room.rows(call)).carrier;
    await pool().query("update recordings set status = 'fetching' where id = $1", [id]);
    await room.storage.put(recordingKey(id, "mp3"), streamed(file));
    await mkdir(join(room.folder, "fetching"), { recursive: true });
    await writeFile(join(room.folder, "fetching", `fetch-${id}.part`), file);
    const receipt = await remove(call);
    expect(receipt.files).toEqual([{ source: "carrier", sha256: null, bytes: file.length, gone: true }]);
    expect(await left(call)).toEqual([]);
  });

  it("is made good at the next start when a fetch beside it was killed with its file already put", async () => {
    const call = await callWithJournal();
    await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
    const { id } = (await room.rows(call)).carrier;
    await remove(call);
    await room.storage.put(recordingKey(id, "mp3"), streamed(file));
    await mkdir(join(room.folder, "fetching"), { recursive: true });
    await writeFile(join(room.folder, "fetching", `fetch-${id}.part`), file);
    expect(await left(call)).toHaveLength(2);
    await start();
    expect(await left(call)).toEqual([]);
  });

  it("is not played from its first step on, and its receipt names everything although it was broken off and begun again", async () => {
    const call = await callWithJournal();
    const { callEnded } = await start();
    await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
    await callEnded(call);
    await room.becomes(call, "carrier", "verified");
    await room.becomes(call, "journal", "verified");
    await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
    const before = await room.rows(call);
    await recordings?.close();
    undeletable = true;
    const id = await ask(call);
    await expect(runDeletion(parts(), id)).rejects.toThrow("does not answer");
    expect(await playableOf(pool(), call, {})).toMatchObject({ status: "deleted", file: null });
    expect(await receiptOf(id)).toBeUndefined();
    undeletable = false;
    await runDeletion(parts(), id);
    await runDeletion(parts(), id);
    const receipt = await receiptOf(id);
    expect(receipt).toMatchObject({ journal: "deleted", rows: { recordings: 2 } });
    expect(receipt.files.map(({ source, sha256, gone }) => [source, sha256, gone]).sort()).toEqual(
      [
        ["carrier", before.carrier.sha256, true],
        ["journal", before.journal.sha256, true],
      ].sort(),
    );
    expect(receiptHolds(receipt)).toBe(true);
    expect(await left(call)).toEqual([]);
    expect(await all(call)).toMatchObject([{ storage_key: null }, { storage_key: null }]);
  });
});
