import { type Kind } from "./record.ts";
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
/**
 * Reads a journal (FORMAT.md) from its beginning, also one that is being written or was broken off. Damaged places are skipped and listed:
 * reading goes on at the next byte where a whole record with a right checksum begins.
 * Rejects (while iterating) only if the file cannot be read at all.
 */
export declare function readJournal(path: string): ReadJournal;
