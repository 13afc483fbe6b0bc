import { HOP_MS, levelAt } from "./meter.ts";

/** Nothing softer than this is heard on a telephone: its own noise lies at -70 to -60 dBFS, a soft voice at -45. */
const FAINTEST = levelAt(-55);
/** How far above the side's own background a sound must stand out. */
const ABOVE_BACKGROUND = 2 * 10; // dB, levels are half decibels

/**
 * The level from which a frame of this side counts as sound: 10 dB above its background, never under -55 dBFS, and never so high that the
 * loudest parts would not count. The background is the level which a tenth of all frames stay below; digital silence is one.
 */
export function audibleFrom(levels: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const level of levels) counts[level] = (counts[level] as number) + 1;
  const silent = counts[0] as number;
  const background = quantile(counts, levels.length * 0.1);
  const loud = quantile(counts, silent + (levels.length - silent) * 0.95);
  return Math.max(FAINTEST, Math.min(background + ABOVE_BACKGROUND, loud - ABOVE_BACKGROUND));
}

/** The lowest level that more than `below` frames stay at or under. */
function quantile(counts: Uint32Array, below: number): number {
  let seen = 0;
  for (let level = 0; level < 256; level++) {
    seen += counts[level] as number;
    if (seen > below) return level;
  }
  return 0;
}

/** How long this side was to be heard, in ms. */
export function talkedMs(levels: Uint8Array): number {
  const threshold = audibleFrom(levels);
  let frames = 0;
  for (const level of levels) if (level >= threshold) frames++;
  return frames * HOP_MS;
}

/** Stretches of at least `atLeastMs` without a sound, [from, to] in ms. A click of a single frame does not end a silence. */
export function silencesOf(levels: Uint8Array, atLeastMs: number): [number, number][] {
  const threshold = audibleFrom(levels);
  const found: [number, number][] = [];
  let from = 0;
  const close = (to: number) => {
    if ((to - from) * HOP_MS >= atLeastMs) found.push([from * HOP_MS, to * HOP_MS]);
  };
  for (let i = 0; i < levels.length; i++) {
    if ((levels[i] as number) < threshold) continue;
    const click = i > from && (levels[i + 1] ?? 0) < threshold;
    if (click) continue;
    close(i);
    from = i + 1;
  }
  close(levels.length);
  return found;
}
