/** What is wrong with the network, the carrier's clock and the machine during a driven call. Times are ms of the call. */
export interface Trouble {
  readonly name: string;
  /** By how many millionths the carrier's crystal is faster than ours. */
  readonly ppm: number;
  /** Frames of the caller that never came: from, to. */
  readonly holes: readonly (readonly [number, number])[];
  /** Nothing came, and then everything at once: from, to. */
  readonly stalls: readonly (readonly [number, number])[];
  /** Everything comes so much later for a while, and then in time again: from, to, ms. */
  readonly late: readonly (readonly [number, number, number])[];
  /** Our wall clock is set: at, by so many ms. */
  readonly jumps: readonly (readonly [number, number])[];
  /** A tick of ours that comes late: at, ms. */
  readonly pauses: readonly (readonly [number, number])[];
}

const quiet = { ppm: 0, holes: [], stalls: [], late: [], jumps: [], pauses: [] } as const;
const minute = 60_000;
/** The same trouble again and again: every `every` ms from `first` on. */
const again = <T>(totalMs: number, first: number, every: number, make: (at: number, nth: number) => T): T[] =>
  Array.from({ length: Math.max(0, Math.ceil((totalMs - first) / every)) }, (_, nth) => make(first + nth * every, nth));

const oneOf = (all: readonly number[], nth: number): number => all[nth % all.length] as number;

/** The troubles a recording must survive, for a call of `totalMs`. */
export function troubles(totalMs: number): readonly Trouble[] {
  const holes = again(totalMs, 0.4 * minute, 2.5 * minute, (at, nth) => [at, at + oneOf([60, 400, 3_000, 12_000], nth)] as const);
  const stalls = again(totalMs, 0.7 * minute, 1.7 * minute, (at, nth) => [at, at + oneOf([200, 900, 4_000], nth)] as const);
  // Never across a hole: lateness and loss that change together cannot be told apart by when frames come.
  const late = again(totalMs, 1.15 * minute, 2.5 * minute, (at, nth) => [at, at + 7_000, oneOf([90, 150, 400], nth)] as const);
  const jumps = [
    [totalMs * 0.3, 3_600_000],
    [totalMs * 0.5, -5_400_000],
    [totalMs * 0.8, 777],
  ] as const;
  const pauses = again(totalMs, 0.9 * minute, 2.3 * minute, (at, nth) => [at, oneOf([70, 250, 1_500], nth)] as const);
  return [
    { name: "a good network", ...quiet },
    { name: "the carrier's clock 60 ppm fast", ...quiet, ppm: 60 },
    { name: "the carrier's clock 60 ppm slow", ...quiet, ppm: -60 },
    { name: "injected silence (frames lost: 60 ms to 12 s)", ...quiet, holes },
    { name: "bursts (nothing for 0.2 to 4 s, then all at once)", ...quiet, stalls },
    { name: "late for seconds (90 to 400 ms), then in time", ...quiet, late },
    { name: "our wall clock set (+1 h, -1.5 h, +0.8 s)", ...quiet, jumps },
    { name: "our process stalls (70 ms to 1.5 s)", ...quiet, pauses },
    { name: "all of these", ppm: 60, holes, stalls, late, jumps, pauses },
  ];
}
