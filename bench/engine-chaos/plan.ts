import { chance } from "../chaos/random.ts";

/** What is done to one call's engine, and when. */
export interface Blow {
  readonly what: "dropped" | "frozen";
  /** Ms since the call's engine was asked for. */
  readonly atMs: number;
  /** For so long it cannot be reached afterwards; 0: at once again. */
  readonly awayMs: number;
}

export interface Planned {
  readonly engine: "evi" | "openai";
  /** It rings so long before somebody is on the line. */
  readonly ringsMs: number;
  readonly blows: readonly Blow[];
}

/** Most calls of four turns last about so long: what happens later meets few. */
const CALL_MS = 14_000;

/**
 * The calls of a run: the same seed gives the same ones. Of the blows two in three are drops of an engine that can be reached again at once; one in
 * six comes with the engine away for up to three seconds; one in six is a connection that falls silent. One call in five meets two. Pure.
 */
export function plan(seed: number, calls: number, callMs = CALL_MS): readonly Planned[] {
  const next = chance(seed);
  return Array.from({ length: calls }, (_, nth) => {
    const blow = (): Blow => {
      const kind = next();
      return {
        what: kind > 5 / 6 ? "frozen" : "dropped",
        // A third of them in the first two seconds: while it rings, before the greeting, in it.
        atMs: Math.round(next() < 1 / 3 ? next() * 2_000 : next() * callMs),
        awayMs: kind > 2 / 3 && kind <= 5 / 6 ? Math.round(next() * 3_000) : 0,
      };
    };
    return {
      engine: nth % 2 === 0 ? ("evi" as const) : ("openai" as const),
      ringsMs: Math.round(next() * 1_500),
      blows: Array.from({ length: next() < 0.2 ? 2 : 1 }, blow).sort((a, b) => a.atMs - b.atMs),
    };
  });
}
