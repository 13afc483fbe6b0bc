import { stat } from "node:fs/promises";
import { renderStereo } from "../../server/src/journal/audio.ts";
import { marks, type Truth } from "./drive.ts";

/** A recording held against the truth; all in ms. */
export interface Measured {
  readonly words: number;
  /** How far a word stands from where it was said, less the way of the network (the median): the caller's, the agent's. */
  readonly callerApart: number;
  readonly agentApart: number;
  /** How much the two sides moved against each other between the first and the last ten words. */
  readonly drift: number;
  readonly lengthError: number;
  /** Words of the agent that were heard and are missing, or the other way round. */
  readonly missing: number;
  readonly journalBytes: number;
}

/** Renders a call's journal and looks for every marked word in it. */
export async function measure(path: string, truth: Truth): Promise<Measured> {
  const sound = await renderStereo(path, { rate: 16_000 });
  const found = { caller: new Map<number, number>(), agent: new Map<number, number>() };
  let at = 0;
  for await (const block of sound.blocks) {
    for (let i = 0; i < block.length; i += 2) {
      const [left, right] = [block[i] as number, block[i + 1] as number];
      if (left >= marks.caller && !found.caller.has(left)) found.caller.set(left, (at + i / 2) / 16);
      if (right >= marks.agent && !found.agent.has(right)) found.agent.set(right, (at + i / 2) / 16);
    }
    at += block.length / 2;
  }
  const errors = (said: ReadonlyMap<number, number>, seen: ReadonlyMap<number, number>): number[] =>
    [...said].flatMap(([value, ms]) => (seen.has(value) ? [(seen.get(value) as number) - ms] : []));
  const [caller, agent] = [errors(truth.caller, found.caller), errors(truth.agent, found.agent)];
  const apart = (all: readonly number[]): number => Math.max(0, ...all.map((one) => Math.abs(one - median(all))));
  const sides = (of: (all: readonly number[]) => readonly number[]): number => median(of(agent)) - median(of(caller));
  const few = Math.min(10, agent.length, caller.length);
  const missing = [...truth.caller.keys()].filter((value) => !found.caller.has(value)).length;
  const unheard = [...truth.agent.keys()].filter((value) => !found.agent.has(value)).length;
  const invented = [...found.agent.keys()].filter((value) => !truth.agent.has(value)).length;
  return {
    words: caller.length + agent.length,
    callerApart: apart(caller),
    agentApart: apart(agent),
    drift: Math.abs(sides((all) => all.slice(-few)) - sides((all) => all.slice(0, few))),
    lengthError: sound.durationMs - truth.lengthMs,
    missing: missing + unheard + invented,
    journalBytes: (await stat(path)).size,
  };
}

const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
