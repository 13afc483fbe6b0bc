import { type Anchor, SLACK_MS } from "../sound/audio-clock.ts";

/** A hole in the caller's audio longer than this becomes silence; shorter ones are the carrier's clock against ours, and are left alone. */
export const HOLE_MS = 40;
/** How fast two crystals may part, ms a ms: five times what a cheap one does (100 ppm). */
const MOST_DRIFT = 0.000_5;
/** So far on both sides of a hole its length is measured: clocks part by 2 ms in it, and a late stretch is shorter mostly. */
const AROUND_MS = 30_000;
/** The live clock notes a hole up to this many frames after its place. */
const MOST_BACK = 20;

/** The arrivals of a call's frames: first sample, and arrival less the length of the sound until then (as in Anchor). */
export interface Arrivals {
  readonly samples: readonly number[];
  readonly offsetsMs: readonly number[];
}

/**
 * The anchors of a call as they are seen once all of it is known. Frames that come late for longer than a second look like missing sound until they
 * come in time again; but a sample was never heard later than one after it, except for the drift of the two clocks. What then is left as a hole is
 * measured from the earliest arrivals before it to those after it. Without this a recording would keep each such delay as silence for ever, and each
 * hole some milliseconds too short.
 */
export function hindsight(anchors: readonly Anchor[], arrivals: Arrivals, rate: number): Anchor[] {
  const clear = withGaps(clipped(anchors, rate));
  let seen = clear;
  // How fast the clocks part is known when the holes are, and the other way round: three rounds bring both within a millisecond an hour.
  for (let round = 0; round < 3; round++) seen = measured(clear, arrivals, rate, slopeOf(seen, arrivals, rate));
  return seen;
}

/** Holes at their places with their lengths, with the two clocks parting by `slope` ms a sample. */
function measured(anchors: readonly Anchor[], arrivals: Arrivals, rate: number, slope: number): Anchor[] {
  const around = (AROUND_MS * rate) / 1000;
  const holes = anchors.filter(({ gapMs }) => gapMs > HOLE_MS);
  return anchors.map((anchor) => {
    const nth = holes.indexOf(anchor);
    if (nth < 0) return anchor;
    const { sample, gapMs } = anchor;
    const at = firstFrom(arrivals.samples, sample);
    const from = firstFrom(arrivals.samples, Math.max(sample - around, holes[nth - 1]?.sample ?? 0));
    const to = firstFrom(arrivals.samples, Math.min(sample + around, holes[nth + 1]?.sample ?? Number.POSITIVE_INFINITY));
    const straight = (i: number): number =>
      (arrivals.offsetsMs[i] as number) - slope * ((arrivals.samples[i] as number) - (arrivals.samples[at] as number));
    const before = earliest(straight, from, at);
    const after = earliest(straight, at, to);
    const lengthMs = after - before;
    if (!Number.isFinite(lengthMs) || lengthMs <= HOLE_MS) return anchor;
    let first = at;
    for (let back = 0; back < MOST_BACK && first > from && straight(first - 1) > before + lengthMs / 2; back++) first--;
    return { sample: arrivals.samples[first] ?? sample, offsetMs: after, gapMs: Math.min(lengthMs, gapMs + 2 * SLACK_MS) };
  });
}

/** By how many ms a sample the clocks part, holes left out. */
function slopeOf(anchors: readonly Anchor[], { samples, offsetsMs }: Arrivals, rate: number): number {
  const around = firstFrom(samples, (AROUND_MS * rate) / 1000);
  const [first, last] = [samples[0] ?? 0, samples.at(-1) ?? 0];
  if (samples.length < 4 * around || around === 0) return 0;
  const offset = (i: number): number => offsetsMs[i] as number;
  const lost = anchors.reduce((sum, { gapMs }) => (gapMs > HOLE_MS ? sum + gapMs : sum), 0);
  const apart = earliest(offset, samples.length - around, samples.length) - earliest(offset, 0, around) - lost;
  const slope = apart / (last - first);
  return Math.max(-1, Math.min(1, (slope * rate) / 1000 / MOST_DRIFT)) * ((MOST_DRIFT * 1000) / rate);
}

function clipped(anchors: readonly Anchor[], rate: number): Anchor[] {
  let least = Number.POSITIVE_INFINITY;
  let before = 0;
  const seen = anchors.toReversed().map((anchor) => {
    least += (Math.abs(before - anchor.sample) * 1000 * MOST_DRIFT) / rate;
    before = anchor.sample;
    if (anchor.offsetMs > least + SLACK_MS) return { ...anchor, offsetMs: least };
    least = Math.min(least, anchor.offsetMs);
    return anchor;
  });
  return seen.reverse();
}

const withGaps = (anchors: readonly Anchor[]): Anchor[] =>
  anchors.map((anchor, i) => ({ ...anchor, gapMs: i === 0 ? 0 : anchor.offsetMs - (anchors[i - 1] as Anchor).offsetMs }));

function earliest(of: (i: number) => number, from: number, to: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = from; i < to; i++) least = Math.min(least, of(i));
  return least;
}

/** Where the first of the ascending `samples` stands that is not before `sample`. */
function firstFrom(samples: readonly number[], sample: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle] as number) < sample) low = middle + 1;
    else high = middle;
  }
  return low;
}
