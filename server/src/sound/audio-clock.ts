/** From sample `sample` on, sample n of the caller was heard at `offsetMs + n / rate`. `gapMs`: by how much this is later than before. */
export interface Anchor {
  readonly sample: number;
  readonly offsetMs: number;
  readonly gapMs: number;
}

/** A second of frames: arrival is late or bunched for less than this, or sound is really missing. */
const WINDOW = 50;
/** Smaller disagreement of the two clocks is not noted. */
export const SLACK_MS = 10;
const MOST_ANCHORS = 2_000;

/**
 * Places the caller's samples in time. The carrier sends 20 ms every 20 ms, but they arrive late, in bunches, or after a hole; its crystal is
 * not ours either. A sample was never heard later than it arrived, so the earliest arrivals tell the truth: the offset of a stretch is
 * the smallest `arrival - samples/rate` in it. If for a whole second nothing arrives as early as before, sound is missing since then: a new
 * anchor. The same rule places the samples live (times of utterances) and from the journal (the recording).
 */
export class AudioClock {
  /** Samples heard so far. */
  samples = 0;
  readonly anchors: Anchor[] = [];
  private readonly samplesPerMs: number;
  /** The last second: offset and first sample of each frame. */
  private readonly offsets = new Float64Array(WINDOW);
  private readonly firsts = new Float64Array(WINDOW);
  private count = 0;
  private fresh = false;

  constructor(rate: number) {
    this.samplesPerMs = rate / 1000;
  }

  /** A frame of `count` samples arrived at `at` (monotonic ms). */
  heard(at: number, count: number): void {
    const first = this.samples;
    this.samples += count;
    const offset = at - this.samples / this.samplesPerMs;
    const last = this.anchors.at(-1);
    if (last === undefined) {
      this.anchors.push({ sample: 0, offsetMs: offset, gapMs: 0 });
      this.count = 0;
    } else if (this.fresh) {
      this.fresh = false;
      this.anchor(first, offset, last);
    } else if (offset < last.offsetMs && this.count <= WINDOW) {
      // The stretch began with late frames: it lies earlier than thought.
      this.anchors[this.anchors.length - 1] = { ...last, offsetMs: offset };
    } else if (last.offsetMs - offset > SLACK_MS) {
      this.anchor(first, offset, last);
    }
    this.offsets[this.count % WINDOW] = offset;
    this.firsts[this.count % WINDOW] = first;
    this.count++;
    if (this.count >= WINDOW && this.count % 10 === 0) this.lookForGap();
  }

  /** The connection is a new one: how long nothing came is not known before the next frame, which stands where it arrived. */
  interrupted(): void {
    this.fresh = this.anchors.length > 0;
  }

  /** When sample `sample` was heard, monotonic ms; null before anything was. */
  timeOf(sample: number): number | null {
    for (let i = this.anchors.length - 1; i >= 0; i--) {
      const anchor = this.anchors[i] as Anchor;
      if (sample >= anchor.sample || i === 0) return anchor.offsetMs + sample / this.samplesPerMs;
    }
    return null;
  }

  private lookForGap(): void {
    const last = this.anchors.at(-1) as Anchor;
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < WINDOW; i++) if ((this.offsets[i] as number) < earliest) earliest = this.offsets[i] as number;
    if (earliest - last.offsetMs <= SLACK_MS) return;
    const oldest = this.firsts[this.count % WINDOW] as number;
    this.anchor(Math.max(oldest, last.sample), earliest, last);
  }

  private anchor(sample: number, offsetMs: number, last: Anchor): void {
    this.anchors.push({ sample, offsetMs, gapMs: offsetMs - last.offsetMs });
    if (this.anchors.length > MOST_ANCHORS) this.anchors.splice(1, 1);
    this.count = 0;
  }
}
