import { MOST_AT_ONCE_MS } from "../engine/port.ts";

/** The caller's first words, kept in order until the engine can hear them. Full, the oldest give way: more would reach it as a stale burst. */
export class HeldAudio {
  /** Samples kept. */
  samples = 0;
  private frames: Uint8Array[] = [];
  private readonly most: number;

  constructor(rate: number) {
    this.most = (rate * MOST_AT_ONCE_MS) / 1000;
  }

  keep(frame: Uint8Array): void {
    this.frames.push(frame);
    this.samples += frame.length / 2;
    while (this.samples > this.most) this.samples -= (this.frames.shift() as Uint8Array).length / 2;
  }

  drop(): void {
    this.take();
  }

  /** Everything kept, oldest first; then nothing is. */
  take(): Uint8Array[] {
    const frames = this.frames;
    this.frames = [];
    this.samples = 0;
    return frames;
  }
}
