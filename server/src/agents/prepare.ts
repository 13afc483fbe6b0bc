import { setTimeout as wait } from "node:timers/promises";
import type { Agent, AgentNote } from "@earshot/contract/agent";
import type pg from "pg";
import type { Logger } from "pino";
import type { Engine } from "../engine/port.ts";
import { mannersOf } from "./engine-side.ts";
import { listAgents } from "./store.ts";

/** What engines keep of all agents is brought up to date, one after the other, until `stop`. */
export async function prepareAgents(
  pool: pg.Pool,
  engines: Readonly<Record<string, Engine>>,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  for (const agent of await listAgents(pool)) if (!stop.aborted) await prepareAgent(engines, agent, log, null);
}

/**
 * What an engine keeps of an agent is brought up to date, so that it is there before the phone rings. Failing is not fatal: the first call does it. Gives
 * what went wrong within `withinMs`; what takes longer goes on.
 */
export async function prepareAgent(
  engines: Readonly<Record<string, Engine>>,
  { id, version, settings }: Agent,
  log: Logger,
  withinMs: number | null,
): Promise<AgentNote[]> {
  const { name, engine, options, language } = settings;
  const asked = engines[engine]?.prepare?.({ agent: { id, version, name }, manners: mannersOf(settings), options, language });
  const prepared = asked?.then(
    () => [],
    (error: Error) => {
      log.warn({ agent: id, version, err: error }, "An agent's settings could not be left with its engine.");
      return [
        {
          field: "engine",
          message: `The engine could not keep what it needs of these settings, so that calls go without some of them: ${error.message}`,
        },
      ];
    },
  );
  return (await (withinMs === null ? prepared : Promise.race([prepared, wait(withinMs, [], { ref: false })]))) ?? [];
}
