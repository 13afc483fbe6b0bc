import { z } from "zod";
import type { Base64 } from "../base64.ts";

/**
 * What a Realtime server says, as far as we use it (openai-realtime §4). Everything we can do without is optional and may be wrong without
 * costing the rest. Names of the beta protocol mean the same as today's (§5).
 */
const text = z.string().nullish().catch(null);
const ms = z.number().nullish().catch(null);
const item = z.looseObject({
  id: text,
  type: text,
  role: text,
  name: text,
  call_id: text,
  arguments: text,
  content: z
    .array(z.looseObject({ transcript: text, text }))
    .nullish()
    .catch(null),
});
const problem = z.looseObject({ type: text, code: text, message: text, param: text, event_id: text });
const details = z
  .union([z.looseObject({ reason: text, error: problem.nullish().catch(null) }), z.string()])
  .nullish()
  .catch(null);
const turns = z
  .looseObject({ prefix_padding_ms: ms, silence_duration_ms: ms, interrupt_response: z.boolean().nullish().catch(null) })
  .nullish()
  .catch(null);
const session = z
  .looseObject({
    id: text,
    expires_at: ms,
    turn_detection: turns,
    audio: z
      .looseObject({ input: z.looseObject({ turn_detection: turns }).nullish().catch(null) })
      .nullish()
      .catch(null),
  })
  .catch({});
const ofItem = { item_id: text, response_id: text };

const Message = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("session.created"), session }),
  z.looseObject({ type: z.literal("session.updated"), session }),
  z.looseObject({ type: z.literal("input_audio_buffer.speech_started"), audio_start_ms: z.number(), item_id: text }),
  z.looseObject({ type: z.literal("input_audio_buffer.speech_stopped"), audio_end_ms: z.number(), item_id: text }),
  z.looseObject({ type: z.literal("transcription.delta"), item_id: z.string(), delta: z.string() }),
  /** xAI: the whole text so far. */
  z.looseObject({ type: z.literal("transcription.updated"), item_id: z.string(), transcript: z.string() }),
  z.looseObject({
    type: z.literal("transcription.completed"),
    item_id: z.string(),
    transcript: z.string(),
    status: text,
    usage: z.unknown().optional(),
  }),
  z.looseObject({ type: z.literal("transcription.failed"), item_id: text, error: problem.nullish().catch(null) }),
  z.looseObject({ type: z.literal("response.created"), response: z.looseObject({ id: z.string() }) }),
  z.looseObject({ type: z.literal("response.output_item.added"), response_id: z.string(), item }),
  z.looseObject({ type: z.literal("response.output_item.done"), response_id: z.string(), item }),
  z.looseObject({ type: z.literal("audio.delta"), ...ofItem, item_id: z.string(), delta: z.string() }),
  z.looseObject({ type: z.literal("transcript.delta"), ...ofItem, item_id: z.string(), delta: z.string() }),
  z.looseObject({ type: z.literal("transcript.done"), ...ofItem, item_id: z.string(), transcript: z.string() }),
  z.looseObject({
    type: z.literal("response.function_call_arguments.done"),
    ...ofItem,
    response_id: z.string(),
    call_id: z.string(),
    name: text,
    arguments: z.string(),
  }),
  z.looseObject({
    type: z.literal("response.done"),
    response: z.looseObject({
      id: z.string(),
      status: text,
      status_details: details,
      output: z.array(item).nullish().catch(null),
      usage: z.record(z.string(), z.unknown()).nullish().catch(null),
    }),
  }),
  z.looseObject({ type: z.literal("error"), error: problem }),
]);
export type RealtimeMessage = z.infer<typeof Message>;
export type RealtimeSaying = Exclude<RealtimeMessage, { type: "audio.delta" }>;

const TRANSCRIPTION = "conversation.item.input_audio_transcription.";
const WORD = "response.output_audio_transcript.delta";
const OLDER_WORD = "response.audio_transcript.delta";
/** Today's and older names -> ours, where ours is shorter. */
const names: Readonly<Record<string, string>> = {
  [`${TRANSCRIPTION}delta`]: "transcription.delta",
  [`${TRANSCRIPTION}updated`]: "transcription.updated",
  [`${TRANSCRIPTION}completed`]: "transcription.completed",
  [`${TRANSCRIPTION}failed`]: "transcription.failed",
  "response.output_audio.delta": "audio.delta",
  "response.audio.delta": "audio.delta",
  [WORD]: "transcript.delta",
  [OLDER_WORD]: "transcript.delta",
  "response.output_audio_transcript.done": "transcript.done",
  "response.audio_transcript.done": "transcript.done",
};

/** Known, and of no use to us. */
const idle = new Set([
  "conversation.created",
  "conversation.item.added",
  "conversation.item.done",
  "conversation.item.created",
  "conversation.item.truncated",
  "conversation.item.deleted",
  "conversation.item.retrieved",
  `${TRANSCRIPTION}segment`,
  "input_audio_buffer.committed",
  "input_audio_buffer.cleared",
  "input_audio_buffer.timeout_triggered",
  "response.content_part.added",
  "response.content_part.done",
  "response.output_audio.done",
  "response.audio.done",
  "response.output_text.delta",
  "response.output_text.done",
  "response.function_call_arguments.delta",
  "rate_limits.updated",
  "ping",
]);

/** Sound of the agent, its base64 not yet decoded. */
export interface RealtimeAudio extends Base64 {
  readonly item: string;
  readonly response: string | null;
}

export type Heard =
  | { readonly kind: "audio"; readonly audio: RealtimeAudio }
  | { readonly kind: "saying"; readonly saying: RealtimeSaying }
  | { readonly kind: "nothing" }
  /** `type` is what it called itself, `unreadable` when it was no JSON object with a type. Counted by whoever hears it, never fatal. */
  | { readonly kind: "unknown"; readonly type: string; readonly malformed: boolean };

/** Below this, a message is parsed whole. */
const LARGE_BYTES = 2_048;
const spellings = [Buffer.from('"delta":"'), Buffer.from('"delta": "')];
const QUOTE = 0x22;

/**
 * Reads one message off the socket. The sound of a large audio delta (16 kB, or minutes of sound from some servers) is cut out of the bytes
 * and only the little JSON around it is parsed. If that does not come out as expected, the whole is parsed instead.
 */
export function hear(message: Buffer): Heard {
  return (message.length > LARGE_BYTES ? hearAudio(message) : null) ?? understand(parse(message.toString("utf8")));
}

function hearAudio(message: Buffer): Heard | null {
  for (const spelling of spellings) {
    const key = message.indexOf(spelling);
    if (key < 0) continue;
    const from = key + spelling.length;
    const to = message.indexOf(QUOTE, from);
    if (to < 0) return null;
    const heard = understand(parse(`${message.toString("utf8", 0, from)}${message.toString("utf8", to)}`));
    // An empty "delta" at the top proves that the text cut out stood there, and not in some inner object.
    if (heard.kind !== "audio" || heard.audio.to > 0) return null;
    return { kind: "audio", audio: { item: heard.audio.item, response: heard.audio.response, message, from, to } };
  }
  return null;
}

function understand(json: unknown): Heard {
  const spelled = typeof json === "object" && json !== null && "type" in json && typeof json.type === "string" ? json.type : null;
  if (spelled === null) return { kind: "unknown", type: "unreadable", malformed: true };
  if (spelled === WORD || spelled === OLDER_WORD) {
    // By far the most frequent text (a word each): read by hand, at a third of the cost.
    const quick = json as { item_id?: unknown; response_id?: unknown; delta?: unknown };
    if (typeof quick.item_id === "string" && typeof quick.delta === "string") {
      const response = typeof quick.response_id === "string" ? quick.response_id : null;
      return { kind: "saying", saying: { type: "transcript.delta", item_id: quick.item_id, response_id: response, delta: quick.delta } };
    }
  }
  if (idle.has(spelled)) return { kind: "nothing" };
  const type = Object.hasOwn(names, spelled) ? (names[spelled] as string) : spelled;
  if (!known.has(type)) return { kind: "unknown", type: spelled.slice(0, 60), malformed: false };
  const read = Message.safeParse(type === spelled ? json : { ...(json as object), type });
  if (!read.success) return { kind: "unknown", type: spelled.slice(0, 60), malformed: true };
  const message = read.data;
  if (message.type !== "audio.delta") return { kind: "saying", saying: message };
  const base64 = Buffer.from(message.delta, "latin1");
  return {
    kind: "audio",
    audio: { item: message.item_id, response: message.response_id ?? null, message: base64, from: 0, to: base64.length },
  };
}

const known = new Set<string>(Message.options.map((option) => option.shape.type.value));

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** What stands before and after the base64 of caller audio; the space makes its length even (frame-writer). */
export const APPEND = ['{"type": "input_audio_buffer.append","audio":"', '"}'] as const;

/** One piece of caller audio as a message. */
export const append = (pcm: Uint8Array): string =>
  APPEND[0] + Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString("base64") + APPEND[1];
