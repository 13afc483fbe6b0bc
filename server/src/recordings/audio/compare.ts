import { type Alignment, align } from "./align.ts";
import { HOP_MS } from "./meter.ts";
import { audibleFrom } from "./quiet.ts";

/**
 * Holds two independent recordings of one call against each other. Pure: loudness a frame in, verdict out. The method, with its figures, is
 * in COMPARING.md: alignment by windows (align.ts), then a look for sound that one has and the other lacks.
 */

/** One recording: loudness frames (meter.ts) of its sides, [caller, agent], or of the one mix. */
export interface Take {
  readonly levels: readonly Uint8Array[];
  /** Frames that hold a flat top, a side. */
  readonly clips: readonly (readonly number[])[];
}

export type Side = "caller" | "agent" | "both";

/** Times are milliseconds of recording A. `in`: which of the two has the fault. */
export type Finding =
  /** Sound that the other has is not there. `edge`: the recording had not begun yet, or was over. */
  | {
      readonly what: "lacks";
      readonly in: "a" | "b";
      readonly side: Side;
      readonly fromMs: number;
      readonly toMs: number;
      readonly edge: "start" | "end" | null;
    }
  /** Time itself is missing (or was inserted, in the other): everything after comes so much earlier. */
  | { readonly what: "jumps"; readonly in: "a" | "b"; readonly atMs: number; readonly lostMs: number }
  /** Too loud for its format: tops are cut flat where the other recording's are not. `clippedMs`: frames that hold one. */
  | {
      readonly what: "clips";
      readonly in: "a" | "b";
      readonly side: Side;
      readonly fromMs: number;
      readonly toMs: number;
      readonly clippedMs: number;
    }
  /** The clocks run apart by more than {@link MOST_DRIFT_PPM}. */
  | { readonly what: "drifts"; readonly in: "b"; readonly ppm: number }
  /** One channel where two were expected, or both channels the same. */
  | { readonly what: "mixed"; readonly in: "a" | "b" }
  /** The sides are exchanged. */
  | { readonly what: "swapped"; readonly in: "b" }
  /** Both have sound and it has nothing in common. */
  | { readonly what: "unlike"; readonly in: "b" };

export interface Comparison {
  /** `silent`: too little sound in one of them to say anything. */
  readonly verdict: "agree" | "differ" | "silent";
  /** A's time of B's first sample; null when they could not be aligned. */
  readonly offsetMs: number | null;
  /** How much faster B's clock runs, in millionths: a second of A is 1 + ppm/10^6 seconds of B. Null when too short to tell. */
  readonly driftPpm: number | null;
  /** B's level against A's on each side, dB. */
  readonly gainDb: readonly (number | null)[];
  /** Windows that fitted, of those with sound. */
  readonly fitted: number;
  readonly windows: number;
  readonly findings: readonly Finding[];
}

/** Clocks of telephone equipment keep 50 ppm; 200 is a stretched recording. */
export const MOST_DRIFT_PPM = 200;
/** Drift is told only when it has come to something. */
const DRIFT_FELT_MS = 50;
/** Sound the other lacks is told from this much of it: shorter than any word. */
const LACK_MS = 250;
/** So much sound heard in both, and a gap is over. */
const HEARD_MS = 60;
/** So much softer than it should be (half decibels) is not there: coders, noise and level control stay within 12 dB. */
const GONE = 2 * 20;
/** Sound must stand this far (half decibels) above the audible to be missed: a breath that the other coder dropped is no finding. */
const CLEAR = 2 * 8;
/** Flat tops are told from this much of them in one stretch: one shout into the microphone is none. */
const CLIPPED_MS = 100;
/** So long without one, and the stretch is over. */
const CLIPS_APART_MS = 1000;
/** Frames of play: alignment is good to about 5 ms, coders smear by 25. */
const PLAY = 6;

export function compare(a: Take, b: Take): Comparison {
  const findings: Finding[] = [...mixed("a", a), ...mixed("b", b)];
  const stereo = findings.length === 0 && a.levels.length === 2 && b.levels.length === 2;
  const left = stereo ? a.levels : [mix(a.levels)];
  const right = stereo ? b.levels : [mix(b.levels)];
  if (!hasSound(left) || !hasSound(right)) return nothing(left, right, findings);

  const aligned = align(left, right);
  if (!aligned) {
    return {
      verdict: "differ",
      offsetMs: null,
      driftPpm: null,
      gainDb: [],
      fitted: 0,
      windows: 0,
      findings: [...findings, { what: "unlike", in: "b" }],
    };
  }
  if (aligned.swapped) findings.push({ what: "swapped", in: "b" });
  const other = aligned.swapped ? [...right].reverse() : right;
  findings.push(...jumps(aligned));
  const length = left[0]?.length ?? 0;
  const drift = aligned.driftPpm ?? 0;
  if (Math.abs(drift) > MOST_DRIFT_PPM && (Math.abs(drift) * length * HOP_MS) / 1e6 > DRIFT_FELT_MS) {
    findings.push({ what: "drifts", in: "b", ppm: Math.round(drift) });
  }
  const gainDb: (number | null)[] = [];
  const lacks: Finding[] = [];
  for (let side = 0; side < left.length; side++) {
    const one = left[side] as Uint8Array;
    const mapped = onClockOf(one.length, other[side] as Uint8Array, aligned);
    const gain = gainBetween(one, mapped.levels);
    gainDb.push(gain === null ? null : gain / 2);
    const name: Side = left.length === 1 ? "both" : side === 0 ? "caller" : "agent";
    lacks.push(
      ...lacking("b", name, one, mapped, gain ?? 0),
      ...lacking("a", name, mapped.levels, { ...mapped, levels: one, from: 0, to: one.length }, -(gain ?? 0)),
    );
  }
  lacks.push(...beyond(left, other, aligned));
  if (stereo) findings.push(...clipping(a.clips, aligned.swapped ? [...b.clips].reverse() : b.clips, aligned));
  findings.push(...lacks.sort((x, y) => startOf(x) - startOf(y)));
  return {
    verdict: findings.length === 0 ? "agree" : "differ",
    offsetMs: Math.round(aligned.offsetMs),
    driftPpm: aligned.driftPpm === null ? null : Math.round(aligned.driftPpm * 10) / 10,
    gainDb,
    fitted: aligned.fitted,
    windows: aligned.windows,
    findings,
  };
}

const startOf = (finding: Finding): number => ("fromMs" in finding ? finding.fromMs : "atMs" in finding ? finding.atMs : -1);

function nothing(a: readonly Uint8Array[], b: readonly Uint8Array[], findings: Finding[]): Comparison {
  const one = hasSound(a) ? "b" : "a";
  const silentBoth = !hasSound(a) && !hasSound(b);
  const there = one === "b" ? a : b;
  return {
    verdict: silentBoth ? "silent" : "differ",
    offsetMs: null,
    driftPpm: null,
    gainDb: [],
    fitted: 0,
    windows: 0,
    findings: silentBoth
      ? findings
      : [...findings, { what: "lacks", in: one, side: "both", fromMs: 0, toMs: (there[0]?.length ?? 0) * HOP_MS, edge: null }],
  };
}

/** Half a second of sound is the least that can be compared. */
const hasSound = (levels: readonly Uint8Array[]): boolean => levels.some((side) => audibleFrames(side) * HOP_MS >= 500);

function audibleFrames(levels: Uint8Array): number {
  const threshold = audibleFrom(levels);
  let frames = 0;
  for (const level of levels) if (level >= threshold) frames++;
  return frames;
}

/** The louder of all sides, frame by frame. */
function mix(levels: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array(), ...rest] = levels;
  return rest.length === 0 ? first : first.map((level, i) => Math.max(level, ...rest.map((side) => side[i] ?? 0)));
}

/** One channel; or two with the same level, to half a decibel, wherever there is sound. */
function mixed(which: "a" | "b", { levels }: Take): Finding[] {
  const [left, right] = levels;
  if (!left || !right) return [{ what: "mixed", in: which }];
  const threshold = Math.min(audibleFrom(left), audibleFrom(right));
  let heard = 0;
  let same = 0;
  for (let i = 0; i < left.length; i++) {
    const [x, y] = [left[i] as number, right[i] as number];
    if (x < threshold && y < threshold) continue;
    heard++;
    if (Math.abs(x - y) <= 1) same++;
  }
  return heard > 100 && same > heard * 0.95 ? [{ what: "mixed", in: which }] : [];
}

function jumps({ steps }: Alignment): Finding[] {
  return steps.map(({ atMs, byMs }) => ({
    what: "jumps",
    in: byMs > 0 ? "b" : "a",
    atMs: Math.round(atMs),
    lostMs: Math.round(Math.abs(byMs)),
  }));
}

/** A side of B as A's clock would have it; frames outside `from`..`to` B does not have. */
interface Mapped {
  readonly levels: Uint8Array;
  readonly from: number;
  readonly to: number;
}

function onClockOf(length: number, levels: Uint8Array, aligned: Alignment): Mapped {
  const out = new Uint8Array(length);
  let from = length;
  let to = 0;
  for (let i = 0; i < length; i++) {
    const at = Math.round(aligned.inB(i));
    if (at < 0 || at >= levels.length) continue;
    from = Math.min(from, i);
    to = i + 1;
    out[i] = levels[at] as number;
  }
  return { levels: out, from, to };
}

/** Median of B minus A where both are clearly to be heard, half decibels; null when there is no such place. */
function gainBetween(a: Uint8Array, b: Uint8Array): number | null {
  const [fromA, fromB] = [audibleFrom(a) + CLEAR, audibleFrom(b) + CLEAR];
  const differences: number[] = [];
  for (let i = 0; i < a.length; i++)
    if ((a[i] as number) >= fromA && (b[i] as number) >= fromB) differences.push((b[i] as number) - (a[i] as number));
  if (differences.length < 40) return null;
  return differences.sort((x, y) => x - y)[differences.length >> 1] as number;
}

/**
 * Where `has` clearly has sound and `lacks` has none. Frames in which neither says anything belong to the finding they lie in; a little sound
 * heard in both ends it.
 */
function lacking(which: "a" | "b", side: Side, has: Uint8Array, { levels: lacks, from, to }: Mapped, gain: number): Finding[] {
  const clear = audibleFrom(has) + CLEAR;
  const found: Finding[] = [];
  let open: { from: number; to: number; evidence: number; against: number } | null = null;
  const close = () => {
    if (open && open.evidence * HOP_MS >= LACK_MS) {
      found.push({ what: "lacks", in: which, side, fromMs: open.from * HOP_MS, toMs: open.to * HOP_MS, edge: null });
    }
    open = null;
  };
  for (let i = from; i < to; i++) {
    const level = has[i] as number;
    if (level < clear) continue;
    if (loudest(lacks, Math.max(from, i - PLAY), Math.min(to, i + PLAY + 1)) < level + gain - GONE) {
      open ??= { from: i, to: i, evidence: 0, against: 0 };
      open.to = i + 1;
      open.evidence++;
      open.against = 0;
    } else if (open && ++open.against * HOP_MS >= HEARD_MS) close();
  }
  close();
  return found;
}

/** Stretches of flat tops in the one that the other has not, or hardly: what came clipped to both is no fault of either. */
function clipping(a: Take["clips"], b: Take["clips"], aligned: Alignment): Finding[] {
  const inA = (frames: readonly number[] = []) => frames.map((frame) => Math.round(aligned.inA(frame)));
  return (["caller", "agent"] as const).flatMap((side, nth) => {
    const [ours, theirs] = [a[nth] ?? [], inA(b[nth])];
    return [...onlyIn("a", side, ours, theirs), ...onlyIn("b", side, theirs, ours)];
  });
}

function onlyIn(which: "a" | "b", side: Side, clips: readonly number[], others: readonly number[]): Finding[] {
  const stretches: { from: number; to: number; frames: number }[] = [];
  for (const frame of clips) {
    const last = stretches.at(-1);
    if (last && (frame - last.to) * HOP_MS < CLIPS_APART_MS) {
      last.to = frame + 1;
      last.frames++;
    } else stretches.push({ from: frame, to: frame + 1, frames: 1 });
  }
  return stretches.flatMap(({ from, to, frames }) => {
    const also = others.filter((frame) => frame >= from - PLAY && frame < to + PLAY).length;
    if (frames * HOP_MS < CLIPPED_MS || also * 4 > frames) return [];
    return [{ what: "clips", in: which, side, fromMs: from * HOP_MS, toMs: to * HOP_MS, clippedMs: frames * HOP_MS } as const];
  });
}

function loudest(levels: Uint8Array, from: number, to: number): number {
  let loud = 0;
  for (let i = from; i < to; i++) loud = Math.max(loud, levels[i] as number);
  return loud;
}

/** Sound that one has before the other begins or after it ends. */
function beyond(a: readonly Uint8Array[], b: readonly Uint8Array[], aligned: Alignment): Finding[] {
  const found: Finding[] = [];
  const lengthA = a[0]?.length ?? 0;
  const lengthB = b[0]?.length ?? 0;
  const [startB, endB] = [aligned.inA(0), aligned.inA(lengthB)];
  const tell = (
    which: "a" | "b",
    takes: readonly Uint8Array[],
    from: number,
    to: number,
    shift: (frame: number) => number,
    edge: "start" | "end",
  ) => {
    takes.forEach((levels, side) => {
      const clear = audibleFrom(levels) + CLEAR;
      const sounding: number[] = [];
      for (let i = Math.max(0, Math.round(from)); i < Math.min(levels.length, Math.round(to)); i++)
        if ((levels[i] as number) >= clear) sounding.push(i);
      if (sounding.length * HOP_MS < LACK_MS) return;
      const name: Side = takes.length === 1 ? "both" : side === 0 ? "caller" : "agent";
      const [first, last] = [sounding[0] as number, (sounding.at(-1) as number) + 1];
      found.push({
        what: "lacks",
        in: which,
        side: name,
        fromMs: Math.round(shift(first) * HOP_MS),
        toMs: Math.round(shift(last) * HOP_MS),
        edge,
      });
    });
  };
  const same = (frame: number) => frame;
  tell("b", a, 0, startB - PLAY, same, "start");
  tell("b", a, endB + PLAY, lengthA, same, "end");
  tell("a", b, 0, aligned.inB(0) - PLAY, aligned.inA, "start");
  tell("a", b, aligned.inB(lengthA) + PLAY, lengthB, aligned.inA, "end");
  return found;
}
