import { difference, quickDifference, SLACK, slackFor } from "./difference.ts";
import { type Levels, type Line, levelsOf, lineOf, pausesOf, type Sketch, sketchOf, trimmed } from "./levels.ts";
import { BANDS, bandLevels, FRAME_MS, framesIn, HOP_SAMPLES } from "./sketch.ts";

/** Something that may be said, and how it sounds: 16 kHz mono. */
export interface Phrase {
  readonly text: string;
  readonly sound: Int16Array;
}

export interface Heard {
  /**
   * The phrase, or several that were said in one go, or the words of one that was heard in part. A sound that is in no book is a
   * placeholder such as "(speech, 2.3 s)".
   */
  readonly text: string;
  /** Is all of it in the book? */
  readonly known: boolean;
  /** Mean difference to the nearest phrase, dB per band and frame: 0 is the same sound, above `ALIKE_DB` it is another. */
  readonly differenceDb: number;
}

/** One utterance while it is heard. Both are given the whole sound since it began, growing; only what is new is looked at. */
export interface Hearing {
  /** The words so far, of a sound that goes on. */
  soFar(sound: Int16Array): string;
  /** What was said. */
  end(sound: Int16Array): Heard;
}

export interface PhraseBook {
  readonly texts: readonly string[];
  begin(): Hearing;
  recognise(sound: Int16Array): Heard;
}

/**
 * A sound within this many dB of a phrase is that phrase. Measured with 132 phrases in eight voices: the same phrase over a telephone band,
 * 12 dB quieter, with noise 15 dB below it, or with 2% of its packets lost, is at most 1.7 away; of 568 prompts of a human voice the
 * nearest is 2.8 away. Synthetic phrases that differ in one short word are about 1.5 apart: which is why the nearest wins.
 */
export const ALIKE_DB = 2.3;
/** How many candidates of the quick look are compared thoroughly. */
const CANDIDATES = 6;
/** More pauses than this are not tried. */
const MOST_PAUSES = 7;
/** A piece between two pauses is at least so many frames; what is shorter belongs to its neighbour. */
const LEAST_PIECE = 8;
/** A part of a phrase is taken for one when it is at least this long. */
const LEAST_PART = 50;

interface Entry {
  readonly text: string;
  /** Without its quiet ends. */
  readonly raw: Levels;
  readonly sketch: Sketch;
}

/** A closed book of phrases, told apart by their sound alone. Two phrases that sound the same are the first of them. */
export function openPhraseBook(phrases: readonly Phrase[]): PhraseBook {
  const entries: Entry[] = phrases.map(({ text, sound }) => entryOf(text, levelsOf(sound))).filter((entry) => entry.sketch.frames > 0);

  function begin(): Hearing {
    let raw: Levels = new Float32Array(64 * BANDS);
    let frames = 0;
    const look = (sound: Int16Array): Levels => {
      const now = framesIn(sound.length);
      if (now * BANDS > raw.length) {
        const larger = new Float32Array(Math.max(now, (raw.length / BANDS) * 2) * BANDS);
        larger.set(raw.subarray(0, frames * BANDS));
        raw = larger;
      }
      for (; frames < now; frames++) bandLevels(sound, frames * HOP_SAMPLES, raw, frames * BANDS);
      return raw.subarray(0, now * BANDS);
    };
    return { soFar: (sound) => wordsSoFar(look(sound)), end: (sound) => recogniseLevels(look(sound)) };
  }

  function recogniseLevels(raw: Levels): Heard {
    const line = lineOf(raw);
    const [from, to] = trimmed(line, 0, line.frames);
    const whole = nearest(line, from, to);
    if (whole.known) return whole;
    const pauses = pausesOf(line, from, to);
    const several = pauses.length > 0 && pauses.length <= MOST_PAUSES ? inPieces(line, [from, ...pauses, to]) : null;
    if (several?.known) return several;
    return inPart(line, from, to) ?? several ?? whole;
  }

  /** The phrase that the frames between two places are, as a whole. */
  function nearest(line: Line, from: number, to: number): Heard {
    const heard = sketchOf(line, from, to);
    const slack = slackFor(heard.frames);
    const candidates = entries
      .filter((entry) => Math.abs(entry.sketch.frames - heard.frames) <= slack)
      .map((entry) => ({ entry, db: quickDifference(entry.sketch, heard) }))
      .sort((a, b) => a.db - b.db)
      .slice(0, CANDIDATES);
    let best: Entry | null = null;
    let bestDb = Number.POSITIVE_INFINITY;
    for (const { entry, db: quickDb } of candidates) {
      // found, and what follows is not even roughly like it
      if (bestDb <= ALIKE_DB && quickDb > 2 * ALIKE_DB) break;
      const db = difference(entry.sketch, heard, slack);
      if (db < bestDb) [best, bestDb] = [entry, db];
    }
    if (best && bestDb <= ALIKE_DB) return { text: best.text, known: true, differenceDb: bestDb };
    return { text: placeholder(heard.frames), known: false, differenceDb: bestDb };
  }

  /** Several phrases with pauses between them: the parting that leaves least unknown. Null when no piece is known. */
  function inPieces(line: Line, borders: readonly number[]): Heard | null {
    interface Parting {
      readonly costs: number;
      readonly pieces: readonly Heard[];
    }
    const best: (Parting | undefined)[] = [{ costs: 0, pieces: [] }];
    for (let end = 1; end < borders.length; end++) {
      for (let start = 0; start < end; start++) {
        if (start === 0 && end === borders.length - 1) continue; // the whole: known not to be one
        const [from, to] = trimmed(line, borders[start] as number, borders[end] as number);
        if (to - from < LEAST_PIECE) continue;
        const piece = nearest(line, from, to);
        const before = best[start];
        if (!before) continue;
        const costs = before.costs + (to - from) * (piece.known ? piece.differenceDb : 3 * ALIKE_DB) + ALIKE_DB;
        if (costs < (best[end]?.costs ?? Number.POSITIVE_INFINITY)) best[end] = { costs, pieces: [...before.pieces, piece] };
      }
    }
    const pieces = best[borders.length - 1]?.pieces ?? [];
    if (!pieces.some((piece) => piece.known)) return null;
    const parts: string[] = [];
    let unknown = 0;
    for (const piece of pieces) {
      if (piece.known) parts.push(piece.text);
      else if (unknown++ === 0 || !parts.at(-1)?.startsWith("(speech")) parts.push(piece.text);
    }
    return { text: parts.join(" "), known: unknown === 0, differenceDb: Math.max(...pieces.map((piece) => piece.differenceDb)) };
  }

  /** The beginning or the end of a phrase whose other part was not heard. */
  function inPart(line: Line, from: number, to: number): Heard | null {
    const heard = sketchOf(line, from, to);
    if (heard.frames < LEAST_PART) return null;
    let best: { text: string; db: number } | null = null;
    for (const { text, raw, sketch } of entries) {
      const beyond = sketch.frames - heard.frames;
      if (beyond <= 0) continue;
      for (const [skip, words] of [
        [0, firstWords],
        [beyond, lastWords],
      ] as const) {
        // a rough look first: the part's own loudest is not the whole phrase's
        if (quickDifference(sketch, heard, skip) > 2 * ALIKE_DB) continue;
        const part = sketchOf(lineOf(raw.subarray(skip * BANDS, (skip + heard.frames) * BANDS), true), 0, heard.frames);
        const db = quickDifference(part, heard);
        if (db <= ALIKE_DB && db < (best?.db ?? Number.POSITIVE_INFINITY)) best = { text: words(text, heard.frames / sketch.frames), db };
      }
    }
    return best && { text: best.text, known: true, differenceDb: best.db };
  }

  /** The phrase that begins like this, as far as it has come. */
  function wordsSoFar(raw: Levels): string {
    const line = lineOf(raw);
    const [from, to] = trimmed(line, 0, line.frames);
    const heard = sketchOf(line, from, to);
    if (heard.frames === 0) return placeholder(0);
    const candidates = entries
      .filter((entry) => entry.sketch.frames + SLACK >= heard.frames)
      .map((entry) => ({ entry, db: quickDifference(entry.sketch, heard) }))
      .sort((a, b) => a.db - b.db)
      .slice(0, CANDIDATES);
    let best: Entry | null = null;
    let bestDb = 1.5 * ALIKE_DB;
    for (const { entry } of candidates) {
      const frames = Math.min(heard.frames, entry.sketch.frames);
      const head = sketchOf(lineOf(entry.raw.subarray(0, frames * BANDS), true), 0, frames);
      const db = quickDifference(head, heard);
      if (db < bestDb) [best, bestDb] = [entry, db];
    }
    return best ? firstWords(best.text, heard.frames / best.sketch.frames) : placeholder(heard.frames);
  }

  return { texts: entries.map((entry) => entry.text), begin, recognise: (sound) => recogniseLevels(levelsOf(sound)) };
}

function entryOf(text: string, raw: Levels): Entry {
  const line = lineOf(raw, true);
  const [from, to] = trimmed(line, 0, line.frames);
  return { text, raw: raw.slice(from * BANDS, to * BANDS), sketch: sketchOf(line, from, to) };
}

function placeholder(frames: number): string {
  return `(speech, ${((frames * FRAME_MS) / 1_000).toFixed(1)} s)`;
}

function firstWords(text: string, share: number): string {
  const words = text.split(" ");
  return words.slice(0, Math.max(1, Math.min(words.length, Math.round(words.length * share)))).join(" ");
}

function lastWords(text: string, share: number): string {
  const words = text.split(" ");
  return words.slice(-Math.max(1, Math.min(words.length, Math.round(words.length * share)))).join(" ");
}
