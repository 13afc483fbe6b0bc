/** The kinds of journal records; FORMAT.md says what each holds. */
export declare const kinds: {
  readonly opened: 1;
  readonly callerFrame: 2;
  readonly playedFrame: 3;
  readonly carrierTold: 4;
  readonly carrierHeard: 5;
  readonly engineTold: 6;
  readonly engineHeard: 7;
  readonly engineAudio: 8;
  readonly decided: 9;
  readonly utterance: 10;
  readonly media: 11;
  readonly gap: 12;
  readonly closed: 13;
  readonly part: 14;
};
export type Kind = keyof typeof kinds;
export declare const SYNC = 234;
export declare const HEADER_BYTES = 16;
export declare const MOST_PAYLOAD_BYTES: number;
export declare const VERSION = 1;
/** Writes a record at `at` of `into`, which must have room for it. Gives the place after it. */
export declare function putRecord(into: Buffer, at: number, kind: number, micros: number, payload: Uint8Array): number;
export interface FoundRecord {
  /** Null for a kind that this version does not know. */
  readonly kind: Kind | null;
  readonly micros: number;
  readonly payload: Buffer;
  /** The place after the record. */
  readonly end: number;
}
/** Reads the record at `at`: "more" when the bytes end before it does, "none" when no whole record begins here. */
export declare function takeRecord(bytes: Buffer, at: number): FoundRecord | "more" | "none";
