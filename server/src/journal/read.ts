import { open } from "node:fs/promises";
import { JournalTooNew } from "./failures.ts";
import { HEADER_BYTES, type Kind, SYNC, takeRecord, VERSION } from "./record.ts";

export interface JournalRecord {
  readonly kind: Kind;
  /** Wall clock, ms since 1970, with microseconds: time zero of its part plus the monotonic time since. */
  readonly atMs: number;
  /** Which process' part of the file: 0, 1, ... */
  readonly part: number;
  /** Valid until the next record is asked for: copy to keep. */
  readonly payload: Buffer;
}

/** What could not be read. */
export interface Damage {
  readonly from: number;
  readonly bytes: number;
}

export interface ReadJournal {
  readonly records: AsyncGenerator<JournalRecord>;
  /** Complete once the records have all been read. */
  readonly damage: readonly Damage[];
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Reads a journal (FORMAT.md) from its beginning, also one that is being written or was broken off. Damaged places are skipped and listed:
 * reading goes on at the next byte where a whole record with a right checksum begins.
 * Rejects (while iterating) only if the file cannot be read at all, or when a part of it is of a later version of the format: JournalTooNew.
 */
export function readJournal(path: string): ReadJournal {
  const damage: Damage[] = [];
  return { records: records(path, damage), damage };
}

async function* records(path: string, damage: Damage[]): AsyncGenerator<JournalRecord> {
  const file = await open(path, "r");
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  let base = 0;
  let bad = 0;
  let ended = false;
  let part = -1;
  let zeroMs = 0;
  const zeros: number[] = [];
  const names: (string | null)[] = [];
  const skip = (count: number): void => {
    bad += count;
    at += count;
  };
  const noteDamage = (): void => {
    if (bad > 0) damage.push({ from: base + at - bad, bytes: bad });
    bad = 0;
  };
  try {
    for (;;) {
      const found = takeRecord(bytes, at);
      if (found === "more" && !ended) {
        const more = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, neededAt(bytes, at)));
        const { bytesRead } = await file.read(more, 0, more.length);
        ended = bytesRead === 0;
        base += at;
        bytes = Buffer.concat([bytes.subarray(at), more.subarray(0, bytesRead)]);
        at = 0;
      } else if (found === "more" || found === "none") {
        if (at >= bytes.length) break;
        const next = bytes.indexOf(SYNC, at + 1);
        skip((next < 0 ? bytes.length : next) - at);
      } else {
        noteDamage();
        at = found.end;
        if (found.kind === "opened") {
          const { name, zero, version } = headOf(found.payload);
          if (version > VERSION) throw new JournalTooNew(path, version);
          zeroMs = zero ?? zeroMs;
          part = zeros.push(zeroMs) - 1;
          names.push(name);
        }
        if (found.kind === "part") {
          // Whose `opened` was damaged gets its own part all the same.
          const { name, zero } = headOf(found.payload);
          const known = names.indexOf(name);
          part = known >= 0 ? known : zeros.push(zero ?? zeroMs) - 1;
          if (known < 0) names.push(name);
          zeroMs = zeros[part] as number;
        } else if (found.kind !== null)
          yield { kind: found.kind, atMs: zeroMs + found.micros / 1000, part: Math.max(0, part), payload: found.payload };
      }
    }
    noteDamage();
  } finally {
    await file.close();
  }
}

/** How many bytes the record at `at` says it still needs. A lie costs one large read, once. */
const neededAt = (bytes: Buffer, at: number): number =>
  at + HEADER_BYTES <= bytes.length ? bytes.readUInt32LE(at + 2) + HEADER_BYTES - (bytes.length - at) : 0;

function headOf(payload: Buffer): { name: string | null; zero: number | null; version: number } {
  try {
    const { part, zeroAt, version } = JSON.parse(payload.toString()) as { part?: string; zeroAt: string; version?: number };
    const zero = Date.parse(zeroAt);
    return { name: part ?? null, zero: Number.isNaN(zero) ? null : zero, version: version ?? VERSION };
  } catch {
    return { name: null, zero: null, version: VERSION };
  }
}
