import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Readable } from "node:stream";
import { StorageUnreadable, StorageUnwritable, StoredFileLost } from "./failures.ts";
import { type ByteRange, checkKey, KEPT_IN, type Storage } from "./storage.ts";

/** Half-written objects wait here, in the same file system, so that the rename is atomic. */
const PARTS = ".parts";

/** A directory as storage: write beside, fsync the file, rename, fsync the folder (POSIX: the rename is the commit). */
export function directoryStorage(directory: string): Storage {
  const root = resolve(directory);
  let swept = false;
  const pathOf = (key: string) => join(root, ...checkKey(key).split("/"));

  return {
    place: `directory ${root}`,

    async put(key, body) {
      const path = pathOf(key);
      const part = join(root, PARTS, randomBytes(12).toString("hex"));
      await makeFolder(dirname(part), root).catch((cause: unknown) => {
        throw new StorageUnwritable(root, cause);
      });
      if (!swept) {
        swept = true;
        await sweepScraps(dirname(part));
      }
      const written = await writePart(part, body);
      try {
        await makeFolder(dirname(path), root);
        await rename(part, path);
        await syncFolder(dirname(path));
      } catch (cause) {
        await rm(part, { force: true });
        throw new StorageUnwritable(root, cause);
      }
      return written;
    },

    async read(key, range: ByteRange = {}): Promise<Readable> {
      const path = pathOf(key);
      const file = await open(path, "r").catch(async (cause: NodeJS.ErrnoException) => {
        // A folder that is not there itself (not mounted) says nothing of its files.
        if (isAbsent(cause) && (await stat(root).catch(() => null))) throw new StoredFileLost(key, cause);
        throw new StorageUnreadable(root, cause);
      });
      return createReadStream(path, {
        fd: file,
        start: range.from ?? 0,
        ...(range.to === undefined ? {} : { end: range.to }),
        highWaterMark: 256 * 1024,
      });
    },

    async head(key) {
      const found = await stat(pathOf(key)).catch((cause: NodeJS.ErrnoException) => {
        if (isAbsent(cause)) return null;
        throw new StorageUnreadable(root, cause);
      });
      return found?.isFile() ? { sizeBytes: found.size } : null;
    },

    async delete(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      await syncFolder(dirname(path)).catch(noneIfAbsent);
    },

    isBare: async () => (await stat(join(root, KEPT_IN)).catch(noneIfAbsent)) === null,

    async *list(prefix) {
      for await (const path of filesUnder(root)) {
        const key = relative(root, path).split(sep).join("/");
        if (!key.startsWith(prefix) || key.startsWith(`${PARTS}/`)) continue;
        const found = await stat(path).catch(noneIfAbsent); // one that is deleted while we look is not there
        if (found) yield { key, sizeBytes: found.size };
      }
    },
  };
}

async function writePart(part: string, body: AsyncIterable<Uint8Array>) {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let file: FileHandle | undefined;
  const unwritable = (cause: unknown) => {
    throw new StorageUnwritable(dirname(part), cause);
  };
  try {
    file = await open(part, "wx", 0o640).catch(unwritable);
    for await (const chunk of body) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      await file.writeFile(chunk).catch(unwritable);
    }
    await file.sync().catch(unwritable);
    await file.close();
  } catch (cause) {
    await file?.close().catch(() => {});
    await rm(part, { force: true });
    throw cause;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

/** Removes what a crash left half-written, once a process. No object takes a day to be written. */
async function sweepScraps(folder: string): Promise<void> {
  const aDayAgo = Date.now() - 24 * 3600 * 1000;
  for await (const path of filesUnder(folder)) {
    const found = await stat(path).catch(noneIfAbsent);
    if (found && found.mtimeMs < aDayAgo) await rm(path, { force: true });
  }
}

/** Makes a folder and its parents durable up to the root: a new folder's name lives in its parent. */
async function makeFolder(folder: string, root: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o750 });
  if (made === undefined) return;
  for (let path = dirname(folder); path.length >= dirname(made).length; path = dirname(path)) {
    await syncFolder(path);
    if (path === root || path === dirname(path)) return;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* filesUnder(folder: string): AsyncIterable<string> {
  const entries = await opendir(folder).catch(noneIfAbsent);
  if (!entries) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else if (entry.isFile()) yield path;
  }
}

const isAbsent = ({ code }: NodeJS.ErrnoException): boolean => code === "ENOENT" || code === "ENOTDIR";

function noneIfAbsent(cause: NodeJS.ErrnoException): null {
  if (isAbsent(cause)) return null;
  throw cause;
}
