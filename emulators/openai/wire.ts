import { randomBytes } from "node:crypto";
import { z } from "zod";

/** The Realtime protocol's messages (the general availability shape) as OpenAI's documents spell them. */

/** An id as the real service makes them: a kind and 21 letters or digits. */
export const newId = (kind: "event" | "sess" | "conv" | "item" | "resp" | "call" | "part"): string =>
  `${kind}_${randomBytes(16).toString("base64url").replaceAll(/[-_]/g, "x").slice(0, 21)}`;

/** Why a client's message was refused; goes out as an `error` event. */
export interface Problem {
  readonly type: "invalid_request_error" | "server_error";
  readonly code: string | null;
  readonly message: string;
  readonly param: string | null;
}

export const invalid = (code: string | null, message: string, param: string | null = null): Problem => ({
  type: "invalid_request_error",
  code,
  message,
  param,
});

const event_id = z.string().max(512).nullish();
const text = z.string();

const Content = z.looseObject({ type: text, text: text.optional(), audio: text.optional(), transcript: text.nullish() });
const NewItem = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("message"),
    id: text.max(32).optional(),
    role: z.enum(["system", "user", "assistant"]),
    content: z.array(Content),
  }),
  z.looseObject({ type: z.literal("function_call"), id: text.max(32).optional(), call_id: text.optional(), name: text, arguments: text }),
  z.looseObject({ type: z.literal("function_call_output"), id: text.max(32).optional(), call_id: text, output: text }),
  /** xAI's alone. */
  z.looseObject({ type: z.literal("force_message"), id: text.max(32).optional(), role: z.literal("assistant"), content: z.array(Content) }),
]);
export type NewItem = z.infer<typeof NewItem>;

export const ClientEvent = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("session.update"), event_id, session: z.record(text, z.unknown()) }),
  z.strictObject({ type: z.literal("input_audio_buffer.append"), event_id, audio: text }),
  z.strictObject({ type: z.literal("input_audio_buffer.commit"), event_id }),
  z.strictObject({ type: z.literal("input_audio_buffer.clear"), event_id }),
  z.strictObject({ type: z.literal("conversation.item.create"), event_id, previous_item_id: text.nullish(), item: NewItem }),
  z.strictObject({ type: z.literal("conversation.item.retrieve"), event_id, item_id: text }),
  z.strictObject({ type: z.literal("conversation.item.delete"), event_id, item_id: text }),
  z.strictObject({
    type: z.literal("conversation.item.truncate"),
    event_id,
    item_id: text,
    content_index: z.int().min(0),
    audio_end_ms: z.int().min(1),
  }),
  z.strictObject({
    type: z.literal("response.create"),
    event_id,
    response: z
      .looseObject({
        instructions: text.optional(),
        conversation: z.enum(["auto", "none"]).optional(),
        max_output_tokens: z.union([z.int().min(1).max(4096), z.literal("inf")]).optional(),
        metadata: z.record(text, z.unknown()).nullish(),
      })
      .nullish(),
  }),
  z.strictObject({ type: z.literal("response.cancel"), event_id, response_id: text.nullish() }),
]);
export type ClientEvent = z.infer<typeof ClientEvent>;

const types = ClientEvent.options.map((option) => option.shape.type.value as string);

export type Understood =
  | { readonly ok: true; readonly event: ClientEvent }
  | { readonly ok: false; readonly problem: Problem; readonly eventId: string | null };

/** Reads a text frame. `input_audio_buffer.append` is by far the most frequent and is taken without the full check. */
export function understand(frame: string): Understood {
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch {
    return { ok: false, eventId: null, problem: invalid("invalid_json", "We could not parse the JSON body of your request.") };
  }
  if (isAppend(json)) return { ok: true, event: json };
  const parsed = ClientEvent.safeParse(json);
  if (parsed.success) return { ok: true, event: parsed.data };
  const eventId =
    typeof json === "object" && json !== null && "event_id" in json && typeof json.event_id === "string" ? json.event_id : null;
  const named = typeof json === "object" && json !== null && "type" in json ? json.type : undefined;
  if (named === undefined) return { ok: false, eventId, problem: missing("type") };
  if (!types.includes(String(named))) return { ok: false, eventId, problem: notAmong("type", named, types) };
  return { ok: false, eventId, problem: problemOf(parsed.error, json) };
}

/** The first thing wrong with a body, in the words of the real service. */
export function problemOf(error: z.ZodError, body: unknown, prefix: readonly PropertyKey[] = []): Problem {
  const issue = deepest(error.issues[0] as z.core.$ZodIssue);
  const path = [...prefix, ...issue.path];
  const param = path.map((step, at) => (typeof step === "number" ? `[${step}]` : `${at === 0 ? "" : "."}${String(step)}`)).join("");
  const given = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], body);
  switch (issue.code) {
    case "unrecognized_keys": {
      const unknown = `${param}${param === "" ? "" : "."}${issue.keys[0]}`;
      return invalid("unknown_parameter", `Unknown parameter: '${unknown}'.`, unknown);
    }
    case "invalid_value":
      return given === undefined ? missing(param) : notAmong(param, given, issue.values.map(String));
    case "too_small":
    case "too_big": {
      const [low, what] = issue.code === "too_small" ? [true, "below minimum"] : [false, "above maximum"];
      const kind = Number.isInteger(given) ? "integer" : "decimal";
      const bound = "minimum" in issue ? issue.minimum : issue.maximum;
      return invalid(
        `${kind}_${low ? "below_min" : "above_max"}_value`,
        `Invalid '${param}': ${kind} ${what} value. Expected a value ${low ? ">=" : "<="} ${bound}, but got ${String(given)} instead.`,
        param,
      );
    }
    default: {
      if (given === undefined) return missing(param);
      const wanted = "expected" in issue ? String(issue.expected) : "another value";
      const expected =
        wanted === "int"
          ? "an integer"
          : wanted === "array" || wanted === "object" || wanted === "record"
            ? `an ${wanted === "record" ? "object" : wanted}`
            : `a ${wanted}`;
      return invalid("invalid_type", `Invalid type for '${param}': expected ${expected}, but got ${nameOf(given)} instead.`, param);
    }
  }
}

export const missing = (param: string): Problem => invalid("missing_required_parameter", `Missing required parameter: '${param}'.`, param);

export function notAmong(param: string, given: unknown, values: readonly string[]): Problem {
  const quoted = values.map((value) => `'${value}'`);
  const list = quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
  return invalid("invalid_value", `Invalid value: '${String(given)}'. Supported values are: ${list}.`, param);
}

/** Of a union that fits nowhere, what is wrong with the alternative that came furthest. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue;
  const inner = issue.errors
    .flat()
    .map(deepest)
    .sort((a, b) => b.path.length - a.path.length || Number(b.code === "invalid_value") - Number(a.code === "invalid_value"))[0];
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function isAppend(json: unknown): json is Extract<ClientEvent, { type: "input_audio_buffer.append" }> {
  return (
    typeof json === "object" &&
    json !== null &&
    "type" in json &&
    json.type === "input_audio_buffer.append" &&
    "audio" in json &&
    typeof json.audio === "string"
  );
}
