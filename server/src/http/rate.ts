import type { Clock } from "../clock.ts";

/** A bucket holds `burst` and is refilled with `perSecond`. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  readonly left: number;
  readonly atMs: number;
}

/** Takes `cost` of a bucket: the bucket afterwards, and how long to wait (0: taken). */
export function take(bucket: Bucket | undefined, rate: Rate, nowMs: number, cost = 1): { bucket: Bucket; waitMs: number } {
  const left = bucket ? Math.min(rate.burst, bucket.left + ((nowMs - bucket.atMs) / 1000) * rate.perSecond) : rate.burst;
  if (left >= cost) return { bucket: { left: left - cost, atMs: nowMs }, waitMs: 0 };
  return { bucket: { left, atMs: nowMs }, waitMs: ((cost - left) / rate.perSecond) * 1000 };
}

/** So many askers are remembered; the one unseen the longest is forgotten, which at worst gives it a full bucket. */
const REMEMBERED = 10_000;

/** The buckets of one process, by name. */
export function openBuckets(clock: Clock) {
  const buckets = new Map<string, Bucket>();
  return {
    /** Takes one of `name`'s bucket. Answers 0, or the milliseconds until there is one again. `cost` 0 only looks. */
    take(name: string, rate: Rate, cost: 0 | 1 = 1): number {
      const taken = take(buckets.get(name), rate, clock.monotonicMs(), cost === 0 ? 1 : cost);
      if (cost === 0) return taken.waitMs;
      buckets.delete(name);
      buckets.set(name, taken.bucket);
      if (buckets.size > REMEMBERED) buckets.delete(buckets.keys().next().value as string);
      return taken.waitMs;
    },
  };
}
export type Buckets = ReturnType<typeof openBuckets>;
