import type { Readable } from "node:stream";
import type { BegunUploads } from "./begun-uploads.ts";
import { StorageKeyRefused, StorageUrlRefused } from "./failures.ts";
import { directoryStorage } from "./storage-directory.ts";
import { encryptedStorage } from "./storage-encrypted.ts";
import { s3Storage } from "./storage-s3.ts";

/** What was written, as counted and hashed while it was written. */
export interface Stored {
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** First and last byte, both inclusive as in an HTTP Range header. Absent `to`: until the end. */
export interface ByteRange {
  readonly from?: number;
  readonly to?: number;
}

/** Where files are kept for good. Two implementations: a directory and an S3-compatible bucket. */
export interface Storage {
  /** Where it is, without secrets: for pages and logs. */
  readonly place: string;
  /**
   * Writes a whole object. It appears under `key` only when all of it is durable; a crash leaves the old one or none.
   * The same key again replaces the object.
   */
  put(key: string, body: AsyncIterable<Uint8Array>): Promise<Stored>;
  /** Opens an object for reading. @throws StoredFileLost when there is none. */
  read(key: string, range?: ByteRange): Promise<Readable>;
  /** Null when there is none. */
  head(key: string): Promise<{ sizeBytes: number } | null>;
  /** Done also when there was none. */
  delete(key: string): Promise<void>;
  /** Every key that begins with `prefix`, in any order. */
  list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number }>;
  /**
   * Ends what is left of uploads that were broken off by our end and that no listing shows: of objects whose name begins like this, also those that
   * are under way; or what began before a moment. Absent where nothing is left, or nobody remembers them (begun-uploads.ts). @returns how many
   */
  abortUploads?(of: { readonly before: Date } | { readonly prefix: string }): Promise<number>;
  /** Was never anything kept there, as in a folder that is new, or not mounted? Absent where a place that is not there does not answer. */
  isBare?(): Promise<boolean>;
  /**
   * Does the place clear away by itself what an upload left that was broken off by our end, and that no listing shows? Null when it does not tell. Absent
   * where nothing is left.
   */
  clearsBrokenUploads?(): Promise<boolean | null>;
}

/**
 * Opens the storage named by STORAGE_URL: `file:/var/lib/earshot/recordings` (a directory, made when missing), or
 * `s3://bucket/prefix?region=...` ({@link s3Place}).
 * @param key 32 bytes (`storageKeyOf(STORAGE_KEY)`): what is stored from now on is encrypted with it, and what was encrypted is read with it
 * @param uploads where uploads in parts are remembered until they have ended; null: what a crash leaves of one stays in the bucket
 * @throws StorageUrlRefused
 */
export function openStorage(url: string, key: Buffer | null = null, uploads: BegunUploads | null = null): Storage {
  const storage = placeOf(url, uploads);
  return key ? encryptedStorage(storage, key) : storage;
}

function placeOf(url: string, uploads: BegunUploads | null): Storage {
  if (url.startsWith("file:")) return directoryStorage(directoryOf(url));
  if (url.startsWith("s3:")) return s3Storage(url, uploads);
  throw new StorageUrlRefused(url, "It must begin with file: or s3:.");
}

function directoryOf(url: string): string {
  const path = decodeURIComponent(url.slice("file:".length).replace(/^\/\/(localhost)?(?=\/)/, ""));
  if (path === "") throw new StorageUrlRefused(url, "It names no directory.");
  return path;
}

const segment = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;

/**
 * A key is `folder/folder/name`: letters, digits, dot, dash, underscore; no segment begins with a dot, so `..` cannot be said.
 * @throws StorageKeyRefused
 */
export function checkKey(key: string): string {
  if (key.length > 500 || !key.split("/").every((part) => segment.test(part))) throw new StorageKeyRefused(key);
  return key;
}

/**
 * The key of a recording: sharded by the last four hex digits of its id, which are random in a UUIDv7, so a folder of
 * a million recordings holds about 15 files.
 */
export function recordingKey(recording: string, ending: string): string {
  return checkKey(`${filesOf(recording)}${ending}`);
}

/** The folder of all recordings' keys. */
export const KEPT_IN = "recordings";

/** How the keys of all files of a recording begin. */
export function filesOf(recording: string): string {
  const tail = recording.replaceAll("-", "").slice(-4);
  return `${KEPT_IN}/${tail.slice(0, 2)}/${tail.slice(2)}/${recording}.`;
}
