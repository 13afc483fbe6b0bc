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
/** Frames quieter than the loudest by this much, at either end, are not part of what was said. */
const EDGE_DB = 24;
/** Band levels are looked at from each band's own loudest (0) down to here: below is the line's noise. */
const DEPTH_DB = 22;
/** The noise of the line: what a fifth of all frames (the pauses before, within and after) do not exceed, and a little more. */
const QUIET_SHARE = 0.2;
const OVER_NOISE_DB = 5;
/** How many candidates of the quick look are compared thoroughly. */
const CANDIDATES = 6;
/** Frames by which two sounds may run apart, on top of a share of their length: lost or doubled packets, a breath. */
const SLACK = 8;
const SLACK_SHARE = 0.06;
/** A pause of so many frames may part two phrases said in one go. */
const PAUSE = 8;
/** More pauses than this are not tried. */
const MOST_PAUSES = 7;
/** A piece between two pauses is at least so many frames; what is shorter belongs to its neighbour. */
const LEAST_PIECE = 8;
/** A part of a phrase is taken for one when it is at least this long. */
const LEAST_PART = 50;

/** Levels as measured: BANDS values a frame, dB. */
type Levels = Float32Array;

interface Sketch {
  /** BANDS values a frame, normalised: 0 the loudest of its band, `floor` of that band the quietest. */
  readonly levels: Float32Array;
  readonly frames: number;
  /** By band: what is quieter than this is the noise of the line, and is not compared. At best -DEPTH_DB. */
  readonly floor: Float32Array;
  /** What a sum of differences is divided by to be dB per band: bands drowned in noise differ little and count little. */
  readonly tell: number;
}

interface Entry {
  readonly text: string;
  /** Without its quiet ends. */
  readonly raw: Levels;
  readonly sketch: Sketch;
}

/** Levels, and what is known of the line they came over. */
interface Line {
  readonly raw: Levels;
  readonly frames: number;
  readonly loudness: Float32Array;
  /** dB of the noise, by band. */
  readonly noise: Float32Array;
  /** Frames below this loudness are no speech. */
  readonly edgeDb: number;
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

function slackFor(frames: number): number {
  return SLACK + Math.ceil(frames * SLACK_SHARE);
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

function levelsOf(sound: Int16Array): Levels {
  const frames = framesIn(sound.length);
  const levels = new Float32Array(frames * BANDS);
  for (let frame = 0; frame < frames; frame++) bandLevels(sound, frame * HOP_SAMPLES, levels, frame * BANDS);
  return levels;
}

/** @param clean a sound of the book: there is no line and no noise, and its quietest parts are speech */
function lineOf(raw: Levels, clean = false): Line {
  const frames = raw.length / BANDS;
  const loudness = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (let band = 0; band < BANDS; band++) sum += 10 ** ((raw[frame * BANDS + band] as number) / 10);
    loudness[frame] = 10 * Math.log10(sum);
  }
  const quiet = (values: Float32Array, from: number, step: number): number =>
    clean ? Number.NEGATIVE_INFINITY : percentile(values, QUIET_SHARE, from, values.length, step) + OVER_NOISE_DB;
  const noise = Float32Array.from({ length: BANDS }, (_, band) => quiet(raw, band, BANDS));
  // the fifth loudest frame, for the loudest ones may be a click
  const loud = percentile(loudness, 1 - 5 / Math.max(6, frames));
  const edgeDb = Math.max(loud - EDGE_DB, quiet(loudness, 0, 1));
  return { raw, frames, loudness, noise, edgeDb };
}

/** The frames between two places, without the quiet ends. */
function trimmed({ loudness, edgeDb }: Line, from: number, to: number): readonly [number, number] {
  let first = from;
  let end = to;
  while (first < end && (loudness[first] as number) < edgeDb) first++;
  while (end > first && (loudness[end - 1] as number) < edgeDb) end--;
  return [first, end];
}

/** The middles of the pauses between two places. */
function pausesOf({ loudness, edgeDb }: Line, from: number, to: number): number[] {
  const pauses: number[] = [];
  let quietSince = -1;
  for (let frame = from; frame <= to; frame++) {
    const quiet = frame < to && (loudness[frame] as number) < edgeDb;
    if (quiet && quietSince < 0) quietSince = frame;
    if (quiet || quietSince < 0) continue;
    if (frame - quietSince >= PAUSE && frame < to) pauses.push(Math.round((quietSince + frame) / 2));
    quietSince = -1;
  }
  return pauses;
}

/** Sets each band's loudest to 0, so that it no longer matters how loud the sound is and what line it came by. */
function sketchOf({ raw, noise }: Line, from: number, to: number): Sketch {
  const frames = to - from;
  const levels = raw.slice(from * BANDS, to * BANDS);
  const floor = new Float32Array(BANDS);
  let tell = 0;
  for (let band = 0; band < BANDS; band++) {
    const loudest = percentile(raw, 0.9, from * BANDS + band, to * BANDS, BANDS);
    const lowest = Math.max(-DEPTH_DB, Math.min(-1, (noise[band] as number) - loudest));
    floor[band] = lowest;
    tell -= lowest / DEPTH_DB;
    for (let at = band; at < levels.length; at += BANDS) levels[at] = Math.max(lowest, Math.min(3, (levels[at] as number) - loudest));
  }
  return { levels, frames, floor, tell: Math.max(1, tell) };
}

/** Half decibels from -20 up: where the levels of `bandLevels` lie. */
const counts = new Uint16Array(320);
const binOf = (db: number): number => Math.max(0, Math.min(counts.length - 1, Math.round((db + 20) * 2)));

/** The level that so large a share of the values does not exceed, to half a decibel. `values[from], values[from + step], ...` below `to`. */
function percentile(values: Float32Array, share: number, from = 0, to = values.length, step = 1): number {
  counts.fill(0);
  let left = 0;
  for (let at = from; at < to; at += step) {
    const bin = binOf(values[at] as number);
    counts[bin] = (counts[bin] as number) + 1;
    left++;
  }
  left = Math.floor(left * share) + 1;
  let bin = 0;
  while (bin < counts.length - 1 && left > (counts[bin] as number)) left -= counts[bin++] as number;
  return bin / 2 - 20;
}

/** dB, summed over the bands. Where the heard sound is at its noise floor, the phrase is taken to be no quieter than that. */
function frameDifference(heard: Sketch, frame: number, entry: Sketch, other: number): number {
  let sum = 0;
  const atHeard = frame * BANDS;
  const atEntry = other * BANDS;
  for (let band = 0; band < BANDS; band++) {
    sum += Math.abs(
      (heard.levels[atHeard + band] as number) - Math.max(entry.levels[atEntry + band] as number, heard.floor[band] as number),
    );
  }
  return sum;
}

/**
 * Mean difference at the best of a few shifts, every other frame, without stretching: enough to find the candidates. `skip` frames of the
 * phrase are left out at its beginning.
 */
function quickDifference(entry: Sketch, heard: Sketch, skip = 0): number {
  let best = Number.POSITIVE_INFINITY;
  for (let shift = -SLACK; shift <= SLACK; shift += 2) {
    let sum = 0;
    let count = 0;
    for (let frame = Math.max(0, -shift - skip); frame < heard.frames; frame += 2) {
      const other = frame + shift + skip;
      if (other >= entry.frames) break;
      sum += frameDifference(heard, frame, entry, other);
      count++;
    }
    if (count * 2 >= heard.frames - 2 * SLACK && count > 0) best = Math.min(best, sum / count / heard.tell);
  }
  return best;
}

/**
 * Mean difference along the best path through both sounds (dynamic time warping within `slack` frames of the diagonal). Up to `SLACK`
 * frames at either end of either sound may be left out.
 */
function difference(entry: Sketch, heard: Sketch, slack: number): number {
  const n = heard.frames;
  const m = entry.frames;
  if (n === 0 || m === 0) return Number.POSITIVE_INFINITY;
  // sums and lengths of the best path to each cell of this row and of the row before
  let before = new Float64Array(m + 1).fill(Number.POSITIVE_INFINITY);
  let now = new Float64Array(m + 1).fill(Number.POSITIVE_INFINITY);
  let stepsBefore = new Uint16Array(m + 1);
  let stepsNow = new Uint16Array(m + 1);
  for (let j = 0; j <= Math.min(SLACK, m); j++) before[j] = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 1; i <= n; i++) {
    const middle = (i * m) / n;
    const from = Math.max(1, Math.floor(middle - slack));
    const to = Math.min(m, Math.ceil(middle + slack));
    now.fill(Number.POSITIVE_INFINITY);
    stepsNow[0] = 0;
    if (i <= SLACK) now[0] = 0;
    for (let j = from; j <= to; j++) {
      const here = frameDifference(heard, i - 1, entry, j - 1) / heard.tell;
      // leaving the diagonal costs half a dB: a path is bent for a reason or not at all
      const straight = before[j - 1] as number;
      const held = (before[j] as number) + 0.5;
      const skipped = (now[j - 1] as number) + 0.5;
      if (straight <= held && straight <= skipped) {
        now[j] = straight + here;
        stepsNow[j] = (stepsBefore[j - 1] as number) + 1;
      } else if (held <= skipped) {
        now[j] = held + here;
        stepsNow[j] = (stepsBefore[j] as number) + 1;
      } else {
        now[j] = skipped + here;
        stepsNow[j] = (stepsNow[j - 1] as number) + 1;
      }
      const isEnd = (i >= n - SLACK && j === m) || (i === n && j >= m - SLACK);
      if (isEnd) best = Math.min(best, (now[j] as number) / Math.max(1, stepsNow[j] as number));
    }
    [before, now] = [now, before];
    [stepsBefore, stepsNow] = [stepsNow, stepsBefore];
  }
  return best;
}
