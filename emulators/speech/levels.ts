import { BANDS, bandLevels, framesIn, HOP_SAMPLES } from "./sketch.ts";

/** What a sound is by its levels: where speech begins and ends in it, its pauses, and what is left when loudness and line no longer matter. */

/** Frames quieter than the loudest by this much, at either end, are not part of what was said. */
const EDGE_DB = 24;
/** Band levels are looked at from each band's own loudest (0) down to here: below is the line's noise. */
const DEPTH_DB = 22;
/** The noise of the line: what a fifth of all frames (the pauses before, within and after) do not exceed, and a little more. */
const QUIET_SHARE = 0.2;
const OVER_NOISE_DB = 5;
/** A pause of so many frames may part two phrases said in one go. */
const PAUSE = 8;

/** Levels as measured: BANDS values a frame, dB. */
export type Levels = Float32Array;

export interface Sketch {
  /** BANDS values a frame, normalised: 0 the loudest of its band, `floor` of that band the quietest. */
  readonly levels: Float32Array;
  readonly frames: number;
  /** By band: what is quieter than this is the noise of the line, and is not compared. At best -DEPTH_DB. */
  readonly floor: Float32Array;
  /** What a sum of differences is divided by to be dB per band: bands drowned in noise differ little and count little. */
  readonly tell: number;
}

/** Levels, and what is known of the line they came over. */
export interface Line {
  readonly raw: Levels;
  readonly frames: number;
  readonly loudness: Float32Array;
  /** dB of the noise, by band. */
  readonly noise: Float32Array;
  /** Frames below this loudness are no speech. */
  readonly edgeDb: number;
}

export function levelsOf(sound: Int16Array): Levels {
  const frames = framesIn(sound.length);
  const levels = new Float32Array(frames * BANDS);
  for (let frame = 0; frame < frames; frame++) bandLevels(sound, frame * HOP_SAMPLES, levels, frame * BANDS);
  return levels;
}

/** @param clean a sound of the book: there is no line and no noise, and its quietest parts are speech */
export function lineOf(raw: Levels, clean = false): Line {
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
export function trimmed({ loudness, edgeDb }: Line, from: number, to: number): readonly [number, number] {
  let first = from;
  let end = to;
  while (first < end && (loudness[first] as number) < edgeDb) first++;
  while (end > first && (loudness[end - 1] as number) < edgeDb) end--;
  return [first, end];
}

/** The middles of the pauses between two places. */
export function pausesOf({ loudness, edgeDb }: Line, from: number, to: number): number[] {
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
export function sketchOf({ raw, noise }: Line, from: number, to: number): Sketch {
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
