import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { begunUploads } from "./begun-uploads.ts";
import { StorageKeyRefused, StorageUrlRefused, StoredFileLost } from "./failures.ts";
import { checkKey, openStorage, recordingKey, type Storage } from "./storage.ts";
import { storageKeyOf } from "./storage-encrypted.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-storage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}
async function textOf(storage: Storage, key: string, range = {}) {
  const parts: Buffer[] = [];
  for await (const part of await storage.read(key, range)) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
const everything = async (storage: Storage, prefix = "") => {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys.sort();
};

describe.each(["directory", "bucket", "encrypted directory", "encrypted bucket"] as const)("a %s as storage", (kind) => {
  let storage: Storage;
  let bucket: FauxqsServer | undefined;
  beforeAll(async () => {
    const key = kind.startsWith("encrypted") ? randomBytes(32) : null;
    if (kind.endsWith("bucket")) {
      bucket = await startFauxqs({ port: 0, logger: false, init: { buckets: ["kept"] } });
      storage = openStorage(`s3://key:secret@kept/some/where?endpoint=${encodeURIComponent(`http://127.0.0.1:${bucket.port}`)}`, key);
    } else {
      storage = openStorage(`file:${folder}/${kind.replace(" ", "-")}`, key);
    }
  });
  afterAll(() => bucket?.stop());

  it("gives back what it was given, and says its size and hash", async () => {
    const sha256 = createHash("sha256").update("hello world").digest("hex");
    expect(await storage.put("a/b/hello.txt", pieces("hello", " ", "world"))).toEqual({ sizeBytes: 11, sha256 });
    expect(await textOf(storage, "a/b/hello.txt")).toBe("hello world");
    expect(await storage.head("a/b/hello.txt")).toEqual({ sizeBytes: 11 });
  });

  it.each([
    [{ from: 6 }, "world"],
    [{ from: 0, to: 0 }, "h"],
    [{ from: 3, to: 7 }, "lo wo"],
    [{ to: 4 }, "hello"],
    [{ from: 6, to: 100 }, "world"],
  ])("reads the range %j", async (range, text) => {
    expect(await textOf(storage, "a/b/hello.txt", range)).toBe(text);
  });

  it("replaces an object whole", async () => {
    await storage.put("a/b/hello.txt", pieces("good bye"));
    expect(await textOf(storage, "a/b/hello.txt")).toBe("good bye");
  });

  it("leaves the old object and no scrap when the new one breaks off", async () => {
    const broken = (async function* () {
      yield Buffer.from("half");
      throw new Error("the line was cut");
    })();
    await expect(storage.put("a/b/hello.txt", broken)).rejects.toThrow("the line was cut");
    expect(await textOf(storage, "a/b/hello.txt")).toBe("good bye");
    if (kind.endsWith("directory")) expect(await readdir(join(folder, kind.replace(" ", "-"), ".parts"))).toEqual([]);
  });

  it("says when there is nothing", async () => {
    await expect(storage.read("a/b/none.txt")).rejects.toBeInstanceOf(StoredFileLost);
    expect(await storage.head("a/b/none.txt")).toBeNull();
    expect(await storage.head("a/b")).toBeNull();
    await storage.delete("a/b/none.txt");
    await storage.delete("never/was/there.txt");
  });

  it("forgets what is deleted", async () => {
    await storage.put("a/c/gone.txt", pieces("x"));
    await storage.delete("a/c/gone.txt");
    expect(await storage.head("a/c/gone.txt")).toBeNull();
  });

  it("lists its keys and not its scraps", async () => {
    if (kind.endsWith("directory")) await writeFile(join(folder, kind.replace(" ", "-"), ".parts", "crashed"), "half");
    await storage.put("b/x", pieces("1"));
    expect(await everything(storage)).toEqual(["a/b/hello.txt", "b/x"]);
    expect(await everything(storage, "a/")).toEqual(["a/b/hello.txt"]);
  });

  it("never overwrites an object with a shorter one of the same moment: two writers, one whole winner", async () => {
    const long = "x".repeat(200_000);
    await Promise.all(
      ["1", "2", "3", "4"].map((who) => storage.put("race/one", pieces(who, ...Array.from({ length: 200 }, () => "x".repeat(1000))))),
    );
    const text = await textOf(storage, "race/one");
    expect(text.slice(1)).toBe(long);
  });

  it("keeps empty objects", async () => {
    await storage.put("empty/file", pieces());
    expect(await textOf(storage, "empty/file")).toBe("");
  });

  it("takes what is larger than one part of an upload", async () => {
    const hash = createHash("sha256");
    const large = (async function* () {
      for (let i = 0; i < 130; i++) {
        const piece = Buffer.alloc(100_000, i);
        hash.update(piece);
        yield piece;
      }
    })();
    expect(await storage.put("large/one", large)).toEqual({ sizeBytes: 13_000_000, sha256: hash.digest("hex") });
    expect(await storage.head("large/one")).toEqual({ sizeBytes: 13_000_000 });
    expect((await textOf(storage, "large/one", { from: 12_999_999 })).charCodeAt(0)).not.toBeNaN();
  });
});

describe("what a killed server left of an upload", () => {
  let server: FauxqsServer;
  beforeAll(async () => {
    server = await startFauxqs({ port: 0, logger: false, init: { buckets: ["kept"] } });
  });
  afterAll(() => server.stop());
  const opened = (bucket: string, key: Buffer | null = null) =>
    openStorage(`s3://key:secret@${bucket}/some/where?endpoint=${encodeURIComponent(`http://127.0.0.1:${server.port}`)}`, key);
  const rule = (inside: string, status = "Enabled") =>
    `<LifecycleConfiguration><Rule><ID>r</ID><Status>${status}</Status>${inside}</Rule></LifecycleConfiguration>`;
  const abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";

  it.each<[string, string, boolean]>([
    ["a rule for everything", rule(`<Filter></Filter>${abort}`), true],
    ["a rule for a folder above ours", rule(`<Filter><Prefix>some/</Prefix></Filter>${abort}`), true],
    ["an older form of it", rule(`<Prefix>some/where</Prefix>${abort}`), true],
    ["a rule for another folder", rule(`<Filter><Prefix>other/</Prefix></Filter>${abort}`), false],
    ["a rule that is switched off", rule(`<Filter></Filter>${abort}`, "Disabled"), false],
    ["a rule for something else", rule("<Filter></Filter><Expiration><Days>900</Days></Expiration>"), false],
  ])("is cleared away or not by a bucket with %s", async (_, body, clears) => {
    await fetch(`http://127.0.0.1:${server.port}/kept?lifecycle`, { method: "PUT", body });
    expect(await opened("kept").clearsBrokenUploads?.()).toBe(clears);
    expect(await opened("kept", randomBytes(32)).clearsBrokenUploads?.()).toBe(clears);
  });

  it("stays where a bucket has no rules, is not known where it cannot be asked, and is no matter of a directory", async () => {
    await fetch(`http://127.0.0.1:${server.port}/kept?lifecycle`, { method: "DELETE" });
    expect(await opened("kept").clearsBrokenUploads?.()).toBe(false);
    expect(await opened("nowhere").clearsBrokenUploads?.()).toBeNull();
    for (const key of [null, randomBytes(32)]) expect(openStorage(`file:${folder}/plainly`, key).clearsBrokenUploads).toBeUndefined();
  });
});

describe("storage that cannot be written", () => {
  it("refuses a folder that is no folder, with a remedy", async () => {
    await writeFile(join(folder, "plain"), "");
    const failure = await openStorage(`file:${folder}/plain`)
      .put("a", pieces("x"))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "STORAGE_UNWRITABLE", blame: "operator" });
  });

  it("is a failure of the operator's, with a remedy, when the bucket is not there", async () => {
    const server = await startFauxqs({ port: 0, logger: false });
    const storage = openStorage(`s3://key:secret@nowhere?endpoint=${encodeURIComponent(`http://127.0.0.1:${server.port}`)}`);
    const failure = await storage.put("a", pieces("x")).catch((error: unknown) => error);
    await server.stop();
    expect(failure).toMatchObject({ code: "STORAGE_UNWRITABLE", blame: "operator" });
    expect(String(failure)).not.toContain("secret");
  });
});

describe("an encrypted storage", () => {
  const key = Buffer.alloc(32, 7);
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) & 0xff));
  const open = (given: Buffer | null = key) => openStorage(`file:${folder}/sealed`, given);
  const path = (name: string) => join(folder, "sealed", `${name}.enc`);
  const readAll = async (storage: Storage, name: string, range = {}) => {
    const parts: Buffer[] = [];
    for await (const part of await storage.read(name, range)) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };

  it("gives every range of a file of several chunks", async () => {
    await open().put(
      "many/chunks",
      (async function* () {
        for (let at = 0; at < bytes.length; at += 7001) yield bytes.subarray(at, at + 7001);
      })(),
    );
    const got = await readAll(open(), "many/chunks");
    expect(got.equals(bytes)).toBe(true);
    for (const [from, to] of [
      [0, 0],
      [65_535, 65_536],
      [65_536, 65_536],
      [131_071, 131_073],
      [199_999, 199_999],
      [60_000, 140_000],
      [1, 199_998],
    ] as const) {
      expect((await readAll(open(), "many/chunks", { from, to })).equals(bytes.subarray(from, to + 1))).toBe(true);
    }
  });

  it.each([0, 1, 65_535, 65_536, 65_537, 131_072])("knows the size of a file of %i bytes without opening it", async (size) => {
    const stored = await open().put(
      `size/of-${size}`,
      (async function* () {
        if (size > 0) yield bytes.subarray(0, size);
      })(),
    );
    expect(stored.sizeBytes).toBe(size);
    expect(await open().head(`size/of-${size}`)).toEqual({ sizeBytes: size });
    expect((await readAll(open(), `size/of-${size}`)).equals(bytes.subarray(0, size))).toBe(true);
  });

  it("shows nothing of what it holds, and never the same bytes for the same file", async () => {
    const plain = Buffer.from("a very recognisable sentence ".repeat(50));
    await open().put(
      "twice/one",
      (async function* () {
        yield plain;
      })(),
    );
    await open().put(
      "twice/two",
      (async function* () {
        yield plain;
      })(),
    );
    const [one, two] = [await readFile(path("twice/one")), await readFile(path("twice/two"))];
    expect(one.includes("recognisable")).toBe(false);
    expect(one.subarray(24).equals(two.subarray(24))).toBe(false);
  });

  it("does not open with another key, changed bytes, chunks exchanged or the end cut off", async () => {
    const whole = await readFile(path("many/chunks"));
    await expect(readAll(open(Buffer.alloc(32, 8)), "many/chunks")).rejects.toMatchObject({ code: "STORED_FILE_ROTTEN" });
    const sealed = 65_552;
    const damages: [string, Buffer][] = [
      ["a flipped bit", Buffer.from(whole.map((byte, i) => (i === 100_000 ? byte ^ 1 : byte)))],
      ["another salt", Buffer.from(whole.map((byte, i) => (i === 10 ? byte ^ 1 : byte)))],
      [
        "chunks exchanged",
        Buffer.concat([
          whole.subarray(0, 24),
          whole.subarray(24 + sealed, 24 + 2 * sealed),
          whole.subarray(24, 24 + sealed),
          whole.subarray(24 + 2 * sealed),
        ]),
      ],
      ["the last chunk gone", whole.subarray(0, 24 + 3 * sealed)],
      ["cut in the middle of a chunk", whole.subarray(0, 150_000)],
    ];
    for (const [what, damaged] of damages) {
      await writeFile(path("many/damaged"), damaged);
      const failure = await readAll(open(), "many/damaged").then(
        () => `${what} went unnoticed`,
        (error: { code: string }) => error.code,
      );
      expect(failure).toBe("STORED_FILE_ROTTEN");
    }
  });

  it("still reads what was stored before it was switched on, and replaces it encrypted", async () => {
    await open(null).put("old/file", pieces("plain words"));
    expect((await readAll(open(), "old/file")).toString()).toBe("plain words");
    await open().put("old/file", pieces("sealed words"));
    expect((await readAll(open(), "old/file")).toString()).toBe("sealed words");
    expect(await open(null).head("old/file")).toBeNull();
    await open().delete("old/file");
    expect(await open().head("old/file")).toBeNull();
  });

  it.each([
    ["ab".repeat(32), 32],
    [Buffer.alloc(32, 1).toString("base64"), 32],
    ["short", 0],
    ["", 0],
    [`${"ab".repeat(32)}c`, 0],
  ])("takes %j for a key or not", (text, length) => {
    expect(storageKeyOf(text)?.length ?? 0).toBe(length);
  });
});

describe("a key", () => {
  it.each(["../x", "a/../b", "/etc/passwd", "a//b", "a/", "", ".hidden", "a/.parts/x", "a\\b", "a\0b", "a b", "ä", `a/${"x".repeat(200)}`])(
    "%j is refused",
    (key) => {
      expect(() => checkKey(key)).toThrow(StorageKeyRefused);
    },
  );

  it("of a recording is spread over folders by the random end of its id", () => {
    expect(recordingKey("01a2026c-2832-71f5-b73b-7a199cf1b9f6", "mp3")).toBe("recordings/b9/f6/01a2026c-2832-71f5-b73b-7a199cf1b9f6.mp3");
  });
});

describe("a storage URL", () => {
  it.each([
    "/var/lib/earshot",
    "ftp://host/x",
    "",
    "file:",
    "s3://",
    "s3://bucket",
    "s3://bucket?region=x&regoin=y",
    "s3://b?endpoint=nowhere",
  ])("%j is refused", (url) => {
    expect(() => openStorage(url)).toThrow(StorageUrlRefused);
  });

  it("that is refused shows no password", () => {
    expect(() => openStorage("ftp://user:secret@host/x")).toThrow(/^(?!.*secret)/s);
  });

  it.each([
    ["file:/var/x", "/var/x"],
    ["file:///var/x%20y", "/var/x y"],
    ["file://localhost/var/x", "/var/x"],
  ])("%s is the directory %s", (url, path) => {
    expect(openStorage(url).place).toBe(`directory ${path}`);
  });

  it("of a bucket names it without its secrets", () => {
    const url = "s3://key:secret@recordings/eu/one?region=eu-central-1&endpoint=https://s3.example.com";
    expect(openStorage(url).place).toBe("bucket recordings/eu/one at s3.example.com");
  });

  it("may go through a link", async () => {
    await mkdir(join(folder, "real"));
    await symlink(join(folder, "real"), join(folder, "link"));
    await openStorage(`file:${folder}/link`).put("a/b", pieces("x"));
    expect(await readdir(join(folder, "real"))).toContain("a");
  });
});

describe("a storage that is not there itself", () => {
  it.each([null, randomBytes(32)])(
    "tells of no file that it was lost: a folder that is not mounted, a bucket that is gone, a server that is away",
    async (key) => {
      const server = await startFauxqs({ port: 0, logger: false, init: { buckets: ["kept"] } });
      const bucket = (name: string) =>
        openStorage(`s3://key:secret@${name}?endpoint=${encodeURIComponent(`http://127.0.0.1:${server.port}`)}`, key);
      const unreadable = { code: "STORAGE_UNREADABLE", status: 503 };
      try {
        await expect(openStorage(`file:${folder}/not-mounted`, key).read("a/b.mp3")).rejects.toMatchObject(unreadable);
        await expect(bucket("gone").read("a/b.mp3")).rejects.toMatchObject(unreadable);
        await expect(bucket("kept").read("a/b.mp3")).rejects.toBeInstanceOf(StoredFileLost);
      } finally {
        await server.stop();
      }
      await expect(bucket("kept").read("a/b.mp3")).rejects.toMatchObject(unreadable);
    },
  );
});

describe("an upload in parts that a process had begun", () => {
  let server: FauxqsServer;
  let database: FreshDatabase;
  const DAY_MS = 24 * 3600 * 1000;
  beforeAll(async () => {
    server = await startFauxqs({ port: 0, logger: false, init: { buckets: ["kept"] } });
    database = await freshDatabase();
  });
  afterAll(async () => {
    await server.stop();
    await database.drop();
  });
  const rows = async () =>
    (await database.pool.query<{ key: string }>("select key from begun_uploads order by key")).rows.map(({ key }) => key);
  const open = (key: Buffer | null) =>
    openStorage(
      `s3://key:secret@kept/some?endpoint=${encodeURIComponent(`http://127.0.0.1:${server.port}`)}`,
      key,
      begunUploads(database.pool),
    );

  it("is remembered while it lasts only", async () => {
    const storage = open(null);
    await storage.put("recordings/aa/bb/whole.mp3", pieces("x".repeat(6_000_000)));
    await storage.put("recordings/aa/bb/small.mp3", pieces("x"));
    expect(await rows()).toEqual([]);
    expect(await storage.head("recordings/aa/bb/whole.mp3")).toEqual({ sizeBytes: 6_000_000 });
  });

  it.each([null, randomBytes(32)])(
    "and never ended is found without a listing, and nothing is left of it: at once when it is to be deleted, or after a day",
    async (key) => {
      for (const way of ["to be deleted", "a day old"] as const) {
        let goOn = () => {};
        const waits = new Promise<void>((resolve) => {
          goOn = resolve;
        });
        const sound = async function* () {
          yield randomBytes(6_000_000);
          await waits; // here the process is lost
          yield randomBytes(10);
        };
        const put = open(key).put("recordings/aa/bb/torn.mp3", sound());
        await vi.waitUntil(async () => (await rows()).length === 1);
        expect((await rows())[0]).toMatch(/^some\/recordings\/aa\/bb\/torn\.mp3/);
        const next = open(key);
        const abort = next.abortUploads?.bind(next) ?? (() => Promise.resolve(0));
        expect(await abort({ before: new Date(Date.now() - DAY_MS) })).toBe(0);
        expect(await abort({ prefix: "recordings/aa/bb/other." })).toBe(0);
        if (way === "a day old") await database.pool.query("update begun_uploads set begun_at = begun_at - interval '2 days'");
        expect(await abort(way === "a day old" ? { before: new Date(Date.now() - DAY_MS) } : { prefix: "recordings/aa/bb/torn." })).toBe(1);
        expect(await rows()).toEqual([]);
        goOn();
        await expect(put).rejects.toMatchObject({ code: "STORAGE_UNWRITABLE" }); // the bucket knows of no such upload any more
        expect(await next.head("recordings/aa/bb/torn.mp3")).toBeNull();
      }
    },
  );

  it("and was ended by the storage meanwhile is forgotten", async () => {
    await begunUploads(database.pool).begun({ place: open(null).place, key: "some/recordings/aa/bb/none.mp3", upload: "gone" });
    expect(await open(null).abortUploads?.({ prefix: "recordings/" })).toBe(1);
    expect(await rows()).toEqual([]);
  });
});
