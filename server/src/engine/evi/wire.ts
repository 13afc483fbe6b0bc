import { z } from "zod";
import type { Base64 } from "../base64.ts";

/**
 * What EVI says, as far as we use it (hume-evi §2.3). Everything we can do without is optional and may be wrong without costing the rest:
 * the vendor's own client drops whole sentences over one missing score.
 */
const text = z.string().nullish().catch(null);
/** `{prosody: {scores}}`, looked into by `scoresOf`: a schema for 48 scores would cost three times the parsing of the message. */
const models = z.unknown().optional();
const flag = z.boolean().catch(false);
const said = z.looseObject({ content: text });

const Message = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("chat_metadata"), chat_id: z.string(), chat_group_id: text, request_id: text }),
  z.looseObject({
    type: z.literal("user_message"),
    message: said,
    models,
    time: z.looseObject({ begin: z.number(), end: z.number() }).nullish().catch(null),
    interim: flag,
    from_text: flag,
    language: text,
  }),
  z.looseObject({ type: z.literal("assistant_message"), id: text, message: said, models, from_text: flag, language: text }),
  z.looseObject({ type: z.literal("audio_output"), id: z.string(), index: z.number().int().min(0).catch(0), data: z.string() }),
  z.looseObject({ type: z.literal("assistant_prosody"), id: text, models }),
  z.looseObject({ type: z.literal("assistant_end") }),
  z.looseObject({ type: z.literal("user_interruption") }),
  z.looseObject({
    type: z.literal("tool_call"),
    name: z.string(),
    parameters: z.string().catch("{}"),
    tool_call_id: z.string(),
    tool_type: z.string().catch("function"),
    response_required: flag,
  }),
  z.looseObject({ type: z.literal("tool_response") }),
  z.looseObject({ type: z.literal("tool_error"), error: text }),
  z.looseObject({ type: z.literal("session_settings") }),
  z.looseObject({ type: z.literal("error"), code: text, slug: text, message: text, request_id: text }),
]);
export type EviMessage = z.infer<typeof Message>;
export type EviSaying = Exclude<EviMessage, { type: "audio_output" }>;

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
  const read = Message.safeParse(json);
  if (read.success) {
    const message = read.data;
    if (message.type !== "audio_output") return { kind: "saying", saying: message };
    const data = Buffer.from(message.data, "latin1");
    return { kind: "audio", audio: { id: message.id, index: message.index, message: data, from: 0, to: data.length } };
  }
  const type = typeof json === "object" && json !== null && "type" in json && typeof json.type === "string" ? json.type : "unreadable";
  return { kind: "unknown", type: type.slice(0, 60), malformed: known.has(type) || type === "unreadable" };
}

const known = new Set<string>(Message.options.map((option) => option.shape.type.value));

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** The scores of a message that are numbers, or null when it has none. */
export function scoresOf({ models }: { readonly models?: unknown }): Record<string, number> | null {
  const scores: [string, number][] = [];
  for (const [name, score] of Object.entries(inside(inside(models, "prosody"), "scores") ?? {}))
    if (typeof score === "number" && Number.isFinite(score)) scores.push([name, score]);
  return scores.length === 0 ? null : Object.fromEntries(scores);
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
