import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../db/pool.ts";
import { EngineUnauthorized, EngineUnreachable } from "../engine/failures.ts";
import type { Reconstruction, Reconstructions } from "../engine/port.ts";
import type { CallId } from "../ids.ts";
import { mp4Of } from "./audio/test-mp4.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { tryAgain } from "./by-hand.ts";
import { askRedaction } from "./keeping/redaction.ts";
import { listRecordings, recordingsOf } from "./read.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let now = new Date();
let file: Buffer;
/** What the vendor says of a session, look by look; the last for ever. */
const says = new Map<string, (Reconstruction | Error)[]>();
const looked = new Map<string, number>();

/** A vendor whose files lie on a real server, asked by a real client; its words are a script. */
const vendor: Reconstructions = {
  async look(sessions) {
    const names = sessions.map(({ session }) => session);
    const told: Reconstruction[] = names.map((session) => {
      looked.set(session, (looked.get(session) ?? 0) + 1);
      const script = says.get(session) ?? [];
      const word = script.length > 1 ? script.shift() : script[0];
      if (word === undefined || word instanceof Error) throw word ?? new Error(`Nobody asked for ${session}.`);
      return word;
    });
    const parts = told.flatMap((one) => (one.state === "ready" ? one.parts : []));
    return told.find(({ state }) => state === "making") ?? (parts.length > 0 ? { state: "ready", parts } : (told[0] as Reconstruction));
  },
  openRecording: (url, from) => room.files.carrier.openRecording(url, from),
  mayFetch: (url) => room.files.carrier.mayFetch(url),
};

beforeAll(async () => {
  room = await openTestRoom();
  file = mp4Of(await mp3Of(conversation(10, 21)));
  recordings = await room.start({ reconstructions: { evi: vendor }, clock: { now: () => now, monotonicMs: () => performance.now() } });
});
afterAll(() => room.close());

const ready = (session: string, url: string): Reconstruction => ({
  state: "ready",
  parts: [{ session, url, expiresAt: new Date(now.getTime() + 3_600_000), startedAt: new Date(now.getTime() - 11_000) }],
});

/** An ended call whose agent wants the engine's recording, with a session for each script. */
async function call(scripts: Record<string, (Reconstruction | Error)[]>, engine = "evi"): Promise<CallId> {
  const id = await room.call({ recording: { sources: ["engine"], consent: "none" }, endedAt: now });
  for (const [session, script] of Object.entries(scripts)) {
    says.set(session, script);
    await room.database.pool.query(
      "insert into engine_sessions (engine, session, call_id, process, ready_at) values ($1, $2, $3, 'p', now())",
      [engine, session, id],
    );
  }
  await room.database.pool.query("insert into leases (call_id, process) values ($1, 'p')", [id]);
  await recordings.callEnded(id);
  return id;
}

describe("the engine's own recording", () => {
  it("is looked for until it is there, fetched by an address asked for anew, and verified; ours is not made where it is not wanted", async () => {
    const url = room.files.serve("chat-1", file);
    const id = await call({ "chat-1": [{ state: "making" }, { state: "making" }, ready("chat-1", url)] });
    const row = await room.becomes(id, "engine", "verified");
    expect(row).toMatchObject({ format: "mp4", channels: 2, because: null, announced_url: "engine:chat-1", carrier_recording: "chat-1" });
    expect(row.size_bytes).toBe(file.length);
    expect(looked.get("chat-1")).toBe(4);
    expect(await room.kinds(id)).toEqual(["engine expected", "engine announced", "engine stored", "engine verified"]);
    expect(Object.keys(await room.rows(id))).toEqual(["engine"]);
  });

  it("is one for each session of a call that had several", async () => {
    const [one, two] = ["chat-2a", "chat-2b"];
    const id = await call({ [one]: [ready(one, room.files.serve(one, file))], [two]: [ready(two, room.files.serve(two, file))] });
    const verified = async () =>
      (
        await room.database.pool.query(
          "select carrier_recording as name from recordings where call_id = $1 and status = 'verified' order by 1",
          [id],
        )
      ).rows;
    await room.until(async () => (await verified()).length === 2);
    expect(await verified()).toEqual([{ name: one }, { name: two }]);
  });

  it("in a coding that is not decoded is kept, told by its container, and drawn by nothing", async () => {
    const aac = mp4Of(await mp3Of(conversation(10, 22)), { coding: 0x40 });
    const id = await call({ "chat-3": [ready("chat-3", room.files.serve("chat-3", aac))] });
    const row = await room.becomes(id, "engine", "verified");
    expect(row).toMatchObject({ peaks: null, channels: 2 });
    expect(row.detail.verdict).toMatchObject({ evidence: expect.stringContaining("aac, is not decoded here") });
    await inTransaction(room.database.pool, (sql) =>
      askRedaction(sql, id, { fromMs: 1000, toMs: 2000, side: "both", original: "sealed", why: "a card", by: "user:x", at: now }),
    );
    recordings.wake();
    expect(await room.becomes(id, "engine", "failed")).toMatchObject({ because: "RECORDING_WITHHELD", storage_key: null });
  });

  it("is missing with a reason when the account keeps nothing, the engine makes none, or never said that it had one", async () => {
    const none = (because: "not_kept" | "failed"): Reconstruction => ({ state: "none", because, text: "No." });
    for (const [scripts, engine, because] of [
      [{ "chat-4": [none("not_kept")] }, "evi", "RECONSTRUCTION_NOT_KEPT"],
      [{ "chat-5": [none("failed")] }, "evi", "RECONSTRUCTION_FAILED"],
      [{ "chat-6": [none("failed")] }, "openai", "RECONSTRUCTION_ABSENT"],
      [{}, "evi", "RECONSTRUCTION_ABSENT"],
    ] as const) {
      const id = await call(Object.fromEntries(Object.entries(scripts).map(([name, script]) => [name, [...script]])), engine);
      expect(await room.becomes(id, "engine", "missing")).toMatchObject({ because });
    }
  });

  it("goes on being looked for through refusals and outages, says so, and is missing after six hours; by hand it is had all the same", async () => {
    const away = new EngineUnreachable("api.hume.test", "it took too long");
    const id = await call({ "chat-7": [new EngineUnauthorized("api.hume.test", 401), away] });
    await room.until(async () => (looked.get("chat-7") ?? 0) >= 3);
    expect((await room.rows(id)).engine).toMatchObject({ status: "expected", because: "RECONSTRUCTION_UNREACHABLE" });
    const was = now;
    now = new Date(now.getTime() + 6 * 3_600_000 + 1);
    const row = await room.becomes(id, "engine", "missing");
    expect(row.because).toBe("RECONSTRUCTION_UNREACHABLE");
    says.set("chat-7", [ready("chat-7", room.files.serve("chat-7", file))]);
    expect(await inTransaction(room.database.pool, (sql) => tryAgain(sql, row.id as never, { by: "user:x", at: now }))).toBe("fetched");
    recordings.wake();
    await room.becomes(id, "engine", "verified");
    now = was;
  });

  it("is never fetched from a host that is not its vendor's", async () => {
    const id = await call({ "chat-8": [ready("chat-8", "https://files.example.com/chat-8.mp4")] });
    expect(await room.becomes(id, "engine", "refused")).toMatchObject({ because: "RECORDING_REFUSED_HOST" });
  });

  it("stands beside the others, which are better: it only reconstructs", async () => {
    const id = await room.call({ recording: { sources: ["carrier", "engine"], consent: "none" }, endedAt: now });
    says.set("chat-9", [ready("chat-9", room.files.serve("chat-9", file))]);
    await room.database.pool.query(
      "insert into engine_sessions (engine, session, call_id, process, ready_at) values ('evi', 'chat-9', $1, 'p', now())",
      [id],
    );
    await room.database.pool.query("insert into leases (call_id, process) values ($1, 'p')", [id]);
    const spoken = await mp3Of(conversation(10, 21));
    await room.announce({ call: id, url: room.files.serve("chat-9-carrier", spoken), sizeBytes: spoken.length });
    await recordings.callEnded(id);
    await room.becomes(id, "engine", "verified");
    await room.becomes(id, "carrier", "verified");
    const clock = { id, answeredAt: null };
    expect((await recordingsOf(room.database.pool, [clock]))(id).source).toBe("carrier");
    expect((await listRecordings(room.database.pool, clock)).map(({ source }) => source)).toEqual(["carrier", "engine"]);
  });
});
