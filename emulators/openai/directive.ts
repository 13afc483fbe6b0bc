import type { Agent } from "../evi/agents/agent.ts";
import { desk } from "../evi/agents/desk.ts";
import { clerk, parrot, quitter, reader, storyteller } from "../evi/agents/others.ts";
import { type Faults, faultTable } from "./faults.ts";

/** Who answers: the same people as behind the emulated EVI. */
export const agents: readonly Agent[] = [desk, parrot, storyteller, clerk, reader, quitter];

export interface Script {
  readonly agent: Agent;
  readonly faults: Faults;
}

export const ordinary: Script = { agent: desk, faults: {} };

/**
 * What a model's name makes of a session: every `gpt-realtime...` is an ordinary one; others are names of the tables joined by `+`,
 * such as `storyteller+late-deltas`. Null for a model that does not exist.
 */
export function ofModel(script: Script, model: string): Script | null {
  if (/^gpt-realtime(-|$)/.test(model)) return script;
  const names = model.toLowerCase().split("+");
  if (!names.every(isKnown)) return null;
  return names.reduce((now, name) => apply(now, name, null), script);
}

/** Reads directives out of instructions: `[emulator: storyteller drop turn=3]` anywhere in them; `turn=N` belongs to the name before it. */
export function directed(script: Script, instructions: string): Script {
  let now = script;
  for (const [, words = ""] of instructions.matchAll(/\[emulator:([^\]]*)\]/gi)) {
    for (const [, name = "", turn] of words.matchAll(/([a-z0-9][a-z0-9-]*)(?:\s+turn=(\d+))?/gi))
      now = apply(now, name.toLowerCase(), turn === undefined ? null : Number(turn));
  }
  return now;
}

const isKnown = (name: string): boolean => agents.some((agent) => agent.name === name) || faultTable.some((row) => row.name === name);

function apply(script: Script, name: string, turn: number | null): Script {
  const agent = agents.find((one) => one.name === name);
  if (agent) return { ...script, agent };
  const row = faultTable.find((one) => one.name === name);
  if (!row) return script;
  return { ...script, faults: { ...script.faults, ...(turn === null ? row.faults : atTurn(row.faults, turn)) } };
}

const atTurn = (faults: Faults, turn: number): Faults => ({
  ...faults,
  ...(faults.closes && { closes: { ...faults.closes, turn } }),
  ...(faults.fails && { fails: { ...faults.fails, turn } }),
  ...(faults.freezesAtTurn !== undefined && { freezesAtTurn: turn }),
});
