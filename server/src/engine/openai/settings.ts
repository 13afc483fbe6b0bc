import { z } from "zod";
import { iso639 } from "../language.ts";
import { Extra, withExtra } from "../options.ts";
import type { EngineSession, Manners, Tool } from "../port.ts";
import type { Dialect } from "./dialects.ts";

/** What an agent may set for this engine alone (`options`); passed on as OpenAI spells it. */
export const Options = z.looseObject({
  model: z.string().optional(),
  /** A tool of the adapter's own with which the agent ends the call. */
  hang_up: z.boolean().default(true),
  turn_detection: z.record(z.string(), z.unknown()).optional(),
  transcription: z.record(z.string(), z.unknown()).optional(),
  noise_reduction: z.record(z.string(), z.unknown()).nullable().optional(),
  speed: z.number().optional(),
  max_output_tokens: z.union([z.int(), z.literal("inf")]).optional(),
  reasoning: z.record(z.string(), z.unknown()).optional(),
  truncation: z.unknown().optional(),
  /** Merged into the `session` of `session.update`, as the server spells it: `{"tool_choice": "required"}`, `{"audio": {"output": {"model": "..."}}}`. */
  extra: Extra,
});

/** What `extra` may not say, because it has its place elsewhere or the call would break. */
export const reserved = {
  type: "is always realtime; leave it out",
  model: "belongs into options.model",
  instructions: "is the agent's prompt; write it there",
  output_modalities: "is always audio in a call; leave it out",
  voice: "is the agent's voice; write it there",
  "audio.output.voice": "is the agent's voice; write it there",
  "audio.input.format": "is chosen with the carrier's sound; leave it out",
  "audio.output.format": "is chosen with the carrier's sound; leave it out",
} as const;

/** Saved options were checked; those of a version from before a check are none rather than the end of a call. */
const Saved = Options.catch({ hang_up: true });
export const optionsOf = (session: EngineSession): z.infer<typeof Options> => Saved.parse(session.options);

/** The tool by which the agent hangs up: the protocol has none of its own (openai-realtime §8). */
export const HANG_UP: Tool = {
  name: "hang_up",
  description: "Ends the phone call. Say goodbye first, then call this; never before the other party is done.",
  parameters: { type: "object", properties: {}, additionalProperties: false },
};

/** Does the adapter itself look after hanging up in this session? Not where the session brings a tool of that name. */
export const hangsUpItself = (session: EngineSession): boolean =>
  session.manners.hangsUp && optionsOf(session).hang_up && !session.tools.some(({ name }) => name === HANG_UP.name);

/** The address of a session. The key is not in it: addresses end in logs. */
export function sessionUrl(base: string, model: string, session: EngineSession): URL {
  const url = new URL(base);
  url.searchParams.set("model", modelOf(model, session));
  return url;
}

/** The model the session talks with: the agent's, else the house's. */
export const modelOf = (model: string, session: EngineSession): string => optionsOf(session).model ?? model;

/** Who writes down the caller's words, as far as it is known. */
export function transcriptionModel(dialect: Dialect, session: EngineSession): string | null {
  const { model } = { ...dialect.transcription, ...optionsOf(session).transcription } as { model?: unknown };
  return typeof model === "string" ? model : null;
}

/** The rates of the wire: the session's own where the server has it, else the server's favourite. */
export function wireRates({ rates }: Dialect, session: EngineSession): { readonly in: number; readonly out: number } {
  const nearest = (wanted: number): number => (rates.includes(wanted) ? wanted : (rates[0] as number));
  return { in: nearest(session.inRate), out: nearest(session.outRate) };
}

/** A phone call's pauses: longer than the official example's 200 ms, which cuts people off between two words. */
const TURNS = { type: "server_vad", threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 };

/** How loud a voice must be to break in: the threshold of voice activity, 0 to 1. With never it is not listened to while the agent speaks. */
const thresholds = { never: 0.5, low: 0.8, medium: 0.5, high: 0.3 } as const satisfies Record<Manners["interruption"], number>;

/** An agent's patience and interruption as the protocol has them. */
export const turnsOf = ({ endOfTurnMs, interruption }: Manners): Record<string, unknown> => ({
  ...TURNS,
  threshold: thresholds[interruption],
  ...(endOfTurnMs !== null && { silence_duration_ms: endOfTurnMs }),
  ...(interruption === "never" && { interrupt_response: false }),
});

/** The body of the first `session.update`: nothing is left to a default that could change (openai-realtime §0, §2). */
export function sessionSettings(dialect: Dialect, session: EngineSession): Record<string, unknown> {
  const options = optionsOf(session);
  const rates = wireRates(dialect, session);
  const format = (rate: number) => ({ type: "audio/pcm", rate });
  const voice = voiceOf(session.voice ?? dialect.voice);
  const turnDetection = options.turn_detection ?? turnsOf(session.manners);
  const transcription = options.transcription ?? dialect.transcription;
  const language = iso639(session.language);
  const noiseReduction = options.noise_reduction === undefined ? { type: "near_field" } : options.noise_reduction;
  const tools = hangsUpItself(session) ? [...session.tools, HANG_UP] : session.tools;
  const flat = dialect.session === "xai";
  const settings = {
    type: "realtime",
    ...(!flat && { output_modalities: ["audio"] }),
    instructions: session.prompt,
    ...(flat && { turn_detection: turnDetection, ...(voice !== null && { voice }) }),
    audio: {
      input: {
        format: format(rates.in),
        ...(dialect.noiseReduction && { noise_reduction: noiseReduction }),
        ...(transcription !== null && { transcription: { ...(language !== null && { language }), ...transcription } }),
        ...(!flat && { turn_detection: turnDetection }),
      },
      output: {
        format: format(rates.out),
        ...(!flat && voice !== null && { voice }),
        ...(options.speed !== undefined && { speed: options.speed }),
      },
    },
    tools: tools.map(({ name, description, parameters }) => ({ type: "function", name, description, parameters })),
    tool_choice: "auto",
    ...(options.max_output_tokens !== undefined && { max_output_tokens: options.max_output_tokens }),
    ...(options.reasoning !== undefined && { reasoning: options.reasoning }),
    ...(options.truncation !== undefined && { truncation: options.truncation }),
  };
  return withExtra(settings, options.extra);
}

/** A voice of one's own is given by its id. */
const voiceOf = (name: string | null): string | { id: string } | null => (name?.startsWith("voice_") ? { id: name } : name);

/** Words of an earlier session, as text: sound cannot be put into a conversation (openai-realtime §10.2). */
export const toldAgain = (history: EngineSession["history"]): Record<string, unknown>[] =>
  history.map(({ speaker, text }) => ({
    type: "message",
    role: speaker === "agent" ? "assistant" : "user",
    content: [{ type: speaker === "agent" ? "output_text" : "input_text", text }],
  }));

/** How exact words are asked for. Usually obeyed, never guaranteed (openai-realtime §8). */
export const exactly = (text: string): string => `Say exactly the following, word for word, adding nothing: "${text}"`;
