import type { Base64 } from "../base64.ts";
import { type Json, numberIn, objectIn, textIn } from "../fields.ts";

/**
 * What EVI says, as far as we use it (hume-evi §2.3): by type how a message is read, null where it lacks what it must have. Everything we can do without
 * may be wrong without costing the rest: the vendor's own client drops whole sentences over one missing score.
 */
const readers = {
  chat_metadata: ({ chat_id, chat_group_id, request_id }: Json) =>
    typeof chat_id !== "string"
      ? null
      : { type: "chat_metadata" as const, chat_id, chat_group_id: textIn(chat_group_id), request_id: textIn(request_id) },
  user_message(said: Json) {
    const message = objectIn(said.message);
    if (message === null) return null;
    return {
      type: "user_message" as const,
      message: { content: textIn(message.content) },
      models: said.models,
      time: spanIn(said.time),
      interim: said.interim === true,
      from_text: said.from_text === true,
      language: textIn(said.language),
    };
  },
  assistant_message(said: Json) {
    const message = objectIn(said.message);
    if (message === null) return null;
    return {
      type: "assistant_message" as const,
      id: textIn(said.id),
      message: { content: textIn(message.content) },
      models: said.models,
      from_text: said.from_text === true,
      language: textIn(said.language),
    };
  },
  audio_output: ({ id, index, data }: Json) =>
    typeof id !== "string" || typeof data !== "string"
      ? null
      : { type: "audio_output" as const, id, index: Number.isSafeInteger(index) && (index as number) >= 0 ? (index as number) : 0, data },
  assistant_prosody: ({ id, models }: Json) => ({ type: "assistant_prosody" as const, id: textIn(id), models }),
  assistant_end: () => ({ type: "assistant_end" as const }),
  user_interruption: () => ({ type: "user_interruption" as const }),
  tool_call: ({ name, parameters, tool_call_id, tool_type }: Json) =>
    typeof name !== "string" || typeof tool_call_id !== "string"
      ? null
      : {
          type: "tool_call" as const,
          name,
          parameters: textIn(parameters) ?? "{}",
          tool_call_id,
          tool_type: textIn(tool_type) ?? "function",
        },
  tool_response: () => ({ type: "tool_response" as const }),
  tool_error: ({ error }: Json) => ({ type: "tool_error" as const, error: textIn(error) }),
  session_settings: () => ({ type: "session_settings" as const }),
  error: ({ code, slug, message, request_id }: Json) => ({
    type: "error" as const,
    code: textIn(code),
    slug: textIn(slug),
    message: textIn(message),
    request_id: textIn(request_id),
  }),
};
export type EviMessage = NonNullable<ReturnType<(typeof readers)[keyof typeof readers]>>;
export type EviSaying = Exclude<EviMessage, { type: "audio_output" }>;

function spanIn(value: unknown): { readonly begin: number; readonly end: number } | null {
  const span = objectIn(value);
  const [begin, end] = [numberIn(span?.begin), numberIn(span?.end)];
  return begin === null || end === null ? null : { begin, end };
}

/** One `audio_output`, its base64 not yet decoded. */
export interface EviAudio extends Base64 {
  readonly id: string;
  readonly index: number;
}

export type Heard =
  | { readonly kind: "audio"; readonly audio: EviAudio }
  | { readonly kind: "saying"; readonly saying: EviSaying }
  /** `type` is what it called itself, `unreadable` when it was no JSON object with a type. Counted by whoever hears it, never fatal. */
  | { readonly kind: "unknown"; readonly type: string; readonly malformed: boolean };

/** Below this, a message is parsed whole. */
const LARGE_BYTES = 2_048;
const spellings = [Buffer.from('"data":"'), Buffer.from('"data": "')];
const QUOTE = 0x22;

/**
 * Reads one message off the socket. The sound of an `audio_output` (often over 100 kB of base64) is cut out of the bytes and only the
 * little JSON around it is parsed. If that does not come out as expected, the whole is parsed instead.
 */
export function hear(message: Buffer): Heard {
  return (message.length > LARGE_BYTES ? hearAudio(message) : null) ?? hearWhole(message.toString("utf8"));
}

function hearAudio(message: Buffer): Heard | null {
  for (const spelling of spellings) {
    const key = message.indexOf(spelling);
    if (key < 0) continue;
    const from = key + spelling.length;
    const to = message.indexOf(QUOTE, from);
    if (to < 0) return null;
    const heard = understand(parse(`${message.toString("utf8", 0, from)}${message.toString("utf8", to)}`));
    // An empty "data" at the top proves that the text cut out stood there, and not in some inner object.
    if (heard.kind !== "audio" || heard.audio.to > 0) return null;
    return { kind: "audio", audio: { ...heard.audio, message, from, to } };
  }
  return null;
}

const hearWhole = (json: string): Heard => understand(parse(json));

function understand(json: unknown): Heard {
  const said = objectIn(json);
  const type = textIn(said?.type) ?? "unreadable";
  const read = readerOf.get(type);
  if (said === null || read === undefined) return { kind: "unknown", type: type.slice(0, 60), malformed: type === "unreadable" };
  const message = read(said);
  if (message === null) return { kind: "unknown", type, malformed: true };
  if (message.type !== "audio_output") return { kind: "saying", saying: message };
  const data = Buffer.from(message.data, "latin1");
  return { kind: "audio", audio: { id: message.id, index: message.index, message: data, from: 0, to: data.length } };
}

/** A map: a name that came in a message is found sooner in it than among the fields of an object (bench/adapters/README.md). */
const readerOf: ReadonlyMap<string, (said: Json) => EviMessage | null> = new Map(Object.entries(readers));

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** The scores of a message that are numbers, or null when it has none. */
export function scoresOf({ models }: { readonly models?: unknown }): Readonly<Record<string, number>> | null {
  const scores = inside(inside(models, "prosody"), "scores");
  if (scores === null) return null;
  let count = 0;
  let whole = !Array.isArray(scores);
  for (const name in scores) {
    count++;
    whole &&= numberIn((scores as Json)[name]) !== null;
  }
  if (count === 0) return null;
  // Nearly always it is as documented; then nothing needs to be copied.
  if (whole) return scores as Readonly<Record<string, number>>;
  const good = Object.entries(scores).filter(([, score]) => numberIn(score) !== null);
  return good.length === 0 ? null : Object.fromEntries(good);
}

function inside(outer: unknown, key: string): object | null {
  const inner = typeof outer === "object" && outer !== null ? (outer as Record<string, unknown>)[key] : null;
  return typeof inner === "object" ? inner : null;
}

/** What stands before and after the base64 of caller audio. A template, since JSON.stringify would look for characters to escape where there are none. */
export const AUDIO_INPUT = ['{"type":"audio_input","data":"', '"}'] as const;

/** One piece of caller audio as a message. */
export const audioInput = (pcm: Uint8Array): string =>
  AUDIO_INPUT[0] + Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString("base64") + AUDIO_INPUT[1];
