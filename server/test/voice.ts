import { type Clock, systemClock } from "../src/clock.ts";

/** Somebody who speaks in real time: a frame every 20 ms, and silence while nothing is said. */
export interface Voice {
  /** Speaks these samples from now on, then silence again. Resolves when they are out. */
  say(samples: Int16Array): Promise<void>;
  stop(): void;
}

/** Begins with silence; real time is `clock`'s. `heard` gets every frame of `frame` samples and its number, `look` is called when those that are due are out. */
export function startVoice(
  frame: number,
  heard: (pcm: Int16Array<ArrayBuffer>, number: number) => void,
  look: () => void = () => {},
  clock: Pick<Clock, "monotonicMs"> = systemClock,
): Voice {
  let saying: { readonly samples: Int16Array; at: number; readonly done: () => void } | null = null;
  const start = clock.monotonicMs();
  let sent = 0;
  const timer = setInterval(() => {
    for (const due = Math.floor((clock.monotonicMs() - start) / 20); sent < due; sent++) {
      const pcm = new Int16Array(frame);
      if (saying !== null) {
        pcm.set(saying.samples.subarray(saying.at, saying.at + frame));
        saying.at += frame;
        if (saying.at >= saying.samples.length) {
          saying.done();
          saying = null;
        }
      }
      heard(pcm, sent);
    }
    look();
  }, 10);
  return {
    say: (samples) =>
      new Promise((done) => {
        saying = { samples, at: 0, done };
      }),
    stop: () => clearInterval(timer),
  };
}
