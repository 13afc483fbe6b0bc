import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../db/pool.ts";
import { type CallId, type ConversationId, newId } from "../ids.ts";
import { expectRecording } from "./announce.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { reasons } from "./failures.ts";
import { listRecordings, playableOf, recordingsOf } from "./read.ts";
import type { Answer } from "./test-files.ts";
import { writeJournal } from "./test-journal.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

/**
 * Everything a phone network is known to do to a recording, each as a row: what becomes of the carrier's recording, which remedy is shown, and from
 * which source the call plays all the same. The same faults are dialled by number in e2e/numbers.e2e.ts.
 */
interface Fault {
  readonly fault: string;
  /** How the webhook comes: at its time, before the end of the call, long after it was given up, twice, not at all. */
  readonly webhook?: "first" | "last" | "doubled" | "lost" | "empty" | "unknown call";
  /** What the file's server does. */
  readonly file?: readonly Answer[];
  readonly url?: string;
  /** The server's part is broken off in the middle of the fetch and begins again. */
  readonly killed?: true;
  /** Where the carrier's recording ends; `because`: its code, with the remedy that goes with it. */
  readonly carrier: string;
  readonly because: keyof typeof reasons | null;
  readonly plays: "carrier" | "journal";
}

const table: readonly Fault[] = [
  { fault: "the webhook is lost", webhook: "lost", carrier: "missing", because: "RECORDING_NOT_ANNOUNCED", plays: "journal" },
  { fault: "the webhook comes before everything else", webhook: "first", carrier: "verified", because: null, plays: "carrier" },
  {
    fault: "the webhook comes last, when the recording was given up",
    webhook: "last",
    carrier: "verified",
    because: null,
    plays: "carrier",
  },
  { fault: "the webhook comes twice", webhook: "doubled", carrier: "verified", because: null, plays: "carrier" },
  {
    fault: "the webhook is of a conversation nobody knows yet",
    webhook: "unknown call",
    carrier: "verified",
    because: null,
    plays: "carrier",
  },
  { fault: "it is empty: no address, no bytes", webhook: "empty", carrier: "missing", because: "RECORDING_EMPTY", plays: "journal" },
  {
    fault: "404, then 200",
    file: [{ as: "status", status: 404 }, { as: "status", status: 404 }, { as: "whole" }],
    carrier: "verified",
    because: null,
    plays: "carrier",
  },
  {
    fault: "404 while it is asked for",
    file: [{ as: "status", status: 404 }],
    carrier: "announced",
    because: "RECORDING_NOT_READY",
    plays: "journal",
  },
  {
    fault: "500 for ever",
    file: [{ as: "status", status: 500 }],
    carrier: "announced",
    because: "RECORDING_UNREACHABLE",
    plays: "journal",
  },
  { fault: "it is truncated", file: [{ as: "short", bytes: 30_000 }], carrier: "failed", because: "RECORDING_SHORT", plays: "journal" },
  {
    fault: "the download breaks off, then goes on",
    file: [{ as: "cut", after: 30_000 }, { as: "whole" }],
    carrier: "verified",
    because: null,
    plays: "carrier",
  },
  { fault: "it is of a wrong type", file: [{ as: "page" }], carrier: "announced", because: "RECORDING_WRONG_TYPE", plays: "journal" },
  {
    fault: "it lies on a foreign host",
    url: "https://files.example.com/x",
    carrier: "refused",
    because: "RECORDING_REFUSED_HOST",
    plays: "journal",
  },
  {
    fault: "it redirects to a foreign host",
    file: [{ as: "redirect", to: "https://files.example.com/x" }],
    carrier: "refused",
    because: "RECORDING_REFUSED_HOST",
    plays: "journal",
  },
  {
    fault: "it comes in pieces of 10 kB, one at a time",
    file: [{ as: "stepped", bytes: 10_000 }],
    carrier: "verified",
    because: null,
    plays: "carrier",
  },
  {
    fault: "we are broken off in the middle of the fetch",
    file: [{ as: "stepped", bytes: 20_000 }],
    killed: true,
    carrier: "verified",
    because: null,
    plays: "carrier",
  },
];

let room: TestRoom;
let recordings: Recordings;
let now = new Date();
const talk = conversation(10, 5);
let file: Buffer;
const open = () =>
  room.start({ clock: { now: () => now, monotonicMs: () => performance.now() }, pauseMs: (attempts) => (attempts > 8 ? 3_600_000 : 0) });

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
  recordings = await open();
});
afterAll(() => room.close());

/** Lives through the fault; the call has ended and has its journal. */
async function liveThrough(fault: Fault): Promise<CallId> {
  const spoken = `CON-${newId()}` as ConversationId;
  const name = newId();
  const recording = newId();
  const url = fault.url ?? room.files.serve(name, file, fault.file ?? []);
  const empty = fault.webhook === "empty";
  const announce = (call: CallId | null) =>
    room.announce({ call, conversation: spoken, recording, url: empty ? "" : url, sizeBytes: empty ? 0 : file.length });
  if (fault.webhook === "unknown call") await announce(null);
  const call = await room.call({ conversation: spoken, endedAt: now });
  if (fault.webhook === "first") await announce(call);
  await writeJournal(join(room.folder, "journal"), call, talk, new Date(now.getTime() - 10_000));
  await inTransaction(room.database.pool, (sql) => expectRecording(sql, call, "carrier", now));
  await recordings.callEnded(call);
  if (fault.webhook === "lost" || fault.webhook === "last") {
    const was = now;
    now = new Date(now.getTime() + 11 * 60_000);
    await recordings.sweep();
    await room.becomes(call, "carrier", "missing");
    now = was;
  } else if (fault.webhook === "unknown call") await recordings.sweep();
  if (fault.webhook === "last" || fault.webhook === "doubled" || fault.webhook === "empty" || fault.webhook === undefined)
    await announce(call);
  if (fault.webhook === "doubled") await announce(call);
  await steps(fault, call, name);
  return call;
}

/** Files that come in pieces: hands them out, and breaks the room's work off after the second where the fault wants it. */
async function steps({ file: script, killed }: Fault, call: CallId, name: string): Promise<void> {
  const pieces = script?.[0]?.as === "stepped" ? Math.ceil(file.length / script[0].bytes) : script?.[0]?.as === "cut" ? 1 : 0;
  if (pieces === 0) return;
  const { id } = await room.becomes(call, "carrier", "fetching");
  let left = pieces;
  if (killed) {
    await room.files.next();
    await room.files.next();
    await room.until(async () => (await room.partBytes(id)) === 40_000);
    await recordings.close();
    recordings = await open();
    left -= 2;
    await room.until(async () => room.files.asked(name).length === 2);
    expect(room.files.asked(name)).toEqual([null, "bytes=40000-"]);
  }
  for (; left > 0; left--) await room.files.next();
}

describe("a call whose recording suffers that", () => {
  it.each(table)("$fault: the carrier's is $carrier, the call plays from the $plays", async (fault) => {
    const call = await liveThrough(fault);
    const row = async () => (await room.rows(call)).carrier;
    await room.becomes(call, "journal", "verified");
    await room.until(async () => (await row()).status === fault.carrier && (await row()).because === fault.because);

    const { pool } = room.database;
    const clock = { id: call, answeredAt: new Date(now.getTime() - 10_000) };
    const [best, all] = [(await recordingsOf(pool, [clock]))(call), await listRecordings(pool, clock)];
    expect(best).toMatchObject({ status: "verified", source: fault.plays, because: null, url: `/api/calls/${call}/recording` });
    const carrier = all.find(({ source }) => source === "carrier");
    expect(carrier?.because ?? null).toEqual(
      fault.because === null ? null : { code: fault.because, message: reasons[fault.because].said, remedy: reasons[fault.because].remedy },
    );
    const playable = await playableOf(pool, call, {});
    expect(await room.storage.head(playable?.file?.key ?? "none")).toEqual({ sizeBytes: playable?.file?.sizeBytes });
    const { rows } = await pool.query("select count(*)::int as n from recordings where call_id = $1 and source = 'carrier'", [call]);
    expect(rows[0].n).toBe(1);
    const stored = (await room.kinds(call)).filter((kind) => kind === "carrier stored");
    // What was fetched before its call was known has no place on a timeline yet.
    const told = fault.webhook !== "unknown call" && (fault.carrier === "verified" || fault.carrier === "failed");
    expect(stored.length).toBe(told ? 1 : 0);
  });
});
