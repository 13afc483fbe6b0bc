import { z } from "zod";
import { type Behaviour, byDefault, type EventMessage } from "../behaviour.ts";
import { Tool } from "../wire.ts";
import type { Library, Version } from "./library.ts";

/** What is posted to make a config, a prompt or a tool. Unknown keys are kept and change nothing. */

const description = z.string().nullish();

export const PromptBody = z.looseObject({ text: z.string(), version_description: description });
export type PromptBody = z.infer<typeof PromptBody>;

export const ToolBody = z.looseObject({
  name: z.string().optional(),
  parameters: z.string().refine(isJson, "must be a JSON Schema as a string"),
  description: z.string().nullish(),
  fallback_content: z.string().nullish(),
  version_description: description,
});
export type ToolBody = z.infer<typeof ToolBody>;

/** Whose language models there are. */
const providers = [
  ...["GROQ", "OPEN_AI", "FIREWORKS", "ANTHROPIC", "CUSTOM_LANGUAGE_MODEL", "GOOGLE", "HUME_AI", "AMAZON_BEDROCK", "PERPLEXITY"],
  ...["SAMBANOVA", "CEREBRAS", "X_AI"],
];

const EventMessageBody = z.looseObject({ enabled: z.boolean(), text: z.string().nullish() });
const Timeout = z.looseObject({ enabled: z.boolean(), duration_secs: z.number().int().min(30).max(1_800).nullish() });
const named = z.looseObject({ id: z.string(), version: z.number().int().nullish() });

export const ConfigBody = z.looseObject({
  evi_version: z.enum(["3", "4-mini"]),
  version_description: description,
  prompt: z.union([named, z.looseObject({ text: z.string() })]).nullish(),
  voice: z
    .looseObject({ provider: z.enum(["HUME_AI", "CUSTOM_VOICE"]).optional(), id: z.string().optional(), name: z.string().optional() })
    .nullish(),
  language_model: z
    .looseObject({ model_provider: z.enum(providers), model_resource: z.string(), temperature: z.number().min(0).max(1).nullish() })
    .nullish(),
  ellm_model: z.looseObject({ allow_short_responses: z.boolean().nullish() }).nullish(),
  tools: z.array(named).nullish(),
  builtin_tools: z.array(z.looseObject({ name: z.enum(["web_search", "hang_up"]), fallback_content: z.string().nullish() })).nullish(),
  event_messages: z
    .looseObject({
      on_new_chat: EventMessageBody.nullish(),
      on_inactivity_timeout: EventMessageBody.nullish(),
      on_max_duration_timeout: EventMessageBody.nullish(),
    })
    .nullish(),
  timeouts: z.looseObject({ inactivity: Timeout.nullish(), max_duration: Timeout.nullish() }).nullish(),
  nudges: z.looseObject({ enabled: z.boolean().nullish(), interval_secs: z.number().int().min(1).nullish() }).nullish(),
  turn_detection: z
    .looseObject({
      end_of_turn_silence_ms: z.number().int().min(500).max(3_000).nullish(),
      speech_detection_threshold: z.number().min(0).max(1).nullish(),
      prefix_padding_ms: z.number().int().min(0).max(1_000).nullish(),
    })
    .nullish(),
  interruption: z.looseObject({ min_interruption_ms: z.number().int().min(50).max(2_000).nullish() }).nullish(),
  webhooks: z
    .array(z.looseObject({ url: z.url({ protocol: /^https?$/ }), events: z.array(z.enum(["chat_started", "chat_ended", "tool_call"])) }))
    .nullish(),
});
export type ConfigBody = z.infer<typeof ConfigBody>;

export interface Libraries {
  readonly configs: Library<ConfigBody>;
  readonly prompts: Library<PromptBody>;
  readonly tools: Library<ToolBody>;
}

/** Why a body cannot be kept: what it names does not exist. Null when all is well. */
export function missing(body: ConfigBody, { prompts, tools }: Libraries): string | null {
  if (body.evi_version === "4-mini" && !body.language_model) return "evi_version 4-mini needs a language_model.";
  if (
    body.prompt &&
    "id" in body.prompt &&
    typeof body.prompt.id === "string" &&
    !prompts.find(body.prompt.id, numberOrNull(body.prompt.version))
  ) {
    return `There is no prompt ${body.prompt.id}.`;
  }
  const tool = body.tools?.find(({ id, version }) => !tools.find(id, version ?? null));
  return tool ? `There is no tool ${tool.id}.` : null;
}

/** What a config makes of a chat. */
export function behaviourOf(config: Version<ConfigBody>, libraries: Libraries): Behaviour {
  const { body } = config;
  const { inactivity, max_duration } = body.timeouts ?? {};
  return {
    config: { id: config.id, version: config.version },
    prompt: promptText(body, libraries),
    onNewChat: message(body.event_messages?.on_new_chat),
    onInactivity: message(body.event_messages?.on_inactivity_timeout),
    onMaxDuration: message(body.event_messages?.on_max_duration_timeout),
    inactivityMs: inactivity?.enabled === false ? null : (ms(inactivity?.duration_secs) ?? byDefault.inactivityMs),
    maxDurationMs: max_duration?.enabled === false ? null : (ms(max_duration?.duration_secs) ?? byDefault.maxDurationMs),
    nudgeMs: body.nudges?.enabled ? (ms(body.nudges.interval_secs) ?? 6_000) : null,
    endOfTurnMs: body.turn_detection?.end_of_turn_silence_ms ?? byDefault.endOfTurnMs,
    minInterruptionMs: body.interruption?.min_interruption_ms ?? byDefault.minInterruptionMs,
    tools: (body.tools ?? []).flatMap(({ id, version }) => {
      const tool = libraries.tools.find(id, version ?? null);
      return tool ? [Tool.parse({ type: "function", name: tool.name, ...tool.body })] : [];
    }),
    builtinTools: (body.builtin_tools ?? []).map((tool) => tool.name),
    webhooks: body.webhooks ?? [],
  };
}

// ---------------------------------------------------------------------------------------------------------------- answers

/** The head that all three kinds of thing have in answers. Times are Unix ms, whatever Hume's text says. */
function head(one: Version<unknown>): Record<string, unknown> {
  return {
    id: one.id,
    version: one.version,
    version_description: one.description ?? "",
    name: one.name,
    created_on: one.createdMs,
    modified_on: one.modifiedMs,
  };
}

export function promptAnswer(prompt: Version<PromptBody>): Record<string, unknown> {
  return { ...head(prompt), version_type: "FIXED", text: prompt.body.text };
}

export function toolAnswer(tool: Version<ToolBody>): Record<string, unknown> {
  const { description: does, fallback_content, parameters } = tool.body;
  return {
    ...head(tool),
    tool_type: "FUNCTION",
    version_type: "FIXED",
    description: does ?? "",
    fallback_content: fallback_content ?? "",
    parameters,
  };
}

export function configAnswer(config: Version<ConfigBody>, libraries: Libraries): Record<string, unknown> {
  const { body } = config;
  const prompt =
    body.prompt && "id" in body.prompt && typeof body.prompt.id === "string"
      ? libraries.prompts.find(body.prompt.id, numberOrNull(body.prompt.version))
      : null;
  const off = { enabled: false, text: "" };
  const event = body.event_messages ?? {};
  return {
    ...head(config),
    evi_version: body.evi_version,
    prompt: prompt
      ? promptAnswer(prompt)
      : body.prompt && "text" in body.prompt
        ? { ...head({ ...config, name: "" } as Version<unknown>), version_type: "FIXED", text: body.prompt.text }
        : null,
    voice: body.voice ? { provider: body.voice.provider ?? "CUSTOM_VOICE", id: body.voice.id ?? "", name: body.voice.name ?? "" } : null,
    language_model: body.language_model ?? null,
    ellm_model: { allow_short_responses: body.ellm_model?.allow_short_responses ?? false },
    tools: (body.tools ?? []).flatMap(({ id, version }) => {
      const tool = libraries.tools.find(id, version ?? null);
      return tool ? [toolAnswer(tool)] : [];
    }),
    builtin_tools: (body.builtin_tools ?? []).map(({ name, fallback_content }) => ({
      tool_type: "BUILTIN",
      name,
      fallback_content: fallback_content ?? null,
    })),
    event_messages: {
      on_new_chat: event.on_new_chat ?? off,
      on_inactivity_timeout: event.on_inactivity_timeout ?? off,
      on_max_duration_timeout: event.on_max_duration_timeout ?? off,
    },
    timeouts: {
      inactivity: { enabled: true, duration_secs: 600, ...body.timeouts?.inactivity },
      max_duration: { enabled: true, duration_secs: 1_800, ...body.timeouts?.max_duration },
    },
    nudges: { enabled: false, interval_secs: null, ...body.nudges },
    turn_detection: { end_of_turn_silence_ms: 800, speech_detection_threshold: 0.5, prefix_padding_ms: 300, ...body.turn_detection },
    interruption: { min_interruption_ms: 800, ...body.interruption },
    webhooks: body.webhooks ?? [],
  };
}

function promptText(body: ConfigBody, { prompts }: Libraries): string {
  if (!body.prompt) return "";
  if ("text" in body.prompt && typeof body.prompt.text === "string") return body.prompt.text;
  return "id" in body.prompt && typeof body.prompt.id === "string"
    ? (prompts.find(body.prompt.id, numberOrNull(body.prompt.version))?.body.text ?? "")
    : "";
}

function message(body: z.infer<typeof EventMessageBody> | null | undefined): EventMessage {
  return { enabled: body?.enabled ?? false, text: body?.text || null };
}

function ms(seconds: number | null | undefined): number | null {
  return typeof seconds === "number" ? seconds * 1_000 : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
