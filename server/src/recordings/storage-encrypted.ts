import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { RecordingFailure, StorageKeyWrong, StoredFileLost } from "./failures.ts";
import type { ByteRange, Storage, Stored } from "./storage.ts";

/**
 * Encryption at rest, over any storage. Objects lie under their key with `.enc` behind it, so that files kept before it was switched on are
 * still found and read as they are.
 *
 *     "EARSHOT\x01" (8)   salt (16)   chunk   chunk   ...   last chunk
 *
 * A chunk is up to 64 KiB of AES-256-GCM with its tag (16) behind; its key is HKDF-SHA-256 of the installation's key with the object's salt; its
 * nonce is its number and whether it is the last (the STREAM construction), so that no chunk can be moved, dropped or cut off unnoticed, and a
 * range can be read without the rest.
 */
const MAGIC = Buffer.from("EARSHOT\x01", "latin1");
const SALT_BYTES = 16;
const HEAD_BYTES = MAGIC.length + SALT_BYTES;
const CHUNK = 64 * 1024;
const TAG_BYTES = 16;
const SEALED = CHUNK + TAG_BYTES;
const ENDING = ".enc";

/** @param key 32 bytes */
export function encryptedStorage(inner: Storage, key: Buffer): Storage {
  if (key.length !== 32) throw new Error("The storage key must have 32 bytes.");
  return {
    place: `${inner.place}, encrypted`,

    async put(name, body): Promise<Stored> {
      const hash = createHash("sha256");
      let sizeBytes = 0;
      async function* counted() {
        for await (const chunk of body) {
          hash.update(chunk);
          sizeBytes += chunk.byteLength;
          yield chunk;
        }
      }
      await inner.put(name + ENDING, seal(counted(), key));
      await inner.delete(name); // a plain one of the same name would be a second truth
      return { sizeBytes, sha256: hash.digest("hex") };
    },

    async read(name, range: ByteRange = {}): Promise<Readable> {
      const sealed = await inner.head(name + ENDING);
      if (!sealed) return inner.read(name, range);
      return Readable.from(unseal(inner, name + ENDING, sealed.sizeBytes, key, range), { objectMode: false });
    },

    async head(name) {
      const sealed = await inner.head(name + ENDING);
      return sealed ? { sizeBytes: plainBytes(sealed.sizeBytes) } : inner.head(name);
    },

    async delete(name) {
      await inner.delete(name + ENDING);
      await inner.delete(name);
    },

    ...(inner.abortUploads && { abortUploads: (of) => inner.abortUploads?.(of) ?? Promise.resolve(0) }),

    ...(inner.isBare && { isBare: () => inner.isBare?.() ?? Promise.resolve(false) }),

    ...(inner.clearsBrokenUploads && { clearsBrokenUploads: () => inner.clearsBrokenUploads?.() ?? Promise.resolve(null) }),

    async *list(prefix) {
      for await (const { key: name, sizeBytes } of inner.list(prefix)) {
        yield name.endsWith(ENDING) ? { key: name.slice(0, -ENDING.length), sizeBytes: plainBytes(sizeBytes) } : { key: name, sizeBytes };
      }
    },
  };
}

/** STORAGE_KEY as the operator gives it: 64 hex digits or 44 characters of base64. Null when it is neither. */
export function storageKeyOf(text: string): Buffer | null {
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "base64");
  return key.length === 32 && (key.toString("base64") === text || key.toString("hex") === text.toLowerCase()) ? key : null;
}

function plainBytes(sealedBytes: number): number {
  const chunks = Math.ceil((sealedBytes - HEAD_BYTES) / SEALED);
  return Math.max(0, sealedBytes - HEAD_BYTES - chunks * TAG_BYTES);
}

const keyOf = (key: Buffer, salt: Buffer): Buffer => Buffer.from(hkdfSync("sha256", key, salt, "earshot storage v1", 32));

function nonce(chunk: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(chunk, 7);
  bytes[11] = last ? 1 : 0;
  return bytes;
}

async function* seal(body: AsyncIterable<Uint8Array>, key: Buffer): AsyncGenerator<Uint8Array> {
  const salt = randomBytes(SALT_BYTES);
  const own = keyOf(key, salt);
  yield Buffer.concat([MAGIC, salt]);
  let held: Buffer[] = [];
  let bytes = 0;
  let chunk = 0;
  const sealOne = (plain: Buffer, last: boolean) => {
    const cipher = createCipheriv("aes-256-gcm", own, nonce(chunk++, last));
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  for await (const piece of body) {
    held.push(Buffer.from(piece));
    bytes += piece.byteLength;
    if (bytes <= CHUNK) continue; // the last chunk must be known as such: one is always held back
    let all = Buffer.concat(held);
    for (; all.length > CHUNK; all = all.subarray(CHUNK)) yield sealOne(all.subarray(0, CHUNK), false);
    held = [Buffer.from(all)];
    bytes = all.length;
  }
  yield sealOne(Buffer.concat(held), true);
}

async function* unseal(
  inner: Storage,
  name: string,
  sealedBytes: number,
  key: Buffer,
  { from = 0, to = Number.POSITIVE_INFINITY }: ByteRange,
): AsyncGenerator<Uint8Array> {
  const own = keyOf(key, await saltOf(inner, name));
  const chunks = Math.ceil((sealedBytes - HEAD_BYTES) / SEALED);
  const end = Math.min(to, plainBytes(sealedBytes) - 1);
  const firstChunk = Math.min(chunks - 1, Math.floor(from / CHUNK));
  const lastChunk = Math.max(firstChunk, Math.min(chunks - 1, Math.floor(end / CHUNK)));
  let held: Buffer = Buffer.alloc(0);
  let chunk = firstChunk;
  const open = (sealed: Buffer): Buffer => {
    const plain = unsealOne(sealed, own, chunk, chunk === chunks - 1, name);
    const at = chunk * CHUNK;
    chunk++;
    return plain.subarray(Math.max(0, from - at), Math.max(0, Math.min(plain.length, end + 1 - at)));
  };
  const stream = await inner.read(name, { from: HEAD_BYTES + firstChunk * SEALED, to: HEAD_BYTES + (lastChunk + 1) * SEALED - 1 });
  for await (const piece of stream) {
    held = held.length === 0 ? (piece as Buffer) : Buffer.concat([held, piece as Buffer]);
    for (; held.length >= SEALED && chunk <= lastChunk; held = held.subarray(SEALED)) {
      const plain = open(held.subarray(0, SEALED));
      if (plain.length > 0) yield plain;
    }
  }
  if (chunk > lastChunk) return;
  const plain = open(held);
  if (plain.length > 0) yield plain;
}

async function saltOf(inner: Storage, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await inner.read(name, { from: 0, to: HEAD_BYTES - 1 })) parts.push(part as Buffer);
  const head = Buffer.concat(parts);
  if (head.length < HEAD_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC))
    throw new RecordingFailure("STORED_FILE_ROTTEN", `${name} does not begin as an encrypted file.`);
  return head.subarray(MAGIC.length);
}

function unsealOne(sealed: Buffer, own: Buffer, chunk: number, last: boolean, name: string): Buffer {
  if (sealed.length < TAG_BYTES) throw new StoredFileLost(name);
  const decipher = createDecipheriv("aes-256-gcm", own, nonce(chunk, last));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new StorageKeyWrong(name, chunk, cause);
  }
}
