import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../../db/pool.ts";
import type { CallId, RecordingId } from "../../ids.ts";
import { journalPath } from "../../journal/file.ts";
import { expectRecording } from "../announce.ts";
import { conversation, mp3Of } from "../audio/test-sounds.ts";
import { giveUp, tryAgain } from "../by-hand.ts";
import { evidenceOf } from "../evidence/evidence.ts";
import { listRecordings, playableOf, recordingsOf } from "../read.ts";
import type { Storage } from "../storage.ts";
import { writeJournal } from "../test-journal.ts";
import { openTestRoom, type TestRoom } from "../test-room.ts";
import type { Recordings } from "../work.ts";
import { hold, liftHold } from "./holds.ts";
import { onItsClock } from "./redact-file.ts";
import { askRedaction } from "./redaction.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const now = new Date();
const clock = { now: () => now, monotonicMs: () => performance.now() };
const talk = conversation(3, 8);

/** The room's storage, which can be made to fail. */
let broken: { delete?: boolean; afterPut?: boolean } = {};
const storage = (): Storage => ({
  ...room.storage,
  async put(key, body) {
    const stored = await room.storage.put(key, body);
    if (broken.afterPut) throw new Error("The power went.");
    return stored;
  },
  async delete(key) {
    if (broken.delete) throw new Error("The storage does not answer.");
    await room.storage.delete(key);
  },
});

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
});
afterEach(async () => {
  broken = {};
  await recordings.close();
});
afterAll(() => room.close());

const start = async () => {
  recordings = await room.start({ clock, storage: storage() });
};
const pool = () => room.database.pool;

/** A call with its journal's recording, and the carrier's when there is a file of it. */
async function callWith(carrier: Buffer | null): Promise<CallId> {
  const call = await room.call({ talkMs: 3000, endedAt: now });
  await writeJournal(join(room.folder, "journal"), call, talk);
  if (carrier) await room.announce({ call, url: room.files.serve(call, carrier), sizeBytes: carrier.length });
  await recordings.callEnded(call);
  await room.becomes(call, "journal", "verified");
  if (carrier) await room.until(async () => ["verified", "failed"].includes((await room.rows(call)).carrier?.status ?? ""));
  if (carrier === file) await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
  return call;
}

const redact = (call: CallId, original: "sealed" | "destroyed", fromMs = 500, toMs = 1500) =>
  inTransaction(pool(), (sql) =>
    askRedaction(sql, call, { fromMs, toMs, side: "both", original, why: "a card number", by: "user:someone", at: now }),
  );
const isDone = async (id: string) => (await pool().query("select done_at from redactions where id = $1", [id])).rows[0].done_at !== null;
const done = async (id: string) => {
  recordings.wake();
  await room.until(() => isDone(id));
};
const played = async (call: CallId) => (await playableOf(pool(), call, { source: "carrier" }))?.file ?? null;
const redactedBy = async (call: CallId): Promise<string[]> =>
  (((await room.rows(call)).carrier.detail.redacted as { id: string }[] | undefined) ?? []).map(({ id }) => id);
async function keysOf(call: CallId): Promise<string[]> {
  const ids = Object.values(await room.rows(call)).map(({ id }) => id);
  const keys: string[] = [];
  for await (const { key } of room.storage.list("recordings/")) if (ids.some((id) => key.includes(id))) keys.push(key);
  return keys.sort();
}

describe("a recording in which something is yet to be redacted", () => {
  it("is not played, drawn, listed as playable nor given as evidence from the moment it was asked", async () => {
    await start();
    const call = await callWith(file);
    await recordings.close(); // nobody is there to do it
    await redact(call, "sealed");
    const all = await listRecordings(pool(), { id: call, answeredAt: null });
    expect(all.map(({ url, peaks_url, because }) => [url, peaks_url, because?.code])).toEqual([
      [null, null, "RECORDING_TO_BE_REDACTED"],
      [null, null, "RECORDING_TO_BE_REDACTED"],
    ]);
    expect((await recordingsOf(pool(), [{ id: call, answeredAt: null }]))(call).url).toBeNull();
    expect(await played(call)).toBeNull();
    const evidence = await evidenceOf({ pool: pool(), storage: room.storage, clock }, call, "user:test");
    let bytes = 0;
    for await (const part of evidence?.bytes ?? []) bytes += part.length;
    expect(bytes).toBeLessThan(file.length + 30_000);
    await start();
    await room.until(async () => (await played(call)) !== null);
    expect(await redactedBy(call)).toHaveLength(1);
  });

  it("has it done when it comes after the redaction was done, and is not played before", async () => {
    await start();
    const call = await room.call({ talkMs: 3000, endedAt: now });
    await writeJournal(join(room.folder, "journal"), call, talk);
    const expected = await inTransaction(pool(), (sql) => expectRecording(sql, call, "carrier", now));
    await inTransaction(pool(), (sql) => giveUp(sql, expected as RecordingId, { by: "user:someone", at: now }));
    await recordings.callEnded(call);
    await room.becomes(call, "journal", "verified");
    const [first, second] = [await redact(call, "sealed"), await redact(call, "sealed", 2000, 2200)];
    await done(first);
    await done(second);
    const startedAt = new Date(now.getTime() - 3000);
    await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length, startedAt });
    await room.until(async () => {
      const there = (await played(call)) !== null;
      if (there) expect((await redactedBy(call)).sort()).toEqual([first, second].sort());
      return there;
    });
    const { carrier } = await room.rows(call);
    expect(carrier).toMatchObject({ sealed_key: expect.stringContaining(".mp3"), to_delete: [] });
    expect(carrier.sha256).not.toBe(carrier.sealed_sha256);
    await room.becomes(call, "carrier", "verified");
    await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
    expect((await room.rows(call)).carrier.status).toBe("verified");
  });

  it("waits while the call is on hold, unplayed, and is redacted when that is lifted", async () => {
    await start();
    const call = await callWith(null);
    await done(await redact(call, "destroyed"));
    await inTransaction(pool(), (sql) => hold(sql, call, { why: "a dispute", by: "user:counsel", at: now }));
    await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
    const { storage_key: key } = await room.becomes(call, "carrier", "verified");
    await recordings.sweep();
    expect(await played(call)).toBeNull();
    expect(await room.storage.head(key)).not.toBeNull();
    await inTransaction(pool(), (sql) => liftHold(sql, call, { by: "user:counsel", at: now }));
    recordings.wake();
    await room.until(async () => (await played(call)) !== null && (await room.storage.head(key)) === null);
    expect(await redactedBy(call)).toHaveLength(1);
  });

  it("is not had again in the clear by trying again, when it could not be decoded and is withheld", async () => {
    await start();
    const call = await callWith(Buffer.concat([file.subarray(0, 4), Buffer.alloc(5000, 0xfe)]));
    await done(await redact(call, "sealed"));
    const { carrier } = await room.rows(call);
    expect(carrier).toMatchObject({ status: "failed", because: "RECORDING_WITHHELD", storage_key: null });
    const asked = inTransaction(pool(), (sql) => tryAgain(sql, carrier.id as RecordingId, { by: "user:someone", at: now }));
    await expect(asked).rejects.toMatchObject({ code: "RECORDING_NOTHING_TO_DO" });
    await done(await redact(call, "destroyed", 2000, 2200));
    expect(await room.storage.head(carrier.sealed_key as string)).toBeNull();
    expect((await room.rows(call)).carrier).toMatchObject({ sealed_key: null, because: "RECORDING_WITHHELD" });
  });
});

describe("a redaction that is broken off", () => {
  it("destroys the originals all the same when the storage did not delete them the first time", async () => {
    await start();
    const call = await callWith(file);
    const before = await keysOf(call);
    broken = { delete: true };
    const id = await redact(call, "destroyed");
    recordings.wake();
    await room.until(async () => ((await room.rows(call)).carrier.to_delete as string[]).length > 0);
    await recordings.close();
    expect(await isDone(id)).toBe(false);
    broken = {};
    await start();
    await done(id);
    await room.becomes(call, "carrier", "verified");
    const left = await keysOf(call);
    expect(left).toHaveLength(2);
    for (const key of before) expect(left).not.toContain(key);
    expect((await room.rows(call)).carrier.to_delete).toEqual([]);
    expect(await stat(journalPath(join(room.folder, "journal"), call)).catch(() => null)).toBeNull();
  });

  it("leaves no half-done copy behind when it went on with more to redact", async () => {
    await start();
    const call = await callWith(file);
    broken = { afterPut: true };
    await redact(call, "sealed");
    recordings.wake();
    await room.until(async () => Object.values(await room.rows(call)).some(({ to_delete }) => (to_delete as string[]).length > 0));
    await recordings.close();
    const second = await redact(call, "sealed", 2000, 2200);
    broken = {};
    await start();
    await done(second);
    const { carrier, journal } = await room.rows(call);
    expect(await keysOf(call)).toEqual([carrier.storage_key, carrier.sealed_key, journal.storage_key, journal.sealed_key].sort());
  });
});

describe("a stretch of the call on a recording's own clock", () => {
  const answeredAt = new Date(1_000_000);
  const stretch = { fromMs: 10_000, toMs: 12_000, side: "caller" as const };
  it.each([
    ["lies where it is in our own", { source: "journal", audioStartedAt: new Date(999_800), detail: {} }, 10_200, 12_200],
    [
      "lies where the comparison put the carrier's",
      { source: "carrier", audioStartedAt: new Date(1_000_350), detail: { comparison: { offsetMs: 350 } } },
      9_650,
      11_650,
    ],
    [
      "is wider by what a named second may be off, before that",
      { source: "carrier", audioStartedAt: new Date(1_001_000), detail: { comparison: { offsetMs: null } } },
      7_500,
      12_500,
    ],
    ["is wider still where nobody told when it began", { source: "engine", audioStartedAt: null, detail: {} }, 5_000, 17_000],
  ] as const)("%s", (_, row, fromMs, toMs) => {
    expect(onItsClock(stretch, row, answeredAt)).toEqual({ fromMs, toMs, side: "caller" });
  });
});
