/** Base64 inside a message: it lies in `message` from `from` to `to`, one byte a character. */
export interface Base64 {
  readonly message: Buffer;
  readonly from: number;
  readonly to: number;
}

/** Characters decoded at once: a string of 180 kB would be a large object, each of which brings the next full collection nearer. */
const SLICE = 32_768;

/** The most bytes the sound of a message can have. */
export const mostBytes = ({ from, to }: Base64): number => ((to - from) >> 2) * 3 + 3;

/** Decodes into `into` at `at`; gives the number of bytes. What is no base64 (`\/`, line breaks) is skipped, as everywhere. */
export function decodeBase64({ message, from, to }: Base64, into: Buffer, at = 0): number {
  let made = 0;
  for (let start = from; start < to; start += SLICE) {
    const end = Math.min(to, start + SLICE);
    const got = into.write(message.toString("latin1", start, end), at + made, "base64");
    // A slice with something else in it is out of step with the next: then all at once.
    if (end < to && got !== (SLICE / 4) * 3) return into.write(message.toString("latin1", from, to), at, "base64");
    made += got;
  }
  return made;
}
