import { execFileSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import fs, { constants } from "node:fs";
import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../clock.ts";
import { type CallId, newId } from "../ids.ts";
import { type Disk, journalPath, type LeftOut, openJournals } from "./file.ts";
import { readJournal } from "./read.ts";
import { HEADER_BYTES, kinds, putRecord, takeRecord } from "./record.ts";

let dir: string;
const warnings: string[] = [];
const log = { warn: (_: object, text: string): void => void warnings.push(text) };
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "earshot-journal-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function written(count: number, call = newId<CallId>()): Promise<string> {
  const journals = openJournals({ dir, clock: systemClock, log });
  const journal = journals.open(call);
  const start = systemClock.monotonicMs();
  for (let i = 0; i < count; i++) {
    if (i % 3 === 2) journal.put("engineHeard", start + i * 20, JSON.stringify({ type: "message", i }));
    else journal.put(i % 3 === 0 ? "callerFrame" : "playedFrame", start + i * 20, new Uint8Array(640).fill(i));
  }
  await journal.close();
  await journals.close();
  return journalPath(dir, call);
}
/** A record as one string: compared byte by byte as a buffer, thousands of them take longer than all the rest. */
const inText = ({ kind, atMs, part, payload }: { kind: string; atMs: number; part: number; payload: Buffer }): string =>
  `${kind} ${atMs} ${part} ${payload.toString("latin1")}`;
async function all(path: string) {
  const { records, damage } = readJournal(path);
  const found: { kind: string; atMs: number; part: number; payload: Buffer }[] = [];
  for await (const record of records) found.push({ ...record, payload: Buffer.from(record.payload) });
  return { found, damage };
}

test("what was put is read again, in order, with its time to the microsecond", async () => {
  const before = Date.now();
  const { found, damage } = await all(await written(3_000));
  expect(damage).toEqual([]);
  expect(found[0]?.kind).toBe("opened");
  expect(found.at(-1)?.kind).toBe("closed");
  expect(found).toHaveLength(3_002);
  expect(found[1]).toMatchObject({ kind: "callerFrame", payload: Buffer.alloc(640, 0) });
  expect(found[3_000]?.payload.toString()).toBe('{"type":"message","i":2999}');
  // Wall clocks are read in whole milliseconds.
  expect(found[1]?.atMs).toBeGreaterThanOrEqual(before - 1);
  expect(found[1]?.atMs).toBeLessThanOrEqual(Date.now() + 1);
  expect((found[1_001]?.atMs ?? 0) - (found[1]?.atMs ?? 0)).toBeCloseTo(20_000, 2);
});

test("a file that was broken off anywhere gives all whole records before", async () => {
  const path = await written(60);
  const whole = await readFile(path);
  const complete = (await all(path)).found.map(inText);
  for (let length = whole.length - 1; length >= 0; length -= 97) {
    await truncate(path, length);
    const { found, damage } = await all(path);
    expect(found.map(inText)).toEqual(complete.slice(0, found.length));
    const readable = found.reduce((sum, { payload }) => sum + HEADER_BYTES + payload.length, 0);
    expect(readable + damage.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(length);
    expect(length - readable).toBeLessThan(640 + HEADER_BYTES);
  }
});

test("a damaged byte costs its record and no other", async () => {
  const path = await written(200);
  const whole = await readFile(path);
  const { found: complete } = await all(path);
  for (let at = 5; at < whole.length; at += 1_009) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 0x55;
    await writeFile(path, damaged);
    const { found, damage } = await all(path);
    expect(found.length).toBe(complete.length - 1);
    expect(damage).toHaveLength(1);
  }
});

test("a process that takes the call over appends its part, also after a torn record", async () => {
  const call = newId<CallId>();
  const path = await written(9, call);
  await truncate(path, (await stat(path)).size - 5);
  await written(9, call);
  const { found, damage } = await all(path);
  expect(found.filter(({ kind }) => kind === "opened").map(({ part }) => part)).toEqual([0, 1]);
  expect(found.filter(({ part, kind }) => part === 1 && kind === "callerFrame")).toHaveLength(3);
  expect(damage).toHaveLength(1);
});

test("a record of any kind, time and length is read back as it was put", () => {
  for (const [kind, micros, length] of [
    [1, 0, 0],
    [17, 1, 1],
    [7, 86_400_000_000, 223],
    [2, 2 ** 48 - 1, 70_000],
  ] as const) {
    const payload = Buffer.alloc(length, 0xa5);
    const record = Buffer.alloc(HEADER_BYTES + length);
    expect(putRecord(record, 0, kind, micros, payload)).toBe(record.length);
    expect(takeRecord(record, 0)).toMatchObject({ micros, payload, end: record.length });
  }
});

test("kinds of later versions are skipped", async () => {
  const path = await written(3);
  const record = Buffer.alloc(HEADER_BYTES + 4);
  putRecord(record, 0, 200, 5, Buffer.from("new!"));
  await appendFile(path, record);
  const { found, damage } = await all(path);
  expect(found.at(-1)?.kind).toBe("closed");
  expect(damage).toEqual([]);
});

test("a journal of a later format is refused by name, not misread", async () => {
  const call = newId<CallId>();
  const path = await written(3, call);
  const head = Buffer.from(JSON.stringify({ journal: "earshot", version: 2, call, part: "later", zeroAt: new Date().toISOString() }));
  const record = Buffer.alloc(HEADER_BYTES + head.length);
  putRecord(record, 0, kinds.opened, 0, head);
  await appendFile(path, record);
  await expect(all(path)).rejects.toMatchObject({ code: "JOURNAL_TOO_NEW", message: expect.stringContaining("has format 2") });
});

test("a file of noise ends, with nothing but damage", async () => {
  const path = join(dir, "noise.journal");
  const noise = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7_919 + (i >> 3)) & 255));
  await writeFile(path, noise);
  const { found, damage } = await all(path);
  expect(found).toEqual([]);
  expect(damage).toEqual([{ from: 0, bytes: noise.length }]);
});

test("a call whose journal cannot be written goes on, with one warning", async () => {
  warnings.length = 0;
  const journals = openJournals({ dir: join(dir, "noise.journal", "below-a-file"), clock: systemClock, log, closeWithinMs: 100 });
  const journal = journals.open(newId<CallId>());
  for (let i = 0; i < 1_000; i++) journal.put("callerFrame", systemClock.monotonicMs(), new Uint8Array(640));
  await journal.close();
  await journals.close();
  expect(warnings).toEqual([
    "The journals' folder cannot be made: no call is journaled until it can.",
    "The journal of a call cannot be written; the call goes on, and it is tried again.",
    "The end of a call's journal could not be written, and is left out.",
  ]);
});

/** A disk with room for so many bytes more. */
function smallDisk(room: number) {
  const disk: Disk & { room: number } = Object.assign(Object.create(fs), {
    room,
    write(fd: number, bytes: Buffer, from: number, count: number, at: null, done: (error: Error | null, written: number) => void) {
      const fits = Math.min(count, disk.room);
      if (fits === 0) return void setImmediate(done, Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }), 0);
      disk.room -= fits;
      fs.write(fd, bytes, from, fits, at, done);
    },
  });
  return disk;
}

test("a disk that was full for a moment costs nothing of a call's journal", async () => {
  warnings.length = 0;
  const call = newId<CallId>();
  const disk = smallDisk(50_001);
  const journals = openJournals({ dir, clock: systemClock, log, disk });
  const journal = journals.open(call);
  const put = (from: number, to: number): void => {
    for (let i = from; i < to; i++) journal.put("callerFrame", systemClock.monotonicMs(), new Uint8Array(640).fill(i % 251));
  };
  put(0, 200);
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  put(200, 400);
  disk.room = Number.POSITIVE_INFINITY;
  await journal.close();
  await journals.close();
  const { found, damage } = await all(journalPath(dir, call));
  expect(damage).toEqual([]);
  expect(found.filter(({ kind }) => kind === "callerFrame").map(({ payload }) => payload[0])).toEqual(
    Array.from({ length: 400 }, (_, i) => i % 251),
  );
  expect(found.some(({ kind }) => kind === "gap")).toBe(false);
});

test("a disk that is full for long costs what does not fit into memory, and the journal says how much", async () => {
  const call = newId<CallId>();
  const disk = smallDisk(100);
  const journals = openJournals({ dir, clock: systemClock, log, disk });
  const journal = journals.open(call);
  const frame = new Uint8Array(64_000);
  for (let i = 0; i < 100; i++) journal.put("playedFrame", systemClock.monotonicMs(), frame);
  expect(journals.waitingBytes()).toBeLessThan(4.2 * 1024 * 1024);
  disk.room = Number.POSITIVE_INFINITY;
  await vi.waitFor(() => expect(journals.waitingBytes()).toBe(0));
  journal.put("callerFrame", systemClock.monotonicMs(), frame);
  await journal.close();
  await journals.close();
  const { found } = await all(journalPath(dir, call));
  const kept = found.filter(({ kind }) => kind === "playedFrame").length;
  const gaps = found.filter(({ kind }) => kind === "gap").map(({ payload }) => JSON.parse(payload.toString()));
  expect(gaps).toEqual([{ records: 100 - kept, bytes: (100 - kept) * 64_000 }]);
});

test("a disk that is full for longer than sound can wait costs no word, decision or event, and the call is told what it cost", async () => {
  const call = newId<CallId>();
  const disk = smallDisk(100);
  const told: [CallId, LeftOut][] = [];
  const journals = openJournals({ dir, clock: systemClock, log, disk, leftOut: (...what) => told.push(what) });
  const journal = journals.open(call);
  const now = systemClock.monotonicMs();
  // Six minutes of a talk in which both are heard, and something is said, decided and noted each second.
  const put = (second: number): void => {
    journal.put("callerFrame", now + second, new Uint8Array(32_000));
    journal.put("playedFrame", now + second, new Uint8Array(32_000));
    journal.put("engineHeard", now + second, JSON.stringify({ type: "user_message", second, words: "x".repeat(400) }));
    for (const kind of ["utterance", "decided", "fact", "heard"] as const) journal.put(kind, now + second, JSON.stringify({ second }));
  };
  for (let second = 0; second < 360; second++) put(second);
  disk.room = Number.POSITIVE_INFINITY;
  await vi.waitFor(() => expect(journals.waitingBytes()).toBe(0));
  put(360);
  await journal.close();
  await journals.close();
  const { found } = await all(journalPath(dir, call));
  for (const kind of ["utterance", "decided", "fact", "heard"])
    expect(found.filter((record) => record.kind === kind).map(({ payload }) => JSON.parse(payload.toString()).second)).toEqual(
      Array.from({ length: 361 }, (_, second) => second),
    );
  const frames = found.filter(({ kind }) => kind === "callerFrame" || kind === "playedFrame").length;
  const records = 722 - frames;
  expect(records).toBeGreaterThan(500);
  // One where it begins, one where sound goes on; together all of it.
  const gaps = found.filter(({ kind }) => kind === "gap").map(({ payload }) => JSON.parse(payload.toString()));
  expect(gaps).toHaveLength(2);
  expect({ records: gaps[0].records + gaps[1].records, bytes: gaps[0].bytes + gaps[1].bytes }).toEqual({
    records,
    bytes: records * 32_000,
  });
  expect(told).toEqual([[call, { soundBytes: records * 32_000, records: 0, endBytes: 0 }]]);
});

test("of a journal whose end the disk does not take the call is told how much that was", async () => {
  const disk = smallDisk(0);
  const told: LeftOut[] = [];
  const journals = openJournals({ dir, clock: systemClock, log, disk, closeWithinMs: 100, leftOut: (_, what) => told.push(what) });
  const journal = journals.open(newId<CallId>());
  journal.put("callerFrame", systemClock.monotonicMs(), new Uint8Array(64_000));
  await journal.close();
  await journals.close();
  expect(told).toEqual([{ soundBytes: 0, records: 0, endBytes: expect.any(Number) }]);
  expect(told[0]?.endBytes).toBeGreaterThan(64_000);
});

test("a journal of which nothing was left out tells nothing", async () => {
  const told: LeftOut[] = [];
  const journals = openJournals({ dir, clock: systemClock, log, leftOut: (_, what) => told.push(what) });
  const journal = journals.open(newId<CallId>());
  journal.put("callerFrame", systemClock.monotonicMs(), new Uint8Array(640));
  await journal.close();
  await journals.close();
  expect(told).toEqual([]);
});

test("what many calls' journals keep in memory is bounded for all together, and is given back", async () => {
  const disk = smallDisk(0);
  const journals = openJournals({ dir, clock: systemClock, log, disk, mostTogether: 1_000_000, closeWithinMs: 100 });
  const open = Array.from({ length: 5 }, () => journals.open(newId<CallId>()));
  for (const journal of open) for (let i = 0; i < 100; i++) journal.put("callerFrame", systemClock.monotonicMs(), new Uint8Array(6_400));
  expect(journals.waitingBytes()).toBeGreaterThan(900_000);
  expect(journals.waitingBytes()).toBeLessThan(1_001_000);
  disk.room = 500_000;
  await vi.waitFor(() => expect(journals.waitingBytes()).toBeLessThan(600_000));
  await journals.close();
  expect(journals.waitingBytes()).toBe(0);
});

test("journals on a disk that stands still leave the thread pool to others, and none of their calls' ends waits for it for ever", async () => {
  const still = await mkdtemp(join(tmpdir(), "earshot-still-"));
  const calls = Array.from({ length: 8 }, () => newId<CallId>());
  // Opening a pipe nobody reads from takes a thread and does not come back.
  for (const call of calls) execFileSync("mkfifo", [journalPath(still, call)]);
  const journals = openJournals({ dir: still, clock: systemClock, log, closeWithinMs: 200 });
  for (const call of calls) journals.open(call);
  await stat(still);
  await lookup("localhost");
  await journals.close();
  const readers = await Promise.all(calls.map((call) => open(journalPath(still, call), constants.O_RDONLY | constants.O_NONBLOCK)));
  for (const reader of readers) await reader.close();
  await rm(still, { recursive: true });
});

test("closing a journal twice, and putting after it, does nothing", async () => {
  const journals = openJournals({ dir, clock: systemClock, log });
  const journal = journals.open(newId<CallId>());
  await Promise.all([journal.close(), journal.close()]);
  journal.put("callerFrame", 0, new Uint8Array(640));
  await journals.close();
  expect(journals.waitingBytes()).toBe(0);
});

test("two processes that write into one file in turn keep their own times and parts", async () => {
  const call = newId<CallId>();
  const later = { now: () => new Date(Date.now()), monotonicMs: () => systemClock.monotonicMs() + 5_000_000 };
  const [one, two] = [openJournals({ dir, clock: systemClock, log }), openJournals({ dir, clock: later, log })];
  const [first, second] = [one.open(call), two.open(call)];
  const startedAt = Date.now();
  // More than a block each, so that both write several times.
  for (let i = 0; i < 300; i++) {
    first.put("callerFrame", systemClock.monotonicMs(), new Uint8Array(640).fill(1));
    second.put("callerFrame", later.monotonicMs(), new Uint8Array(640).fill(2));
  }
  await Promise.all([first.close(), second.close()]);
  await Promise.all([one.close(), two.close()]);
  const { found, damage } = await all(journalPath(dir, call));
  expect(damage).toEqual([]);
  const frames = found.filter(({ kind }) => kind === "callerFrame");
  expect(frames).toHaveLength(600);
  const partsOf = (byte: number) => new Set(frames.filter(({ payload }) => payload[0] === byte).map(({ part }) => part));
  expect([partsOf(1).size, partsOf(2).size]).toEqual([1, 1]);
  expect([...partsOf(1)]).not.toEqual([...partsOf(2)]);
  for (const { atMs } of frames) expect(Math.abs(atMs - startedAt)).toBeLessThan(60_000); // the other's clock is 5,000 s ahead
});
