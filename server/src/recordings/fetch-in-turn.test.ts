import { afterAll, beforeAll, expect, it } from "vitest";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { fetchQueue } from "./queues.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import { listWaiting } from "./waiting.ts";

/** The files stand still until the test has looked, however long that takes: none is given up for it. */
const patient = { lookMs: 20 };
let room: TestRoom;
let file: Buffer;
beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(conversation(10, 5));
});
afterAll(() => room.close());

it("more slow files than the queue has workers keep no other waiting, and each comes whole when it does come", {
  timeout: 120_000,
}, async () => {
  const recordings = await room.start(patient);
  const slow = Array.from({ length: fetchQueue.concurrency + 4 }, (_, i) => `slow-${i}`);
  const calls = [];
  for (const name of slow) {
    const call = await room.call({ talkMs: 10_000 });
    await room.announce({ call, url: room.files.serve(name, file, [{ as: "stepped", bytes: file.length }]), sizeBytes: file.length });
    calls.push(call);
  }
  for (const call of calls) await room.becomes(call, "carrier", "fetching");
  const quick = await room.call({ talkMs: 10_000 });
  await room.announce({ call: quick, url: room.files.serve("quick", file), sizeBytes: file.length });
  await room.becomes(quick, "carrier", "verified");
  expect((await room.rows(calls[0] as never)).carrier.status).toBe("fetching");
  for (const _ of calls) await room.files.next();
  for (const call of calls) await room.becomes(call, "carrier", "verified");
  for (const name of slow) expect(room.files.asked(name)).toEqual([null]);
  await recordings.close();
});

it("a slow file that goes on beside is finished by the next start when we end meanwhile", { timeout: 120_000 }, async () => {
  const recordings = await room.start(patient);
  const call = await room.call({ talkMs: 10_000 });
  const half = Math.ceil(file.length / 2);
  const url = room.files.serve("beside", file, [{ as: "stepped", bytes: half }, { as: "whole" }]);
  await room.announce({ call, url, sizeBytes: file.length });
  const { id } = await room.becomes(call, "carrier", "fetching");
  await room.files.next();
  await room.until(async () => (await room.partBytes(id)) === half);
  await recordings.close();
  expect((await room.rows(call)).carrier.status).toBe("fetching");
  const next = await room.start();
  await room.becomes(call, "carrier", "verified");
  expect(room.files.asked("beside")).toEqual([null, `bytes=${half}-`]);
  await next.close();
});

it("the row of a file that still comes is touched, and shows how far it is; one that waits for its turn says so", {
  timeout: 120_000,
}, async () => {
  const own = await openTestRoom(); // no connection that another test left is taken for this one's
  try {
    await touchedAndTold(own);
  } finally {
    await own.close();
  }
});

async function touchedAndTold(room: TestRoom): Promise<void> {
  const recordings = await room.start(patient);
  const call = await room.call({ talkMs: 10_000 });
  const url = room.files.serve("touched", file, [{ as: "stepped", bytes: 20_000 }]);
  await room.announce({ call, url, sizeBytes: file.length });
  const { id } = await room.becomes(call, "carrier", "fetching");
  const { pool } = room.database;
  await pool.query("update recordings set next_attempt_at = now() - interval '1 hour' where id = $1", [id]);
  await room.files.next();
  await room.until(async () => ((await room.rows(call)).carrier.next_attempt_at as Date) > new Date());
  const waits = async (at = new Date()) => (await listWaiting(pool, at)).find((one) => one.id === id);
  await room.until(async () => (await waits())?.progress?.bytes === 20_000);
  expect(await waits()).toMatchObject({ what: "file", progress: { bytes: 20_000, of: file.length }, because: null });
  await recordings.close();
  await pool.query("update recordings set status = 'announced', attempts = 0, next_attempt_at = now() where id = $1", [id]);
  expect(await waits()).toMatchObject({ because: null, progress: null });
  expect(await waits(new Date(Date.now() + 60_000))).toMatchObject({ because: { code: "FETCH_IN_TURN" } });
}
