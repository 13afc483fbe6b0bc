import { createHash } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unpackPeaks } from "./audio/peaks.ts";
import { conversation, mp3Of } from "./audio/test-sounds.ts";
import { type Answer, carrierAt } from "./test-files.ts";
import { openTestRoom, type TestRoom } from "./test-room.ts";
import type { Recordings } from "./work.ts";

let room: TestRoom;
let recordings: Recordings;
let file: Buffer;
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

beforeAll(async () => {
  room = await openTestRoom();
  file = await mp3Of(conversation(10, 7));
  recordings = await room.start();
});
afterAll(() => room.close());

/** Announces a file served by this script and waits for what becomes of it. */
async function fetched(
  name: string,
  script: readonly Answer[],
  becomes: string,
  more: { announced?: number; url?: string; talkMs?: number } = {},
) {
  const call = await room.call(more.talkMs === undefined ? {} : { talkMs: more.talkMs });
  const url = room.files.serve(name, file, script);
  await room.announce({ call, url: more.url ?? url, sizeBytes: more.announced ?? file.length });
  return { call, row: await room.becomes(call, "carrier", becomes) };
}

async function keptBytes(key: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of await room.storage.read(key)) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}

describe("an announced recording", () => {
  it("is fetched, hashed, stored byte for byte, and verified, each with its event", async () => {
    const { call, row } = await fetched("plain", [], "verified");
    expect(row).toMatchObject({
      size_bytes: file.length,
      sha256: sha256(file),
      format: "mp3",
      channels: 2,
      sample_rate: 16_000,
      duration_ms: 10_000,
      because: null,
    });
    expect(await keptBytes(row.storage_key)).toEqual(file);
    expect(unpackPeaks(row.peaks as Buffer, 2).points).toBe(2000);
    expect(await room.kinds(call)).toEqual(["carrier announced", "carrier stored", "carrier verified"]);
    expect(room.files.asked("plain")).toEqual([null]);
  });

  it("announced twice is fetched once", async () => {
    const call = await room.call();
    const url = room.files.serve("twice", file);
    const recording = await room.announce({ call, url, sizeBytes: file.length });
    await room.announce({ call, url, sizeBytes: file.length, recording });
    await room.becomes(call, "carrier", "verified");
    await room.announce({ call, url, sizeBytes: file.length, recording });
    expect(room.files.asked("twice")).toEqual([null]);
    expect(await room.kinds(call)).toEqual(["carrier announced", "carrier stored", "carrier verified"]);
  });

  it("that is not there yet is asked for again, and says so meanwhile", async () => {
    const { call, row } = await fetched(
      "late",
      [{ as: "status", status: 404 }, { as: "status", status: 503 }, { as: "whole" }],
      "verified",
    );
    expect(row).toMatchObject({ attempts: 3, sha256: sha256(file) });
    expect(await room.kinds(call)).toEqual([
      "carrier announced",
      "carrier fetch_failed",
      "carrier fetch_failed",
      "carrier stored",
      "carrier verified",
    ]);
  });

  it("is resumed where the connection broke, not begun anew", async () => {
    const call = await room.call();
    const url = room.files.serve("cut", file, [{ as: "cut", after: 30_000 }, { as: "cut", after: 20_000 }, { as: "whole" }]);
    await room.announce({ call, url, sizeBytes: file.length });
    const { id } = await room.becomes(call, "carrier", "fetching");
    for (const bytes of [30_000, 50_000]) {
      await room.until(async () => (await room.partBytes(id)) === bytes);
      await room.files.next();
    }
    expect((await room.becomes(call, "carrier", "verified")).sha256).toBe(sha256(file));
    expect(room.files.asked("cut")).toEqual([null, "bytes=30000-", "bytes=50000-"]);
  });

  it("is whole also when the carrier knows no ranges", async () => {
    const call = await room.call();
    const url = room.files.serve("ranges", file, [{ as: "cut", after: 30_000 }, { as: "chunked" }]);
    await room.announce({ call, url, sizeBytes: file.length });
    const { id } = await room.becomes(call, "carrier", "fetching");
    await room.until(async () => (await room.partBytes(id)) === 30_000);
    await room.files.next();
    expect((await room.becomes(call, "carrier", "verified")).sha256).toBe(sha256(file));
    expect(room.files.asked("ranges")).toEqual([null, "bytes=30000-"]);
  });

  it("for which the disk has no room says so while it waits, and comes when there is room", async () => {
    await recordings.close();
    const plain = join(room.folder, "no-folder");
    await writeFile(plain, "");
    recordings = await room.start({ workDir: join(plain, "fetching"), pauseMs: () => 200 });
    const call = await room.call();
    await room.announce({ call, url: room.files.serve("no-room", file), sizeBytes: file.length });
    await room.until(async () => (await room.rows(call)).carrier.because === "STORAGE_UNWRITABLE");
    expect(await room.kinds(call)).toEqual(["carrier announced", "carrier fetch_failed"]);
    await rm(plain);
    await room.becomes(call, "carrier", "verified");
    expect(room.files.asked("no-room")).toEqual([null]);
    await recordings.close();
    recordings = await room.start();
  });

  it("that stalls is broken off and resumed", async () => {
    await recordings.close();
    recordings = await room.start({ carrier: carrierAt(room.files.url, room.files.privateKeyPem, 1_000) });
    const { row } = await fetched("stalled", [{ as: "stalled", after: 30_000 }, { as: "whole" }], "verified");
    expect(row).toMatchObject({ attempts: 2, sha256: sha256(file) });
    await recordings.close();
    recordings = await room.start();
  });

  it("that is a proxy's page is not taken for sound", async () => {
    const { call, row } = await fetched("page", [{ as: "page" }, { as: "whole" }], "verified");
    expect(row.sha256).toBe(sha256(file));
    expect(await room.kinds(call)).toContain("carrier fetch_failed");
  });

  it("that stays shorter than announced is kept as it is and judged by its sound", async () => {
    const { row } = await fetched("short", [{ as: "short", bytes: 30_000 }], "failed");
    expect(row).toMatchObject({ because: "RECORDING_SHORT", size_bytes: 30_000, attempts: 7 });
    expect(await room.storage.head(row.storage_key)).toEqual({ sizeBytes: 30_000 });
  });

  it("that is whole although the announcement named more bytes is verified", async () => {
    const { row } = await fetched("miscounted", [], "verified", { announced: file.length + 500 });
    expect(row.sha256).toBe(sha256(file));
  });

  it("larger than announced beyond reason is refused to the disk", async () => {
    const { row } = await fetched("huge", [{ as: "whole" }], "verified", { announced: 40_000 });
    expect(row.size_bytes).toBe(file.length);
  });

  it("whose bytes are no sound is kept, and failed with its reason", async () => {
    const broken = Buffer.concat([Buffer.from("ID3\x04\0\0\0\0\0\0", "latin1"), Buffer.alloc(20_000, 0x20)]);
    const call = await room.call();
    await room.announce({ call, url: room.files.serve("broken", broken), sizeBytes: broken.length });
    expect(await room.becomes(call, "carrier", "failed")).toMatchObject({ because: "RECORDING_UNREADABLE", sha256: sha256(broken) });
  });

  it("much shorter than the conversation is failed with the figures, and kept", async () => {
    const { row } = await fetched("half", [], "failed", { talkMs: 20_000 });
    expect(row).toMatchObject({ because: "RECORDING_SHORT", duration_ms: 10_000, verified_at: null });
    expect(row.detail.verdict).toMatchObject({ differenceMs: -10_000, evidence: "10.0 s of sound for 20.0 s of conversation." });
  });

  it("on a foreign host is refused without a request", async () => {
    const { call, row } = await fetched("foreign", [], "refused", { url: "https://recordings.example.com/v1/files/x" });
    expect(row).toMatchObject({ because: "RECORDING_REFUSED_HOST", attempts: 1 });
    expect(await room.kinds(call)).toEqual(["carrier announced", "carrier refused"]);
  });

  it("that redirects to a foreign host is refused", async () => {
    const { row } = await fetched("away", [{ as: "redirect", to: "https://recordings.example.com/x" }], "refused");
    expect(row.because).toBe("RECORDING_REFUSED_HOST");
  });

  it("for which our credentials are not good says so and waits for better ones", async () => {
    const { call, row } = await fetched(
      "forbidden",
      [{ as: "status", status: 403 }, { as: "status", status: 403 }, { as: "whole" }],
      "verified",
    );
    expect(row.attempts).toBe(3);
    expect(await room.kinds(call)).toEqual(["carrier announced", "carrier fetch_failed", "carrier stored", "carrier verified"]);
  });

  it("with no address or no bytes is missing, and taken when a later announcement has both", async () => {
    const call = await room.call();
    const recording = await room.announce({ call, url: "", sizeBytes: 0 });
    expect(await room.becomes(call, "carrier", "missing")).toMatchObject({ because: "RECORDING_EMPTY" });
    await room.announce({ call, url: "", sizeBytes: 0, recording });
    await room.announce({ call, url: room.files.serve("after-all", file), sizeBytes: file.length, recording });
    await room.becomes(call, "carrier", "verified");
    expect(await room.kinds(call)).toEqual(["carrier missing", "carrier announced", "carrier stored", "carrier verified"]);
  });

  it("leaves no half-fetched file behind", async () => {
    const left = await readdir(join(room.folder, "fetching"));
    expect(left.filter((name) => name.startsWith("verify"))).toEqual([]);
    const { rows } = await room.database.pool.query("select id from recordings where status not in ('verified', 'failed')");
    const open = rows.map(({ id }) => `fetch-${id}.part`);
    expect(left.filter((name) => !open.includes(name))).toEqual([]);
  });
});
