import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { journalPath } from "../../journal/file.ts";
import { conversation, mp3Of } from "../audio/test-sounds.ts";
import { auditRecordings } from "../audit.ts";
import { writeJournal } from "../test-journal.ts";
import { openTestRoom, type TestRoom } from "../test-room.ts";
import type { Recordings } from "../work.ts";
import { consentsOf, recordConsent, wordsSha256 } from "./consent.ts";
import { askDeletion, runDeletion } from "./deletion.ts";
import { hold, liftHold } from "./holds.ts";
import { type Deletable, type Receipt, receiptHolds } from "./receipt.ts";
import { askRedaction } from "./redaction.ts";
import { applyKeepRules, setKeepRule } from "./retention.ts";

let room: TestRoom;
let recordings: Recordings;
const now = new Date();
const clock = { now: () => now, monotonicMs: () => performance.now() };
const talk = conversation(3, 8);
let file: Buffer;

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
  recordings = await room.start({ clock });
});
afterAll(() => room.close());

/** A call with both recordings, a journal, and words. */
async function wholeCall(endedAt = now): Promise<{ call: CallId; keys: string[] }> {
  const call = await room.call({ talkMs: 3000, endedAt });
  await writeJournal(join(room.folder, "journal"), call, talk);
  await room.announce({ call, url: room.files.serve(call, file), sizeBytes: file.length });
  await recordings.callEnded(call);
  await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
  await room.database.pool.query(
    "update calls set customer_name = 'Somebody', to_number = '+12025550101', variables = '{\"plan\": \"gold\"}' where id = $1",
    [call],
  );
  await room.database.pool.query(
    "insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms) values ($1, $2, 'caller', 'a', 'My card is 4111.', 100, 900)",
    [newId(), call],
  );
  await room.database.pool.query(
    "insert into webhooks (id, carrier, door, method, url, headers, body, verdict, call_id) values ($1, 'vonage', 'event', 'POST', '/webhooks/vonage/event?to=1', '{\"a\": 1}', 'to=12025550101', 'applied', $2)",
    [newId(), call],
  );
  const rows = await room.rows(call);
  return { call, keys: [rows.carrier.storage_key, rows.journal.storage_key] };
}

const ask = (call: CallId, what: Deletable[], because = "asked by the customer") =>
  inTransaction(room.database.pool, (sql) => askDeletion(sql, call, { what, because, by: "user:someone", at: now }));

async function receiptOf(id: string): Promise<Receipt> {
  recordings.wake();
  const read = async () => (await room.database.pool.query("select receipt, done_at from deletions where id = $1", [id])).rows[0];
  await room.until(async () => (await read()).done_at !== null);
  return (await read()).receipt;
}
const journalThere = async (call: CallId) => (await stat(journalPath(join(room.folder, "journal"), call)).catch(() => null)) !== null;

describe("a deletion on request", () => {
  it("takes the sound of every source, the journal, the words and the person, and leaves a signed receipt", async () => {
    const { call, keys } = await wholeCall();
    const receipt = await receiptOf(await ask(call, ["audio", "transcript", "customer"]));
    for (const key of keys) expect(await room.storage.head(key)).toBeNull();
    expect(await journalThere(call)).toBe(false);
    const rows = await room.rows(call);
    for (const row of [rows.carrier, rows.journal])
      expect(row).toMatchObject({ status: "deleted", because: "RECORDING_DELETED", storage_key: null, peaks: null, announced_url: null });
    const { rows: calls } = await room.database.pool.query(
      "select customer_name, to_number, variables, end_reason from calls where id = $1",
      [call],
    );
    expect(calls[0]).toEqual({ customer_name: null, to_number: null, variables: {}, end_reason: "caller_hung_up" });
    const { rows: left } = await room.database.pool.query(
      "select (select count(*)::int from utterances where call_id = $1) as words, (select body from webhooks where call_id = $1) as body",
      [call],
    );
    expect(left[0].words).toBe(0);
    expect(left[0].body).toHaveLength(0);

    expect(receipt).toMatchObject({
      call,
      what: ["audio", "transcript", "customer"],
      asked_by: "user:someone",
      journal: "deleted",
      rows: { recordings: 2, utterances: 1, calls: 1, webhooks: 1 },
    });
    expect(receipt.files).toHaveLength(2);
    expect(receipt.files.every(({ gone, sha256 }) => gone && sha256)).toBe(true);
    expect(receipt.carrier_copy?.gone_by).toBeTruthy();
    expect(receiptHolds(receipt)).toBe(true);
    expect(receiptHolds({ ...receipt, because: "another reason" })).toBe(false);
  });

  it("of the words alone leaves the sound, and of the sound alone the words", async () => {
    const words = await wholeCall();
    await receiptOf(await ask(words.call, ["transcript"]));
    expect((await room.rows(words.call)).carrier.status).toBe("verified");
    expect(await journalThere(words.call)).toBe(false);
    const sound = await wholeCall();
    await receiptOf(await ask(sound.call, ["audio"]));
    const { rows } = await room.database.pool.query("select text from utterances where call_id = $1", [sound.call]);
    expect(rows).toHaveLength(1);
  });

  it("asked twice is done once", async () => {
    const { call } = await wholeCall();
    const ids = await Promise.all([ask(call, ["audio"]), ask(call, ["audio"])]);
    expect(new Set(ids).size).toBe(1);
    await receiptOf(ids[0] as string);
  });

  it("is not undone by a late announcement or a sweep, and the call stays accounted for", async () => {
    const { call } = await wholeCall();
    const { rows } = await room.database.pool.query("select carrier_recording from recordings where call_id = $1 and source = 'carrier'", [
      call,
    ]);
    await receiptOf(await ask(call, ["audio"]));
    await room.announce({ call, url: room.files.serve("again", file), sizeBytes: file.length, recording: rows[0].carrier_recording });
    await recordings.sweep();
    expect(Object.values(await room.rows(call)).map((row) => row.status)).toEqual(["deleted", "deleted"]);
    expect((await auditRecordings({ pool: room.database.pool, storage: room.storage, clock }, { hash: 100 })).unexplained).toEqual([]);
  });

  it("of a call that still runs, is on hold or does not exist is refused, and changes nothing", async () => {
    const running = await room.call({ ended: false });
    await expect(ask(running, ["audio"])).rejects.toMatchObject({ code: "CALL_STILL_RUNS" });
    await expect(ask(newId<CallId>(), ["audio"])).rejects.toMatchObject({ code: "CALL_UNKNOWN" });
    const { call } = await wholeCall();
    await inTransaction(room.database.pool, (sql) => hold(sql, call, { why: "a dispute", by: "user:counsel", at: now }));
    await expect(ask(call, ["audio"])).rejects.toMatchObject({ code: "CALL_HELD", message: expect.stringContaining("a dispute") });
    expect((await room.rows(call)).carrier.status).toBe("verified");
    expect(await inTransaction(room.database.pool, (sql) => liftHold(sql, call, { by: "user:counsel", at: now }))).toBe(true);
    await receiptOf(await ask(call, ["audio"]));
  });

  it("stops at a hold that was placed after it was asked, and goes on when that is lifted", async () => {
    const { call, keys } = await wholeCall();
    await recordings.close();
    const id = await ask(call, ["audio"]);
    await inTransaction(room.database.pool, (sql) => hold(sql, call, { why: "in time", by: "user:counsel", at: now }));
    await runDeletion(
      {
        pool: room.database.pool,
        storage: room.storage,
        clock,
        journalDir: join(room.folder, "journal"),
        process: "",
        workDir: join(room.folder, "fetching"),
      },
      id,
    );
    expect(await room.storage.head(keys[0] as string)).not.toBeNull();
    recordings = await room.start({ clock });
    await inTransaction(room.database.pool, (sql) => liftHold(sql, call, { by: "user:counsel", at: now }));
    expect((await receiptOf(id)).files).toHaveLength(2);
  });
});

describe("retention by rule", () => {
  it("deletes audio and transcripts apart, after their days, by the agent's own rule before the one for all", async () => {
    const { pool } = room.database;
    const day = 24 * 3600 * 1000;
    const old = await wholeCall(new Date(now.getTime() - 40 * day));
    const held = await wholeCall(new Date(now.getTime() - 40 * day));
    const young = await wholeCall(new Date(now.getTime() - 20 * day));
    await inTransaction(pool, (sql) => hold(sql, held.call, { why: "kept", by: "user:counsel", at: now }));
    const { rows } = await pool.query("select agent_id from calls where id = $1", [old.call]);
    const set = (agent: string | null, what: "audio" | "transcript", days: number | null) =>
      inTransaction(pool, (sql) => setKeepRule(sql, { agent: agent as never, what, days }, "user:admin", now));

    await set(null, "audio", 10);
    await set(rows[0].agent_id, "audio", 30);
    expect(await applyKeepRules({ pool, clock })).toBe(1);
    recordings.wake();
    await room.becomes(old.call, "carrier", "deleted");
    expect((await room.rows(young.call)).carrier.status).toBe("verified");
    expect((await room.rows(held.call)).carrier.status).toBe("verified");
    const words = async (call: CallId) =>
      (await pool.query("select count(*)::int as n from utterances where call_id = $1", [call])).rows[0].n;
    expect(await words(old.call)).toBe(1);

    await set(null, "transcript", 35);
    expect(await applyKeepRules({ pool, clock })).toBe(1);
    recordings.wake();
    await room.until(async () => (await words(old.call)) === 0);
    expect(await words(young.call)).toBe(1);

    await set(rows[0].agent_id, "audio", null);
    expect(await applyKeepRules({ pool, clock })).toBe(1);
    recordings.wake();
    await room.becomes(young.call, "carrier", "deleted");
    const { rows: receipts } = await pool.query("select because, asked_by from deletions where call_id = $1", [young.call]);
    expect(receipts).toEqual([{ because: expect.stringMatching(/^rule:/), asked_by: "us" }]);
    await set(null, "audio", null);
    await set(null, "transcript", null);
    expect(await applyKeepRules({ pool, clock })).toBe(0);
  });
});

describe("a redaction", () => {
  const redact = (call: CallId, original: "sealed" | "destroyed", fromMs = 500, toMs = 1500) =>
    inTransaction(room.database.pool, (sql) =>
      askRedaction(sql, call, { fromMs, toMs, side: "both", original, why: "a card number", by: "user:someone", at: now }),
    );
  const done = async (id: string) =>
    (await room.database.pool.query("select done_at from redactions where id = $1", [id])).rows[0].done_at !== null;

  it("puts a tone in both recordings and a mark in the words, and seals the originals where nothing plays them", async () => {
    const { call, keys } = await wholeCall();
    const before = await room.rows(call);
    const id = await redact(call, "sealed");
    const { rows: words } = await room.database.pool.query("select text, emotions from utterances where call_id = $1", [call]);
    expect(words).toEqual([{ text: "[redacted]", emotions: null }]);
    recordings.wake();
    await room.until(() => done(id));
    await room.becomes(call, "carrier", "verified");
    await room.becomes(call, "journal", "verified");
    const after = await room.rows(call);
    for (const source of ["carrier", "journal"] as const) {
      expect(after[source].sha256).not.toBe(before[source].sha256);
      expect(after[source]).toMatchObject({
        sealed_key: before[source].storage_key,
        sealed_sha256: before[source].sha256,
        duration_ms: before[source].duration_ms,
      });
      expect(after[source].peaks).not.toEqual(before[source].peaks);
    }
    expect(await room.storage.head(keys[0] as string)).not.toBeNull();
    expect(await journalThere(call)).toBe(true);
    const again = await redact(call, "sealed", 2000, 2200);
    recordings.wake();
    await room.until(() => done(again));
    await room.becomes(call, "carrier", "verified");
    expect((await room.rows(call)).carrier.sealed_key).toBe(keys[0]);
    await receiptOf(await ask(call, ["audio"]));
    expect(await room.storage.head(keys[0] as string)).toBeNull();
  });

  it("destroys the originals and the journal when asked to", async () => {
    const { call, keys } = await wholeCall();
    const id = await redact(call, "destroyed");
    recordings.wake();
    await room.until(() => done(id));
    for (const key of keys) expect(await room.storage.head(key)).toBeNull();
    expect(await journalThere(call)).toBe(false);
    expect((await room.becomes(call, "carrier", "verified")).sealed_key).toBeNull();
  });

  it("of no stretch of the call, or of a held call, is refused", async () => {
    const { call } = await wholeCall();
    await expect(redact(call, "sealed", 5000, 6000)).rejects.toMatchObject({ code: "STRETCH_OUTSIDE" });
    await expect(redact(call, "sealed", 900, 800)).rejects.toMatchObject({ code: "STRETCH_OUTSIDE" });
    await inTransaction(room.database.pool, (sql) => hold(sql, call, { why: "a dispute", by: "user:counsel", at: now }));
    await expect(redact(call, "destroyed")).rejects.toMatchObject({ code: "CALL_HELD" });
  });
});

describe("the consent ledger", () => {
  it("keeps what was told, by whom, in which words, and each answer, in order", async () => {
    const call = await room.call();
    const words = "This call is recorded.";
    await inTransaction(room.database.pool, async (sql) => {
      await recordConsent(sql, call, { at: new Date(now.getTime() - 2000), toldBy: "agent", words, answer: "not_asked" });
      await recordConsent(sql, call, { at: now, toldBy: "agent", words: "Is that all right?", answer: "given", keepWords: false });
    });
    expect(await consentsOf(room.database.pool, call)).toMatchObject([
      { toldBy: "agent", words, wordsSha256: wordsSha256(words), answer: "not_asked" },
      { words: null, wordsSha256: wordsSha256("Is that all right?"), answer: "given" },
    ]);
    const { rows } = await room.database.pool.query("select kind from events where call_id = $1 order by at", [call]);
    expect(rows.map(({ kind }) => kind)).toEqual(["consent.not_asked", "consent.given"]);
  });
});
