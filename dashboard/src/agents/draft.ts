/** An agent's settings as a form holds them, and back. */
import type { AgentSettings } from "../ask/shapes.ts";

export const engines = { evi: "Hume EVI", openai: "OpenAI Realtime" } as const satisfies Record<AgentSettings["engine"], string>;

/** Every field as text or a mark, as inputs have it. */
export type Draft = Record<
  "name" | "engine" | "prompt" | "greeting" | "language" | "voice" | "max_minutes" | "numbers" | "options",
  string
> & { record: boolean };

export const emptyDraft: Draft = {
  name: "",
  engine: "evi",
  prompt: "",
  greeting: "",
  language: "en",
  voice: "",
  max_minutes: "30",
  numbers: "",
  options: "{}",
  record: true,
};

export const draftOf = (settings: AgentSettings): Draft => ({
  name: settings.name,
  engine: settings.engine,
  prompt: settings.prompt,
  greeting: settings.greeting ?? "",
  language: settings.language,
  voice: settings.voice ?? "",
  max_minutes: String(settings.max_minutes),
  numbers: settings.numbers.join("\n"),
  options: JSON.stringify(settings.options, null, 2),
  record: settings.record,
});

export type Read = { settings: AgentSettings } | { wrong: Partial<Record<keyof Draft, string>> };

/**
 * The form as settings, or what stands in the way and where; the server checks the rest. What the form does not show stays as it is in
 * `before` (null for a new agent).
 */
export function settingsOf(draft: Draft, before: AgentSettings | null): Read {
  const wrong: Partial<Record<keyof Draft, string>> = {};
  if (draft.name.trim() === "") wrong.name = "An agent needs a name.";
  if (draft.prompt.trim() === "") wrong.prompt = "Say what the agent is to do.";
  const minutes = Number(draft.max_minutes);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 120) wrong.max_minutes = "A whole number of minutes, 1 to 120.";
  const numbers = draft.numbers
    .split(/[\n,;]/)
    .map((number) => number.trim())
    .filter((number) => number !== "");
  const strange = numbers.find((number) => !/^\+[\d\s()./-]{6,}$/.test(number));
  if (strange !== undefined) wrong.numbers = `${strange} is no telephone number with its country code.`;
  const options = objectIn(draft.options);
  if (options === null) wrong.options = "This is not a JSON object.";
  if (options === null || Object.keys(wrong).length > 0) return { wrong };
  return {
    settings: {
      ...before,
      name: draft.name.trim(),
      engine: draft.engine === "openai" ? "openai" : "evi",
      prompt: draft.prompt,
      greeting: draft.greeting.trim() === "" ? null : draft.greeting.trim(),
      language: draft.language.trim() === "" ? "en" : draft.language.trim(),
      voice: draft.voice.trim() === "" ? null : draft.voice.trim(),
      max_minutes: minutes,
      numbers,
      options,
      record: draft.record,
    },
  };
}

function objectIn(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
