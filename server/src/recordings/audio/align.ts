import { HOP_MS } from "./meter.ts";
import { audibleFrom } from "./quiet.ts";

/** How B's clock lies on A's. Frames are of {@link HOP_MS}. */
export interface Alignment {
  /** A's time of B's first sample. */
  readonly offsetMs: number;
  /** How much faster B's clock runs; null when too little of the talk fitted to tell a clock from the noise of the fit. */
  readonly driftPpm: number | null;
  /** Places where B's time jumps: `byMs` of A's time are not in B (negative: B has so much more). */
  readonly steps: readonly { readonly atMs: number; readonly byMs: number }[];
  /** The sides are exchanged in B. */
  readonly swapped: boolean;
  readonly fitted: number;
  readonly windows: number;
  /** Which frame of B holds what frame `i` of A holds, and back; not whole, and maybe outside. */
  inB(i: number): number;
  inA(i: number): number;
}

/** How far apart the two may begin. */
const MOST_LAG_S = 60;
/** Windows for the coarse search, at 20 ms a frame: long enough that no other stretch of the talk looks alike. */
const COARSE_WINDOW_S = 40;
const COARSE_HOP = 20 / HOP_MS;
const MOST_COARSE_WINDOWS = 10;
const LONG = { windowS: COARSE_WINDOW_S, fits: 0.45 };
/**
 * A call that is shorter has one such window, and a few jumps tear that apart: then it is looked for in pieces, which must fit better. Of 120 pairs of
 * different calls of 11, 16 and 25 seconds each none is taken for the same by it.
 */
const SHORT = { windowS: 4, fits: 0.7 };
const isShort = (levels: readonly Uint8Array[]): boolean => (levels[0]?.length ?? 0) * HOP_MS < COARSE_WINDOW_S * 1000;
/** Windows for the fine search: a second or two of speech in each. */
const WINDOW = 6000 / HOP_MS;
const WINDOW_HOP = 2000 / HOP_MS;
/** How far around the expected lag a window is looked for; and when it is not there, how far at all. */
const NEAR = 150 / HOP_MS;
const FAR = 6000 / HOP_MS;
/**
 * Correlations from which a window is believed. The same speech through two coders has 0.8-0.95. By chance a coarse window of another call
 * reaches 0.35 somewhere within two minutes, a fine one 0.5 near and 0.7 far (bench/recordings/compare.ts).
 */
const NEAR_FITS = 0.55;
const FAR_FITS = 0.75;
/** Below this share of fitting windows the two are not the same talk. */
const ALIKE = 0.25;
/** A jump in the lag is one from this on; the fit itself is good to 10 ms. */
const STEP_MS = 60;
/** A window's lag is good to some milliseconds: over 20 s that is some 100 ppm, over 8 s it is more than any clock is off. */
const CLOCK_WINDOWS = 6;
const CLOCK_SPAN = 20_000 / HOP_MS;

/**
 * The first and the last three seconds lie in too few windows for a jump there to be told. They are looked at once more, in short windows that must fit
 * far better elsewhere than where the rest of the call says: by chance two seconds of speech reach 0.8 somewhere within six.
 */
const EDGE_WINDOW = 2000 / HOP_MS;
const EDGE_HOP = 250 / HOP_MS;
const EDGE_FITS = 0.85;
const EDGE_UNFIT = 0.55;

/** A window that fitted: B's frame minus A's. */
interface Fit {
  readonly at: number;
  readonly lag: number;
}

/**
 * Finds how B lies on A: coarsely by long windows over a minute to either side, then finely by short windows along the call, then one clock
 * rate and the jumps by robust medians. Two recordings whose lengths differ much are also tried with B's clock stretched to A's length.
 * Null when nothing fits. Same number of sides in both.
 */
export function align(a: readonly Uint8Array[], b: readonly Uint8Array[]): Alignment | null {
  const plain = alignOn(a, b);
  if (plain && plain.fitted >= plain.windows / 2) return plain;
  const ratio = (b[0]?.length ?? 0) / (a[0]?.length ?? 1);
  if (Math.abs(ratio - 1) < 0.004 || ratio < 0.8 || ratio > 1.25) return plain;
  const stretched = alignOn(
    a,
    b.map((levels) =>
      levels.length === 0
        ? levels
        : Uint8Array.from(
            { length: Math.round(levels.length / ratio) },
            (_, i) => levels[Math.min(levels.length - 1, Math.round(i * ratio))] as number,
          ),
    ),
  );
  if (!stretched || stretched.fitted <= (plain?.fitted ?? 0)) return plain;
  return {
    ...stretched,
    driftPpm: ((1 + (stretched.driftPpm ?? 0) / 1e6) * ratio - 1) * 1e6,
    inB: (i) => stretched.inB(i) * ratio,
    inA: (j) => stretched.inA(j / ratio),
  };
}

function alignOn(a: readonly Uint8Array[], b: readonly Uint8Array[]): Alignment | null {
  const [soundA, soundB] = [a.map(rhythm), b.map(rhythm)];
  const straight = coarse(soundA, soundB);
  const crossed = soundA.length === 2 && (straight?.score ?? 0) < 0.7 ? coarse(soundA, [...soundB].reverse()) : null;
  const swapped = (crossed?.score ?? 0) > (straight?.score ?? 0) + 0.15;
  const guess = (swapped ? crossed : straight) ?? (isShort(a) ? coarse(soundA, soundB, SHORT) : null);
  if (!guess) return null;
  const other = swapped ? [...soundB].reverse() : soundB;
  const { fits, windows } = follow(soundA, other, guess.lagAt);
  if (fits.length < Math.max(1, windows * ALIKE)) return null;
  const plain = line(fits);
  const { head, tail } = edges(soundA, other, plain.inB);
  const all = head.length + tail.length === 0 ? plain : line([...head, ...fits, ...tail]);
  return { ...all, swapped, fitted: fits.length, windows };
}

/** Half a second: syllables are shorter, turns longer. */
const SYLLABLES = 500 / HOP_MS;

/**
 * The rise and fall of syllables: how far each frame stands above silence, less its own average over half a second. Without that average any
 * two people talking look alike; background noise counts for nothing.
 */
function rhythm(levels: Uint8Array): Float32Array {
  const threshold = audibleFrom(levels);
  const above = Float32Array.from(levels, (level) => (level >= threshold ? level - threshold + 8 : 0));
  const out = new Float32Array(above.length);
  const half = SYLLABLES >> 1;
  let sum = 0;
  for (let i = -half; i < above.length; i++) {
    sum += (above[i + half] ?? 0) - (above[i - half - 1] ?? 0);
    if (i >= 0) out[i] = (above[i] as number) - sum / (2 * half + 1);
  }
  return out;
}

interface Guess {
  readonly score: number;
  lagAt(frame: number): number;
}

/** Lags of some long windows along the call; in between the nearest one counts. */
function coarse(
  a: readonly Float32Array[],
  b: readonly Float32Array[],
  { windowS, fits }: { readonly windowS: number; readonly fits: number } = LONG,
): Guess | null {
  const [smallA, smallB] = [a.map(thinned), b.map(thinned)];
  const length = smallA[0]?.length ?? 0;
  const window = Math.min(length, (windowS * 1000) / HOP_MS / COARSE_HOP);
  const reach = Math.min((MOST_LAG_S * 1000) / HOP_MS / COARSE_HOP, Math.max(length, smallB[0]?.length ?? 0));
  const count = Math.max(1, Math.min(MOST_COARSE_WINDOWS, Math.floor((2 * length) / window) - 1));
  const found: { at: number; lag: number; score: number }[] = [];
  for (let k = 0; k < count; k++) {
    const from = count === 1 ? 0 : Math.round((k * (length - window)) / (count - 1));
    const best = search(smallA, smallB, from, window, -reach, reach);
    if (best) found.push({ at: (from + window / 2) * COARSE_HOP, lag: best.lag * COARSE_HOP, score: best.score });
  }
  const good = found.filter(({ score }) => score >= fits);
  if (good.length === 0) return null;
  const score = median(good.map((each) => each.score));
  return {
    score,
    lagAt(frame) {
      const nearest = good.reduce((best, next) => (Math.abs(next.at - frame) < Math.abs(best.at - frame) ? next : best));
      return nearest.lag;
    },
  };
}

const thinned = (sound: Float32Array): Float32Array =>
  Float32Array.from({ length: Math.floor(sound.length / COARSE_HOP) }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < COARSE_HOP; k++) sum += sound[i * COARSE_HOP + k] as number;
    return sum / COARSE_HOP;
  });

/** Walks along the call with short windows, each looking near where the last one fitted, and further when it does not fit there. */
function follow(
  a: readonly Float32Array[],
  b: readonly Float32Array[],
  lagAt: (frame: number) => number,
): { fits: Fit[]; windows: number } {
  const length = a[0]?.length ?? 0;
  const window = Math.min(WINDOW, length);
  const fits: Fit[] = [];
  let windows = 0;
  for (let from = 0; from + window <= length; from += WINDOW_HOP) {
    if (share(a, from, window) < 0.1) continue;
    windows++;
    const at = from + window / 2;
    const last = fits.at(-1);
    const near = last && at - last.at < 20 * WINDOW_HOP ? last.lag : lagAt(at);
    const found = search(a, b, from, window, near - NEAR, near + NEAR);
    if (found && found.score >= NEAR_FITS && !found.rim) {
      fits.push({ at, lag: found.lag });
      continue;
    }
    const far = search(a, b, from, window, lagAt(at) - FAR, lagAt(at) + FAR);
    if (far && far.score >= FAR_FITS) fits.push({ at, lag: far.lag });
  }
  return { fits, windows };
}

/** Short windows before the middle of the first long one, and after that of the last, that fit somewhere else than `inB` says: two at least, alike. */
function edges(
  a: readonly Float32Array[],
  b: readonly Float32Array[],
  inB: (i: number) => number,
): { readonly head: Fit[]; readonly tail: Fit[] } {
  const length = a[0]?.length ?? 0;
  if (length < 2 * WINDOW) return { head: [], tail: [] };
  const elsewhere = (from: number): Fit | null => {
    if (share(a, from, EDGE_WINDOW) < 0.4) return null;
    const at = from + EDGE_WINDOW / 2;
    const told = inB(at) - at;
    const there = search(a, b, from, EDGE_WINDOW, told - STEP_MS / HOP_MS, told + STEP_MS / HOP_MS);
    if (there && there.score > EDGE_UNFIT) return null;
    const found = search(a, b, from, EDGE_WINDOW, told - FAR, told + FAR);
    return found && found.score >= EDGE_FITS && !found.rim ? { at, lag: found.lag } : null;
  };
  const among = (first: number): Fit[] => {
    const fits: Fit[] = [];
    for (let from = first; from + EDGE_WINDOW / 2 <= first + WINDOW / 2; from += EDGE_HOP) {
      const fit = from + EDGE_WINDOW <= length ? elsewhere(from) : null;
      if (fit) fits.push(fit);
    }
    const middle = median(fits.map(({ lag }) => lag));
    const alike = fits.filter(({ lag }) => Math.abs(lag - middle) * HOP_MS <= STEP_MS / 3);
    return alike.length >= 2 ? alike : [];
  };
  return { head: among(0), tail: among(length - WINDOW / 2 - EDGE_WINDOW / 2) };
}

function share(sides: readonly Float32Array[], from: number, window: number): number {
  let heard = 0;
  for (let i = from; i < from + window; i++) if (sides.some((side) => side[i] !== 0)) heard++;
  return heard / window;
}

interface Found {
  /** B's frame minus A's, to a fraction of a frame. */
  readonly lag: number;
  readonly score: number;
  /** The best is at the end of the search: the real one may lie beyond. */
  readonly rim: boolean;
}

/** The lag at which a window of A fits B best: normalised correlation over all sides that have sound in both. Null without sound. */
function search(
  a: readonly Float32Array[],
  b: readonly Float32Array[],
  from: number,
  window: number,
  low: number,
  high: number,
): Found | null {
  const lags = Math.round(high) - Math.round(low) + 1;
  const products = new Float64Array(lags);
  const energies = new Float64Array(lags);
  let energyA = 0;
  a.forEach((side, which) => {
    const other = b[which] as Float32Array;
    let own = 0;
    for (let i = from; i < from + window; i++) own += (side[i] as number) ** 2;
    if (own === 0 || other.length === 0) return;
    const there = correlate(side, other, from, window, Math.round(low), products, energies);
    if (there) energyA += own;
  });
  if (energyA === 0) return null;
  let best = -1;
  let top = 0;
  for (let k = 0; k < lags; k++) {
    const energy = energies[k] as number;
    const score = energy > 0 ? (products[k] as number) / Math.sqrt(energyA * energy) : 0;
    products[k] = score;
    if (score > top) {
      top = score;
      best = k;
    }
  }
  if (best < 0) return null;
  const rim = best === 0 || best === lags - 1;
  const peak = rim ? 0 : vertex(products[best - 1] as number, top, products[best + 1] as number);
  return { lag: Math.round(low) + best + peak, score: top, rim };
}

/** Adds each lag's product and B's energy under the window; false when this side of B is silent in all the reach. */
function correlate(
  a: Float32Array,
  b: Float32Array,
  from: number,
  window: number,
  low: number,
  products: Float64Array,
  energies: Float64Array,
): boolean {
  const lags = products.length;
  let energy = 0;
  for (let i = from + low; i < from + low + window; i++) energy += (b[i] ?? 0) ** 2;
  let any = energy > 0;
  const sounding: number[] = [];
  for (let i = from; i < from + window; i++) if (a[i] !== 0) sounding.push(i);
  for (let k = 0; k < lags; k++) {
    const lag = low + k;
    let product = 0;
    for (const i of sounding) {
      const at = i + lag;
      if (at >= 0 && at < b.length) product += (a[i] as number) * (b[at] as number);
    }
    products[k] = (products[k] as number) + product;
    energies[k] = (energies[k] as number) + energy;
    energy += (b[from + lag + window] ?? 0) ** 2 - (b[from + lag] ?? 0) ** 2;
    any ||= energy > 1e-3;
  }
  return any;
}

/** Where the parabola through three neighbours has its top, -0.5..0.5. */
function vertex(before: number, top: number, after: number): number {
  const bend = before - 2 * top + after;
  return bend >= 0 ? 0 : Math.max(-0.5, Math.min(0.5, (0.5 * (before - after)) / bend));
}

/** One rate for the whole, then a level for each stretch between jumps. */
function line(fits: readonly Fit[]): Pick<Alignment, "offsetMs" | "driftPpm" | "steps" | "inB" | "inA"> {
  const span = (fits.at(-1) as Fit).at - (fits[0] as Fit).at;
  const tells = fits.length >= CLOCK_WINDOWS && span >= CLOCK_SPAN;
  const stretches = split(fits, tells ? nearSlope(fits) : 0);
  const rate = tells ? slope(stretches) : 0;
  const levels = stretches.map((stretch) => ({
    from: (stretch[0] as Fit).at,
    to: (stretch.at(-1) as Fit).at,
    level: median(stretch.map(({ at, lag }) => lag - rate * at)),
  }));
  const starts = levels.map((each, i) => (i === 0 ? Number.NEGATIVE_INFINITY : ((levels[i - 1]?.to ?? 0) + each.from) / 2));
  const levelAt = (frame: number) => (levels[starts.findLastIndex((start) => start <= frame)] as { level: number }).level;
  const inB = (i: number) => i + levelAt(i) + rate * i;
  const first = levels[0] as { level: number };
  return {
    inB,
    inA(j) {
      for (let i = levels.length - 1; i > 0; i--) {
        const at = (j - (levels[i] as { level: number }).level) / (1 + rate);
        if (at >= (starts[i] as number)) return at;
      }
      return (j - first.level) / (1 + rate);
    },
    offsetMs: (-first.level / (1 + rate)) * HOP_MS,
    driftPpm: tells ? rate * 1e6 : null,
    steps: levels.slice(1).map((each, i) => ({
      atMs: (starts[i + 1] as number) * HOP_MS,
      byMs: ((levels[i] as { level: number }).level - each.level) * HOP_MS,
    })),
  };
}

/** Median slope of windows that are near each other: coarse, but jumps are few among them. */
function nearSlope(fits: readonly Fit[]): number {
  const slopes = fits.flatMap((one, i) => fits.slice(i + 2, i + 8).map((two) => (two.lag - one.lag) / (two.at - one.at)));
  return slopes.length === 0 ? 0 : median(slopes);
}

/** Median slope over pairs of one stretch that lie well apart in it (Theil-Sen), among at most 200 windows a stretch. */
function slope(stretches: readonly (readonly Fit[])[]): number {
  const slopes: number[] = [];
  const longest = Math.max(...stretches.map((stretch) => stretch.length));
  for (const stretch of stretches) {
    if (stretch.length * 2 < longest) continue; // a short stretch tells the rate badly
    const some = stretch.length <= 200 ? stretch : stretch.filter((_, i) => i % Math.ceil(stretch.length / 200) === 0);
    const apart = ((some.at(-1) as Fit).at - (some[0] as Fit).at) / 3;
    some.forEach((one, i) => {
      for (const two of some.slice(i + 1)) if (two.at - one.at >= apart) slopes.push((two.lag - one.lag) / (two.at - one.at));
    });
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

/** Cuts the windows where the lag jumps and stays there: the medians of three before and three after differ. */
function split(fits: readonly Fit[], rate: number): Fit[][] {
  const level = fits.map(({ at, lag }) => lag - rate * at);
  const out: Fit[][] = [[]];
  let since = 0;
  fits.forEach((fit, i) => {
    const before = level.slice(Math.max(since, i - 3), i);
    const after = level.slice(i, i + 3);
    const far = (x: number, y: number) => Math.abs(x - y) * HOP_MS > STEP_MS;
    if (before.length > 1 && after.length > 1 && far(median(after), median(before)) && !far(level[i] as number, median(after))) {
      out.push([]);
      since = i;
    }
    out.at(-1)?.push(fit);
  });
  return out;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}
