import { compare, type Take } from "./compare.ts";
import { Meter } from "./meter.ts";
import { conversation, randomFrom } from "./test-sounds.ts";

/** Ways in which a recording of a call differs from another of it: harmless ones and damage, for tests of the comparison. */

type Sides = readonly Float32Array[];
/** Seeds from here on are of calls that share nothing with those below. */
export const OTHER_CALLS = 100_000;
/** Makes a conversation, the same for the same seed: both sides. */
export type Talk = (seconds: number, seed: number, rateHz: number) => [Float32Array, Float32Array];

export function take(channels: Sides, rateHz = 16_000): Take {
  const meter = new Meter();
  meter.push({ rateHz, channels });
  const { tracks } = meter.finish();
  return { levels: tracks.map(({ levels }) => levels), clips: tracks.map(({ clips }) => clips) };
}

export const each = (sides: Sides, how: (sound: Float32Array, side: number) => Float32Array): Float32Array[] => sides.map(how);

/** Begins so much earlier (positive: silence in front) or later. */
export function shifted(sound: Float32Array, seconds: number, rateHz = 16_000): Float32Array {
  const by = Math.round(seconds * rateHz);
  if (by <= 0) return sound.slice(-by);
  const out = new Float32Array(sound.length + by);
  out.set(sound, by);
  return out;
}

/** On a clock that runs faster by so many millionths: more samples for the same sound. */
export function drifted(sound: Float32Array, ppm: number): Float32Array {
  const rate = 1 + ppm / 1e6;
  return Float32Array.from({ length: Math.floor(sound.length * rate) }, (_, i) => {
    const at = i / rate;
    const low = Math.floor(at);
    return (sound[low] ?? 0) + ((sound[low + 1] ?? 0) - (sound[low] ?? 0)) * (at - low);
  });
}

/** Silence instead of sound, in seconds. */
export function holed(sound: Float32Array, from: number, to: number, rateHz = 16_000): Float32Array {
  const out = sound.slice();
  out.fill(0, Math.round(from * rateHz), Math.round(to * rateHz));
  return out;
}

/** Frames of 20 ms lost here and there, up to five in a row, about every two seconds, as on a bad line: nothing anybody is told of. */
export function pocked(sound: Float32Array, seed: number, rateHz: number): Float32Array {
  const random = randomFrom(seed);
  const out = sound.slice();
  const frame = rateHz / 50;
  for (let at = 0; at < out.length; at += Math.round((0.5 + random() * 3) * rateHz))
    out.fill(0, at, at + frame * (1 + Math.floor(random() * 5)));
  return out;
}

/** Far too loud for a while: its tops are cut off. */
export function clippedFor(sound: Float32Array, from: number, to: number, rateHz = 16_000): Float32Array {
  return sound.map((sample, i) => (i >= from * rateHz && i < to * rateHz ? Math.max(-1, Math.min(1, sample * 16)) : sample));
}

/** A stretch cut out: all that follows comes earlier. */
export function cutOut(sound: Float32Array, from: number, to: number, rateHz = 16_000): Float32Array {
  const [a, b] = [Math.round(from * rateHz), Math.round(to * rateHz)];
  const out = new Float32Array(sound.length - (b - a));
  out.set(sound.subarray(0, a));
  out.set(sound.subarray(b), a);
  return out;
}

/** Through a telephone: another loudness, line noise, 300-3400 Hz by a simple filter, and mu-law's rounding. */
export function telephoned(
  sound: Float32Array,
  { gainDb, noiseDb, seed }: { gainDb: number; noiseDb: number; seed: number },
): Float32Array {
  const random = randomFrom(seed);
  const gain = 10 ** (gainDb / 20);
  const noise = 10 ** (noiseDb / 20) * Math.sqrt(3);
  let low = 0;
  let slow = 0;
  return sound.map((sample) => {
    low += 0.7 * (sample * gain - low);
    slow += 0.1 * (low - slow);
    return muLaw(low - slow + (random() * 2 - 1) * noise);
  });
}

/** There and back through G.711's 8 bits (continuous form of the law). */
function muLaw(sample: number): number {
  const clipped = Math.max(-1, Math.min(1, sample));
  const code = Math.round((Math.sign(clipped) * Math.log1p(255 * Math.abs(clipped)) * 127) / Math.log(256));
  return (Math.sign(code) * (256 ** (Math.abs(code) / 127) - 1)) / 255;
}

/**
 * Pairs of the same talk with nothing wrong: 12-40 s, beginning up to 0.25 s apart, clocks within 80 ppm, each side -8..+6 dB with its own noise of
 * -75..-58 dBFS, telephone band, mu-law; every third with frames lost here and there in one of them. What the comparison finds in them is false.
 */
export function falseAlarms(pairs: number, seed: number, talk: Talk = conversation) {
  const random = randomFrom(seed);
  const between = (low: number, high: number) => low + random() * (high - low);
  const alarms: unknown[] = [];
  let worstOffsetMs = 0;
  let worstDriftPpm = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const rate = 8000;
    const sides = talk(Math.round(between(12, 40)), seed + pair, rate);
    const late = between(0, 0.25);
    const ppm = between(-80, 80);
    const line = (sound: Float32Array, side: number) => (pair % 3 === 2 ? pocked(sound, pair * 2 + side, rate) : sound);
    const other = each(sides, (clean, side) =>
      shifted(
        drifted(telephoned(line(clean, side), { gainDb: between(-8, 6), noiseDb: between(-75, -58), seed: pair * 2 + side }), ppm),
        -late,
        rate,
      ),
    );
    const comparison = compare(take(sides, rate), take(other, rate));
    worstOffsetMs = Math.max(worstOffsetMs, Math.abs((comparison.offsetMs ?? 1e9) - late * 1000));
    worstDriftPpm = Math.max(worstDriftPpm, Math.abs((comparison.driftPpm ?? ppm) - ppm));
    if (comparison.verdict !== "agree") alarms.push({ pair, late, ppm, findings: comparison.findings });
  }
  return { alarms, worstOffsetMs, worstDriftPpm };
}

/** The same pairs with one fault each, and how often it was found where it was. */
export function detections(pairs: number, seed: number, talk: Talk = conversation) {
  const random = randomFrom(seed);
  const found = {
    "a side missing": 0,
    "0.5 s without sound": 0,
    "0.5 s cut out": 0,
    "200 ms late (within 15 ms)": 0,
    "0.1 % drift": 0,
    "clipped for 3 s": 0,
    "another call": 0,
  };
  for (let pair = 0; pair < pairs; pair++) {
    const rate = 8000;
    const sides = talk(60, seed + pair, rate);
    const heard = each(sides, (sound, side) =>
      telephoned(sound, { gainDb: random() * 12 - 6, noiseDb: -75 + random() * 17, seed: pair * 2 + side }),
    );
    const ours = take(sides, rate);
    const against = (other: Sides) => compare(ours, take(other, rate));
    const side = pair % 2;
    const at = speaking(ours.levels[side] as Uint8Array, 5 + random() * 45);

    const missing = against(each(heard, (sound, which) => (which === side ? sound.map(() => 0) : sound)));
    if (
      missing.findings.some(
        (finding) =>
          finding.what === "lacks" &&
          finding.in === "b" &&
          finding.side === (side === 0 ? "caller" : "agent") &&
          finding.toMs - finding.fromMs > 20_000,
      )
    ) {
      found["a side missing"]++;
    }
    const hole = against(each(heard, (sound, which) => (which === side ? holed(sound, at, at + 0.5, rate) : sound)));
    if (hole.findings.some((finding) => finding.what === "lacks" && finding.in === "b" && Math.abs(finding.fromMs - at * 1000) < 200))
      found["0.5 s without sound"]++;
    const cut = against(each(heard, (sound) => cutOut(sound, at, at + 0.5, rate)));
    if (
      cut.findings.some(
        (finding) => finding.what === "jumps" && Math.abs(finding.lostMs - 500) < 40 && Math.abs(finding.atMs - at * 1000) < 8000,
      )
    )
      found["0.5 s cut out"]++;
    const late = against(each(heard, (sound) => shifted(sound, -0.2, rate)));
    if (Math.abs((late.offsetMs ?? 1e9) - 200) <= 15) found["200 ms late (within 15 ms)"]++;
    const drift = against(each(heard, (sound) => drifted(sound, 1000)));
    if (drift.findings.some((finding) => finding.what === "drifts" && Math.abs(finding.ppm - 1000) < 100)) found["0.1 % drift"]++;
    const loud = against(each(heard, (sound, which) => (which === side ? clippedFor(sound, at, at + 3, rate) : sound)));
    if (
      loud.findings.some(
        (finding) => finding.what === "clips" && finding.in === "b" && finding.fromMs > at * 1000 - 100 && finding.toMs < at * 1000 + 3100,
      )
    )
      found["clipped for 3 s"]++;
    if (against(talk(60, seed + OTHER_CALLS + pair, rate)).findings.some((finding) => finding.what === "unlike")) found["another call"]++;
  }
  return found;
}

/** The first second from `from` on at which this side speaks through most of the following half second; a gap in a pause is none. */
export function speaking(levels: Uint8Array, from: number): number {
  for (let at = Math.round(from * 200); at + 100 < levels.length; at += 20) {
    if (levels.subarray(at, at + 100).filter((level) => level > 110).length > 80) return at / 200;
  }
  if (from <= 2) throw new Error("This side never speaks for half a second.");
  return speaking(levels, 2);
}
