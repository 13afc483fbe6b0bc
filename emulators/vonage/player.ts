import { FRAME, type Frame } from "./mix.ts";

/** Plays sounds of any length as frames, one after the other: a person's mouth, or what the network plays into an ear. */
export class Player {
  readonly #line: { readonly sound: Int16Array; at: number; loops: number; readonly done: (played: boolean) => void }[] = [];

  get busy(): boolean {
    return this.#line.length > 0;
  }

  /**
   * Queues a sound.
   *
   * @param loops how often; 0 is for ever
   * @returns true when it was played to its end, false when it was stopped
   */
  play(sound: Int16Array, loops = 1): Promise<boolean> {
    return new Promise((done) => {
      if (sound.length === 0) done(true);
      else this.#line.push({ sound, at: 0, loops: loops === 0 ? Number.POSITIVE_INFINITY : loops, done });
    });
  }

  /** Stops and forgets everything queued. */
  stop(): void {
    for (const { done } of this.#line.splice(0)) done(false);
  }

  /** The next 20 ms; the end of a sound is filled up with silence. */
  frame(): Frame {
    const now = this.#line[0];
    if (!now) return null;
    let frame = now.sound.subarray(now.at, now.at + FRAME);
    now.at += FRAME;
    if (frame.length < FRAME) {
      const whole = new Int16Array(FRAME);
      whole.set(frame);
      frame = whole;
    }
    if (now.at >= now.sound.length) {
      now.at = 0;
      now.loops--;
      if (now.loops <= 0) {
        this.#line.shift();
        now.done(true);
      }
    }
    return frame;
  }
}
