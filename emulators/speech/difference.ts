import type { Sketch } from "./levels.ts";
import { BANDS } from "./sketch.ts";

/** How far two sounds are from each other, in dB per band and frame: roughly and quickly, or along the best path. */

/** Frames by which two sounds may run apart, on top of a share of their length: lost or doubled packets, a breath. */
export const SLACK = 8;
const SLACK_SHARE = 0.06;

/** Frames by which sounds of that length may run apart. */
export function slackFor(frames: number): number {
  return SLACK + Math.ceil(frames * SLACK_SHARE);
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
export function quickDifference(entry: Sketch, heard: Sketch, skip = 0): number {
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
export function difference(entry: Sketch, heard: Sketch, slack: number): number {
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
