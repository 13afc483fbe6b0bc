import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { expectRecording } from "./announce.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { auditRecordings } from "./audit.ts";
import { moveStorage } from "./move-storage.ts";
import { openStorage, type Storage } from "./storage.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import { expireUnclaimed, listUnclaimed } from "./unclaimed.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const fromCarrier = { sources: ["carrier" as const], consent: "none" as const };
const anHourAgo = new Date(Date.now() - 3_600_000);
const audit = (hash = 0, storage: Storage = room.storage) =>
  auditRecordings({ pool: room.database.pool, storage, clock: systemClock }, { hash });

async function kept(name: string): Promise<{ call: CallId; path: string }> {
  const call = await room.call({ endedAt: anHourAgo, recording: fromCarrier });
  await room.announce({ call, url: room.files.serve(name, file), sizeBytes: file.length });
  const row = await room.becomes(call, "carrier", "verified");
  return { call, path: join(room.folder, "kept", row.storage_key) };
}

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(conversation(10, 11));
  recordings = await room.start();
});
afterAll(() => room.close());

describe("the audit", () => {
  it("accounts for calls whose recordings are there, missing with a reason, or not wanted", async () => {
    await kept("first");
    await room.call({ answered: false, endedAt: anHourAgo });
    await room.call({ record: false, endedAt: anHourAgo });
    const silent = await room.call({ endedAt: anHourAgo, recording: { sources: ["journal"], consent: "none" } });
    await recordings.callEnded(silent);
    await room.becomes(silent, "journal", "missing");
    expect(await audit(10)).toMatchObject({
      calls: 4,
      accounted: 4,
      unexplained: [],
      files: 1,
      hashed: 1,
      lost: 0,
      rotten: 0,
      strays: 0,
      reasons: { JOURNAL_ABSENT: 1 },
    });
  });

  it("tells of each source that was to be recorded and has no row at all, not only of calls with none", async () => {
    const call = await room.call({ endedAt: anHourAgo });
    const report = await audit();
    expect(report.unexplained).toEqual([
      { call, recording: null, why: expect.stringContaining("The carrier's recording was to be made") },
      { call, recording: null, why: expect.stringContaining("Our own recording was to be made") },
    ]);
    expect(report.accounted).toBe(report.calls - 1);
    await recordings.callEnded(call);
    await room.becomes(call, "journal", "missing");
    expect((await audit()).unexplained).toEqual([{ call, recording: null, why: expect.stringContaining("carrier's") }]);
    await inTransaction(room.database.pool, (sql) => expectRecording(sql, call, "carrier", anHourAgo));
    await recordings.sweep();
    await recordings.sweep();
    await room.becomes(call, "carrier", "missing");
    expect((await audit()).unexplained).toEqual([]);
  });

  it("tells of a recording that waits for nothing", async () => {
    const call = await room.call({ endedAt: anHourAgo, recording: fromCarrier });
    await inTransaction(room.database.pool, (sql) => expectRecording(sql, call, "carrier", anHourAgo));
    expect((await audit()).unexplained).toMatchObject([{ call, why: expect.stringContaining("expected") }]);
    await recordings.callEnded(call);
    await recordings.sweep();
    await room.becomes(call, "carrier", "missing");
    expect((await audit()).unexplained).toEqual([]);
  });

  it("finds a file that was lost, writes it on the recording, and takes it back when it is restored", async () => {
    const { call, path } = await kept("lost");
    const bytes = await readFile(path);
    await rm(path);
    expect(await audit()).toMatchObject({ lost: 1, unexplained: [{ call }] });
    expect((await room.rows(call)).carrier).toMatchObject({ status: "failed", because: "STORED_FILE_LOST" });
    await writeFile(path, bytes);
    expect(await audit(0)).toMatchObject({ lost: 0, unexplained: [] }); // known as lost: read back whatever the sample is
    recordings.wake();
    await room.becomes(call, "carrier", "verified");
    expect((await room.kinds(call)).slice(-3)).toEqual(["carrier spoiled", "carrier restored", "carrier verified"]);
  });

  it("finds one flipped bit when it reads the file, those first that were not read for longest", async () => {
    const { call, path } = await kept("rot");
    const bytes = await readFile(path);
    bytes[40_000] = (bytes[40_000] as number) ^ 1;
    await writeFile(path, bytes);
    expect((await audit(0)).rotten).toBe(0);
    expect(await audit(1)).toMatchObject({ hashed: 1, rotten: 1, unexplained: [{ call }] });
    expect((await room.rows(call)).carrier).toMatchObject({ status: "failed", because: "STORED_FILE_ROTTEN" });
    expect(await audit(0)).toMatchObject({ rotten: 1, unexplained: [{ call }] }); // and every time after that, until it is restored
    bytes[40_000] = (bytes[40_000] as number) ^ 1;
    await writeFile(path, bytes);
    expect(await audit(0)).toMatchObject({ rotten: 0, unexplained: [] });
    recordings.wake();
    await room.becomes(call, "carrier", "verified");
  });

  it("tells of a file the disk gives errors for, leaves its recording as it is, and goes on with the others", async () => {
    const { call } = await kept("eio");
    const { storage_key: key } = (await room.rows(call)).carrier;
    const failing: Storage = {
      ...room.storage,
      read: (asked) => (asked === key ? Promise.reject(new Error("EIO: i/o error, read")) : room.storage.read(asked)),
    };
    const report = await audit(100, failing);
    expect(report).toMatchObject({ unreadable: 1, lost: 0, rotten: 0, unexplained: [{ call, why: expect.stringContaining("EIO") }] });
    expect(report.hashed).toBe(report.files);
    expect((await room.rows(call)).carrier.status).toBe("verified");
  });

  it("gives up on a storage that answers nothing but errors, with a report", async () => {
    for (let i = 0; i < 20; i++) await kept(`away-${i}`);
    const down = () => Promise.reject(new Error("503"));
    const report = await audit(0, { ...room.storage, read: down, head: down });
    expect(report.files).toBeLessThanOrEqual(report.unreadable + 1);
    expect(report.unexplained.at(-1)).toMatchObject({ call: null, why: expect.stringContaining("were not looked at") });
    expect((await audit(0)).unexplained).toEqual([]);
  });

  it("counts recordings whose call never appeared, and they are deleted after a month", async () => {
    const id = await room.announce({
      call: null,
      url: room.files.serve("orphan", file),
      sizeBytes: file.length,
      conversation: "CON-of-nobody" as never,
    });
    const row = async () => (await room.database.pool.query("select * from recordings where carrier_recording = $1", [id])).rows[0];
    await room.until(async () => (await row()).status === "verified");
    expect(await listUnclaimed(room.database.pool)).toMatchObject([
      { status: "verified", conversation: "CON-of-nobody", sizeBytes: file.length },
    ]);
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const expire = () => expireUnclaimed({ pool: room.database.pool, storage: room.storage, clock: systemClock, log });
    expect(await expire()).toBe(0);
    const aged = (days: number) =>
      room.database.pool.query("update recordings set created_at = now() - $2 * interval '1 day' where carrier_recording = $1", [id, days]);
    await aged(29);
    expect(await expire()).toBe(0);
    expect(await audit()).toMatchObject({ unclaimed: 1, unexplained: [] });
    const { storage_key: key } = await row();
    await aged(31);
    expect(await expire()).toBe(1);
    expect(await room.storage.head(key)).toBeNull();
    expect(await row()).toMatchObject({ status: "deleted", because: "RECORDING_DELETED", storage_key: null, announced_url: null });
    expect(await audit()).toMatchObject({ unclaimed: 0, unexplained: [] });
  });

  it("counts objects that belong to nobody", async () => {
    const stray = join(room.folder, "kept/recordings/ab/cd/stray.mp3");
    await mkdir(dirname(stray), { recursive: true });
    await writeFile(stray, "x");
    expect((await audit()).strays).toBe(1);
    await rm(stray);
  });
});

describe("moving to another storage", () => {
  let server: FauxqsServer;
  let bucket: Storage;
  beforeAll(async () => {
    server = await startFauxqs({ port: 0, logger: false, init: { buckets: ["moved"] } });
    bucket = openStorage(`s3://key:secret@moved?endpoint=${encodeURIComponent(`http://127.0.0.1:${server.port}`)}`);
  });
  afterAll(() => server.stop());

  it("copies everything, is resumed where it broke off, and accounts for all there and back again", async () => {
    const { pool } = room.database;
    let copied = 0;
    const breaking: Storage = {
      ...bucket,
      put: (key, body) => (++copied > 2 ? Promise.reject(new Error("the power went out")) : bucket.put(key, body)),
    };
    await expect(moveStorage({ pool, from: room.storage, to: breaking })).rejects.toThrow("the power went out");
    const second = await moveStorage({ pool, from: room.storage, to: bucket });
    expect(second).toMatchObject({ there: 2, lost: [] });
    expect(second.copied).toBe(second.files - 2);
    expect(await audit(100, bucket)).toMatchObject({ unexplained: [], lost: 0, rotten: 0, strays: 0 });

    const back = openStorage(`file:${room.folder}/back`);
    const home = await moveStorage({ pool, from: bucket, to: back }, { check: true });
    expect(home).toMatchObject({ copied: second.files, lost: [] });
    expect(await audit(100, back)).toMatchObject({ unexplained: [], hashed: second.files });
    expect(await moveStorage({ pool, from: bucket, to: back }, { check: true })).toMatchObject({
      copied: 0,
      there: second.files,
      bytes: 0,
    });
  });
});
