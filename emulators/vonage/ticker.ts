/** The whole emulator lives on this beat: 20 ms, the length of a telephone frame. */
export const TICK_MS = 20;

/** More than this behind, and the machine was asleep: the lost time is skipped instead of made up for. */
const ASLEEP_MS = 5_000;

/**
 * One shared beat for all calls, without drift: the n-th tick is due at `start + n * 20 ms`, and a late one is made up for at once, as a
 * network does with late packets. Audio and every delay of the emulator run on it, so that a call needs no timer of its own.
 *
 * Stands still while nobody listens and nothing is due.
 */
export class Ticker {
  #ticks = 0;
  #startedAt = 0;
  #startedWallMs = 0;
  #startedTick = 0;
  #timer: NodeJS.Timeout | null = null;
  #worstLateMs = 0;
  readonly #beats = new Set<() => void>();
  readonly #due = new Map<number, Set<() => void>>();

  /** Ticks since the emulator began, times 20. */
  get nowMs(): number {
    return this.#ticks * TICK_MS;
  }

  /**
   * The time of the sound: when the present tick was due. Everything that is told with a time takes it from here, so that the time between two
   * events is the length of what was recorded between them, to the tick, however late the machine is.
   */
  now(): Date {
    return new Date(this.#timer ? this.#startedWallMs + (this.#ticks - this.#startedTick) * TICK_MS : Date.now());
  }

  /** The worst delay of a tick so far, in ms: how far the machine was from real time. */
  get worstLateMs(): number {
    return this.#worstLateMs;
  }

  /** Calls `beat` at every tick until the returned function is called. */
  onTick(beat: () => void): () => void {
    this.#beats.add(beat);
    this.#run();
    return () => void this.#beats.delete(beat);
  }

  /** Calls `then` once, after at least `ms` (rounded up to ticks, at least one), unless the returned function is called before. */
  after(ms: number, then: () => void): () => void {
    const tick = this.#ticks + Math.max(1, Math.ceil(ms / TICK_MS));
    let due = this.#due.get(tick);
    if (!due) {
      due = new Set();
      this.#due.set(tick, due);
    }
    const own = (): void => then();
    due.add(own);
    this.#run();
    return () => {
      const left = this.#due.get(tick);
      left?.delete(own);
      if (left?.size === 0) this.#due.delete(tick);
    };
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#beats.clear();
    this.#due.clear();
  }

  #run(): void {
    if (this.#timer) return;
    this.#startedAt = performance.now();
    this.#startedWallMs = Date.now();
    this.#startedTick = this.#ticks;
    this.#timer = setTimeout(this.#wake, TICK_MS);
  }

  readonly #wake = (): void => {
    const now = performance.now();
    let nextAt = this.#startedAt + (this.#ticks + 1 - this.#startedTick) * TICK_MS;
    this.#worstLateMs = Math.max(this.#worstLateMs, now - nextAt);
    if (now - nextAt > ASLEEP_MS) {
      this.#startedAt = now;
      this.#startedWallMs = Date.now();
      this.#startedTick = this.#ticks;
      nextAt = now;
    }
    while (nextAt <= now) {
      this.#tick();
      nextAt += TICK_MS;
    }
    const idle = this.#beats.size === 0 && this.#due.size === 0;
    this.#timer = idle ? null : setTimeout(this.#wake, Math.max(0, nextAt - performance.now()));
  };

  #tick(): void {
    this.#ticks++;
    for (const beat of this.#beats) beat();
    const due = this.#due.get(this.#ticks);
    if (!due) return;
    this.#due.delete(this.#ticks);
    for (const then of due) then();
  }
}
