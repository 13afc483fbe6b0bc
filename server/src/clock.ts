/** The two clocks everything takes as an argument: the wall for facts, the monotonic one (milliseconds) for audio. */
export interface Clock {
  now(): Date;
  monotonicMs(): number;
}

export const systemClock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
