import { type FileHandle, open } from "node:fs/promises";

/** A sound file in MP4 (ISO 14496-12), as far as it takes to hand its frames to a decoder and to tell whether it is whole. */

export class Mp4Unreadable extends Error {}
/** The file is whole, and its coding is one that is not decoded here (AAC: no decoder under a licence we can ship). */
export class CodingUnknown extends Error {}

/** What the boxes of the first sound track say. */
export interface Mp4Track {
  /** `mp3`, or the name of a coding that is not decoded here. */
  readonly coding: string;
  readonly rateHz: number;
  readonly channels: number;
  readonly durationMs: number;
  /** Where the frames lie, in order; neighbours are one stretch. */
  readonly stretches: readonly { readonly at: number; readonly bytes: number }[];
}

/** The boxes that are looked into, not only over. */
const MOOV_BYTES = 16 * 1024 * 1024;
/** Two hours have some hundred thousand. */
const MOST_FRAMES = 5_000_000;
/** Object types of an `esds` that are layer III (ISO 14496-1, mp4ra.org). */
const LAYER_3 = [0x69, 0x6b];

/** @throws Mp4Unreadable when it is none, has no sound, or names bytes it does not have */
export async function readMp4(path: string): Promise<Mp4Track> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const track = trackIn(await moovOf(file, size));
    const last = track.stretches.reduce((end, { at, bytes }) => Math.max(end, at + bytes), 0);
    if (last > size) throw new Mp4Unreadable(`Its frames reach to byte ${last}; it has ${size}.`);
    return track;
  } finally {
    await file.close();
  }
}

/** The frames of an MP3 in an MP4, one after the other as a plain MP3 has them. @throws CodingUnknown, Mp4Unreadable */
export async function* framesOfMp4(path: string): AsyncGenerator<Uint8Array> {
  const { coding, stretches } = await readMp4(path);
  if (coding !== "mp3") throw new CodingUnknown(`Its sound is coded as ${coding}.`);
  const file = await open(path, "r");
  try {
    for (const { at, bytes } of stretches) {
      for (let done = 0; done < bytes; ) {
        const piece = Buffer.alloc(Math.min(64 * 1024, bytes - done));
        const { bytesRead } = await file.read(piece, 0, piece.length, at + done);
        if (bytesRead === 0) throw new Mp4Unreadable("It was cut off while it was read.");
        yield piece.subarray(0, bytesRead);
        done += bytesRead;
      }
    }
  } finally {
    await file.close();
  }
}

async function moovOf(file: FileHandle, size: number): Promise<Buffer> {
  const head = Buffer.alloc(16);
  for (let at = 0, first = true; at + 8 <= size; first = false) {
    await file.read(head, 0, 16, at);
    const name = head.toString("latin1", 4, 8);
    if (first && name !== "ftyp") throw new Mp4Unreadable("It does not begin as an MP4.");
    const told = head.readUInt32BE(0);
    const bytes = told === 1 ? Number(head.readBigUInt64BE(8)) : told === 0 ? size - at : told;
    const skip = told === 1 ? 16 : 8;
    if (bytes < skip || at + bytes > size) throw new Mp4Unreadable(`Its box ${JSON.stringify(name)} is cut off.`);
    if (name === "moov") {
      if (bytes > MOOV_BYTES) throw new Mp4Unreadable("Its table of contents is too large.");
      const moov = Buffer.alloc(bytes - skip);
      await file.read(moov, 0, moov.length, at + skip);
      return moov;
    }
    at += bytes;
  }
  throw new Mp4Unreadable("It has no table of contents.");
}

function trackIn(moov: Buffer): Mp4Track {
  try {
    return soundTrack(moov);
  } catch (error) {
    if (error instanceof RangeError) throw new Mp4Unreadable("Its table of contents ends in the middle of a field.");
    throw error;
  }
}

function soundTrack(moov: Buffer): Mp4Track {
  for (const trak of boxes(moov, "trak")) {
    const mdia = boxes(trak, "mdia")[0];
    const isSound = mdia && boxes(mdia, "hdlr")[0]?.toString("latin1", 8, 12) === "soun";
    const minf = isSound && boxes(mdia, "minf")[0];
    const stbl = minf && boxes(minf, "stbl")[0];
    if (mdia && stbl) return trackOf(mdia, stbl);
  }
  throw new Mp4Unreadable("It has no sound track.");
}

function trackOf(mdia: Buffer, stbl: Buffer): Mp4Track {
  const [mdhd, stsd] = [one(mdia, "mdhd"), one(stbl, "stsd")];
  const long = mdhd.readUInt8(0) === 1;
  const timescale = mdhd.readUInt32BE(long ? 20 : 12);
  const duration = long ? Number(mdhd.readBigUInt64BE(24)) : mdhd.readUInt32BE(16);
  if (timescale === 0) throw new Mp4Unreadable("Its clock does not run.");
  const entry = stsd.subarray(8, 8 + stsd.readUInt32BE(8));
  return {
    coding: codingOf(entry),
    channels: entry.readUInt16BE(24),
    rateHz: entry.readUInt32BE(32) >>> 16,
    durationMs: Math.round((duration / timescale) * 1000),
    stretches: stretchesOf(stbl),
  };
}

/** `mp4a` says its coding in an `esds`; MP3 also comes as `.mp3`. */
function codingOf(entry: Buffer): string {
  const name = entry.toString("latin1", 4, 8).trim();
  if (name === ".mp3") return "mp3";
  const esds = name === "mp4a" ? boxes(entry.subarray(36), "esds")[0] : undefined;
  const type = esds === undefined ? null : objectType(esds.subarray(4));
  return type !== null && LAYER_3.includes(type) ? "mp3" : type === 0x40 ? "aac" : type === null ? name : `mp4a.${type.toString(16)}`;
}

/** The object type in the decoder's description (tag 4) inside an ES description (tag 3); lengths are in groups of seven bits. */
function objectType(bytes: Buffer): number | null {
  const open = (at: number): number => {
    let body = at + 1;
    while (body < bytes.length && (bytes[body++] as number) & 0x80);
    return body;
  };
  if (bytes[0] !== 3) return null;
  let at = open(0) + 2;
  const flags = bytes[at++] ?? 0;
  if (flags & 0x80) at += 2;
  if (flags & 0x40) at += 1 + (bytes[at] ?? 0);
  if (flags & 0x20) at += 2;
  return bytes[at] === 4 ? (bytes[open(at)] ?? null) : null;
}

/** Where the samples lie: chunks by stco or co64, samples a chunk by stsc, sizes by stsz. */
function stretchesOf(stbl: Buffer): { at: number; bytes: number }[] {
  const sizes = sizesOf(one(stbl, "stsz"));
  const runs = one(stbl, "stsc");
  const starts = startsOf(stbl);
  const stretches: { at: number; bytes: number }[] = [];
  let sample = 0;
  let run = 0;
  for (const [chunk, at] of starts.entries()) {
    while (run + 1 < runs.readUInt32BE(4) && runs.readUInt32BE(8 + (run + 1) * 12) <= chunk + 1) run++;
    const samples = runs.readUInt32BE(8 + run * 12 + 4);
    let bytes = 0;
    for (let i = 0; i < samples && sample < sizes.count; i++) bytes += sizes.of(sample++);
    const before = stretches.at(-1);
    if (before && before.at + before.bytes === at) before.bytes += bytes;
    else if (bytes > 0) stretches.push({ at, bytes });
  }
  if (sample < sizes.count) throw new Mp4Unreadable("Some of its frames are nowhere.");
  return stretches;
}

function sizesOf(stsz: Buffer): { count: number; of(sample: number): number } {
  const [same, count] = [stsz.readUInt32BE(4), stsz.readUInt32BE(8)];
  if (count > MOST_FRAMES) throw new Mp4Unreadable("It has more frames than a call can have.");
  if (same === 0 && stsz.length < 12 + count * 4) throw new Mp4Unreadable("Its table of frames is cut off.");
  return { count, of: (sample) => (same > 0 ? same : stsz.readUInt32BE(12 + sample * 4)) };
}

function startsOf(stbl: Buffer): number[] {
  const short = boxes(stbl, "stco")[0];
  const table = short ?? one(stbl, "co64");
  const count = table.readUInt32BE(4);
  const width = short ? 4 : 8;
  if (table.length < 8 + count * width) throw new Mp4Unreadable("Its table of chunks is cut off.");
  return Array.from({ length: count }, (_, i) => (short ? table.readUInt32BE(8 + i * 4) : Number(table.readBigUInt64BE(8 + i * 8))));
}

/** The bodies of the boxes of that name. */
function boxes(within: Buffer, name: string): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 8 <= within.length; ) {
    const bytes = within.readUInt32BE(at);
    if (bytes < 8 || at + bytes > within.length) break;
    if (within.toString("latin1", at + 4, at + 8) === name) found.push(within.subarray(at + 8, at + bytes));
    at += bytes;
  }
  return found;
}

function one(within: Buffer, name: string): Buffer {
  const [found] = boxes(within, name);
  if (found === undefined) throw new Mp4Unreadable(`It has no box ${name}.`);
  return found;
}
