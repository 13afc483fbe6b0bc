import { z } from "zod";
import { Extra, withExtra } from "../options.ts";
import type { EngineSession } from "../port.ts";
import { toldAgain } from "./context.ts";

/** Whose language models Hume can be told to use (hume-evi §5.1). */
const providers = [
  ...(["ANTHROPIC", "OPEN_AI", "GOOGLE", "GROQ", "FIREWORKS", "AMAZON_BEDROCK", "PERPLEXITY", "SAMBANOVA", "CEREBRAS", "X_AI"] as const),
  ...(["HUME_AI", "CUSTOM_LANGUAGE_MODEL"] as const),
] as const;

/** What an agent may set for EVI alone (`options`). All of the second half stands in the agent's Config (config-body.ts), which is made from it. */
export const EviOptions = z.looseObject({
  /** The operator's own Config: the agent's is made from it, with its language model, voice, prompt and tools. */
  config_id: z.string().optional(),
  config_version: z.int().optional(),
  /** EVI's own tool to end the chat; it needs a language model that can call tools. */
  hang_up: z.boolean().default(true),
  /** Said to EVI with every utterance of the caller. */
  context: z.string().optional(),
  /** A chat is renewed before it has lasted so long. */
  max_duration_s: z.int().min(30).max(1800).optional(),
  evi_version: z.enum(["3", "4-mini"]).optional(),
  language_model: z
    .looseObject({
      model_provider: z.enum(providers, `is no provider that Hume knows; give one of ${providers.join(", ")}`),
      model_resource: z.string().min(1, "is empty; give the model's name, such as claude-sonnet-4-5-20250929"),
      temperature: z.number().min(0).max(1).optional(),
    })
    .optional(),
  speech_detection_threshold: z.number().min(0).max(1).optional(),
  prefix_padding_ms: z.int().min(0).max(1000).optional(),
  /** Instead of what `interruption` means. */
  min_interruption_ms: z.int().min(50).max(2000).optional(),
  /** Merged into `session_settings`, as Hume spells it: `{"metadata": {"branch": "Ghent"}}`. */
  extra: Extra,
});

/** What `extra` may not say, because it has its place elsewhere or the call would break. */
export const reserved = {
  type: "is always session_settings; leave it out",
  audio: "is chosen with the carrier's sound; leave it out",
  custom_session_id: "is the call's id; leave it out",
  system_prompt: "is the agent's prompt; write it there",
  variables: "are the call's; leave them out",
  voice_id: "is the agent's voice; write it there",
  context: "belongs into options.context",
  language_model_api_key:
    "is a secret, and options are kept and shown as they are; give Hume the key in its portal, or in a Config of your own",
} as const;

/** Saved options were checked; those of a version from before a check are none rather than the end of a call. */
export const SavedOptions = EviOptions.catch({ hang_up: true });

/** The address of a chat. The key is not in it: addresses end in logs. */
export function chatUrl(
  base: string,
  config: { readonly id: string; readonly version: number | null } | null,
  session: EngineSession,
): URL {
  const url = new URL(base);
  if (config !== null) url.searchParams.set("config_id", config.id);
  if (config !== null && config.version !== null) url.searchParams.set("config_version", String(config.version));
  // Interim words are the only sign of a cut-in once EVI has finished generating (hume-evi §3.3).
  url.searchParams.set("verbose_transcription", "true");
  if (session.resume !== null) url.searchParams.set("resumed_chat_group_id", session.resume);
  return url;
}

/** The operator's own Config, where the agent's is not to be had; null: EVI as it is without one. */
export function ownConfig(configId: string | null, session: EngineSession): { id: string; version: number | null } | null {
  const { config_id, config_version } = optionsOf(session);
  const id = config_id ?? configId;
  return id === null || id === undefined ? null : { id, version: config_version ?? null };
}

/** How long a chat lasts, ms. */
export const chatMs = (session: EngineSession): number => (optionsOf(session).max_duration_s ?? 1800) * 1000;

/** What is said to EVI with every message of the caller's: of a chat that goes on with no other, what was said before too. */
export const lastingContext = (session: EngineSession): string[] => {
  const { context } = optionsOf(session);
  return [...(context === undefined ? [] : [context]), ...(session.resume === null ? toldAgain(session.history) : [])];
};

/** May the agent end the chat by EVI's own tool? */
export const hangsUp = (session: EngineSession): boolean => session.manners.hangsUp && optionsOf(session).hang_up;

/** The first message of every chat, resumed ones too: settings belong to the socket, not to the chat group (hume-evi §4.4). */
export function sessionSettings(session: EngineSession): Record<string, unknown> {
  const settings = {
    type: "session_settings",
    audio: { encoding: "linear16", sample_rate: session.inRate, channels: 1 },
    custom_session_id: session.callId,
    system_prompt: session.prompt,
    ...(Object.keys(session.variables).length > 0 && { variables: session.variables }),
    ...(session.voice !== null && { voice_id: session.voice }),
    ...(session.tools.length > 0 && {
      tools: session.tools.map((tool) => ({
        type: "function",
        name: tool.name,
        description: tool.description,
        parameters: JSON.stringify(tool.parameters),
      })),
    }),
    ...(hangsUp(session) && { builtin_tools: [{ name: "hang_up" }] }),
  };
  return withExtra(settings, optionsOf(session).extra);
}

const optionsOf = (session: EngineSession): z.infer<typeof EviOptions> => SavedOptions.parse(session.options);
