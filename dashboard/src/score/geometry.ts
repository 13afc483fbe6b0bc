/** The score as numbers: call time on the x axis (milliseconds from the answer), pixels out. No DOM. */
import type { Peaks, Utterance } from "../ask/shapes.ts";

/** The stretch of the call that is drawn across `width` pixels. */
export type View = { fromMs: number; toMs: number; width: number };

export const xOf = (view: View, ms: number): number => ((ms - view.fromMs) / Math.max(1, view.toMs - view.fromMs)) * view.width;
export const msOf = (view: View, x: number): number => view.fromMs + (x / Math.max(1, view.width)) * (view.toMs - view.fromMs);

/** Steps a time axis may have, in seconds: what a clock face has. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** Where the axis is labelled: round times, no two labels closer than `apart` pixels. */
export function ticks(view: View, apart = 72): number[] {
  const span = view.toMs - view.fromMs;
  if (span <= 0 || view.width <= 0) return [];
  const stepMs = (steps.find((s) => (s * 1000 * view.width) / span >= apart) ?? 7200) * 1000;
  const found: number[] = [];
  for (let at = Math.ceil(view.fromMs / stepMs) * stepMs; at <= view.toMs; at += stepMs) found.push(at);
  return found;
}

/** One bar every 3 px, 2 px wide: the finest pitch at which bars stay apart on an ordinary screen. */
export const BAR_PITCH = 3;

/** A peak of one step of 127 (-42 dB) is the noise of the line or of rounding, not a voice: silence is drawn as silence. */
const NOISE = 1;

/**
 * How loud one channel is in each bar of the view, 0..1 of full scale: the loudest peak that falls into the bar.
 * `offsetMs` is where the recording begins on the call's clock.
 */
export function bars(peaks: Peaks, channel: number, offsetMs: number, view: View): number[] {
  const pairs = peaks.channels[channel] ?? [];
  const n = Math.max(0, Math.floor(view.width / BAR_PITCH));
  const perMs = peaks.points / Math.max(1, peaks.duration_ms);
  return Array.from({ length: n }, (_, i) => {
    const from = (msOf(view, i * BAR_PITCH) - offsetMs) * perMs;
    const to = (msOf(view, (i + 1) * BAR_PITCH) - offsetMs) * perMs;
    let loudest = 0;
    for (let p = Math.max(0, Math.floor(from)); p < Math.min(peaks.points, Math.max(Math.floor(from) + 1, Math.ceil(to))); p++) {
      loudest = Math.max(loudest, -(pairs[2 * p] ?? 0), pairs[2 * p + 1] ?? 0);
    }
    return loudest <= NOISE ? 0 : Math.min(1, loudest / 127);
  });
}

/** The factor that lets the louder lane fill its height; both lanes share it, so that a quiet side looks quiet. Never above 6. */
export function gain(...lanes: number[][]): number {
  const sorted = lanes.flat().sort((a, b) => a - b);
  const high = sorted[Math.floor((sorted.length - 1) * 0.995)] ?? 0;
  return high > 0 ? Math.min(6, 1 / high) : 1;
}

/** The bars as one SVG path of vertical strokes from the centre line, up for the caller (-1), down for the agent (1). */
export function barsPath(lane: number[], factor: number, height: number, side: -1 | 1, gapPx = 1): string {
  return lane
    .map((loud, i) => {
      const length = Math.min(1, loud * factor) * (height - gapPx);
      if (length < 0.5) return "";
      const x = i * BAR_PITCH + BAR_PITCH / 2;
      return `M${x} ${side * gapPx}V${(side * (gapPx + length)).toFixed(1)}`;
    })
    .join("");
}

/** Round lengths a running call's score may have. */
const rooms = [30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];

/** How much time to draw for a call that still runs, so that the drawing keeps its scale for long and is never nearly full. */
export const roomFor = (ms: number): number => (rooms.find((seconds) => seconds * 1000 >= ms * 1.05) ?? 14_400) * 1000;

type Said = Pick<Utterance, "speaker" | "started_ms" | "ended_ms" | "cut">;

/** Silences between one voice's end and the other's start. */
export type Gap = { fromMs: number; toMs: number; waitingFor: Utterance["speaker"] };

/** How long each side waited for the other: from the end of an utterance to the start of the answer, at least `atLeastMs`. */
export function gaps(utterances: readonly Said[], atLeastMs = 250): Gap[] {
  const found: Gap[] = [];
  for (const [i, next] of utterances.entries()) {
    const last = utterances[i - 1];
    if (!last || last.speaker === next.speaker) continue;
    if (next.started_ms - last.ended_ms >= atLeastMs) {
      found.push({ fromMs: last.ended_ms, toMs: next.started_ms, waitingFor: next.speaker });
    }
  }
  return found;
}

/** Where one voice cut into the other's: the end of every utterance that was broken off. */
export const cutIns = <U extends Said>(utterances: readonly U[]): U[] => utterances.filter((said) => said.cut);

export type Label = { at: number; text: string; weight: number; widthPx: number };

/** Which labels find room: the weightiest first, none over another, none over the edge. Gives back their places in reading order. */
export function placeLabels<L extends Label>(labels: readonly L[], width: number, apart = 8): L[] {
  const placed: L[] = [];
  for (const label of [...labels].sort((a, b) => b.weight - a.weight)) {
    if (label.at < 0 || label.at + label.widthPx > width) continue;
    if (placed.every((other) => label.at + label.widthPx + apart <= other.at || other.at + other.widthPx + apart <= label.at))
      placed.push(label);
  }
  return placed.sort((a, b) => a.at - b.at);
}

/** A stretch zoomed by `factor` around `aroundMs`, kept inside the call and not shorter than `leastMs`. */
export function zoomed(shown: Omit<View, "width">, factor: number, aroundMs: number, endMs: number, leastMs: number): Omit<View, "width"> {
  const span = Math.min(endMs, Math.max(leastMs, (shown.toMs - shown.fromMs) * factor));
  const share = (aroundMs - shown.fromMs) / Math.max(1, shown.toMs - shown.fromMs);
  const fromMs = Math.max(0, Math.min(endMs - span, aroundMs - share * span));
  return { fromMs, toMs: fromMs + span };
}
