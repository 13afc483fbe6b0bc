import type { Agent } from "./agents/agent.ts";
import { desk } from "./agents/desk.ts";
import { clerk, parrot, quitter, reader, storyteller } from "./agents/others.ts";
import { type Faults, faultTable } from "./faults.ts";

export const agents: readonly Agent[] = [desk, parrot, storyteller, clerk, reader, quitter];

/** Which agent answers, and what goes wrong. */
export interface Script {
  readonly agent: Agent;
  readonly faults: Faults;
}

export const ordinary: Script = { agent: desk, faults: {} };

/** Does a name stand in the tables? */
export function isKnown(name: string): boolean {
  return agents.some((agent) => agent.name === name) || faultTable.some((row) => row.name === name);
}

/**
 * Applies a name of the tables (an agent's or a fault's) to a script; a name that stands in neither changes nothing. `turn`, where the
 * fault has one, moves it to another turn.
 */
export function apply(script: Script, name: string, turn: number | null = null): Script {
  const agent = agents.find((one) => one.name === name);
  if (agent) return { ...script, agent };
  const row = faultTable.find((one) => one.name === name);
  if (!row) return script;
  return { ...script, faults: { ...script.faults, ...(turn === null ? row.faults : atTurn(row.faults, turn)) } };
}

/**
 * Reads directives out of a prompt: `[emulator: storyteller drop turn=3]` anywhere in it. Names as in the tables, several of them, with
 * `turn=N` for the one before it. So every fault can be had by editing an agent's prompt.
 */
export function directed(script: Script, prompt: string): Script {
  let now = script;
  for (const [, words = ""] of prompt.matchAll(/\[emulator:([^\]]*)\]/gi)) {
    const named = [...words.matchAll(/([a-z0-9][a-z0-9-]*)(?:\s+turn=(\d+))?/gi)];
    for (const [, name = "", turn] of named) now = apply(now, name.toLowerCase(), turn === undefined ? null : Number(turn));
  }
  return now;
}

function atTurn(faults: Faults, turn: number): Faults {
  return {
    ...faults,
    ...(faults.closes && { closes: { ...faults.closes, turn } }),
    ...(faults.error && { error: { ...faults.error, turn } }),
    ...(faults.freezesAtTurn !== undefined && { freezesAtTurn: turn }),
    ...(faults.withholdsTurn !== undefined && { withholdsTurn: turn }),
  };
}
