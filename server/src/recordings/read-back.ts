import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pace, paced } from "./pace.ts";
import type { Storage } from "./storage.ts";

/** Copies an object of the storage to `path`; its SHA-256 as read, hex. */
export async function readBack(
  { storage, pace }: { readonly storage: Storage; readonly pace: Pace },
  key: string,
  path: string,
): Promise<string> {
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(paced(await storage.read(key), pace), hashing, createWriteStream(path, { mode: 0o640 }));
  return hash.digest("hex");
}

/** The SHA-256 of all that comes, hex. */
export async function sha256Of(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest("hex");
}
