import type { Base64 } from "../base64.ts";
import { type Json, numberIn, objectIn, objectsIn, textIn } from "../fields.ts";

/**
 * What a Realtime server says, as far as we use it (openai-realtime §4): by type how a message is read, null where it lacks what it must have.
 * Everything we can do without may be wrong without costing the rest. Names of the beta protocol mean the same as today's (§5).
 */
const readers = {
  "session.created": ({ session }: Json) => ({ type: "session.created" as const, session: sessionIn(session) }),
  "session.updated": ({ session }: Json) => ({ type: "session.updated" as const, session: sessionIn(session) }),
  "input_audio_buffer.speech_started": ({ audio_start_ms, item_id }: Json) => {
    const ms = numberIn(audio_start_ms);
    return ms === null ? null : { type: "input_audio_buffer.speech_started" as const, audio_start_ms: ms, item_id: textIn(item_id) };
  },
  "input_audio_buffer.speech_stopped": ({ audio_end_ms, item_id }: Json) => {
    const ms = numberIn(audio_end_ms);
    return ms === null ? null : { type: "input_audio_buffer.speech_stopped" as const, audio_end_ms: ms, item_id: textIn(item_id) };
  },
  "transcription.delta": ({ item_id, delta }: Json) =>
    typeof item_id !== "string" || typeof delta !== "string" ? null : { type: "transcription.delta" as const, item_id, delta },
  /** xAI: the whole text so far. */
  "transcription.updated": ({ item_id, transcript }: Json) =>
    typeof item_id !== "string" || typeof transcript !== "string" ? null : { type: "transcription.updated" as const, item_id, transcript },
  "transcription.completed": ({ item_id, transcript, status, usage }: Json) =>
    typeof item_id !== "string" || typeof transcript !== "string"
      ? null
      : { type: "transcription.completed" as const, item_id, transcript, status: textIn(status), usage },
  "transcription.failed": ({ item_id, error }: Json) => ({
    type: "transcription.failed" as const,
    item_id: textIn(item_id),
    error: problemIn(error),
  }),
  "response.created": ({ response }: Json) => {
    const id = textIn(objectIn(response)?.id);
    return id === null ? null : { type: "response.created" as const, response: { id } };
  },
  "response.output_item.added": ({ response_id, item }: Json) => {
    const one = objectIn(item);
    return typeof response_id !== "string" || one === null
      ? null
      : { type: "response.output_item.added" as const, response_id, item: itemIn(one) };
  },
  "response.output_item.done": ({ response_id, item }: Json) => {
    const one = objectIn(item);
    return typeof response_id !== "string" || one === null
      ? null
      : { type: "response.output_item.done" as const, response_id, item: itemIn(one) };
  },
  "audio.delta": ({ item_id, response_id, delta }: Json) =>
    typeof item_id !== "string" || typeof delta !== "string"
      ? null
      : { type: "audio.delta" as const, item_id, response_id: textIn(response_id), delta },
  "transcript.delta": ({ item_id, response_id, delta }: Json) =>
    typeof item_id !== "string" || typeof delta !== "string"
      ? null
      : { type: "transcript.delta" as const, item_id, response_id: textIn(response_id), delta },
  "transcript.done": ({ item_id, response_id, transcript }: Json) =>
    typeof item_id !== "string" || typeof transcript !== "string"
      ? null
      : { type: "transcript.done" as const, item_id, response_id: textIn(response_id), transcript },
  "response.function_call_arguments.done": ({ response_id, call_id, name, arguments: args }: Json) =>
    typeof response_id !== "string" || typeof call_id !== "string" || typeof args !== "string"
      ? null
      : { type: "response.function_call_arguments.done" as const, response_id, call_id, name: textIn(name), arguments: args },
  "response.done": ({ response }: Json) => {
    const one = objectIn(response);
    if (typeof one?.id !== "string") return null;
    const { id, status, status_details, output, usage } = one;
    return {
      type: "response.done" as const,
      response: {
        id,
        status: textIn(status),
        status_details: textIn(status_details) ?? detailsIn(status_details),
        output: objectsIn(output)?.map(itemIn) ?? null,
        usage: objectIn(usage),
      },
    };
  },
  error: ({ error }: Json) => {
    const problem = problemIn(error);
    return problem === null ? null : { type: "error" as const, error: problem };
  },
};
export type RealtimeMessage = NonNullable<ReturnType<(typeof readers)[keyof typeof readers]>>;
export type RealtimeSaying = Exclude<RealtimeMessage, { type: "audio.delta" }>;

const itemIn = ({ id, type, name, call_id, arguments: args, content }: Json) => ({
  id: textIn(id),
  type: textIn(type),
  name: textIn(name),
  call_id: textIn(call_id),
  arguments: textIn(args),
  transcript: transcriptIn(content),
});

/** The words of an item's parts, one after the other; none where its content is no list of objects. */
function transcriptIn(content: unknown): string {
  if (!Array.isArray(content)) return "";
  let words = "";
  for (const one of content) {
    const part = objectIn(one);
    if (part === null) return "";
    words += textIn(part.transcript) ?? "";
  }
  return words;
}

function problemIn(value: unknown) {
  const problem = objectIn(value);
  if (problem === null) return null;
  const { type, code, message, param, event_id } = problem;
  return { type: textIn(type), code: textIn(code), message: textIn(message), param: textIn(param), event_id: textIn(event_id) };
}

function detailsIn(value: unknown) {
  const details = objectIn(value);
  return details === null ? null : { reason: textIn(details.reason), error: problemIn(details.error) };
}

function turnsIn(value: unknown) {
  const turns = objectIn(value);
  if (turns === null) return null;
  const { prefix_padding_ms, silence_duration_ms, interrupt_response } = turns;
  return {
    prefix_padding_ms: numberIn(prefix_padding_ms),
    silence_duration_ms: numberIn(silence_duration_ms),
    interrupt_response: typeof interrupt_response === "boolean" ? interrupt_response : null,
  };
}

function sessionIn(value: unknown) {
  const session = objectIn(value) ?? {};
  return {
    id: textIn(session.id),
    expires_at: numberIn(session.expires_at),
    turn_detection: turnsIn(session.turn_detection),
    audio: { input: { turn_detection: turnsIn(objectIn(objectIn(session.audio)?.input)?.turn_detection) } },
  };
}

const TRANSCRIPTION = "conversation.item.input_audio_transcription.";
/** Today's and older names -> ours, where ours is shorter. */
const names: Readonly<Record<string, keyof typeof readers>> = {
  [`${TRANSCRIPTION}delta`]: "transcription.delta",
  [`${TRANSCRIPTION}updated`]: "transcription.updated",
  [`${TRANSCRIPTION}completed`]: "transcription.completed",
  [`${TRANSCRIPTION}failed`]: "transcription.failed",
  "response.output_audio.delta": "audio.delta",
  "response.audio.delta": "audio.delta",
  "response.output_audio_transcript.delta": "transcript.delta",
  "response.audio_transcript.delta": "transcript.delta",
  "response.output_audio_transcript.done": "transcript.done",
  "response.audio_transcript.done": "transcript.done",
};

/** Known, and of no use to us. */
const idle = [
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
];

type Reader = (said: Json) => RealtimeMessage | null;
/**
 * By its name on the wire how a message is read; null where it is of no use. One map for all names: tables one after the other
 * cost an eighth of the parsing of a word (bench/adapters/README.md).
 */
const readerOf: ReadonlyMap<string, Reader | null> = new Map<string, Reader | null>([
  ...Object.entries(readers),
  ...Object.entries(names).map(([name, ours]): [string, Reader] => [name, readers[ours]]),
  ...idle.map((name): [string, null] => [name, null]),
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
  const said = objectIn(json);
  const spelled = textIn(said?.type);
  if (said === null || spelled === null) return { kind: "unknown", type: "unreadable", malformed: true };
  const read = readerOf.get(spelled);
  if (read === null) return { kind: "nothing" };
  if (read === undefined) return { kind: "unknown", type: spelled.slice(0, 60), malformed: false };
  const message = read(said);
  if (message === null) return { kind: "unknown", type: spelled.slice(0, 60), malformed: true };
  if (message.type !== "audio.delta") return { kind: "saying", saying: message };
  const base64 = Buffer.from(message.delta, "latin1");
  return { kind: "audio", audio: { item: message.item_id, response: message.response_id, message: base64, from: 0, to: base64.length } };
}

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
