import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../db/pool.ts";
import { newId, type RecordingId } from "../ids.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { giveUp, tryAgain } from "./by-hand.ts";
import { writeJournal } from "./test-journal.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const talk = conversation(3, 21);
const asked = { by: "user:x", at: new Date() };
const again = async (id: string) => {
  const what = await inTransaction(room.database.pool, (sql) => tryAgain(sql, id as RecordingId, asked));
  recordings.wake();
  return what;
};

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
  recordings = await room.start();
});
afterAll(() => room.close());

describe("by hand", () => {
  it("a recording that was given up is fetched after all", async () => {
    const call = await room.call({ talkMs: 3000 });
    await room.announce({
      call,
      url: room.files.serve("hard", file, [{ as: "stalled", after: 0 }, { as: "whole" }]),
      sizeBytes: file.length,
    });
    const { id } = await room.becomes(call, "carrier", "fetching");
    await inTransaction(room.database.pool, (sql) => giveUp(sql, id as RecordingId, asked));
    expect(await room.becomes(call, "carrier", "missing")).toMatchObject({ because: "RECORDING_GIVEN_UP" });
    await recordings.close();
    recordings = await room.start();
    expect(await again(id)).toBe("fetched");
    await room.becomes(call, "carrier", "verified");
    expect(await room.kinds(call)).toEqual(expect.arrayContaining(["carrier missing", "carrier tried_again", "carrier verified"]));
  });

  it("a journal that came back is made into its recording", async () => {
    const call = await room.call({ talkMs: 3000 });
    await recordings.callEnded(call);
    const { id } = await room.becomes(call, "journal", "missing");
    await writeJournal(join(room.folder, "journal"), call, talk);
    expect(await again(id)).toBe("made");
    await room.becomes(call, "journal", "verified");
  });

  it("a file that failed its checks is checked again", async () => {
    const call = await room.call({ talkMs: 30_000 });
    await room.announce({ call, url: room.files.serve("short-then-not", file), sizeBytes: file.length });
    const { id } = await room.becomes(call, "carrier", "failed");
    await room.database.pool.query("update calls set answered_at = ended_at - interval '3 seconds' where id = $1", [call]);
    expect(await again(id)).toBe("verified");
    await room.becomes(call, "carrier", "verified");
  });

  it("nothing can be tried again with a recording that is well, or that does not exist", async () => {
    const call = await room.call({ talkMs: 3000 });
    await room.announce({ call, url: room.files.serve("well", file), sizeBytes: file.length });
    const { id } = await room.becomes(call, "carrier", "verified");
    await expect(again(id)).rejects.toMatchObject({ code: "RECORDING_NOTHING_TO_DO" });
    await expect(inTransaction(room.database.pool, (sql) => giveUp(sql, id as RecordingId, asked))).rejects.toMatchObject({
      code: "RECORDING_NOTHING_TO_DO",
    });
    await expect(again(newId())).rejects.toMatchObject({ code: "RECORDING_UNKNOWN" });
  });
});
