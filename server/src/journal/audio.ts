import { type Anchor, AudioClock } from "../sound/audio-clock.ts";
import { openResampler } from "../sound/resampler.ts";
import { HOLE_MS, hindsight } from "./hindsight.ts";
import { Playout } from "./playout.ts";
import { readJournal } from "./read.ts";

/** The sound of a call as it lies in its journal. */
export interface StereoSound {
  /** Hz. */
  readonly rate: number;
  /** When the first sample was spoken: the moment the audio connection came. */
  readonly startedAt: Date;
  readonly durationMs: number;
  /** Interleaved s16: left (first) what the caller said, right what was really played to them. About a second each. */
  readonly blocks: AsyncIterable<Int16Array>;
}

/**
 * Builds the call's stereo sound from its journal. The caller's samples are the ruler: they stand one after the other, holes as silence, so
 * that there is no drift against what was said; the agent's frames stand where the caller heard them, without what `clear` dropped.
 * Reads the file twice, once for the places and once for the sound, so that an hour's call needs little memory. Rejects when the file
 * cannot be read. A journal without sound has a duration of 0 and no blocks.
 */
export async function renderStereo(path: string, wish: { readonly rate: number }): Promise<StereoSound> {
  const score = await readScore(path);
  const durationMs = (score.samples / score.rate) * 1000;
  const blocks = score.samples === 0 ? nothing() : atRate(mix(path, score), score.rate, wish.rate);
  return { rate: wish.rate, startedAt: new Date(score.zeroMs), durationMs, blocks };
}

/** Where each frame stands on the recording, in samples at `rate`. */
interface Score {
  readonly rate: number;
  /** Wall clock, ms. */
  readonly zeroMs: number;
  readonly samples: number;
  readonly caller: readonly Place[];
  readonly agent: readonly Place[];
}

interface Place {
  readonly at: number;
  readonly samples: number;
}

async function readScore(path: string): Promise<Score> {
  let rate = 16_000;
  let zeroMs: number | null = null;
  let openedMs = 0;
  let endMs = 0;
  /** The part whose process has the caller's audio. */
  let attached: number | null = null;
  let clock: AudioClock | null = null;
  let playout: Playout | null = null;
  const callerFrames: { first: number; samples: number }[] = [];
  const offsetsMs: number[] = [];
  for await (const { kind, atMs, part, payload } of readJournal(path).records) {
    if (kind === "opened" && openedMs === 0) openedMs = atMs;
    if (kind === "media") {
      const { on, rate: told } = JSON.parse(payload.toString()) as { on: boolean; rate?: number };
      if (on && zeroMs === null) rate = told ?? rate;
      if (on) zeroMs ??= atMs;
      // A process that lost the audio may say so after another has got it.
      if (!on && attached !== part) continue;
      attached = on ? part : null;
      clock?.interrupted();
      if (!on) {
        playout?.cleared(atMs);
        endMs = Math.max(endMs, atMs);
      }
    }
    if (kind === "callerFrame") {
      zeroMs ??= atMs;
      clock ??= new AudioClock(rate);
      callerFrames.push({ first: clock.samples, samples: payload.length >> 1 });
      clock.heard(atMs, payload.length >> 1);
      offsetsMs.push(atMs - (clock.samples * 1000) / rate);
    }
    if (kind === "playedFrame") {
      zeroMs ??= atMs;
      playout ??= new Playout(rate);
      playout.sent(atMs, payload.length >> 1);
    }
    if (kind === "carrierTold" && payload.includes('"clear"')) playout?.cleared(atMs);
    if (kind === "closed" && attached === part) {
      playout?.cleared(atMs);
      endMs = Math.max(endMs, atMs);
    }
  }
  const zero = zeroMs ?? openedMs;
  const arrivals = { samples: callerFrames.map(({ first }) => first), offsetsMs };
  const ruler = new Ruler(hindsight(clock?.anchors ?? [], arrivals, rate), rate, zero);
  const caller = callerFrames.map(({ first, samples }) => ({ at: ruler.ofSample(first), samples }));
  const agent = placeAgent(playout, ruler, rate);
  const ends = [caller.at(-1), agent.at(-1)].map((place) => (place === undefined ? 0 : place.at + place.samples));
  if (endMs > 0) ends.push(ruler.ofTime(endMs));
  return { rate, zeroMs: zero, samples: zeroMs === null ? 0 : Math.max(0, ...ends), caller, agent };
}

/** Frames that were played without a pause between them stand side by side to the sample; only after a pause the clock is asked. */
function placeAgent(playout: Playout | null, ruler: Ruler, rate: number): Place[] {
  const places: Place[] = [];
  let endMs = Number.NEGATIVE_INFINITY;
  let end = 0;
  for (const { startMs, samples } of playout?.frames ?? []) {
    const at = startMs - endMs < 1e-6 ? end : Math.max(end, ruler.ofTime(startMs));
    places.push({ at, samples });
    if (samples === 0) continue;
    end = at + samples;
    endMs = startMs + (samples * 1000) / rate;
  }
  return places;
}

/** Places on the recording, in samples: of the caller's samples, and of moments. */
class Ruler {
  /** From the caller's sample `sample`, heard at `fromMs`, on: place = sample + `extra`, and time runs from there. */
  private readonly stretches: { readonly sample: number; readonly fromMs: number; readonly extra: number }[];
  private readonly samplesPerMs: number;

  constructor(anchors: readonly Anchor[], rate: number, zeroMs: number) {
    this.samplesPerMs = rate / 1000;
    const [first] = anchors;
    let extra = first === undefined ? 0 : Math.max(0, Math.round((first.offsetMs - zeroMs) * this.samplesPerMs));
    this.stretches = anchors.map(({ sample, offsetMs, gapMs }) => {
      if (gapMs > HOLE_MS) extra += Math.round(gapMs * this.samplesPerMs);
      return { sample, fromMs: offsetMs + sample / this.samplesPerMs, extra };
    });
    if (this.stretches.length === 0) this.stretches.push({ sample: 0, fromMs: zeroMs, extra: 0 });
  }

  ofSample(sample: number): number {
    let place = sample;
    for (const stretch of this.stretches) {
      if (stretch.sample > sample) break;
      place = sample + stretch.extra;
    }
    return place;
  }

  ofTime(ms: number): number {
    let stretch = this.stretches[0] as (typeof this.stretches)[number];
    for (const next of this.stretches) {
      if (next.fromMs > ms) break;
      stretch = next;
    }
    return Math.max(0, Math.round(stretch.sample + stretch.extra + (ms - stretch.fromMs) * this.samplesPerMs));
  }
}

/** The sound at the rate of the journal, a second at a time. */
async function* mix(path: string, score: Score): AsyncGenerator<Int16Array> {
  const second = score.rate;
  /** Sound from `from` on, not yet handed out; grows when frames stand far ahead of others. */
  let pending = new Int16Array(second * 2 * 4);
  let from = 0;
  let callers = 0;
  let agents = 0;
  const put = (pcm: Buffer, place: Place, channel: 0 | 1): void => {
    const need = (place.at + place.samples - from) * 2;
    if (need > pending.length) {
      const larger = new Int16Array(Math.max(need, pending.length * 2));
      larger.set(pending);
      pending = larger;
    }
    const count = Math.min(place.samples, pcm.length >> 1);
    for (let i = 0, to = (place.at - from) * 2 + channel; i < count; i++, to += 2) if (to >= 0) pending[to] = pcm.readInt16LE(i * 2);
  };
  function* ready(until: number): Generator<Int16Array> {
    while (from < until) {
      const count = Math.min(second, until - from);
      yield pending.slice(0, count * 2);
      pending.copyWithin(0, count * 2);
      pending.fill(0, pending.length - count * 2);
      from += count;
    }
  }
  for await (const { kind, payload } of readJournal(path).records) {
    // A journal still being written may have grown since the places were taken.
    const place = kind === "callerFrame" ? score.caller[callers++] : kind === "playedFrame" ? score.agent[agents++] : undefined;
    if (place === undefined) continue;
    put(payload, place, kind === "callerFrame" ? 0 : 1);
    const nextCaller = score.caller[callers]?.at ?? score.samples;
    const nextAgent = score.agent[agents]?.at ?? score.samples;
    const until = Math.min(nextCaller, nextAgent, score.samples);
    if (until - from >= second) yield* ready(from + Math.floor((until - from) / second) * second);
    if (callers >= score.caller.length && agents >= score.agent.length) break;
  }
  yield* ready(score.samples);
}

async function* atRate(blocks: AsyncIterable<Int16Array>, from: number, to: number): AsyncGenerator<Int16Array> {
  if (from === to) return yield* blocks;
  const sides = [openResampler(from, to), openResampler(from, to)] as const;
  try {
    for await (const block of blocks) yield join(sides, (side, s) => side.push(everyOther(block, s)));
    yield join(sides, (side) => side.end());
  } finally {
    for (const side of sides) side.free();
  }
}

function join<T>(sides: readonly [T, T], samplesOf: (side: T, s: 0 | 1) => Int16Array): Int16Array {
  const left = samplesOf(sides[0], 0).slice();
  const right = samplesOf(sides[1], 1);
  const both = new Int16Array(left.length * 2);
  for (let i = 0; i < left.length; i++) {
    both[i * 2] = left[i] as number;
    both[i * 2 + 1] = right[i] as number;
  }
  return both;
}

const everyOther = (interleaved: Int16Array, channel: 0 | 1): Int16Array =>
  Int16Array.from({ length: interleaved.length / 2 }, (_, i) => interleaved[i * 2 + channel] as number);

async function* nothing(): AsyncGenerator<Int16Array> {}
