import { chance } from "./random.ts";

/** What is done to the house, and when in its wave. */
export interface Incident {
  readonly what: "server killed" | "engine sockets dropped" | "Postgres killed" | "engine restarted" | "phone network killed";
  /** Ms since the first call of the wave was placed. */
  readonly atMs: number;
  /** Which of the servers, or which part of the engine's chats; 0 to 1. */
  readonly pick: number;
}

export interface Wish {
  readonly seed: number;
  readonly calls: number;
  readonly wave: number;
  /** How often in each wave. */
  readonly kills: number;
  readonly drops: number;
  readonly postgres: number;
  readonly engine: number;
  /** Waves at the end, beyond `calls`, in which the phone network itself dies with every call it has. */
  readonly phone: number;
}

export interface Wave {
  readonly calls: number;
  readonly incidents: readonly Incident[];
}

/** A call lasts about 25 s: what happens later than this would meet nobody. */
const WAVE_MS = 20_000;

/** The waves of a run: the same wish gives the same waves. Pure. */
export function plan(wish: Wish): readonly Wave[] {
  const next = chance(wish.seed);
  const waves: Wave[] = [];
  for (let left = wish.calls; left > 0; left -= wish.wave) {
    const some = (what: Incident["what"], times: number): Incident[] =>
      Array.from({ length: times }, () => ({ what, atMs: Math.round(next() * WAVE_MS), pick: next() }));
    const incidents = [
      ...some("server killed", wish.kills),
      ...some("engine sockets dropped", wish.drops),
      ...some("Postgres killed", wish.postgres),
      ...some("engine restarted", wish.engine),
    ];
    waves.push({ calls: Math.min(left, wish.wave), incidents: incidents.sort((a, b) => a.atMs - b.atMs) });
  }
  // In the middle of the talk: nobody's call survives this one, so it is done to few.
  for (let nth = 0; nth < wish.phone; nth++)
    waves.push({
      calls: Math.min(10, wish.wave),
      incidents: [{ what: "phone network killed", atMs: 8_000 + Math.round(next() * 4_000), pick: next() }],
    });
  return waves;
}
