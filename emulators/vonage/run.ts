import type { Ncco } from "./ncco.ts";

/** Thrown into an action whose NCCO was replaced, or whose leg is over. */
export class Stopped extends Error {}

/** One NCCO being performed by a leg. It is stopped when the leg ends, is transferred, or another NCCO takes its place. */
export class Run {
  readonly ncco: Ncco;
  /** The action that runs now; the length of the NCCO when it is at its end. */
  at = 0;
  stopped = false;
  readonly #waits = new Set<() => void>();

  constructor(ncco: Ncco) {
    this.ncco = ncco;
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const stop of [...this.#waits]) stop();
    this.#waits.clear();
  }

  /**
   * Waits for one thing.
   *
   * @param begin starts waiting, calls `done` when it is there, and returns how to stop waiting
   * @throws Stopped when the run is stopped meanwhile, or was before
   */
  wait<T>(begin: (done: (value: T) => void) => () => void): Promise<T> {
    if (this.stopped) return Promise.reject(new Stopped());
    return new Promise<T>((resolve, reject) => {
      let undo: (() => void) | null = null;
      let settled = false;
      const settle = (then: () => void): void => {
        if (settled) return;
        settled = true;
        this.#waits.delete(stop);
        undo?.();
        then();
      };
      const stop = (): void => settle(() => reject(new Stopped()));
      this.#waits.add(stop);
      undo = begin((value) => settle(() => resolve(value)));
      if (settled) undo();
    });
  }

  /** A promise of something outside, given up when the run stops. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const value = await this.wait<{ value: T } | { problem: unknown }>((done) => {
      promise.then(
        (value) => done({ value }),
        (problem: unknown) => done({ problem }),
      );
      return () => {};
    });
    if ("problem" in value) throw value.problem;
    return value.value;
  }
}
