import { z } from "zod";
import { invalid, missing, type Problem, problemOf } from "./wire.ts";

/** The settings of a session, and how `session.update` changes them. */

const VOICES = ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"] as const;

const Pcm = z.strictObject({ type: z.literal("audio/pcm"), rate: z.int().min(24_000).max(24_000) });
/** What self-hosted servers take: whatever the client declares. */
const AnyPcm = z.strictObject({ type: z.literal("audio/pcm"), rate: z.int().min(8_000).max(48_000) });
const turnRules = { create_response: z.boolean().optional(), interrupt_response: z.boolean().optional() };
const TurnDetection = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("server_vad"),
    threshold: z.number().min(0).max(1).optional(),
    prefix_padding_ms: z.int().min(0).max(5_000).optional(),
    silence_duration_ms: z.int().min(0).max(10_000).optional(),
    idle_timeout_ms: z.int().min(5_000).max(30_000).nullish(),
    ...turnRules,
  }),
  z.strictObject({ type: z.literal("semantic_vad"), eagerness: z.enum(["low", "medium", "high", "auto"]).optional(), ...turnRules }),
]);
export type TurnDetection = z.infer<typeof TurnDetection>;
const Tool = z.looseObject({
  type: z.enum(["function", "mcp"]),
  name: z.string().optional(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).optional(),
});
export type Tool = z.infer<typeof Tool>;

const shape = (format: typeof Pcm) =>
  z.strictObject({
    type: z.enum(["realtime"]),
    model: z.string().optional(),
    output_modalities: z
      .array(z.enum(["audio", "text"]))
      .min(1)
      .max(1)
      .optional(),
    instructions: z.string().optional(),
    audio: z
      .strictObject({
        input: z
          .strictObject({
            format: format.optional(),
            noise_reduction: z.strictObject({ type: z.enum(["near_field", "far_field"]), strength: z.number().optional() }).nullish(),
            transcription: z
              .strictObject({
                model: z.string().optional(),
                language: z.string().nullish(),
                prompt: z.string().nullish(),
                delay: z.string().nullish(),
                keywords: z.array(z.string()).nullish(),
                languages: z.array(z.string()).nullish(),
              })
              .nullish(),
            turn_detection: TurnDetection.nullish(),
          })
          .optional(),
        output: z
          .strictObject({
            format: format.optional(),
            voice: z.union([z.enum(VOICES), z.strictObject({ id: z.string() })]).optional(),
            speed: z.number().min(0.25).max(1.5).optional(),
          })
          .optional(),
      })
      .optional(),
    tools: z.array(Tool).optional(),
    tool_choice: z.union([z.enum(["auto", "none", "required"]), z.looseObject({ type: z.string() })]).optional(),
    parallel_tool_calls: z.boolean().optional(),
    reasoning: z.strictObject({ effort: z.enum(["minimal", "low", "medium", "high", "xhigh"]) }).nullish(),
    max_output_tokens: z.union([z.int().min(1).max(4_096), z.literal("inf")]).optional(),
    prompt: z.looseObject({ id: z.string() }).nullish(),
    truncation: z.union([z.enum(["auto", "disabled"]), z.looseObject({ type: z.literal("retention_ratio") })]).optional(),
    tracing: z.union([z.literal("auto"), z.looseObject({})]).nullish(),
    include: z.array(z.enum(["item.input_audio_transcription.logprobs"])).nullish(),
  });
const Strict = shape(Pcm);
const Lenient = shape(AnyPcm as unknown as typeof Pcm);

/** A whole session, as it goes over the wire. */
export interface Session {
  readonly type: "realtime";
  readonly object: "realtime.session";
  readonly id: string;
  readonly model: string;
  readonly expires_at: number;
  readonly output_modalities: readonly ("audio" | "text")[];
  readonly instructions: string;
  readonly audio: {
    readonly input: {
      readonly format: { readonly type: "audio/pcm"; readonly rate: number };
      readonly transcription: { readonly model?: string; readonly language?: string | null } | null;
      readonly noise_reduction: unknown;
      readonly turn_detection: TurnDetection | null;
    };
    readonly output: {
      readonly format: { readonly type: "audio/pcm"; readonly rate: number };
      readonly voice: string | { id: string };
      readonly speed: number;
    };
  };
  readonly tools: readonly Tool[];
  readonly tool_choice: unknown;
  readonly max_output_tokens: number | "inf";
  readonly truncation: unknown;
  readonly tracing: unknown;
  readonly prompt: unknown;
  readonly include: unknown;
}

export const defaultSession = (id: string, model: string, expiresAt: number): Session => ({
  type: "realtime",
  object: "realtime.session",
  id,
  model,
  expires_at: expiresAt,
  output_modalities: ["audio"],
  instructions: "You are a helpful, friendly assistant. Talk quickly.",
  audio: {
    input: {
      format: { type: "audio/pcm", rate: 24_000 },
      transcription: null,
      noise_reduction: null,
      turn_detection: {
        type: "server_vad",
        threshold: 0.5,
        prefix_padding_ms: 300,
        silence_duration_ms: 200,
        idle_timeout_ms: null,
        create_response: true,
        interrupt_response: true,
      },
    },
    output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "alloy", speed: 1 },
  },
  tools: [],
  tool_choice: "auto",
  max_output_tokens: "inf",
  truncation: "auto",
  tracing: null,
  prompt: null,
  include: null,
});

export interface Rules {
  /** Takes any rate, and fills in what is left out. */
  readonly lenientRates: boolean;
  /** Was something said in this session's voice already? */
  readonly hasSpoken: boolean;
}

/** The session after an update, or what is wrong with the update: then nothing of it counts. Objects are merged, lists replaced whole. */
export function update(session: Session, wish: Record<string, unknown>, rules: Rules): { session: Session } | { problem: Problem } {
  if (wish.type === undefined) return { problem: missing("session.type") };
  const parsed = (rules.lenientRates ? Lenient : Strict).safeParse(rules.lenientRates ? withRates(wish) : wish);
  if (!parsed.success) return { problem: problemOf(parsed.error, wish, ["session"]) };
  const { model } = parsed.data;
  if (model !== undefined && model !== session.model)
    return { problem: invalid("invalid_value", "The model of a session cannot be changed.", "session.model") };
  const merged = merge(session, parsed.data) as Session;
  if (rules.hasSpoken && JSON.stringify(merged.audio.output.voice) !== JSON.stringify(session.audio.output.voice)) {
    const message = "Cannot update a conversation's voice if assistant audio is present.";
    return { problem: invalid("cannot_update_voice", message, "session.audio.output.voice") };
  }
  return { session: { ...merged, audio: { ...merged.audio, input: { ...merged.audio.input, turn_detection: whole(merged) } } } };
}

/** Turn detection as it is shown: with every default filled in. */
function whole({ audio }: Session): TurnDetection | null {
  const wish = audio.input.turn_detection;
  if (wish === null) return null;
  const rules = { create_response: wish.create_response ?? true, interrupt_response: wish.interrupt_response ?? true };
  if (wish.type === "semantic_vad") return { type: "semantic_vad", eagerness: wish.eagerness ?? "auto", ...rules };
  return {
    type: "server_vad",
    threshold: wish.threshold ?? 0.5,
    prefix_padding_ms: wish.prefix_padding_ms ?? 300,
    silence_duration_ms: wish.silence_duration_ms ?? 500,
    idle_timeout_ms: wish.idle_timeout_ms ?? null,
    ...rules,
  };
}

/** A lenient server takes a missing rate for 24000. */
function withRates(wish: Record<string, unknown>): Record<string, unknown> {
  const copy = structuredClone(wish) as { audio?: Record<string, { format?: { type?: string; rate?: number } } | undefined> };
  for (const side of ["input", "output"]) {
    const format = copy.audio?.[side]?.format;
    if (format?.type === "audio/pcm") format.rate ??= 24_000;
  }
  return copy as Record<string, unknown>;
}

function merge(old: unknown, wish: unknown): unknown {
  if (wish === undefined) return old;
  if (!isObject(old) || !isObject(wish)) return wish;
  // another kind of the same thing is a new one: the settings of semantic_vad mean nothing to server_vad
  if ("type" in wish && wish.type !== old.type) return wish;
  const merged: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(wish)) merged[key] = merge(old[key], value);
  return merged;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
