import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { auditRecordings } from "./audit.ts";
import { askRedaction } from "./keeping/redaction.ts";
import { setKeepRule } from "./keeping/retention.ts";
import { moveStorage } from "./move-storage.ts";
import { auditQueue } from "./queues.ts";
import { openStorage, type Storage } from "./storage.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const key = randomBytes(32);
const fromCarrier = { sources: ["carrier" as const], consent: "none" as const };
const audit = (hash: number, storage: Storage = room.storage) =>
  auditRecordings({ pool: room.database.pool, storage, clock: systemClock }, { hash });

async function kept(name: string): Promise<{ call: CallId; path: string; key: string }> {
  const call = await room.call({ endedAt: new Date(Date.now() - 3_600_000), recording: fromCarrier });
  await room.announce({ call, url: room.files.serve(name, file), sizeBytes: file.length });
  const row = await room.becomes(call, "carrier", "verified");
  return { call, key: row.storage_key, path: join(room.folder, "kept", `${row.storage_key}.enc`) };
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[40_000] = (bytes[40_000] as number) ^ 1;
  await writeFile(path, bytes);
}

beforeAll(async () => {
  room = await openTestRoom(key);
  file = await mp3Of(conversation(10, 12));
  recordings = await room.start();
});
afterAll(() => room.close());

describe("of encrypted files", () => {
  it("one with a flipped bit is told as changed, and the audit and the move go on with the others", async () => {
    const made = [await kept("a"), await kept("b"), await kept("c")];
    const spoiled = made[1] as (typeof made)[0];
    await flip(spoiled.path);
    expect(await audit(100)).toMatchObject({ files: 3, hashed: 3, rotten: 1, unreadable: 0, unexplained: [{ call: spoiled.call }] });
    expect((await room.rows(spoiled.call)).carrier).toMatchObject({ status: "failed", because: "STORED_FILE_ROTTEN" });

    const to = openStorage(`file:${room.folder}/moved`, randomBytes(32));
    const moved = await moveStorage({ pool: room.database.pool, from: room.storage, to });
    expect(moved).toMatchObject({ files: 3, copied: 2, lost: [{ key: spoiled.key, why: expect.stringContaining("does not open") }] });
    expect(await to.head(spoiled.key)).toBeNull();

    await flip(spoiled.path);
    expect(await audit(0)).toMatchObject({ rotten: 0, unexplained: [] });
    recordings.wake();
    await room.becomes(spoiled.call, "carrier", "verified");
    expect(await moveStorage({ pool: room.database.pool, from: room.storage, to })).toMatchObject({ copied: 1, there: 2, lost: [] });
  });

  it("one that lies spoiled where it is moved to is copied again with --check", async () => {
    const to = openStorage(`file:${room.folder}/again`, randomBytes(32));
    const { key: moved } = await kept("d");
    await moveStorage({ pool: room.database.pool, from: room.storage, to });
    await flip(join(room.folder, "again", `${moved}.enc`));
    expect(await moveStorage({ pool: room.database.pool, from: room.storage, to }, { check: true })).toMatchObject({ copied: 1, lost: [] });
    expect(await audit(100, to)).toMatchObject({ rotten: 0, unexplained: [] });
  });

  it("a spoiled one keeps neither the daily round from its rules nor the next day's from coming", async () => {
    const spoiled = await kept("e");
    await flip(spoiled.path);
    const old = await kept("f");
    const { pool } = room.database;
    await pool.query("update calls set ended_at = now() - interval '9 days', answered_at = now() - interval '9 days' where id = $1", [
      old.call,
    ]);
    await inTransaction(pool, (sql) => setKeepRule(sql, { agent: null, what: "audio", days: 8 }, "us", new Date()));
    const daily = () =>
      pool.query("select state, start_after > now() as later from jobs.job_common where name = $1 order by created_on", [auditQueue.name]);
    await pool.query("update jobs.job_common set start_after = now() where name = $1", [auditQueue.name]);
    recordings.wake();
    await room.becomes(old.call, "carrier", "deleted");
    await room.until(async () => (await daily()).rows.some(({ state }) => state === "completed"));
    expect((await daily()).rows.filter(({ state, later }) => state === "created" && later)).toHaveLength(1);
    expect((await room.rows(spoiled.call)).carrier.because).toBe("STORED_FILE_ROTTEN");
    await inTransaction(pool, (sql) => setKeepRule(sql, { agent: null, what: "audio", days: null }, "us", new Date()));
    await flip(spoiled.path);
    await audit(0);
  });
});

describe("the sealed original of a redacted recording", () => {
  it("is moved, read back and nobody's stray; one that is lost is told and leaves the recording as it is", async () => {
    const { call, key: sealed, path } = await kept("sealed");
    await inTransaction(room.database.pool, (sql) =>
      askRedaction(sql, call, {
        fromMs: 100,
        toMs: 900,
        side: "both",
        original: "sealed",
        why: "a number",
        by: "user:someone",
        at: new Date(),
      }),
    );
    recordings.wake();
    await room.until(async () => (await room.rows(call)).carrier.sealed_key === sealed);
    await room.becomes(call, "carrier", "verified");
    const before = await audit(100);
    expect(before).toMatchObject({ strays: 0, unexplained: [] });

    const to = openStorage(`file:${room.folder}/sealed`, randomBytes(32));
    await moveStorage({ pool: room.database.pool, from: room.storage, to });
    expect((await to.head(sealed))?.sizeBytes).toBe(file.length);
    expect(await moveStorage({ pool: room.database.pool, from: room.storage, to })).toMatchObject({
      copied: 0,
      there: before.files,
      lost: [],
    });
    expect(await audit(100, to)).toMatchObject({ files: before.files, strays: 0, unexplained: [] });

    const bytes = await readFile(path);
    await rm(path);
    const why = "Its sealed original is not in the storage.";
    expect(await audit(0)).toMatchObject({ lost: 1, unexplained: [{ call, why }] });
    expect((await room.rows(call)).carrier).toMatchObject({
      status: "verified",
      because: null,
      detail: { sealed: { because: "STORED_FILE_LOST" } },
    });
    await writeFile(path, bytes);
    expect(await audit(0)).toMatchObject({ lost: 0, unexplained: [] });
    expect((await room.kinds(call)).slice(-2)).toEqual(["carrier spoiled", "carrier restored"]);
  });
});
