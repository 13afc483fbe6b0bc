import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { CarrierFailure } from "../carrier/failures.ts";
import type { Carrier } from "../carrier/port.ts";
import { EngineFailure } from "../engine/failures.ts";
import { Failure } from "../failure.ts";
import type { CallId } from "../ids.ts";
import { type AudioFormat, formatOf, SNIFF_BYTES } from "./audio/sound.ts";
import { RecordingFailure, StorageUnwritable } from "./failures.ts";
import { type Pace, paced } from "./pace.ts";

/** Whose files are brought: the carrier, or an engine that makes recordings. */
export type Source = Pick<Carrier, "openRecording" | "mayFetch">;

/** What to bring here, and where to put it meanwhile. */
export interface Transfer {
  readonly url: string;
  /** Whose recording it is; null while that is not known. */
  readonly call: CallId | null;
  /** As announced; 0 when the carrier did not say. */
  readonly announcedBytes: number;
  /** The half-fetched file: what is there already is not asked for again. */
  readonly path: string;
  /** Take the file although it is shorter than announced: it came so several times. */
  readonly keepShort: boolean;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

export interface Transferred {
  readonly format: AudioFormat;
  readonly sizeBytes: number;
}

/**
 * Brings a file to `path`, resuming where an earlier attempt or process stopped; memory is one chunk. The bytes are on the disk
 * when it returns; they are hashed on their way into the storage and again when they are read back from it. @throws RecordingFailure, or what its source throws
 */
export async function transfer(from: Source, asked: Transfer): Promise<Transferred> {
  if (!from.mayFetch(asked.url)) throw new RecordingFailure("RECORDING_REFUSED_HOST", `Host ${hostOf(asked.url)}.`);
  const most = mostBytes(asked.announcedBytes);
  const have = await sizeOf(asked.path);
  if (have === 0 || have !== asked.announcedBytes) await receive(from, asked, have > most ? 0 : have, most);
  return check(asked);
}

/** The announcement may be off, but not by any amount: the disk is ours. */
const mostBytes = (announced: number): number => (announced === 0 ? UNTOLD_BYTES : Math.max(announced * 4, announced + 16 * 1024 * 1024));
/** Where nothing was said: two hours of stereo at 320 kbit/s, and as much again. */
const UNTOLD_BYTES = 600 * 1024 * 1024;

async function receive(source: Source, asked: Transfer, have: number, most: number): Promise<void> {
  const opened = await source.openRecording(asked.url, have, asked.call).catch(nothingMore);
  if (!opened) return;
  const { body, from } = opened;
  const file = await open(asked.path, have > 0 ? "r+" : "w", 0o640).catch(unwritable);
  try {
    let at = from <= have ? from : 0;
    await file.truncate(at).catch(unwritable);
    let head = at === 0 ? Buffer.alloc(0) : null;
    for await (const chunk of paced(untilCalledOff(body, asked.signal), asked.pace)) {
      if (head) {
        head = Buffer.concat([head, chunk.subarray(0, SNIFF_BYTES)]);
        if (head.length >= SNIFF_BYTES) {
          refuseOtherThanAudio(head);
          head = null;
        }
      }
      if (at + chunk.byteLength > most) throw await tooLarge(file, asked.announcedBytes, most);
      await writeAll(file, chunk, at);
      at += chunk.byteLength;
    }
    await file.sync().catch(unwritable);
  } finally {
    await file.close();
  }
}

/** 416: the file ends where we are. Whether that is short of the announcement is judged from what lies here. */
function nothingMore(error: unknown): null {
  if (error instanceof CarrierFailure && error.carrierStatus === 416) return null;
  if (error instanceof EngineFailure && error.engineStatus === 416) return null;
  throw error;
}

async function tooLarge(file: FileHandle, announced: number, most: number): Promise<RecordingFailure> {
  await file.truncate(0);
  return new RecordingFailure("RECORDING_OVERSIZED", `Announced ${announced} bytes, more than ${most} came.`);
}

async function writeAll(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, at + done).catch(unwritable);
    done += bytesWritten;
  }
}

/** The disk is full, or read-only: the file waits where it is, and its row says why. */
function unwritable(cause: unknown): never {
  throw new StorageUnwritable("The folder of half-fetched files", cause);
}

/** The chunks of `body`, unless the work is called off. A source that falls silent is given up by whoever opened it. */
async function* untilCalledOff(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const next = await orStop(iterator.next(), signal).catch(brokenOff);
      if (next.done) break;
      yield next.value;
    }
    done = true;
  } finally {
    if (!done) void iterator.return?.()?.catch(() => {}); // closes the connection; a stalled one may never answer that
  }
}

function brokenOff(error: unknown): never {
  if (error instanceof Failure) throw error;
  throw new RecordingFailure(
    "RECORDING_UNREACHABLE",
    `The connection broke: ${error instanceof Error ? error.message : String(error)}.`,
    error,
  );
}

function orStop<T>(next: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => settle(() => reject(new RecordingFailure("RECORDING_UNREACHABLE", "The transfer was called off.")));
    const settle = (how: () => void) => {
      signal.removeEventListener("abort", stop);
      how();
    };
    next.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

async function check({ announcedBytes, path, keepShort }: Transfer): Promise<Transferred> {
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === 0) throw new RecordingFailure("RECORDING_EMPTY", "The file has no bytes.");
  const head = await headOf(path);
  const format = formatOf(head);
  if (!format) {
    await rm(path, { force: true });
    throw wrongType(head);
  }
  if (sizeBytes < announcedBytes && !keepShort) {
    throw new RecordingFailure("RECORDING_TRUNCATED", `Announced ${announcedBytes} bytes, ${sizeBytes} came.`);
  }
  return { format, sizeBytes };
}

function refuseOtherThanAudio(head: Buffer): void {
  if (!formatOf(head)) throw wrongType(head);
}

const wrongType = (head: Buffer) =>
  new RecordingFailure("RECORDING_WRONG_TYPE", `It begins with ${JSON.stringify(head.subarray(0, SNIFF_BYTES).toString("latin1"))}.`);

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "(not an address)";
}
