import { crc32 } from "node:zlib";

/** The kinds of journal records; FORMAT.md says what each holds. */
export const kinds = {
  opened: 1,
  callerFrame: 2,
  playedFrame: 3,
  carrierTold: 4,
  carrierHeard: 5,
  engineTold: 6,
  engineHeard: 7,
  engineAudio: 8,
  decided: 9,
  utterance: 10,
  media: 11,
  gap: 12,
  closed: 13,
  part: 14,
  speech: 15,
  fact: 16,
  heard: 17,
} as const;
export type Kind = keyof typeof kinds;

const kindNames = new Map<number, Kind>(Object.entries(kinds).map(([name, number]) => [number, name as Kind]));

export const SYNC = 0xea;
export const HEADER_BYTES = 16;
export const MOST_PAYLOAD_BYTES = 16 * 1024 * 1024;
export const VERSION = 1;

/** CRC-32 (that of zlib, so that either may go on from the other) by single bytes. */
const crcOfByte = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 of a header's twelve bytes, here: a view of so few and the way to zlib cost more than they do, with every record of every call. */
function crcOfHeader(bytes: Buffer, at: number): number {
  let crc = -1;
  for (let n = at; n < at + 12; n++) crc = (crcOfByte[(crc ^ (bytes[n] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Writes a record at `at` of `into`, which must have room for it. Gives the place after it. */
export function putRecord(into: Buffer, at: number, kind: number, micros: number, payload: Uint8Array): number {
  into[at] = SYNC;
  into[at + 1] = kind;
  into.writeUInt32LE(payload.length, at + 2);
  into.writeUIntLE(micros, at + 6, 6);
  into.set(payload, at + HEADER_BYTES);
  const end = at + HEADER_BYTES + payload.length;
  into.writeUInt32LE(crc32(payload, crcOfHeader(into, at)), at + 12);
  return end;
}

export interface FoundRecord {
  /** Null for a kind that this version does not know. */
  readonly kind: Kind | null;
  readonly micros: number;
  readonly payload: Buffer;
  /** The place after the record. */
  readonly end: number;
}

/** Reads the record at `at`: "more" when the bytes end before it does, "none" when no whole record begins here. */
export function takeRecord(bytes: Buffer, at: number): FoundRecord | "more" | "none" {
  if (at >= bytes.length) return "more";
  if (bytes[at] !== SYNC) return "none";
  if (at + HEADER_BYTES > bytes.length) return "more";
  const length = bytes.readUInt32LE(at + 2);
  if (length > MOST_PAYLOAD_BYTES) return "none";
  const end = at + HEADER_BYTES + length;
  if (end > bytes.length) return "more";
  const payload = bytes.subarray(at + HEADER_BYTES, end);
  if (crc32(payload, crc32(bytes.subarray(at, at + 12))) !== bytes.readUInt32LE(at + 12)) return "none";
  return { kind: kindNames.get(bytes[at + 1] as number) ?? null, micros: bytes.readUIntLE(at + 6, 6), payload, end };
}
