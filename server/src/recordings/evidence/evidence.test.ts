import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../clock.ts";
import { inTransaction } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { conversation, mp3Of, randomFrom } from "../audio/test-sounds.ts";
import { askRedaction } from "../keeping/redaction.ts";
import { writeJournal } from "../test-journal.ts";
import { openTestRoom, type TestRoom } from "../test-room.ts";
import { evidenceOf } from "./evidence.ts";
import { verifyEvidence } from "./verify.mjs";
import { webVtt } from "./vtt.ts";

const run = promisify(execFile);
let room: TestRoom;
let call: CallId;
let folder: string;
let path: string;
let whole: Buffer;
let key: string;

const make = async (of: CallId) => {
  const evidence = await evidenceOf({ pool: room.database.pool, storage: room.storage, clock: systemClock }, of, "user:test");
  const parts: Uint8Array[] = [];
  for await (const part of evidence?.bytes ?? []) parts.push(part);
  return Buffer.concat(parts);
};

beforeAll(async () => {
  room = await openTestRoom();
  folder = await mkdtemp(join(tmpdir(), "earshot-evidence-"));
  path = join(folder, "evidence.zip");
  const recordings = await room.start();
  const talk = conversation(4, 1);
  const file = await mp3Of(talk);
  call = await room.call({ talkMs: 4000 });
  await writeJournal(join(room.folder, "journal"), call, talk);
  await room.announce({ call, url: room.files.serve("evidence", file), sizeBytes: file.length });
  await recordings.callEnded(call);
  await room.until(async () => (await room.kinds(call)).includes("carrier compared"));
  await room.database.pool.query(
    "insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms) values ($1, $2, 'agent', 'a', 'Hello <there> & welcome.', 120, 1900)",
    [newId(), call],
  );
  whole = await make(call);
  await writeFile(path, whole);
  const verified = await verifyEvidence(path);
  if (!verified.ok) throw new Error(verified.problem);
  key = verified.key;
});
afterAll(async () => {
  await room.close();
  await rm(folder, { recursive: true, force: true });
});

describe("an evidence file", () => {
  it("verifies, and names the call, both sounds, transcript, timeline, webhooks and verdicts", async () => {
    const verified = await verifyEvidence(path, key);
    expect(verified).toMatchObject({ ok: true, manifest: { call, made_by: "user:test" } });
    const rows = await room.rows(call);
    expect(verified.ok && verified.manifest.files.map(({ name }) => name).sort()).toEqual(
      [
        "README.txt",
        `audio/carrier-${rows.carrier.id}.mp3`,
        `audio/journal-${rows.journal.id}.mp3`,
        "call.json",
        "consents.json",
        "keeping.json",
        "recordings.json",
        "timeline.json",
        "transcript.json",
        "transcript.vtt",
        "verify.mjs",
        "webhooks.json",
      ].sort(),
    );
    expect(verified.ok && verified.manifest.files.find(({ name }) => name.includes("carrier-"))?.sha256).toBe(rows.carrier.sha256);
  });

  it("verifies by the command, which needs nothing but the one file", async () => {
    const verifier = join(folder, "verify.mjs");
    await writeFile(verifier, await readFile(fileURLToPath(new URL("./verify.mjs", import.meta.url))));
    const { stdout } = await run(process.execPath, [verifier, path, "--key", key]);
    expect(stdout).toContain(`Verified: call ${call}`);
    const wrong = await run(process.execPath, [verifier, path, "--key", "0".repeat(64)]).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("another key") });
  });

  it("says itself how it is verified, with its own program or with none of ours, and that is so", async () => {
    const needed =
      "for tool in unzip xxd openssl; do command -v $tool > /dev/null || exit 9; done; openssl version | grep -q 'OpenSSL [3-9]' || exit 9";
    const tools = await run("sh", ["-c", needed]).then(
      () => true,
      () => false,
    );
    if (!tools) return;
    const { stdout: readme } = await run("unzip", ["-p", path, "README.txt"]);
    const commands = readme.split("\n").filter((line) => /^ {4}(unzip|node|printf|sed|openssl) /.test(line));
    expect(commands).toHaveLength(6);
    const away = join(folder, "away");
    await mkdir(away);
    await symlink(away, join(folder, "linked")); // as /tmp is one elsewhere
    const { stdout } = await run("sh", ["-ec", commands.join("\n").replaceAll("EVIDENCE.zip", path)], {
      cwd: join(folder, "linked"),
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
    });
    expect(stdout).toContain(`Verified: call ${call}`);
    expect(stdout).toContain("Signature Verified Successfully");
    const linked = await run(process.execPath, [join(folder, "linked", "verify.mjs"), path], { cwd: folder });
    expect(linked.stdout).toContain("Verified");
  });

  it("names a copy with a tone in it a copy, and says what was decided about keeping the call", async () => {
    const recordings = await room.start();
    const talk = conversation(4, 2);
    const file = await mp3Of(talk);
    const other = await room.call({ talkMs: 4000 });
    await writeJournal(join(room.folder, "journal"), other, talk);
    await room.announce({ call: other, url: room.files.serve("redacted", file), sizeBytes: file.length });
    await recordings.callEnded(other);
    await room.until(async () => (await room.kinds(other)).includes("carrier compared"));
    const before = (await room.rows(other)).carrier.sha256;
    const said = async () => {
      await writeFile(join(folder, "other.zip"), await make(other));
      const verified = await verifyEvidence(join(folder, "other.zip"), key);
      if (!verified.ok) throw new Error(verified.problem);
      return verified.manifest.files.filter(({ name }) => name.startsWith("audio/carrier")).map(({ what }) => what);
    };
    expect(await said()).toEqual(["The carrier's recording, as it was fetched"]);
    await inTransaction(room.database.pool, (sql) =>
      askRedaction(sql, other, {
        fromMs: 500,
        toMs: 900,
        side: "both",
        original: "sealed",
        why: "a card number",
        by: "user:test",
        at: new Date(),
      }),
    );
    expect(await said()).toEqual([]); // not before the tone is in it
    recordings.wake();
    await room.until(async () => (await said()).length > 0);
    expect(await said()).toEqual([
      `A copy of the carrier's recording, encoded anew, with a tone where it was redacted (keeping.json says where); the original, SHA-256 ${before}, is sealed`,
    ]);
    expect((await make(other)).toString("latin1")).toContain('"why": "a card number"');
  });

  it("opens in other programs", async () => {
    const { stdout } = await run("python3", [
      "-c",
      `import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(len(z.namelist()))`,
      path,
    ]).catch(() => ({
      stdout: "no python here",
    }));
    expect(stdout).toMatch(/^14\n|no python here/);
  });

  it("does not verify with one bit flipped, wherever", async () => {
    const changed = join(folder, "changed.zip");
    const random = randomFrom(99);
    const headers = whole.length - 3000;
    const places = [
      ...Array.from({ length: 250 }, () => Math.floor(random() * whole.length * 8)),
      ...Array.from({ length: 250 }, () => Math.floor((headers + random() * 3000) * 8)),
      ...Array.from({ length: 46 * 8 }, (_, bit) => bit),
      ...Array.from({ length: 22 * 8 }, (_, bit) => (whole.length - 22) * 8 + bit),
    ].filter((bit) => bit < whole.length * 8);
    const missed: number[] = [];
    for (const bit of places) {
      const copy = Buffer.from(whole);
      copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
      await writeFile(changed, copy);
      if ((await verifyEvidence(changed)).ok) missed.push(bit);
    }
    expect(missed).toEqual([]);
  });

  it.each([
    ["with a byte behind it", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from([0])])],
    ["with a byte before it", (bytes: Buffer) => Buffer.concat([Buffer.from([0]), bytes])],
    ["cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length - 100)],
    ["empty", () => Buffer.alloc(0)],
    ["that is no zip", () => Buffer.from("x".repeat(1000))],
  ])("does not verify %s", async (_, change) => {
    const changed = join(folder, "changed.zip");
    await writeFile(changed, change(whole));
    expect(await verifyEvidence(changed)).toMatchObject({ ok: false });
  });

  it("is signed with the installation's one key", async () => {
    const again = join(folder, "again.zip");
    await writeFile(again, await make(call));
    expect(await verifyEvidence(again, key)).toMatchObject({ ok: true, key });
  });

  it("is not made of a call that does not exist, nor of a file that was changed", async () => {
    expect(await evidenceOf({ pool: room.database.pool, storage: room.storage, clock: systemClock }, newId<CallId>(), "us")).toBeNull();
    const kept = join(room.folder, "kept", (await room.rows(call)).carrier.storage_key);
    const bytes = await readFile(kept);
    await writeFile(kept, bytes.subarray(1));
    await expect(make(call)).rejects.toMatchObject({ code: "STORED_FILE_ROTTEN" });
    await writeFile(kept, bytes);
  });
});

describe("a transcript as WebVTT", () => {
  it("has a cue an utterance, with its speaker, its markup escaped and its lines joined", () => {
    expect(
      webVtt([
        { speaker: "agent", text: "Hello <there> & welcome.", started_ms: 120, ended_ms: 1900 },
        { speaker: "caller", text: "Two\n\nlines", started_ms: 3_723_004, ended_ms: 3_723_004 },
      ]),
    ).toBe(
      "WEBVTT\n\n1\n00:00:00.120 --> 00:00:01.900\n<v Agent>Hello &lt;there&gt; &amp; welcome.\n\n2\n01:02:03.004 --> 01:02:03.005\n<v Caller>Two lines\n",
    );
  });
});
