import type { Remembered } from "../engine/port.ts";

/** A row as it is compared. Times are ms from the answer. */
export interface Had {
  readonly ref: string;
  readonly speaker: "caller" | "agent";
  readonly text: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What is to be filled in. */
export interface Missing {
  readonly remembered: Remembered;
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface Compared {
  readonly had: readonly Had[];
  readonly remembered: readonly Remembered[];
  /** The answer. */
  readonly zero: Date;
  /** When the call ended, ms from the answer: nobody heard what an agent said after it. */
  readonly endedMs: number;
  /** Stretches of which nothing may be known any more. */
  readonly redacted: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** The ref a row gets that was filled in: the same thing filled twice is one row. */
export const refOf = ({ id }: Pick<Remembered, "id">): string => `history:${id}`;

/** A row that lies so near to something remembered, in other words, is taken for the same: better none than one twice. */
const NEAR_MS = 3_000;
/** What the two clocks may still differ in after they were compared. */
const BLUR_MS = 1_500;
/** Words a second, for a length nobody tells. */
const WORDS_PER_S = 2.5;

/**
 * What the engine remembers and the rows do not have. The two are laid side by side in their order, by words, speaker by speaker; the pairs tell
 * how far the vendor's clock is from ours. What is left over on the engine's side is missing, unless a row that found no partner lies where it
 * would be (the same thing in other words), it came after the end, or it lies in what was redacted. Pure.
 */
export function missingOf(compared: Compared): Missing[] {
  return (["caller", "agent"] as const).flatMap((speaker) => missingOfOne(compared, speaker)).sort((a, b) => a.startedMs - b.startedMs);
}

function missingOfOne({ had, remembered, zero, endedMs, redacted }: Compared, speaker: "caller" | "agent"): Missing[] {
  const ours = had.filter((one) => one.speaker === speaker).sort((a, b) => a.startedMs - b.startedMs);
  const known = new Set(ours.map(({ ref }) => ref));
  const theirs = remembered
    .filter((one) => one.speaker === speaker && !known.has(refOf(one)) && !known.has(one.id))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  const waiting = ours.filter(({ ref }) => !ref.startsWith("history:") && !remembered.some(({ id }) => id === ref));
  const pairs = pairsOf(
    waiting.map(({ text }) => plain(text)),
    theirs.map(({ text }) => plain(text)),
  );
  // Of a caller's words Hume tells the end, of an agent's the beginning.
  const ourTime = (one: Had): number => (speaker === "caller" ? one.endedMs : one.startedMs);
  const theirTime = (one: Remembered): number => one.at.getTime() - zero.getTime();
  const aheadMs = median(pairs.map(([our, their]) => theirTime(theirs[their] as Remembered) - ourTime(waiting[our] as Had)));
  const partnered = { ours: new Set(pairs.map(([our]) => our)), theirs: new Set(pairs.map(([, their]) => their)) };
  const alone = waiting.filter((_, index) => !partnered.ours.has(index));

  const found: Missing[] = [];
  for (const [index, one] of theirs.entries()) {
    if (partnered.theirs.has(index)) continue;
    const moment = theirTime(one) - aheadMs;
    const lastsMs = one.lastsMs ?? (one.text.split(/\s+/).length / WORDS_PER_S) * 1000;
    const startedMs = Math.max(0, Math.round(speaker === "caller" ? moment - lastsMs : moment));
    const stopsMs = Math.max(startedMs, Math.round(speaker === "caller" ? moment : moment + lastsMs));
    const same = alone.findIndex((row) => row.startedMs < stopsMs + NEAR_MS && row.endedMs > startedMs - NEAR_MS);
    if (same >= 0) {
      alone.splice(same, 1);
      continue;
    }
    if (startedMs >= endedMs - (speaker === "agent" ? 0 : -BLUR_MS)) continue;
    if (redacted.some(({ fromMs, toMs }) => startedMs < toMs + NEAR_MS && stopsMs > fromMs - NEAR_MS)) continue;
    found.push({ remembered: one, startedMs, endedMs: Math.min(stopsMs, Math.max(startedMs, Math.round(endedMs))) });
  }
  return found;
}

/** Words alone: transcripts of the same thing differ in capitals and commas. */
const plain = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

/** Most rows of a speaker that are compared each with each; a call has some hundred. */
const MOST_COMPARED = 2_000;

/** The longest common subsequence, as pairs of indices. */
function pairsOf(ours: readonly string[], theirs: readonly string[]): [number, number][] {
  const [rows, columns] = [Math.min(ours.length, MOST_COMPARED), Math.min(theirs.length, MOST_COMPARED)];
  const lengths = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
  const at = (row: number, column: number): number => (lengths[row] as Uint16Array)[column] as number;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      (lengths[row] as Uint16Array)[column] =
        ours[row] === theirs[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let row = 0, column = 0; row < rows && column < columns; ) {
    if (ours[row] === theirs[column]) pairs.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return pairs;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
