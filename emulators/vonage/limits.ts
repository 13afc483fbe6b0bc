/**
 * A limit as Vonage counts it: so many within any rolling second; the surplus of a burst is refused, not delayed.
 * See https://developer.vonage.com/en/voice/voice-api/concepts/cps-limit. A limit of 0 refuses nothing.
 */
export class RollingSecond {
  readonly #perSecond: number;
  readonly #taken: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one at `now` (ms). False: over the limit, nothing was taken. */
  take(now: number = performance.now()): boolean {
    if (this.#perSecond === 0) return true;
    while (this.#taken.length > 0 && (this.#taken[0] ?? 0) <= now - 1_000) this.#taken.shift();
    if (this.#taken.length >= this.#perSecond) return false;
    this.#taken.push(now);
    return true;
  }
}
