import { describe, expect, test } from "vitest";
import { decodeBase64, mostBytes } from "./base64.ts";
import { EviTalk } from "./evi/talk.ts";
import { hear as hearEvi } from "./evi/wire.ts";
import { dialectOf } from "./openai/dialects.ts";
import { DeltaSound } from "./openai/sound.ts";
import { RealtimeTalk } from "./openai/talk.ts";
import { hear as hearRealtime } from "./openai/wire.ts";
import { type EngineEvent, plainManners } from "./port.ts";

/*
 * Messages that are nearly right, by chance from a seed: a field is missing, of another kind, or somebody else's; text is cut off or doubled. No
 * adapter may throw, say more than it heard, or make noise of it.
 */

const MESSAGES = 20_000;

/** mulberry32: the same seed gives the same row of numbers on every machine. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Json = Record<string, unknown>;
const strange: readonly unknown[] = [
  null,
  true,
  -1,
  1e300,
  "",
  "\u0000",
  "delta",
  [],
  {},
  [[]],
  { type: "error" },
  "x".repeat(3_000),
  Number.NaN,
];

/** A message with some of its fields gone or strange, at any depth; as bytes that are sometimes no JSON at all. */
function spoiled(message: Json, next: () => number): Buffer {
  const copy = structuredClone(message);
  const spoil = (at: Json): void => {
    for (const key of Object.keys(at)) {
      const luck = next();
      if (key === "type" && at === copy) {
        if (luck < 0.02) at[key] = strange[Math.floor(next() * strange.length)];
      } else if (luck < 0.06) delete at[key];
      else if (luck < 0.15) at[key] = strange[Math.floor(next() * strange.length)];
      else if (typeof at[key] === "object" && at[key] !== null) spoil(at[key] as Json);
    }
  };
  spoil(copy);
  const json = JSON.stringify(copy);
  const luck = next();
  if (luck < 0.02) return Buffer.from(json.slice(0, Math.floor(next() * json.length)));
  if (luck < 0.03) return Buffer.from(json + json);
  if (luck < 0.04) return Buffer.from(Array.from({ length: 40 }, () => Math.floor(next() * 256)));
  return Buffer.from(json);
}

const sound = (ms: number): string => Buffer.alloc(ms * 48, 3).toString("base64");

const realtime: readonly Json[] = [
  { type: "session.created", session: { id: "s", expires_at: 1_900_000_000 } },
  {
    type: "session.updated",
    session: { id: "s", audio: { input: { turn_detection: { prefix_padding_ms: 300, silence_duration_ms: 500 } } } },
  },
  { type: "input_audio_buffer.speech_started", audio_start_ms: 100, item_id: "c1" },
  { type: "input_audio_buffer.speech_stopped", audio_end_ms: 900, item_id: "c1" },
  { type: "conversation.item.input_audio_transcription.delta", item_id: "c1", delta: "One " },
  { type: "conversation.item.input_audio_transcription.updated", item_id: "c1", transcript: "One two" },
  {
    type: "conversation.item.input_audio_transcription.completed",
    item_id: "c1",
    transcript: "One two.",
    usage: { type: "duration", seconds: 1 },
  },
  { type: "conversation.item.input_audio_transcription.failed", item_id: "c1", error: { code: "x", message: "y" } },
  { type: "response.created", response: { id: "r1" } },
  { type: "response.output_item.added", response_id: "r1", item: { id: "a1", type: "function_call", call_id: "k", name: "n" } },
  {
    type: "response.output_item.done",
    response_id: "r1",
    item: { id: "a1", type: "message", content: [{ type: "output_audio", transcript: "Hi." }] },
  },
  { type: "response.output_audio.delta", response_id: "r1", item_id: "a1", delta: sound(20) },
  { type: "response.audio.delta", response_id: "r1", item_id: "a1", delta: sound(100) },
  { type: "response.output_audio_transcript.delta", response_id: "r1", item_id: "a1", delta: "Hi " },
  { type: "response.audio_transcript.done", response_id: "r1", item_id: "a1", transcript: "Hi there." },
  { type: "response.function_call_arguments.done", response_id: "r1", item_id: "f1", call_id: "k", name: "n", arguments: "{}" },
  {
    type: "response.done",
    response: {
      id: "r1",
      status: "completed",
      status_details: { reason: "x", error: { code: "c" } },
      output: [{ id: "a1", type: "message" }],
      usage: { total_tokens: 3 },
    },
  },
  { type: "error", error: { type: "server_error", code: "c", message: "m", event_id: "answer-1" } },
  { type: "rate_limits.updated", rate_limits: [] },
];

const evi: readonly Json[] = [
  { type: "chat_metadata", chat_id: "c", chat_group_id: "g", request_id: "r" },
  {
    type: "user_message",
    message: { role: "user", content: "Hello." },
    models: { prosody: { scores: { Joy: 0.5 } } },
    time: { begin: 10, end: 900 },
    interim: false,
  },
  { type: "user_message", message: { role: "user", content: "Hel" }, time: { begin: 10, end: 500 }, interim: true },
  { type: "assistant_message", id: "a1", message: { role: "assistant", content: "Hi." }, models: { prosody: { scores: { Joy: 0.5 } } } },
  { type: "audio_output", id: "a1", index: 0, data: sound(20) },
  { type: "audio_output", id: "a1", index: 1, data: sound(100) },
  { type: "assistant_prosody", id: "a1", models: { prosody: { scores: { Joy: 0.5 } } } },
  { type: "assistant_end" },
  { type: "user_interruption", time: 1_000 },
  { type: "tool_call", name: "n", parameters: "{}", tool_call_id: "k", tool_type: "function", response_required: true },
  { type: "error", code: "E0101", slug: "s", message: "m" },
];

/** Feeds spoiled messages to an adapter; gives its events. */
function fed(messages: readonly Json[], seed: number, take: (bytes: Buffer, events: EngineEvent[]) => void): EngineEvent[] {
  const next = chance(seed);
  const events: EngineEvent[] = [];
  for (let i = 0; i < MESSAGES; i++) take(spoiled(messages[Math.floor(next() * messages.length)] as Json, next), events);
  return events;
}

function overRealtime(seed: number): EngineEvent[] {
  const samples = new DeltaSound();
  let talk: RealtimeTalk | null = null;
  const session = {
    callId: "c",
    agent: null,
    prompt: "",
    variables: {},
    greeting: "Hello.",
    voice: null,
    language: "en",
    tools: [],
    manners: plainManners,
  };
  return fed(realtime, seed, (bytes, events) => {
    talk ??= new RealtimeTalk({
      dialect: dialectOf("openai"),
      session: { ...session, inRate: 24_000, outRate: 24_000, resume: null, history: [], options: {} },
      before: "at rest",
      emit: (event) => void events.push(event),
      tell: (message) => void JSON.stringify(message),
      later: () => undefined,
      end: () => {},
      soundOver: () => {},
      soundCut: () => {},
    });
    const heard = hearRealtime(bytes);
    if (heard.kind === "audio") talk.hearSound(heard.audio.item, heard.audio.response, samples.decode(heard.audio).length / 24);
    else if (heard.kind === "saying") talk.hear(heard.saying);
    else if (heard.kind === "unknown") talk.strangeMessage(heard.type, heard.malformed);
  });
}

function overEvi(seed: number): EngineEvent[] {
  const talk = new EviTalk(() => new Date(0));
  const into = Buffer.alloc(1_000_000);
  return fed(evi, seed, (bytes, events) => {
    const heard = hearEvi(bytes);
    if (heard.kind === "audio") {
      if (decodeBase64(heard.audio, into) > mostBytes(heard.audio)) throw new Error("More sound came than there can be.");
      talk.hearSound(heard.audio.id, heard.audio.index, new Int16Array(4));
    } else events.push(...(heard.kind === "saying" ? talk.hear(heard.saying) : talk.strangeMessage(heard.type, heard.malformed)));
  });
}

const kindsOf = (...parts: readonly unknown[]): string => parts.map((part) => typeof part).join(" ");
const texts = (events: readonly EngineEvent[]): EngineEvent[] =>
  events.filter(({ what }) => what === "caller text" || what === "agent text");

describe.each([
  ["EVI", overEvi],
  ["OpenAI Realtime", overRealtime],
])("%s", (_, over) => {
  test.each([1, 2, 3])("20,000 spoiled messages are taken without a throw, and what is told of them is whole (seed %i)", (seed) => {
    const events = over(seed);
    expect(texts(events).length).toBeGreaterThan(100);
    // Gathered and looked at once: a claim for each of them costs more than reading them all.
    const broken = events.filter((event) => {
      if (event.what === "caller text")
        return kindsOf(event.text, event.fromMs, event.toMs, event.utterance) !== "string number number string";
      if (event.what === "agent text") return kindsOf(event.text, event.utterance) !== "string string";
      return event.what === "tool" && kindsOf(event.id, event.name, event.args) !== "string string string";
    });
    expect(broken).toEqual([]);
  });

  test("they make fewer than 20 lines for the log", () => {
    expect(over(4).filter(({ what }) => what === "trouble").length).toBeLessThan(20);
  });
});

test("10,000 unknown and malformed messages of either are fewer than 20 lines, and no utterance", () => {
  const noise = (i: number): Buffer =>
    Buffer.from(i % 3 === 0 ? `{"type":"future.event_${i}","n":${i}}` : i % 3 === 1 ? "not json at all" : '{"type":"response.done"}');
  const talk = new EviTalk(() => new Date(0));
  const events: EngineEvent[] = [];
  const own = new RealtimeTalk({
    dialect: dialectOf("openai"),
    session: {
      ...{
        callId: "c",
        agent: null,
        prompt: "",
        variables: {},
        greeting: null,
        voice: null,
        language: "en",
        tools: [],
        manners: plainManners,
      },
      ...{ inRate: 24_000, outRate: 24_000, resume: null, history: [], options: {} },
    },
    before: "at rest",
    emit: (event) => void events.push(event),
    tell: () => {},
    later: () => undefined,
    end: () => {},
    soundOver: () => {},
    soundCut: () => {},
  });
  for (let i = 0; i < 10_000; i++) {
    const [one, other] = [hearEvi(noise(i)), hearRealtime(noise(i))];
    if (one.kind !== "unknown" || other.kind !== "unknown")
      throw new Error(`${noise(i)} was taken for something: ${one.kind}, ${other.kind}`);
    events.push(...talk.strangeMessage(one.type, one.malformed));
    own.strangeMessage(other.type, other.malformed);
  }
  expect(events.length).toBeLessThan(20);
  expect(events.every(({ what }) => what === "trouble")).toBe(true);
});
