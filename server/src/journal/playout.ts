/** A frame as the caller heard it. */
export interface Heard {
  /** Time in ms at which its first sample was played. */
  readonly startMs: number;
  /** Samples of it that were played: fewer than sent when it was cut off, 0 when it was dropped. */
  readonly samples: number;
}

/**
 * What a carrier makes of the frames it is sent (vonage-voice §5.4, §5.5): each is played when it arrives or when the one before has been
 * played, whichever is later; `clear` drops at once all that was not played, also the rest of the frame in hand.
 */
export class Playout {
  /** One for each frame sent, in order. */
  readonly frames: Heard[] = [];
  private readonly samplesPerMs: number;
  private endMs = Number.NEGATIVE_INFINITY;

  constructor(rate: number) {
    this.samplesPerMs = rate / 1000;
  }

  sent(atMs: number, samples: number): void {
    const startMs = Math.max(atMs, this.endMs);
    this.frames.push({ startMs, samples });
    this.endMs = startMs + samples / this.samplesPerMs;
  }

  /** `clear` arrived, or the connection is gone. */
  cleared(atMs: number): void {
    for (let i = this.frames.length - 1; i >= 0; i--) {
      const frame = this.frames[i] as Heard;
      if (frame.startMs + frame.samples / this.samplesPerMs <= atMs) break;
      this.frames[i] = { ...frame, samples: Math.max(0, Math.floor((atMs - frame.startMs) * this.samplesPerMs)) };
    }
    this.endMs = Math.min(this.endMs, atMs);
  }
}
