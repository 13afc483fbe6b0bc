import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StorageKeyRefused, StorageUrlRefused, StoredFileLost } from "./failures.ts";
import { checkKey, openStorage, recordingKey, type Storage } from "./storage.ts";

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

describe.each(["directory", "bucket"] as const)("a %s as storage", (kind) => {
  let storage: Storage;
  let bucket: FauxqsServer | undefined;
  beforeAll(async () => {
    if (kind === "bucket") {
      bucket = await startFauxqs({ port: 0, logger: false, init: { buckets: ["kept"] } });
      storage = openStorage(`s3://key:secret@kept/some/where?endpoint=${encodeURIComponent(`http://127.0.0.1:${bucket.port}`)}`);
    } else {
      storage = openStorage(`file:${folder}/kept`);
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
    if (kind === "directory") expect(await readdir(join(folder, "kept", ".parts"))).toEqual([]);
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
    if (kind === "directory") await writeFile(join(folder, "kept", ".parts", "crashed"), "half");
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
