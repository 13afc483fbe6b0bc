import { variablesOfPrompt } from "./agents/decide.ts";
import type { Behaviour } from "./behaviour.ts";
import type { SessionSettings, Tool } from "./wire.ts";

/**
 * Merges settings into those in force: field by field; null takes a field away; variables add up, and are kept as strings (30 is "30"), as
 * the real service keeps them.
 */
export function merged(inForce: SessionSettings, sent: SessionSettings): SessionSettings {
  const { type: _type, variables, ...others } = sent as SessionSettings & { type?: unknown };
  const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined));
  if (!variables) return { ...inForce, ...given, ...(variables === null && { variables: null }) };
  const asStrings = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
  return { ...inForce, ...given, variables: { ...inForce.variables, ...asStrings } };
}

/** What the settings in force and the config make together. */
export interface Session {
  readonly prompt: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly tools: readonly Tool[];
  readonly builtinTools: readonly string[];
}

export function sessionOf(settings: SessionSettings, behaviour: Behaviour): Session {
  const prompt = settings.system_prompt ?? behaviour.prompt;
  return {
    prompt,
    variables: { ...variablesOfPrompt(prompt), ...(settings.variables as Record<string, string> | null | undefined) },
    tools: settings.tools ?? behaviour.tools,
    builtinTools: settings.builtin_tools?.map((tool) => tool.name) ?? behaviour.builtinTools,
  };
}
