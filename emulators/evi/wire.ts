import { z } from "zod";
import type { Scores } from "./prosody.ts";

/** The chat socket's messages as Hume's documents and SDK spell them. */

const text = z.string();
const variables = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const AudioFormat = z.looseObject({
  encoding: z.literal("linear16").default("linear16"),
  sample_rate: z.coerce.number().int().min(8_000).max(192_000),
  channels: z.coerce.number().int().min(1).max(8),
  codec: text.nullish(),
});
export type AudioFormat = z.infer<typeof AudioFormat>;

export const Tool = z.looseObject({
  type: text.optional(),
  name: text,
  /** A JSON Schema as a string. */
  parameters: text,
  description: text.nullish(),
  fallback_content: text.nullish(),
});
export type Tool = z.infer<typeof Tool>;

export const BuiltinTool = z.looseObject({ name: z.enum(["web_search", "hang_up"]), fallback_content: text.nullish() });

export const Context = z.looseObject({ text, type: z.enum(["temporary", "persistent", "editable"]).nullish() });

/** All of it may be sent at any time, any part of it alone; unknown keys are kept and change nothing. */
export const SessionSettings = z.looseObject({
  audio: AudioFormat.nullish(),
  system_prompt: text.nullish(),
  variables: variables.nullish(),
  context: Context.nullish(),
  tools: z.array(Tool).nullish(),
  builtin_tools: z.array(BuiltinTool).nullish(),
  voice_id: text.nullish(),
  language_model_api_key: text.nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  custom_session_id: text.nullish(),
  event_limit: z.coerce.number().nullish(),
});
export type SessionSettings = z.infer<typeof SessionSettings>;

const custom_session_id = text.nullish();

export const ClientMessage = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("audio_input"), data: text, custom_session_id }),
  SessionSettings.extend({ type: z.literal("session_settings") }),
  z.looseObject({ type: z.literal("user_input"), text, custom_session_id }),
  z.looseObject({ type: z.literal("assistant_input"), text, custom_session_id }),
  z.looseObject({
    type: z.literal("tool_response"),
    tool_call_id: text,
    content: text,
    tool_name: text.nullish(),
    tool_type: z.enum(["function", "builtin"]).nullish(),
    custom_session_id,
  }),
  z.looseObject({
    type: z.literal("tool_error"),
    tool_call_id: text,
    error: text,
    content: text.nullish(),
    code: text.nullish(),
    level: z.literal("warn").nullish(),
    tool_type: z.enum(["function", "builtin"]).nullish(),
    custom_session_id,
  }),
  z.looseObject({ type: z.literal("pause_assistant_message"), custom_session_id }),
  z.looseObject({ type: z.literal("resume_assistant_message"), custom_session_id }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

export type Understood =
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly code: "E0100" | "E0101"; readonly why: string };

/**
 * Reads a text frame. `audio_input` is by far the most frequent and is taken without the full check.
 *
 * @returns the message, or E0100 (not JSON) or E0101 (not a message) with the reason
 */
export function understand(frame: string): Understood {
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch (problem) {
    return {
      ok: false,
      code: "E0100",
      why: `The request was not valid JSON: ${problem instanceof Error ? problem.message : "unreadable"}`,
    };
  }
  if (isAudioInput(json)) return { ok: true, message: json };
  const parsed = ClientMessage.safeParse(json);
  if (parsed.success) return { ok: true, message: parsed.data };
  const first = parsed.error.issues[0];
  return {
    ok: false,
    code: "E0101",
    why: `The structure of the message is not valid: ${first?.path.join(".") || "message"}: ${first?.message ?? "unknown"}`,
  };
}

function isAudioInput(json: unknown): json is Extract<ClientMessage, { type: "audio_input" }> {
  return (
    typeof json === "object" &&
    json !== null &&
    "type" in json &&
    json.type === "audio_input" &&
    "data" in json &&
    typeof json.data === "string"
  );
}

export interface Prosody {
  readonly prosody?: { readonly scores: Scores };
}

export type ServerMessage =
  | { type: "chat_metadata"; chat_group_id: string; chat_id: string; request_id: string }
  | {
      type: "user_message";
      message: { role: "user"; content: string };
      models: Prosody;
      time: { begin: number; end: number };
      interim: boolean;
      from_text: boolean;
      language?: string;
    }
  | {
      type: "assistant_message";
      id: string;
      message: { role: "assistant"; content: string };
      models: Prosody;
      from_text: boolean;
      is_quick_response: boolean;
    }
  | { type: "audio_output"; id: string; index: number; data: string }
  | { type: "assistant_prosody"; id: string; models: Prosody }
  | { type: "assistant_end" }
  | { type: "user_interruption"; time: number }
  | {
      type: "tool_call";
      name: string;
      parameters: string;
      tool_call_id: string;
      tool_type: "function" | "builtin";
      response_required: boolean;
    }
  | { type: "tool_response"; tool_call_id: string; content: string; tool_name?: string; tool_type?: "function" | "builtin" }
  | { type: "tool_error"; tool_call_id: string; error: string; content?: string; tool_type?: "function" | "builtin" }
  | ({ type: "session_settings" } & SessionSettings)
  | { type: "error"; code: string; slug: string; message: string; request_id: string };
