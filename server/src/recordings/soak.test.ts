import { randomBytes } from "node:crypto";
import { startFauxqs } from "fauxqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { auditRecordings } from "./audit.ts";
import { moveStorage } from "./move-storage.ts";
import { openStorage } from "./storage.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import { soak } from "./test-soak.ts";

/** EARSHOT_SOAK_CALLS=2000 for the long run; its figures are in FIGURES.md. */
const calls = Number(process.env.EARSHOT_SOAK_CALLS ?? 60);
let room: TestRoom;
beforeAll(async () => {
  room = await openTestRoom(randomBytes(32));
});
afterAll(() => room.close());

it(`${calls} calls with faults at random and restarts are all accounted for in encrypted storage, also in a bucket and back again`, {
  timeout: 60_000 + calls * 2000,
}, async () => {
  const { report, ends, odd } = await soak(room, calls, 20260301);
  expect(odd).toEqual([]);
  expect(report).toMatchObject({ calls, accounted: calls, unexplained: [], lost: 0, rotten: 0, strays: 0 });
  expect(Object.keys(ends).sort()).toEqual(expect.arrayContaining(["missing", "verified"]));

  const server = await startFauxqs({ port: 0, logger: false, init: { buckets: ["moved"] } });
  try {
    const { pool } = room.database;
    const bucket = openStorage(`s3://key:secret@moved?endpoint=${encodeURIComponent(`http://127.0.0.1:${server.port}`)}`, randomBytes(32));
    const back = openStorage(`file:${room.folder}/back`);
    const audit = (storage: typeof bucket) => auditRecordings({ pool, storage, clock: systemClock }, { hash: 1_000_000 });
    await moveStorage({ pool, from: room.storage, to: bucket });
    expect(await audit(bucket)).toMatchObject({ accounted: calls, unexplained: [] });
    await moveStorage({ pool, from: bucket, to: back });
    expect(await audit(back)).toMatchObject({ accounted: calls, unexplained: [] });
  } finally {
    await server.stop();
  }
});
