import { createHash } from "node:crypto";
import type { EngineSession, Manners } from "../port.ts";
import { SavedOptions } from "./settings.ts";

/** A Config as Hume answers it (hume-evi §5.1): what of an operator's own Config goes over into ours. */
export interface BaseConfig {
  readonly id: string;
  readonly version: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What of a call's agent is true only by a Config. */
export type Configured = Pick<EngineSession, "manners" | "options" | "language">;

/** Speech of the caller that stops the agent, ms (`interruption.min_interruption_ms`, 50 to 2000, Hume's default 800). */
const interruptionMs = { high: 50, medium: 800, low: 1_500, never: 2_000 } as const satisfies Record<Manners["interruption"], number>;

/**
 * So much speech of the caller's while they still hear the agent is a cut-in, ms; 0: any of it. EVI looks for interruptions only as long as it generates
 * (hume-evi §3.3): once it is done, who stops it is ours to decide, and the agent's settings say how. Pure.
 */
export const cutInMs = ({ manners, options }: Pick<EngineSession, "manners" | "options">): number => {
  const { interruption } = manners;
  const isHard = interruption === "low" || interruption === "never";
  return SavedOptions.parse(options).min_interruption_ms ?? (isHard ? interruptionMs[interruption] : 0);
};

const endOfTurnMs = (wished: number | null): number => (wished === null ? 800 : Math.min(3_000, Math.max(500, wished)));

/**
 * The Config of an agent: what it says about turns, interruption and time is said in full, since Hume's documents disagree about defaults. The
 * voice's model, language model, prompt and tools of the operator's own Config stay as they are. Greetings, nudges and goodbyes are the
 * bridge's: EVI's own are off, so that nothing is said twice. Pure.
 *
 * @param webhooks where Hume shall tell of chats; null: nowhere of ours
 */
export function configBody(agent: Configured, base: BaseConfig | null, webhooks: string | null): Record<string, unknown> {
  const options = SavedOptions.parse(agent.options);
  const from = base?.body ?? {};
  const languageModel = options.language_model ?? known(from.language_model);
  const off = { enabled: false };
  return {
    evi_version:
      options.evi_version ??
      (from.evi_version === "4-mini" || from.evi_version === "3" ? from.evi_version : versionFor(agent, languageModel)),
    ...named("prompt", from.prompt, promptOf),
    ...named("voice", from.voice, voiceOf),
    ...(languageModel !== undefined && { language_model: languageModel }),
    ...named("ellm_model", from.ellm_model, known),
    ...named("tools", from.tools, toolsOf),
    ...named("builtin_tools", from.builtin_tools, (tools) => builtinsOf(tools, agent.manners.hangsUp && options.hang_up)),
    event_messages: { on_new_chat: off, on_inactivity_timeout: off, on_max_duration_timeout: off },
    // The bridge ends a silent call by the agent's own rule; 30 minutes are the most there is.
    timeouts: {
      inactivity: { enabled: true, duration_secs: 1_800 },
      max_duration: { enabled: true, duration_secs: options.max_duration_s ?? 1_800 },
    },
    nudges: off,
    turn_detection: {
      end_of_turn_silence_ms: endOfTurnMs(agent.manners.endOfTurnMs),
      speech_detection_threshold: options.speech_detection_threshold ?? 0.5,
      prefix_padding_ms: options.prefix_padding_ms ?? 300,
    },
    interruption: { min_interruption_ms: options.min_interruption_ms ?? interruptionMs[agent.manners.interruption] },
    webhooks: [
      ...webhooksOf(from.webhooks).filter(({ url }) => url !== webhooks),
      ...(webhooks === null ? [] : [{ url: webhooks, events: ["chat_started", "chat_ended", "tool_call"] }]),
    ],
  };
}

/** The same settings make the same mark, so that no version is made twice. Pure. */
export function markOf(body: Record<string, unknown>): string {
  return createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 16);
}

/** What is not true in a call whose chat runs without the agent's Config: paths in the agent's settings. Pure. */
export function untrueWithout({ manners, options }: Configured): string[] {
  const { speech_detection_threshold, prefix_padding_ms, min_interruption_ms, language_model, evi_version } = SavedOptions.parse(options);
  const set = { speech_detection_threshold, prefix_padding_ms, min_interruption_ms, language_model, evi_version };
  return [
    ...(endOfTurnMs(manners.endOfTurnMs) === 800 ? [] : ["patience.end_of_turn_ms"]),
    ...(manners.interruption === "medium" ? [] : ["interruption"]),
    ...Object.entries(set).flatMap(([name, value]) => (value === undefined ? [] : [`options.${name}`])),
  ];
}

/** EVI 3 speaks English; everything else needs 4-mini, and that a language model (hume-evi §1.1). */
const versionFor = ({ language }: Configured, languageModel: unknown): "3" | "4-mini" =>
  /^en\b/i.test(language) || languageModel === undefined ? "3" : "4-mini";

type Json = Readonly<Record<string, unknown>>;
const objectOf = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.map(objectOf).filter((one) => one !== undefined) : []);

/** An object without what is null in it: Hume answers with nulls where nothing was given. */
function known(value: unknown): Json | undefined {
  const entries = Object.entries(objectOf(value) ?? {}).filter(([, one]) => one !== null);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function named(name: string, value: unknown, read: (value: unknown) => unknown): Json {
  const made = read(value);
  return made === undefined ? {} : { [name]: made };
}

/** Answers hold prompts, voices and tools in full; a body names them. A prompt without a name was given as text, and is in no library. */
function promptOf(value: unknown): unknown {
  const { id, name, version, version_type: which, text } = objectOf(value) ?? {};
  if (typeof id === "string" && id !== "" && typeof name === "string" && name !== "")
    return typeof version === "number" && which !== "LATEST" ? { id, version } : { id };
  return typeof text === "string" && text !== "" ? { text } : undefined;
}
function voiceOf(value: unknown): unknown {
  const { id, name, provider } = objectOf(value) ?? {};
  const by = typeof provider === "string" ? { provider } : {};
  if (typeof id === "string" && id !== "") return { ...by, id };
  return typeof name === "string" && name !== "" ? { ...by, name } : undefined;
}
function toolsOf(value: unknown): unknown {
  const tools = listOf(value).flatMap(({ id, version }) =>
    typeof id === "string" ? [typeof version === "number" ? { id, version } : { id }] : [],
  );
  return tools.length === 0 ? undefined : tools;
}
/** EVI's own tools. The one to hang up is offered by the agent's settings alone: an agent without it must not end calls by its ground's. */
function builtinsOf(value: unknown, hangsUp: boolean): unknown {
  const tools = listOf(value).flatMap(({ name, fallback_content }) =>
    typeof name === "string" && (hangsUp || name !== "hang_up")
      ? [typeof fallback_content === "string" && fallback_content !== "" ? { name, fallback_content } : { name }]
      : [],
  );
  return tools.length === 0 ? undefined : tools;
}
function webhooksOf(value: unknown): { url: string; events: unknown }[] {
  return listOf(value).flatMap(({ url, events }) => (typeof url === "string" && Array.isArray(events) ? [{ url, events }] : []));
}
