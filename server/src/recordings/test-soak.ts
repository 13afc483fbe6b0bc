import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { newId } from "../ids.ts";
import { announceRecording, expectRecording } from "./announce.ts";
import { conversation, mp3Of, randomFrom } from "./audio/test-sounds.ts";
import { type AuditReport, auditRecordings } from "./audit.ts";
import type { Answer } from "./test-files.ts";
import { writeJournal } from "./test-journal.ts";
import type { TestRoom } from "./test-room.ts";

/** What a carrier's network does to recordings, and what becomes of the carrier's one: for many calls with faults at random. */
const faults: readonly { readonly name: string; readonly script: readonly Answer[]; readonly ends: readonly string[] }[] = [
  { name: "none", script: [], ends: ["verified"] },
  { name: "late", script: [{ as: "status", status: 404 }, { as: "status", status: 404 }, { as: "whole" }], ends: ["verified"] },
  { name: "trouble", script: [{ as: "status", status: 503 }, { as: "whole" }], ends: ["verified"] },
  { name: "page", script: [{ as: "page" }, { as: "whole" }], ends: ["verified"] },
  { name: "ranges", script: [{ as: "chunked" }], ends: ["verified"] },
  { name: "short", script: [{ as: "short", bytes: 9000 }], ends: ["failed", "verified"] },
  { name: "torn", script: [{ as: "torn", after: 5000 }, { as: "torn", after: 7000 }, { as: "whole" }], ends: ["verified"] },
  { name: "slow", script: [{ as: "dripped", bytes: 4000, everyMs: 100 }], ends: ["verified"] },
  {
    name: "slow and torn",
    script: [{ as: "dripped", bytes: 2000, everyMs: 50 }, { as: "torn", after: 1 }, { as: "whole" }],
    ends: ["verified"],
  },
  { name: "credentials", script: [{ as: "status", status: 401 }, { as: "whole" }], ends: ["verified"] },
];
const told = ["once", "once", "once", "twice", "never", "empty", "foreign", "orphan"] as const;

/** Makes `count` calls with faults at random, restarts the server now and then, and waits until all is settled; the audit's word. */
export async function soak(
  room: TestRoom,
  count: number,
  seed: number,
): Promise<{ report: AuditReport; ends: Record<string, number>; odd: string[] }> {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const talk = conversation(3, seed);
  const file = await mp3Of(talk);
  const startedAt = () => new Date(Date.now() - 3000);
  let recordings = await room.start({ announceWithinMs: 0, lookMs: 100 });
  const made: { call: CallId; ends: readonly string[]; what: string }[] = [];
  for (let i = 0; i < count; i++) {
    const kind = random();
    if (kind < 0.1) {
      const call = await room.call(kind < 0.05 ? { answered: false } : { record: false });
      await recordings.callEnded(call);
      continue;
    }
    const conversationId = `CON-${newId()}`;
    const call = await room.call({ talkMs: 3000, conversation: conversationId });
    const fault = pick(faults);
    const webhook = pick(told);
    if (random() < 0.8) await writeJournal(join(room.folder, "journal"), call, talk, startedAt());
    await inTransaction(room.database.pool, (sql) => expectRecording(sql, call, "carrier", new Date()));
    const said = {
      call: webhook === "orphan" ? null : call,
      conversation: conversationId as never,
      recording: newId(),
      url: webhook === "foreign" ? "https://files.example.com/x" : webhook === "empty" ? "" : room.files.serve(call, file, fault.script),
      sizeBytes: webhook === "empty" ? 0 : file.length,
      startedAt: null,
      endedAt: null,
      at: new Date(),
    };
    const times = webhook === "never" ? 0 : webhook === "twice" ? 2 : 1;
    for (let n = 0; n < times; n++) await inTransaction(room.database.pool, (sql) => announceRecording(sql, said));
    if (random() < 0.9) await recordings.callEnded(call); // the others are found by the sweep
    made.push({
      call,
      what: `${webhook}, ${fault.name}`,
      ends: webhook === "never" || webhook === "empty" ? ["missing"] : webhook === "foreign" ? ["refused"] : fault.ends,
    });
    if (random() < 0.01) {
      await recordings.close();
      recordings = await room.start({ announceWithinMs: 0, lookMs: 100 });
    }
  }
  const settled = async () => {
    await recordings.sweep();
    const { rows } = await room.database.pool.query(
      "select count(*)::int as n from recordings where status in ('expected', 'announced', 'fetching', 'stored')",
    );
    return rows[0].n === 0;
  };
  while (!(await settled())) await new Promise((resolve) => setTimeout(resolve, 50));
  const ends: Record<string, number> = {};
  const odd: string[] = [];
  for (const { call, what, ends: expected } of made) {
    const { carrier } = await room.rows(call);
    ends[carrier.status] = (ends[carrier.status] ?? 0) + 1;
    if (!expected.includes(carrier.status)) odd.push(`${what}: ${carrier.status} (${carrier.because})`);
  }
  const report = await auditRecordings({ pool: room.database.pool, storage: room.storage, clock: systemClock }, { hash: 1_000_000 });
  return { report, ends, odd };
}
