import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CallId } from "../ids.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { writeJournal } from "./test-journal.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";

let room: TestRoom;
let file: Buffer;
const running = new Set<ChildProcess>();
const talk = conversation(20, 5);

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(talk);
});
afterEach(async () => {
  for (const child of running) await kill(child);
});
afterAll(() => room.close());

/** The room in a process of its own, ready. */
async function start(): Promise<ChildProcess> {
  const parts = {
    databaseUrl: room.database.url,
    storageUrl: `file:${join(room.folder, "kept")}`,
    journalDir: join(room.folder, "journal"),
    filesUrl: room.files.url,
    privateKeyPem: room.files.privateKeyPem,
  };
  const child = spawn(process.execPath, [fileURLToPath(new URL("./test-process.ts", import.meta.url)), JSON.stringify(parts)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  child.stderr?.on("data", (text) => room.warnings.push(String(text)));
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  running.delete(child);
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function callWithFile(name: string): Promise<{ call: CallId; id: string }> {
  const call = await room.call({ talkMs: 20_000 });
  await room.announce({ call, url: room.files.serve(name, file, [{ as: "stepped", bytes: 20_000 }]), sizeBytes: file.length });
  return { call, id: (await room.rows(call)).carrier.id };
}

/** Sends the rest of a stepped file, as often as it is asked for. */
async function sendAll(call: CallId): Promise<void> {
  let done = false;
  const whole = room.becomes(call, "carrier", "verified").finally(() => {
    done = true;
  });
  const feed = (async () => {
    while (!done) await Promise.race([room.files.next(), whole.catch(() => {})]);
  })();
  await Promise.all([whole, feed]);
}

describe("killed with -9", () => {
  it("in mid-fetch, the next start goes on from the bytes that are there, at once", async () => {
    const { call, id } = await callWithFile("mid-fetch");
    const first = await start();
    await room.files.next();
    await room.files.next();
    await room.until(async () => (await room.partBytes(id)) === 40_000);
    await kill(first);
    expect((await room.rows(call)).carrier.status).toBe("fetching");

    await start();
    const began = performance.now();
    await room.until(async () => room.files.asked("mid-fetch").length === 2);
    expect(performance.now() - began).toBeLessThan(8_000); // the queue alone would notice the dead process after 10 s
    await sendAll(call);
    const row = (await room.rows(call)).carrier;
    expect(row.sha256).toBe(createHash("sha256").update(file).digest("hex"));
    expect(room.files.asked("mid-fetch")).toEqual([null, "bytes=40000-"]);
    expect((await room.kinds(call)).filter((kind) => kind.startsWith("carrier"))).toEqual([
      "carrier announced",
      "carrier stored",
      "carrier verified",
    ]);
  });

  it("again and again while it fetches, the recording comes whole and is stored once", async () => {
    const { call, id } = await callWithFile("again");
    for (const bytes of [20_000, 40_000, 60_000, 80_000]) {
      const child = await start();
      await room.files.next();
      await room.until(async () => (await room.partBytes(id)) >= bytes);
      await kill(child);
    }
    await start();
    await sendAll(call);
    expect((await room.rows(call)).carrier.sha256).toBe(createHash("sha256").update(file).digest("hex"));
    expect((await room.kinds(call)).filter((kind) => kind === "carrier stored")).toHaveLength(1);
  });

  it("between the end of a call and its recording, the next start makes it", async () => {
    const call = await room.call({ talkMs: 20_000 });
    await writeJournal(join(room.folder, "journal"), call, talk);
    const child = await start();
    await room.until(async () => (await room.rows(call)).journal !== undefined);
    await kill(child);
    await start();
    await room.becomes(call, "journal", "verified");
    expect(await room.kinds(call)).toEqual(["journal expected", "journal stored", "journal verified"]);
  });

  it("between stored and verified, the next start verifies", async () => {
    const { call } = await callWithFile("stored");
    const recordings = await room.start();
    await sendAll(call);
    await recordings.close();
    await room.database.pool.query("update recordings set status = 'stored', verified_at = null where call_id = $1", [call]);
    await start();
    await room.becomes(call, "carrier", "verified");
  });
});

describe("two servers on one database", () => {
  it("fetch a recording once", async () => {
    await Promise.all([start(), start()]);
    const made = await Promise.all(Array.from({ length: 6 }, (_, i) => callWithFile(`shared-${i}`)));
    for (const child of running) child.stdin?.write("wake\n");
    await Promise.all(made.map(({ call }) => sendAll(call)));
    for (let i = 0; i < made.length; i++) expect(room.files.asked(`shared-${i}`)).toEqual([null]);
  });
});
