import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFauxqs } from "fauxqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { startEmbedded } from "../db/embedded.ts";
import { migrate } from "../db/migrate.ts";
import { openPool } from "../db/pool.ts";
import { readPostmaster } from "../db/postmaster.ts";
import { newId } from "../ids.ts";
import { openStorage } from "../recordings/storage.ts";

const root = join(import.meta.dirname, "../../..");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as a person would, with nothing in its environment but what is given. */
function earshot(words: readonly string[], env: Record<string, string> = {}, program = "scripts/earshot.mjs"): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, program), ...words], {
    env: { PATH: process.env.PATH ?? "", ...env },
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text.out += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text.err += part;
  });
  return new Promise((settle, fail) => child.once("error", fail).once("close", (code) => settle({ code, ...text })));
}

let folder: string;
let database: FreshDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-cli-"));
  await chmod(folder, 0o755);
  database = await freshDatabase();
  env = { DATABASE_URL: database.url, DATA_DIR: join(folder, "data"), STORAGE_URL: `file:${folder}/kept` };
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** A call that has ended, with a verified recording in the storage. */
async function recordedCall(): Promise<{ call: string; key: string }> {
  const call = newId();
  const key = `recordings/${call}.mp3`;
  const bytes = Buffer.from(`the sound of ${call}`);
  const stored = await openStorage(env.STORAGE_URL as string).put(
    key,
    (async function* () {
      yield bytes;
    })(),
  );
  await database.pool.query(
    `insert into calls (id, direction, status, end_reason, answered_at, ended_at)
     values ($1, 'outbound', 'ended', 'caller_hung_up', now() - interval '2 hours', now() - interval '1 hour')`,
    [call],
  );
  await database.pool.query(
    `insert into recordings (id, call_id, source, status, format, storage_key, size_bytes, sha256, stored_at, verified_at)
     values ($1, $2, 'carrier', 'verified', 'mp3', $3, $4, $5, now(), now())`,
    [newId(), call, key, stored.sizeBytes, stored.sha256],
  );
  return { call, key };
}

describe("earshot", () => {
  it("says what it can, and ends with 2 when it is not understood", async () => {
    const help = await earshot(["help"]);
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const name of ["doctor", "recordings audit", "recordings move", "recordings unseal", "evidence", "verify"])
      expect(help.out).toContain(`  ${name} `);
    expect((await earshot(["recordings", "audit", "--help"])).out).toContain("--hash");
    const misunderstood = [
      ["frobnicate"],
      ["recordings"],
      ["recordings", "audit", "--what"],
      ["recordings", "move", "file:/a"],
      ["evidence", "x"],
      ["recordings", "unseal", "x"],
      ["replay", "no-such-file"],
    ];
    const ends = await Promise.all(misunderstood.map((words) => earshot(words, env)));
    for (const [at, words] of misunderstood.entries()) expect(ends[at], words.join(" ")).toMatchObject({ code: 2, out: "" });
  });

  it("names what was wrong with the words it was given, and lists only what they can have meant", async () => {
    const group = await earshot(["help", "recordings"]);
    expect(group.code).toBe(0);
    expect(group.out).toContain("recordings audit");
    expect(group.out).not.toContain("doctor");
    expect(await earshot(["recordings", "--help"])).toEqual(group);
    expect(await earshot(["help", "frobnicate"])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^There is no command frobnicate\./),
    });
    const told = async (...words: string[]): Promise<string> => (await earshot(words, env)).err;
    expect(await told("recordings", "move", "kept", "file:/b")).toMatch(/^FROM kept is no storage\. Use file:/);
    expect(await told("recordings", "move", `file:${folder}/absent`, "file:/b")).toMatch(`FROM: there is no folder ${folder}/absent`);
    expect(await told("doctor", "--what")).toMatch(/^Unknown option '--what'\n\nearshot doctor/);
    expect(await told("replay", "no-such-file")).toMatch(/^no-such-file is neither a call's id nor a file that is there/);
  }, 120_000); // eight processes, one after the other

  it("replays nothing that is no journal, and does not call it all as it was", async () => {
    await writeFile(join(folder, "letter.txt"), "Dear operator");
    const told = await earshot(["replay", "letter.txt"], env);
    expect(told).toMatchObject({ code: 1, out: "", err: expect.stringMatching(/letter\.txt holds nothing of a call .*13 bytes/) });
  });

  it("ends with 78 and every problem when the configuration is wrong, and with 69 when there is no database", async () => {
    const wrong = await earshot(["recordings", "audit"], { ...env, PORT: "many", API_KEY: "short" });
    expect(wrong).toMatchObject({ code: 78, out: "" });
    expect(wrong.err).toMatch(/PORT[\s\S]*API_KEY/);
    const absent = await earshot(["recordings", "audit"], { DATA_DIR: join(folder, "nothing") });
    expect(absent).toMatchObject({ code: 69, err: expect.stringContaining("npm start") });
    expect(await readdir(folder)).not.toContain("nothing");
    expect(await earshot(["recordings", "audit"], { ...env, DATABASE_URL: "postgres://nobody@127.0.0.1:9/none" })).toMatchObject({
      code: 69,
    });
  });
});

describe("earshot recordings", () => {
  it("audit accounts for every call, and ends with 1 when a file is gone", async () => {
    const kept = await recordedCall();
    const whole = await earshot(["recordings", "audit"], env);
    expect(whole.code, whole.err).toBe(0);
    expect(whole.out).toContain("1 ended call: 1 accounted for, 0 unexplained");
    expect(whole.out).toContain("1 file: 1 read back whole, 0 lost, 0 changed, 0 unreadable, 0 nobody's");

    const lost = await recordedCall();
    await unlink(join(folder, "kept", lost.key));
    const told = await earshot(["recordings", "audit"], env);
    expect(told.code).toBe(1);
    expect(told.out).toContain("2 ended calls: 1 accounted for, 1 unexplained");
    expect(told.out).toMatch(new RegExp(`UNEXPLAINED {2}call ${lost.call}, recording .*not in the storage`));
    const json = JSON.parse((await earshot(["recordings", "audit", "--json", "--hash", "all"], env)).out);
    expect(json).toMatchObject({ calls: 2, accounted: 1, lost: 1, unexplained: [{ call: lost.call }] });
    await database.pool.query("delete from recordings where call_id = $1", [lost.call]);
    expect(kept.call).not.toBe(lost.call);
  });

  it("move copies to another storage, is resumed, and says what could not be had", async () => {
    const { key } = await recordedCall();
    const to = `file:${folder}/moved`;
    const first = await earshot(["recordings", "move", "file:kept", to], env);
    expect(first.code, first.err).toBe(0);
    expect(first.out).toMatch(/2 files: 2 copied .* 0 there already, 0 not to be had/);
    expect((await earshot(["recordings", "move", env.STORAGE_URL as string, to, "--check"], env)).out).toContain(
      "0 copied (0 MB), 2 there already",
    );
    expect(await earshot(["recordings", "audit"], { ...env, STORAGE_URL: to })).toMatchObject({ code: 0 });

    await unlink(join(folder, "kept", key));
    const broken = await earshot(["recordings", "move", env.STORAGE_URL as string, "file:elsewhere"], env);
    expect(broken).toMatchObject({ code: 1, out: expect.stringContaining(`NOT COPIED  ${key}`) });
    await cp(join(folder, "moved", key), join(folder, "kept", key));
  });
});

describe("earshot recordings unseal", () => {
  const audited = async (call: string) =>
    (await database.pool.query("select actor, action from audits where call_id = $1", [call])).rows.map(
      ({ actor, action }) => `${actor} ${action}`,
    );

  it("writes the sealed originals of a call into files, and that it was done into the audits", async () => {
    const { call, key } = await recordedCall();
    expect(await earshot(["recordings", "unseal", call], env)).toMatchObject({ code: 1, out: "", err: expect.stringContaining("Nothing") });
    expect(await audited(call)).toEqual([]);
    await database.pool.query("update recordings set sealed_key = storage_key, sealed_sha256 = sha256 where call_id = $1", [call]);
    const told = await earshot(["recordings", "unseal", call, "originals"], env);
    expect(told.code, told.err).toBe(0);
    expect(await readFile(told.out.trim(), "utf8")).toBe(`the sound of ${call}`);
    expect(await readdir(join(folder, "originals"))).toHaveLength(1);
    expect(await audited(call)).toEqual(["command recording.unsealed"]);

    await writeFile(join(folder, "kept", key), "another sound");
    const changed = await earshot(["recordings", "unseal", call, "changed"], env);
    expect(changed).toMatchObject({ code: 69, out: "", err: expect.stringContaining("SHA-256 differs") });
    expect(await readdir(join(folder, "changed"))).toEqual([]);
    await rm(join(folder, "kept", key));
    await database.pool.query("delete from recordings where call_id = $1", [call]);
    expect(await earshot(["recordings", "unseal", newId()], env)).toMatchObject({ code: 69, err: expect.stringContaining("no call") });
  });
});

describe("earshot evidence and verify", () => {
  it("write a call's evidence where one stands, and check it with nothing configured", async () => {
    const { call } = await recordedCall();
    const made = await earshot(["evidence", call, "e.zip"], env);
    expect(made).toMatchObject({ code: 0, out: `${join(folder, "e.zip")}\n` });
    expect(await readdir(folder)).not.toContain("e.zip.unfinished");
    const { rows } = await database.pool.query("select actor, action from audits where call_id = $1", [call]);
    expect(rows).toEqual([{ actor: "command", action: "evidence.taken" }]);
    for (const program of ["scripts/earshot.mjs", "server/src/cli/main.ts"]) {
      expect(await earshot(["verify", "e.zip"], {}, program)).toMatchObject({
        code: 0,
        out: expect.stringContaining(`Verified: call ${call}`),
      });
    }
    await writeFile(join(folder, "bad.zip"), "no zip");
    expect(await earshot(["verify", "bad.zip"])).toMatchObject({ code: 1, err: expect.stringContaining("NOT VERIFIED") });
    expect(await earshot(["verify", "gone.zip"])).toMatchObject({ code: 2, err: "gone.zip cannot be read: ENOENT.\n" });
    expect(await earshot(["evidence", newId()], env)).toMatchObject({ code: 69, err: expect.stringContaining("There is no call") });
    const nowhere = await earshot(["evidence", call, "absent/e.zip"], env);
    expect(nowhere).toMatchObject({
      code: 69,
      out: "",
      err: expect.stringMatching(/^\S+absent\/e\.zip\S* cannot be used: ENOENT.*\nSee that/),
    });
    expect(nowhere.err).not.toContain("    at ");
  });
});

describe("earshot doctor", () => {
  it("finds the house in order, and says that no line is configured", async () => {
    const told = await earshot(["doctor"], env);
    expect(told.code, told.out).toBe(0);
    for (const good of ["configuration", "disk", "recordings", "database"]) expect(told.out).toMatch(new RegExp(`^ok +${good}`, "m"));
    expect(told.out).toMatch(/^\? +line +No phone line is configured/m);
  });

  it("finds a folder that is empty though recordings are kept in it: its disk is not mounted", async () => {
    await recordedCall();
    await mkdir(join(folder, "unmounted"));
    const told = await earshot(["doctor"], { ...env, STORAGE_URL: `file:${folder}/unmounted` });
    expect(told.code, told.out).toBe(1);
    expect(told.out).toMatch(/^BAD +recordings .*not mounted[\s\S]*Check that STORAGE_URL/m);
  });

  it("says what a bucket leaves lying when the server is killed", async () => {
    const bucket = await startFauxqs({ port: 0, logger: false, init: { buckets: ["kept"] } });
    try {
      const storage = `s3://key:secret@kept?endpoint=${encodeURIComponent(`http://127.0.0.1:${bucket.port}`)}`;
      const told = await earshot(["doctor"], { ...env, STORAGE_URL: storage });
      expect(told.code, told.out).toBe(0);
      expect(told.out).toMatch(/^ok +recordings/m);
      expect(told.out).toMatch(/^\? +uploads .*\n +Give it a lifecycle rule/m);
    } finally {
      await bucket.stop();
    }
  });

  it("ends with 1 and a remedy when something is wrong", async () => {
    await writeFile(join(folder, "a-file"), "");
    const told = await earshot(["doctor"], {
      ...env,
      STORAGE_URL: `file:${folder}/a-file`,
      DATABASE_URL: "postgres://nobody@127.0.0.1:9/none",
    });
    expect(told.code).toBe(1);
    expect(told.out).toMatch(/^BAD +recordings/m);
    expect(told.out).toMatch(/^BAD +database/m);
  });
});

describe("with the embedded database", () => {
  it("a command works beside a running server without stopping it, and alone starts and stops it", async () => {
    const dataDir = join(folder, "embedded");
    const log = { info() {}, warn() {}, error() {} };
    const server = await startEmbedded({ dataDir, log, settings: { fsync: "off" } });
    const pool = openPool(server.url);
    try {
      const older = await earshot(["recordings", "audit"], { DATA_DIR: dataDir });
      expect(older).toMatchObject({ code: 69, err: expect.stringContaining("migrations") });
      await migrate(pool);
      expect(await earshot(["recordings", "audit"], { DATA_DIR: dataDir })).toMatchObject({
        code: 0,
        out: expect.stringContaining("0 ended calls: 0 accounted for, 0 unexplained"),
      });
      expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    } finally {
      await pool.end();
      await server.stop();
    }
    const alone = await earshot(["doctor"], { DATA_DIR: dataDir });
    expect(alone.code, alone.err).toBe(0);
    expect(alone.out).toContain("embedded, started for this command");
    expect(await readPostmaster(join(dataDir, "postgres/data"))).toBeNull();
  });
});
