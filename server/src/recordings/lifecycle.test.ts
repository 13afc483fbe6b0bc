import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../db/pool.ts";
import type { ConversationId, RecordingId } from "../ids.ts";
import { newId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { announceRecording, expectRecording } from "./announce.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { auditRecordings } from "./audit.ts";
import { tryAgain } from "./by-hand.ts";
import { listRecordings } from "./read.ts";
import { writeJournal } from "./test-journal.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let now = new Date();
const clock = { now: () => now, monotonicMs: () => performance.now() };
const talk = conversation(10, 3);
let file: Buffer;

const expectCarriers = (call: Awaited<ReturnType<TestRoom["call"]>>) =>
  inTransaction(room.database.pool, (sql) => expectRecording(sql, call, "carrier", now));

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
  recordings = await room.start({ clock });
});
afterAll(() => room.close());

describe("a call that has ended", () => {
  it("has a recording of our own from its journal, both voices on their sides, whole and verified", async () => {
    const call = await room.call();
    const startedAt = new Date(Date.now() - 10_000);
    await writeJournal(join(room.folder, "journal"), call, talk, startedAt);
    await recordings.callEnded(call);
    const row = await room.becomes(call, "journal", "verified");
    expect(row).toMatchObject({ format: "mp3", channels: 2, sample_rate: 16_000, because: null });
    expect(Math.abs((row.duration_ms as number) - 10_000)).toBeLessThanOrEqual(40);
    expect(Math.abs((row.audio_started_at as Date).getTime() - startedAt.getTime())).toBeLessThanOrEqual(20);
    const sides = (row.detail.sound as { sides: { talkedMs: number }[] }).sides.map((side) => side.talkedMs);
    expect(sides[0]).toBeGreaterThan(1500);
    expect(sides[1]).toBeGreaterThan(1500);
    expect(await room.kinds(call)).toEqual(["journal expected", "journal stored", "journal verified"]);
  });

  it("says so when it left no journal", async () => {
    const call = await room.call();
    await recordings.callEnded(call);
    expect(await room.becomes(call, "journal", "missing")).toMatchObject({ because: "JOURNAL_ABSENT" });
  });

  it("says so when its journal holds no sound", async () => {
    const call = await room.call();
    await writeFile(journalPath(join(room.folder, "journal"), call), "nothing a journal would hold");
    await recordings.callEnded(call);
    expect((await room.becomes(call, "journal", "missing")).because).toBe("JOURNAL_EMPTY");
  });

  it("has a recording from a journal that a killed process left torn", async () => {
    const call = await room.call({ talkMs: 9000 });
    const path = journalPath(join(room.folder, "journal"), call);
    await writeJournal(join(room.folder, "journal"), call, talk);
    const { readFile } = await import("node:fs/promises");
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, Math.floor(whole.length * 0.95) - 11));
    await recordings.callEnded(call);
    const row = await room.becomes(call, "journal", "verified");
    expect(row.duration_ms).toBeGreaterThan(9300);
  });

  it("that ended with an apology is whole without it, also when word of the move was lost", async () => {
    const ended = new Date();
    const call = await room.call({ talkMs: 25_000, endedAt: ended });
    await room.database.pool.query("update calls set hangup_asked_by = 'us:engine_failed', hangup_asked_at = $2 where id = $1", [
      call,
      new Date(ended.getTime() - 15_000),
    ]);
    await writeJournal(join(room.folder, "journal"), call, talk, new Date(ended.getTime() - 25_000));
    await recordings.callEnded(call);
    await room.becomes(call, "journal", "verified");
  });

  it("that nobody answered, or that its agent may not record, owes none", async () => {
    for (const call of [await room.call({ answered: false }), await room.call({ record: false })]) {
      await recordings.callEnded(call);
      expect(await room.rows(call)).toEqual({});
    }
  });

  it("of whose end we were not told is found", async () => {
    const call = await room.call();
    await expectCarriers(call);
    await writeJournal(join(room.folder, "journal"), call, talk);
    await recordings.sweep();
    await room.becomes(call, "journal", "verified");
    expect((await room.rows(call)).carrier.deadline_at).not.toBeNull();
  });
});

describe("an expected recording", () => {
  it("that is not announced in time is missing, with an alarm; its file is taken all the same when it comes", async () => {
    const call = await room.call();
    await expectCarriers(call);
    await recordings.callEnded(call);
    await recordings.sweep();
    expect((await room.rows(call)).carrier.status).toBe("expected");
    now = new Date(Date.now() + 11 * 60_000); // from the call's end, which the machine's clock says
    await recordings.sweep();
    expect(await room.becomes(call, "carrier", "missing")).toMatchObject({ because: "RECORDING_NOT_ANNOUNCED" });
    await room.until(async () => room.warnings.some((told) => told.includes("RECORDING_NOT_ANNOUNCED") && told.includes(call)));
    await room.announce({ call, url: room.files.serve("late-file", file), sizeBytes: file.length });
    expect(await room.becomes(call, "carrier", "verified")).toMatchObject({ because: null });
    expect((await room.kinds(call)).filter((kind) => kind.startsWith("carrier"))).toEqual([
      "carrier expected",
      "carrier missing",
      "carrier announced",
      "carrier stored",
      "carrier verified",
    ]);
  });

  it("is not given up while the call still runs", async () => {
    const call = await room.call({ ended: false });
    await expectCarriers(call);
    now = new Date(now.getTime() + 3_600_000);
    await recordings.sweep();
    expect((await room.rows(call)).carrier.status).toBe("expected");
  });

  it("is expected once, and takes its announcement although all came at once", async () => {
    for (let round = 0; round < 10; round++) {
      const call = await room.call();
      const url = room.files.serve(`at-once-${round}`, file);
      const said = { call, conversation: null, recording: newId(), url, sizeBytes: file.length, startedAt: null, endedAt: null, at: now };
      await Promise.all([
        ...[1, 2, 3].map(() => inTransaction(room.database.pool, (sql) => announceRecording(sql, said))),
        expectCarriers(call),
        expectCarriers(call),
      ]);
      recordings.wake();
      await room.becomes(call, "carrier", "verified");
      const { rows } = await room.database.pool.query("select count(*)::int as n from recordings where call_id = $1", [call]);
      expect(rows[0].n).toBe(1);
      expect(room.files.asked(`at-once-${round}`)).toHaveLength(1);
    }
  });
});

describe("a recording of a conversation we do not know", () => {
  it("is kept and fetched, and belongs to the call as soon as that appears", async () => {
    const spoken = `CON-${newId()}` as ConversationId;
    await room.announce({ call: null, conversation: spoken, url: room.files.serve("orphan", file), sizeBytes: file.length });
    const status = async () =>
      (await room.database.pool.query("select status from recordings where conversation = $1", [spoken])).rows[0]?.status;
    await room.until(async () => (await status()) === "verified");
    const call = await room.call({ conversation: spoken });
    await expectCarriers(call);
    await recordings.sweep();
    expect(await room.becomes(call, "carrier", "verified")).toMatchObject({ conversation: spoken });
    expect(await room.kinds(call)).toContain("carrier matched");
    const { rows } = await room.database.pool.query("select count(*)::int as n from recordings where call_id = $1 and source = 'carrier'", [
      call,
    ]);
    expect(rows[0].n).toBe(1);
  });
});

describe("the carrier's recording and ours", () => {
  /** A call with both, the carrier's changed by `damage`, beginning `lateMs` after ours. */
  async function both(name: string, damage: (sides: Float32Array[]) => Float32Array[], lateMs = 0) {
    const startedAt = new Date("2026-03-01T10:00:00.300Z");
    const call = await room.call({ endedAt: new Date(startedAt.getTime() + 10_200), talkMs: 10_500 });
    await writeJournal(join(room.folder, "journal"), call, talk, startedAt);
    const bytes = await mp3Of(damage(talk.map((side) => side.slice(lateMs * 16))));
    await room.announce({ call, url: room.files.serve(name, bytes), sizeBytes: bytes.length, startedAt: new Date("2026-03-01T10:00:00Z") });
    await recordings.callEnded(call);
    await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
    return { call, rows: await room.rows(call) };
  }

  it("are compared when both are there: they agree, and when the carrier's began is known to the millisecond class", async () => {
    const { rows } = await both("same", (sides) => sides, 250);
    expect(rows.carrier).toMatchObject({ status: "verified", detail: { comparison: { verdict: "agree" } } });
    expect(rows.journal).toMatchObject({ status: "verified", detail: { comparison: { verdict: "agree" } } });
    expect(Math.abs((rows.carrier.audio_started_at as Date).getTime() - Date.parse("2026-03-01T10:00:00.550Z"))).toBeLessThanOrEqual(25);
  });

  it("differ when a side is missing: the carrier's does not stand, ours does, and the timeline says so", async () => {
    const { call, rows } = await both("one-sided", ([caller, agent]) => [caller as Float32Array, (agent as Float32Array).map(() => 0)]);
    expect(rows.carrier).toMatchObject({ status: "failed", because: "RECORDING_INCOMPLETE" });
    expect(rows.journal.status).toBe("verified");
    const { rows: events } = await room.database.pool.query("select said from events where call_id = $1 and kind = 'recording.compared'", [
      call,
    ]);
    expect(events).toHaveLength(1);
    expect(events[0].said).toMatch(/lacks the agent from 0:0\d to 0:0\d/);
    const { rows: calls } = await room.database.pool.query("select answered_at from calls where id = $1", [call]);
    const told = await listRecordings(room.database.pool, { id: call, answeredAt: calls[0].answered_at });
    const { findings } = rows.carrier.detail.comparison as { findings: { fromMs: number }[] };
    for (const { comparison, since } of told) {
      expect(comparison?.verdict).toBe("differ");
      expect(comparison?.findings[0]).toMatchObject({ in: "carrier", what: "lacks", side: "agent" });
      // ours began 300 ms after the answer
      expect(comparison?.findings[0]?.from_ms).toBe((findings[0]?.fromMs ?? 0) + 300);
      expect(events[0].said).toContain(comparison?.said);
      expect(Math.abs(Date.now() - Date.parse(since ?? ""))).toBeLessThan(600_000);
    }
  });

  it("differ for good: one that did not stand the comparison does not stand it when it is tried again, or lost and back", async () => {
    const { call, rows } = await both("again", ([caller, agent]) => [caller as Float32Array, (agent as Float32Array).map(() => 0)]);
    const { pool } = room.database;
    const verdicts = async () => (await room.kinds(call)).filter((kind) => kind === "carrier verified" || kind === "carrier failed");
    expect(await verdicts()).toEqual(["carrier verified", "carrier failed"]);
    const asked = { by: "user:someone", at: now };
    expect(await inTransaction(pool, (sql) => tryAgain(sql, rows.carrier.id as RecordingId, asked))).toBe("verified");
    recordings.wake();
    await room.until(async () => (await verdicts()).length === 3);
    expect((await room.rows(call)).carrier).toMatchObject({ status: "failed", because: "RECORDING_INCOMPLETE", verified_at: null });

    const path = join(room.folder, "kept", rows.carrier.storage_key);
    const bytes = await readFile(path);
    await rm(path);
    await auditRecordings({ pool, storage: room.storage, clock }, { hash: 0 });
    expect((await room.rows(call)).carrier.because).toBe("STORED_FILE_LOST");
    await writeFile(path, bytes);
    await auditRecordings({ pool, storage: room.storage, clock }, { hash: 0 });
    recordings.wake();
    await room.until(async () => (await verdicts()).length === 4);
    expect((await room.rows(call)).carrier).toMatchObject({ status: "failed", because: "RECORDING_INCOMPLETE" });
    expect((await verdicts()).filter((kind) => kind === "carrier verified")).toHaveLength(1);
  });

  it("are compared once, though both ask for it", async () => {
    const { call } = await both("once", (sides) => sides);
    await recordings.sweep();
    expect((await room.kinds(call)).filter((kind) => kind === "carrier compared")).toHaveLength(1);
  });
});
