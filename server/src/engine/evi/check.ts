import { EngineHasNot, EngineRefused, EngineUnauthorized } from "../failures.ts";
import type { EngineAgent, EngineProblem } from "../port.ts";
import { configBody } from "./config-body.ts";
import { miniNeedsModel } from "./manner.ts";
import type { HumeRest } from "./rest.ts";
import { readConfig } from "./rest-configs.ts";
import { unknownVoice } from "./rest-voices.ts";
import { SavedOptions } from "./settings.ts";

/** Hume's limit for one message of the chat socket (hume-evi §4.2): prompt, tools and context leave in one. */
export const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;

/** hume-evi §1.1. */
const SUNSET = "Hume announced the end of EVI for November 2026; another engine may take the agent.";

/**
 * Asks Hume about an agent before it is saved: is the key good, is the Config there, is the voice known? Rejects when Hume cannot be asked
 * (EngineUnreachable): then nothing is known, which is no reason to refuse.
 */
export async function checkAgent(
  rest: HumeRest,
  configId: string | null,
  agent: EngineAgent,
  signal: AbortSignal,
): Promise<readonly EngineProblem[]> {
  const problems: EngineProblem[] = [];
  const bytes = Buffer.byteLength(JSON.stringify([agent.prompt, agent.tools, agent.options]));
  if (bytes > MOST_MESSAGE_BYTES) problems.push({ field: "prompt", message: "is, with the tools, larger than the 16 MB that EVI takes" });
  const { config_id, config_version } = SavedOptions.parse(agent.options);
  const own = config_id ?? configId;
  try {
    if (own === null || own === undefined) await rest.ask("GET", "/v0/evi/configs?page_number=0&page_size=1", undefined, signal);
    else {
      const { evi_version, language_model } = configBody(agent, await readConfig(rest, own, config_version ?? null, signal), null);
      if (evi_version === "4-mini" && language_model === undefined) problems.push(miniNeedsModel);
    }
  } catch (error) {
    if (error instanceof EngineUnauthorized)
      return [...problems, { field: "engine", message: `is refused by Hume with this HUME_API_KEY: ${error.message}` }];
    if (!(error instanceof EngineHasNot || error instanceof EngineRefused)) throw error;
    // Nothing was asked for that an account may lack.
    if (own === null || own === undefined)
      return [...problems, { field: "engine", message: `is not there any more: ${error.message} ${SUNSET}` }];
    problems.push(configProblem(config_id === undefined, own, config_version));
  }
  if (agent.voice !== null && (await unknownVoice(rest, agent.voice, signal)))
    problems.push({ field: "voice", message: "is no voice of the account or of Hume's library; copy its id from Hume, or leave it empty" });
  return problems;
}

function configProblem(ofServer: boolean, id: string, version: number | undefined): EngineProblem {
  const which = version === undefined ? id : `${id} in version ${version}`;
  return ofServer
    ? { field: "engine", message: `uses HUME_CONFIG_ID ${which}, which the account does not have; mend it in the server's configuration` }
    : { field: "options.config_id", message: `is ${which}, which the account does not have; copy the id from Hume, or leave it out` };
}
