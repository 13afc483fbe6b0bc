import { centralHeader, endRecord, localHeader, type ZipEntry } from "./verify.mjs";

/** A file of the zip, its checksum and size known before its bytes pass. */
export interface ZipFile extends ZipEntry {
  open(): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

const MOST_BYTES = 2 ** 32 - 1;

/**
 * Writes a zip in the one form the verifier permits: entries stored one behind the other, no dates, no comments. Audio is compressed already.
 * Memory is one chunk. Throws in mid-stream when a file has other bytes than it was said to have.
 */
export async function* zip(files: AsyncIterable<ZipFile> | Iterable<ZipFile>): AsyncGenerator<Uint8Array> {
  const central: Buffer[] = [];
  let at = 0;
  for await (const file of files) {
    if (at + file.size > MOST_BYTES) throw new Error("More than 4 GiB do not fit in an evidence file.");
    const header = localHeader(file);
    central.push(centralHeader({ ...file, at }));
    yield header;
    let size = 0;
    for await (const chunk of await file.open()) {
      size += chunk.byteLength;
      yield chunk;
    }
    if (size !== file.size) throw new Error(`${file.name} has ${size} bytes, not ${file.size}.`);
    at += header.length + size;
  }
  const directory = Buffer.concat(central);
  yield directory;
  yield endRecord(central.length, at, directory.length);
}
