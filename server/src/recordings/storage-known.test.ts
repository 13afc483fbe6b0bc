import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { auditRecordings } from "./audit.ts";
import { askDeletion } from "./keeping/deletion.ts";
import { tryWaitingAgain } from "./keeping/trouble.ts";
import { knownStorage } from "./storage-known.ts";
import { tryStorage } from "./storage-trial.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import { listWaiting } from "./waiting.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const ofCarrier = { sources: ["carrier" as const], consent: "none" as const };
const pool = () => room.database.pool;
const storage = () => knownStorage(room.storage, pool());
const waits = async (id: string) => (await listWaiting(pool(), new Date())).find((one) => one.id === id);

beforeAll(async () => {
  room = await openTestRoom(Buffer.alloc(32, 7));
  file = await mp3Of(conversation(3, 14));
  await tryStorage(storage()); // a new, empty folder is a storage while nothing is kept
  recordings = await room.start({ storage: storage(), pauseMs: () => 200 });
});
afterAll(() => room.close());

async function announcedCall(): Promise<{ call: Awaited<ReturnType<TestRoom["call"]>>; id: string }> {
  const call = await room.call({ talkMs: 3000, recording: ofCarrier });
  await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
  return { call, id: (await room.rows(call)).carrier.id };
}

it.each([
  ["an empty mount point", (kept: string) => mkdir(kept)],
  ["a folder that is not there", async () => {}],
])("while the storage is %s nothing is said to be deleted, lost or stored; all of it goes on when it is back", async (_, leave) => {
  const [kept, away] = [join(room.folder, "kept"), join(room.folder, "away")];
  const { call, id } = await announcedCall();
  const { storage_key: key } = await room.becomes(call, "carrier", "verified");
  await rename(kept, away);
  await leave(kept);

  const deletion = await inTransaction(pool(), (sql) =>
    askDeletion(sql, call, { what: ["audio"], because: "They asked.", by: "user:someone", at: new Date() }),
  );
  recordings.wake();
  await room.until(async () => (await waits(deletion))?.because?.code === "STORAGE_UNREADABLE");
  expect(await waits(deletion)).toMatchObject({
    what: "deletion",
    attempts: expect.any(Number),
    because: { message: expect.stringContaining("not mounted"), remedy: expect.stringContaining("mounted") },
  });
  const asked = await Promise.allSettled([
    storage().head(key),
    storage().read(key),
    storage().delete(key),
    Array.fromAsync(storage().list("recordings/")),
  ]);
  for (const one of asked) expect(one).toMatchObject({ status: "rejected", reason: { code: "STORAGE_UNREADABLE" } });
  expect((await auditRecordings({ pool: pool(), storage: storage(), clock: systemClock }, { hash: 10 })).lost).toBe(0);

  const later = await announcedCall();
  await room.until(async () => (await waits(later.id))?.because?.code === "STORAGE_UNWRITABLE");
  expect(await readdir(kept).catch(() => [])).toEqual([]);
  const { rows } = await pool().query("select done_at, receipt from deletions where id = $1", [deletion]);
  expect(rows).toEqual([{ done_at: null, receipt: { recordings: 1 } }]);

  await rm(kept, { recursive: true, force: true });
  await rename(away, kept);
  await inTransaction(pool(), (sql) => tryWaitingAgain(sql, deletion));
  recordings.wake();
  const receipt = async () =>
    (await pool().query("select receipt from deletions where id = $1 and done_at is not null", [deletion])).rows[0];
  await room.until(async () => (await receipt()) !== undefined);
  expect((await receipt()).receipt.files).toEqual([expect.objectContaining({ source: "carrier", bytes: file.length, gone: true })]);
  expect(await room.storage.head(key)).toBeNull();
  expect((await room.rows(call)).carrier.id).toBe(id);
  await room.becomes(later.call, "carrier", "verified");
});
