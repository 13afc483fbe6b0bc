import type { AgentNote, AgentSettings } from "@earshot/contract/agent";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import type { Engine, EngineAgent } from "../engine/port.ts";
import { urlRefusal } from "../outgoing/address.ts";
import { schemaRefusal } from "../tools/arguments.ts";
import { mannersOf, toolsOf } from "./engine-side.ts";
import { AgentRefused } from "./failures.ts";
import { agentPrompt } from "./prompt.ts";

/** What an agent's settings are checked against before they are saved: what is wrong is said then, and not when the phone rings. */

/** The engine as a rule of ours may know it. */
export type EngineSide = Pick<Engine, "manner" | "check">;

/** What the house allows. */
export interface House {
  /** May tools be on this machine? In the sandbox only. */
  readonly local: boolean;
  /** Are secrets sealed before they are kept? */
  readonly seals: boolean;
}

/** A person waits for the answer, and a vendor that is down must not keep anybody from saving. */
const CHECK_WITHIN_MS = 5_000;

/**
 * Everything that keeps these settings from working. Asks the engine's vendor last, and only about what is right so far.
 * @returns notes: what could not be checked. @throws AgentRefused naming every field
 */
export async function examine(settings: AgentSettings, engine: EngineSide, house: House): Promise<AgentNote[]> {
  const agent = engineAgent(settings);
  const problems = [...problemsOf(settings, house), ...tooLong(settings, engine), ...engine.manner.refuses(agent)];
  if (problems.length > 0) throw new AgentRefused(problems);
  if (engine.check === undefined) return [];
  try {
    const found = await engine.check(agent, AbortSignal.timeout(CHECK_WITHIN_MS));
    if (found.length > 0) throw new AgentRefused(found);
    return [];
  } catch (error) {
    if (error instanceof AgentRefused) throw error;
    return [{ field: "engine", message: `The engine could not be asked whether it takes these settings: ${(error as Error).message}` }];
  }
}

/** What these settings do not do, though they are saved. Pure. */
export function notesOn(settings: AgentSettings, engine: EngineSide | undefined, { seals }: House): AgentNote[] {
  const notes: AgentNote[] =
    engine === undefined
      ? [{ field: "engine", message: `The engine ${settings.engine} is not configured on this server: this agent cannot talk.` }]
      : engine.manner.notes(engineAgent(settings));
  const secret = settings.tools.findIndex((tool) => tool.kind === "http" && tool.secret_headers.length > 0);
  if (secret >= 0 && !seals)
    notes.push({ field: `tools.${secret}.secret_headers`, message: "No STORAGE_KEY is set: secrets lie in the database unencrypted." });
  return notes;
}

/** What is wrong with the settings, whatever the engine. Pure. */
export function problemsOf(settings: AgentSettings, { local }: Pick<House, "local">): AgentNote[] {
  const problems: AgentNote[] = [];
  const names = new Set<string>();
  for (const [at, tool] of settings.tools.entries()) {
    const place = `tools.${at}`;
    const name = tool.kind === "http" ? tool.name : tool.kind;
    if (names.has(name.toLowerCase())) problems.push({ field: place, message: `is there twice: another tool is called ${name} already` });
    names.add(name.toLowerCase());
    if (tool.kind === "transfer" && settings.transfer_number === null)
      problems.push({
        field: "transfer_number",
        message: "is needed by the tool transfer; give the person's number, or take the tool away",
      });
    if (tool.kind !== "http") continue;
    const schema = schemaRefusal(tool.parameters);
    if (schema !== null) problems.push({ field: `${place}.parameters`, message: schema });
    const url = urlRefusal(tool.url, local);
    if (url !== null) problems.push({ field: `${place}.url`, message: `cannot be called: ${url}` });
    const shown = new Set(tool.headers.map((header) => header.name.toLowerCase()));
    for (const [header, { name: twice }] of tool.secret_headers.entries()) {
      if (shown.has(twice.toLowerCase())) problems.push({ field: `${place}.secret_headers.${header}`, message: `${twice} is there twice` });
      shown.add(twice.toLowerCase());
    }
  }
  return problems;
}

/** The person's number in E.164, as it is kept; null when it is none. */
export function cleanNumber(number: string): string | null {
  const parsed = parsePhoneNumberFromString(number, { extract: false });
  return parsed?.isPossible() === true ? parsed.number : null;
}

function tooLong(settings: AgentSettings, { manner: { mostPromptChars } }: EngineSide): AgentNote[] {
  if (mostPromptChars === null) return [];
  const { length } = agentPrompt(settings, {});
  if (length <= mostPromptChars) return [];
  const message = `has ${length} characters with what we add, and this engine takes ${mostPromptChars}; shorten it`;
  return [{ field: "prompt", message }];
}

const engineAgent = (settings: AgentSettings): EngineAgent => ({
  prompt: agentPrompt(settings, {}),
  greeting: settings.greeting,
  voice: settings.voice,
  language: settings.language,
  options: settings.options,
  manners: mannersOf(settings),
  tools: toolsOf(settings),
});
