import { describe, expect, test } from "vitest";
import type { EngineEvent, EngineSession } from "../port.ts";
import { plainSession } from "../test-session.ts";
import { NO_WORDS } from "./caller-turns.ts";
import { type DialectName, dialectOf } from "./dialects.ts";
import { askAgainMs, type Ending } from "./endings.ts";
import { type Before, RealtimeTalk } from "./talk.ts";
import { hear } from "./wire.ts";

const session: EngineSession = { ...plainSession, greeting: "Hello.", language: "en-GB" };

interface Talking {
  readonly talk: RealtimeTalk;
  readonly events: EngineEvent[];
  /** What we told the server, without the ids. */
  readonly told: Record<string, unknown>[];
  readonly ids: string[];
  readonly endings: Ending[];
  /** What is to be done later, and when. */
  readonly later: { readonly ms: number; readonly deed: () => void }[];
  says(type: string, fields?: Record<string, unknown>): void;
  sounds(item: string, ms: number, response?: string): boolean;
}

function talking(
  wish: Partial<EngineSession> = {},
  more: { dialect?: DialectName; before?: Before; beside?: readonly string[]; ready?: boolean } = {},
): Talking {
  const events: EngineEvent[] = [];
  const told: Record<string, unknown>[] = [];
  const ids: string[] = [];
  const endings: Ending[] = [];
  const later: Talking["later"] = [];
  const talk = new RealtimeTalk({
    dialect: dialectOf(more.dialect ?? "openai"),
    session: { ...session, ...wish },
    before: more.before ?? "at rest",
    beside: more.beside ?? [],
    emit: (event) => void events.push(event),
    tell: ({ event_id, ...message }) => {
      ids.push(event_id as string);
      told.push(message);
    },
    later: (ms, deed) => void later.push({ ms, deed }),
    end: (ending) => void endings.push(ending),
    soundOver: () => undefined,
    soundCut: () => undefined,
  });
  const one: Talking = {
    talk,
    later,
    events,
    told,
    ids,
    endings,
    says(type, fields = {}) {
      const heard = hear(Buffer.from(JSON.stringify({ type, event_id: "e", ...fields })));
      if (heard.kind === "saying") talk.hear(heard.saying);
      if (heard.kind === "unknown") talk.strangeMessage(heard.type, heard.malformed);
    },
    sounds: (item, ms, response = "r1") => talk.hearSound(item, response, ms),
  };
  if (more.ready === false) return one;
  one.says("session.created", { session: { id: "sess", expires_at: 1_900_000_000 } });
  one.says("session.updated", {
    session: { id: "sess", audio: { input: { turn_detection: { type: "server_vad", prefix_padding_ms: 300, silence_duration_ms: 500 } } } },
  });
  return one;
}
const types = (told: readonly Record<string, unknown>[]): unknown[] => told.map(({ type }) => type);
const answer = (one: Talking, item = "a1", response = "r1", ms = 4_000): void => {
  one.says("response.created", { response: { id: response } });
  one.says("response.output_item.added", { response_id: response, item: { id: item, type: "message" } });
  one.says("response.output_audio_transcript.delta", { response_id: response, item_id: item, delta: "It is at four o'clock." });
  one.sounds(item, ms, response);
};
const done = (one: Talking, status = "completed", more: Record<string, unknown> = {}, response = "r1"): void =>
  one.says("response.done", { response: { id: response, status, output: [], ...more } });

describe("the beginning", () => {
  test("settings first; nothing else before they are in force; then the greeting, once", () => {
    const one = talking({}, { ready: false });
    one.says("session.created", { session: { id: "sess" } });
    expect(types(one.told)).toEqual(["session.update"]);
    one.talk.say("too early", "about");
    expect(types(one.told)).toEqual(["session.update"]);
    one.says("session.updated", { session: { id: "sess" } });
    one.says("session.updated", { session: { id: "sess" } });
    expect(one.events.filter(({ what }) => what === "ready")).toHaveLength(1);
    expect(one.told).toHaveLength(2);
  });

  test("refused settings end the session: the defaults would be another agent", () => {
    const one = talking({}, { ready: false });
    one.says("session.created", { session: { id: "sess" } });
    one.says("error", { error: { code: "invalid_value", message: "No such voice.", event_id: one.ids[0] } });
    expect(one.endings).toMatchObject([{ why: "refused", code: "invalid_value", retry: false }]);
  });

  test("where the server's words leave out what was refused, its place is told", () => {
    const one = talking({}, { ready: false });
    one.says("session.created", { session: { id: "sess" } });
    const error = {
      code: "invalid_function_parameters",
      message: "Invalid schema: 'type' is missing.",
      param: "session.tools[0].parameters",
    };
    one.says("error", { error: { ...error, event_id: one.ids[0] } });
    expect(one.endings[0]?.text).toBe(
      "The engine refused the agent's settings: Invalid schema: 'type' is missing. (session.tools[0].parameters)",
    );
  });

  test.each([
    ["before the session began", false, "model_load_error"],
    ["in the middle of it", true, "insufficient_quota"],
  ])("what a second attempt would meet again ends it at once, also where the server leaves it open: %s", (_, ready, code) => {
    const one = talking({}, { ready });
    one.says("error", { error: { code, message: "It cannot be.", event_id: ready ? one.ids.at(-1) : null } });
    expect(one.endings).toMatchObject([{ why: "refused", code, text: "It cannot be.", retry: false }]);
  });

  test("an error the session went on after is not why it ends", () => {
    const one = talking();
    one.says("error", { error: { code: "invalid_value", message: "Not so." } });
    expect(one.talk.error?.code).toBe("invalid_value");
    answer(one);
    expect(one.talk.error).toBeNull();
    one.says("error", { error: { code: "session_expired", message: "Over." } });
    done(one);
    expect(one.talk.error?.code).toBe("session_expired");
  });

  test("history is told as text, and a session that ended in a pause says nothing by itself", () => {
    const history = [
      { speaker: "agent", text: "Hello." },
      { speaker: "caller", text: "It is about Friday." },
    ] as const;
    const one = talking({ history });
    expect(types(one.told)).toEqual(["session.update", "conversation.item.create", "conversation.item.create"]);
    expect(one.told[1]).toMatchObject({ item: { role: "assistant", content: [{ type: "output_text", text: "Hello." }] } });
    expect(types(talking({ history }, { before: "caller waits" }).told).at(-1)).toBe("response.create");
  });

  test("where the caller's last words are lost, they are asked for again", () => {
    const lost = talking({ history: [{ speaker: "caller", text: NO_WORDS }] }, { before: "caller waits" });
    expect(JSON.stringify(lost.told.at(-2))).toContain("could not hear");
    const broken = talking({ history: [{ speaker: "agent", text: "So" }] }, { before: "mid-answer" });
    expect(JSON.stringify(broken.told.at(-2))).toContain("go on with what you were saying");
    // Instructions of an answer would take the place of the prompt, and with it of the agent's language.
    for (const { told } of [lost, broken]) expect(told.at(-1)).toEqual({ type: "response.create" });
  });

  test("keys and an operator's words of the sessions before are told again, after what was said", () => {
    const first = talking();
    first.talk.context("The caller pressed the key 4.", false);
    const next = talking({ history: [{ speaker: "agent", text: "Hello." }] }, { beside: first.talk.beside });
    expect(next.told.slice(1).map(({ item }) => (item as { role: string }).role)).toEqual(["assistant", "system"]);
    expect(JSON.stringify(next.told.at(-1))).toContain("key 4");
    expect(next.talk.beside).toEqual(["The caller pressed the key 4."]);
  });

  test("what is told before the settings are in force is told after them", () => {
    const one = talking({ greeting: null }, { ready: false });
    one.talk.context("The caller pressed the key 4.", false);
    expect(types(one.told)).not.toContain("conversation.item.create");
    one.says("session.updated", { session: { id: "s" } });
    expect(JSON.stringify(one.told.at(-1))).toContain("key 4");
  });
});

describe("a cut-in", () => {
  test("while the answer is being made: late sound is ignored, and the item truncated at what was heard", () => {
    const one = talking();
    answer(one);
    one.talk.tellPlaying(true);
    one.says("input_audio_buffer.speech_started", { audio_start_ms: 5_000, item_id: "c1" });
    expect(one.events.at(-1)?.what).toBe("cut in");
    one.talk.played("a1", 1_234.9, "cut");
    expect(one.told.at(-1)).toEqual({ type: "conversation.item.truncate", item_id: "a1", content_index: 0, audio_end_ms: 1_234 });
    expect(one.sounds("a1", 100)).toBe(false);
    done(one, "cancelled", { status_details: { reason: "turn_detected" } });
    expect(one.events.at(-1)).toEqual({ what: "agent done", how: "cut" });
    expect(types(one.told)).not.toContain("response.cancel");
  });

  test("after the answer was made, while it is still played", () => {
    const one = talking();
    answer(one);
    done(one);
    one.talk.tellPlaying(true);
    one.says("input_audio_buffer.speech_started", { audio_start_ms: 5_000, item_id: "c1" });
    expect(one.events.at(-1)?.what).toBe("cut in");
  });

  test("is none when nothing is being said or played", () => {
    const one = talking({ greeting: null });
    one.says("input_audio_buffer.speech_started", { audio_start_ms: 5_000, item_id: "c1" });
    expect(one.events.map(({ what }) => what)).toEqual(["ready", "caller speech"]);
  });

  test.each([
    ["never more than was received", 9_999, { type: "conversation.item.truncate", audio_end_ms: 4_000 }],
    ["deleted where nothing was heard", 0.4, { type: "conversation.item.delete" }],
  ])("truncation: %s, and once", (_, heardMs, expected) => {
    const one = talking();
    answer(one);
    one.talk.played("a1", heardMs, "cut");
    one.talk.played("a1", heardMs, "cut");
    expect(one.told.filter(({ type }) => String(type).startsWith("conversation.item."))).toMatchObject([expected]);
  });

  test("an item of which not a sound had come is deleted when its response is done", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    one.says("input_audio_buffer.speech_started", { audio_start_ms: 5_000, item_id: "c1" });
    done(one, "cancelled", { output: [{ id: "a9", type: "message", content: [] }] });
    expect(one.told.at(-1)).toEqual({ type: "conversation.item.delete", item_id: "a9" });
  });

  test("a server that cannot truncate is told in words", () => {
    const one = talking({}, { dialect: "huggingface" });
    answer(one);
    one.talk.played("a1", 1_200, "cut");
    expect(one.told.at(-1)).toMatchObject({ type: "conversation.item.create", item: { role: "system" } });
    expect(JSON.stringify(one.told.at(-1))).toContain("1.2 seconds");
  });

  test("a refused truncation is harmless and quiet", () => {
    const one = talking();
    answer(one);
    one.talk.played("a1", 1_200, "cut");
    const events = one.events.length;
    one.says("error", { error: { code: null, message: "Audio content of 3700ms is already shorter", event_id: one.ids.at(-1) } });
    expect([one.events.length, one.endings]).toEqual([events, []]);
  });
});

describe("the caller's words", () => {
  test("lie where they were spoken, padding and silence taken off, however late they come", () => {
    const one = talking();
    one.says("input_audio_buffer.speech_started", { audio_start_ms: 1_000, item_id: "c1" });
    one.says("input_audio_buffer.speech_stopped", { audio_end_ms: 3_000, item_id: "c1" });
    answer(one);
    done(one);
    one.says("conversation.item.input_audio_transcription.delta", { item_id: "c1", delta: "It is" });
    one.says("conversation.item.input_audio_transcription.completed", { item_id: "c1", transcript: "It is about Friday." });
    expect(one.events.filter(({ what }) => what === "caller text")).toEqual([
      { what: "caller text", utterance: "c1", text: "It is", final: false, fromMs: 1_300, toMs: 2_500, language: null },
      { what: "caller text", utterance: "c1", text: "It is about Friday.", final: true, fromMs: 1_300, toMs: 2_500, language: null },
    ]);
  });

  test("cumulative ones replace what was before", () => {
    const one = talking({}, { dialect: "xai" });
    one.says("conversation.item.input_audio_transcription.updated", { item_id: "c1", transcript: "It" });
    one.says("conversation.item.input_audio_transcription.updated", { item_id: "c1", transcript: "It is" });
    one.says("conversation.item.input_audio_transcription.completed", { item_id: "c1", transcript: "It is.", status: "in_progress" });
    expect(one.events.flatMap((event) => (event.what === "caller text" ? [[event.text, event.final]] : []))).toEqual([
      ["It", false],
      ["It is", false],
      ["It is.", false],
    ]);
  });

  test.each(["failed", "never"])("that are not written down (%s) leave an honest mark", (how) => {
    const one = talking();
    one.says("input_audio_buffer.speech_started", { audio_start_ms: 1_000, item_id: "c1" });
    one.says("input_audio_buffer.speech_stopped", { audio_end_ms: 3_000, item_id: "c1" });
    if (how === "failed")
      one.says("conversation.item.input_audio_transcription.failed", { item_id: "c1", error: { code: "x", message: "Unclear." } });
    one.talk.over();
    expect(one.events.filter(({ what }) => what === "caller text")).toMatchObject([{ text: NO_WORDS, final: true, toMs: 2_500 }]);
  });
});

describe("answers", () => {
  test("one at a time: what is wished meanwhile waits", () => {
    const one = talking();
    expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(1);
    one.talk.say("Are you there?", "about");
    one.says("response.created", { response: { id: "r1" } });
    one.talk.context("The caller pressed 4.", true);
    expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(1);
    done(one);
    expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(2);
  });

  test("when a turn of the caller's was quicker, ours is asked for again after it", () => {
    const one = talking();
    one.says("error", { error: { code: "conversation_already_has_active_response", message: "…", event_id: one.ids.at(-1) } });
    one.says("response.created", { response: { id: "r1" } });
    done(one);
    expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(2);
  });

  test("also when the server tells of the quicker one first, as it does", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    one.says("error", { error: { code: "conversation_already_has_active_response", message: "…", event_id: one.ids.at(-1) } });
    expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(1);
    done(one);
    expect(one.told.at(-1)).toEqual(one.told[1]);
    expect(one.events.some(({ what }) => what === "trouble")).toBe(false);
  });

  test("words of a caller who may not break in are answered after the answer they were spoken into, though the server would not begin", () => {
    const one = talking({ greeting: null });
    one.says("response.created", { response: { id: "r1" } });
    one.says("error", { error: { code: "conversation_already_has_active_response", message: "…", event_id: null } });
    expect(types(one.told)).not.toContain("response.create");
    done(one);
    expect(types(one.told).at(-1)).toBe("response.create");
  });

  test("text is told by the sentence and not by the word", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    for (const delta of ["It ", "is ", "four. ", "Shall ", "I ", "book?"])
      one.says("response.audio_transcript.delta", { response_id: "r1", item_id: "a1", delta });
    expect(one.events.flatMap((event) => (event.what === "agent text" ? [event.text] : []))).toEqual([
      "It is four. ",
      "It is four. Shall I book?",
    ]);
  });

  test.each([
    ["Yes.", true],
    ["Yes.  \n", true],
    ["He said “yes.”", true],
    ["(As I said!) ", true],
    ["Well…", true],
    ["version 1.5", false],
    ["He said “yes”", false],
    ["as I said)", false],
    ['"', false],
    [" \n", false],
  ])("%j so far is a whole sentence: %j", (text, whole) => {
    const one = talking();
    for (const delta of [text.slice(0, -1), text.slice(-1)])
      one.says("response.output_audio_transcript.delta", { response_id: "r1", item_id: "a1", delta });
    expect(one.events.some((event) => event.what === "agent text" && event.text === text)).toBe(whole);
  });

  test("one that failed is tried once more at once; a second one is the engine's failure", () => {
    const one = talking();
    const failed = { status_details: { error: { code: "server_error", message: "Sorry." } } };
    one.says("response.created", { response: { id: "r1" } });
    done(one, "failed", failed);
    // A greeting stays a greeting.
    expect(one.told.at(-1)).toEqual(one.told[1]);
    one.says("response.created", { response: { id: "r2" } });
    done(one, "failed", failed, "r2");
    expect(one.endings).toMatchObject([{ why: "lost", code: "server_error", retry: true }]);
  });

  describe("of an account that has had its minute's share", () => {
    const limited = (text: string) => ({ status_details: { error: { code: "rate_limit_exceeded", message: text } } });

    test("are asked for again when the server says that they may be, as what they were", () => {
      const one = talking();
      one.says("response.created", { response: { id: "r1" } });
      done(one, "failed", limited("Limit 40000, Used 39000. Please try again in 1.2s. Visit us."));
      expect([types(one.told).filter((type) => type === "response.create").length, one.later.map(({ ms }) => ms)]).toEqual([1, [1_250]]);
      expect([one.talk.atRest, one.talk.brokenOff]).toEqual([false, "mid-answer"]);
      one.later[0]?.deed();
      expect(one.told.at(-1)).toEqual(one.told[1]);
      expect(one.endings).toEqual([]);
    });

    test("are not asked for again when the caller has spoken meanwhile", () => {
      const one = talking();
      one.says("response.created", { response: { id: "r1" } });
      done(one, "failed", limited("Slow down."));
      one.says("input_audio_buffer.speech_started", { audio_start_ms: 5_000, item_id: "c1" });
      one.later[0]?.deed();
      expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(1);
    });

    test.each([
      ["Please try again in 640ms.", [690, 690, 690, null]],
      ["Slow down.", [1_000, 2_000, 3_000, null]],
      ["Please try again in 1m12.5s.", [null]],
      ["Please try again in 20s.", [null]],
    ])("wait as long as a caller does, and no longer: %s", (text, waits) => {
      expect(waits.map((_, times) => askAgainMs({ code: "rate_limit_exceeded", text }, times))).toEqual(waits);
    });
  });

  test("without quota there is no second try", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    done(one, "failed", { status_details: { error: { code: "insufficient_quota", message: "Pay." } } });
    expect(one.endings).toMatchObject([{ why: "refused", code: "insufficient_quota", retry: false }]);
  });

  test("usage is told of answers and of transcription", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    done(one, "completed", { usage: { total_tokens: 90 } });
    one.says("conversation.item.input_audio_transcription.completed", { item_id: "c1", transcript: "Yes.", usage: { seconds: 1 } });
    expect(one.events.filter(({ what }) => what === "usage")).toEqual([
      { what: "usage", raw: { of: "response", total_tokens: 90 } },
      { what: "usage", raw: { of: "transcription", seconds: 1 } },
    ]);
  });
});

describe("tools", () => {
  const call = (id: string, name: string, args = "{}") => ({ type: "function_call", call_id: id, name, arguments: args });

  test("are called when the answer is complete, and answered together", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    one.says("response.function_call_arguments.done", { response_id: "r1", item_id: "i", call_id: "t1", arguments: '{"a":1}' });
    expect(one.events.some(({ what }) => what === "tool")).toBe(false);
    done(one, "completed", { output: [call("t1", "find", '{"a":1}'), call("t2", "book")] });
    expect(one.events.filter(({ what }) => what === "tool")).toEqual([
      { what: "tool", id: "t1", name: "find", args: '{"a":1}' },
      { what: "tool", id: "t2", name: "book", args: "{}" },
    ]);
    const before = types(one.told).filter((type) => type === "response.create").length;
    one.talk.toolResult("t1", { ok: true, text: "found" });
    one.talk.toolResult("t2", { ok: false, text: "closed" });
    expect(one.told.slice(-3)).toMatchObject([
      { item: { type: "function_call_output", call_id: "t1", output: "found" } },
      { item: { call_id: "t2", output: '{"error":"closed"}' } },
      { type: "response.create" },
    ]);
    expect(types(one.told).filter((type) => type === "response.create")).toHaveLength(before + 1);
  });

  test("of a cancelled answer are not called: their arguments may be partial", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    done(one, "cancelled", { output: [call("t1", "pay", '{"amount":1')] });
    expect(one.events.some(({ what }) => what === "tool")).toBe(false);
  });

  test("hanging up ends the session as the agent's wish, unless the session brings such a tool", () => {
    const one = talking();
    one.says("response.created", { response: { id: "r1" } });
    done(one, "completed", { output: [call("t1", "hang_up")] });
    expect(one.endings).toMatchObject([{ why: "agent_hung_up" }]);
    const own = talking({ tools: [{ name: "hang_up", description: "", parameters: {} }] });
    own.says("response.created", { response: { id: "r1" } });
    done(own, "completed", { output: [call("t1", "hang_up")] });
    expect([own.endings, own.events.at(-1)?.what]).toEqual([[], "tool"]);
  });
});

test("nothing said, asked or owed is the moment to renew a session", () => {
  const one = talking();
  expect(one.talk.atRest).toBe(false);
  answer(one);
  one.talk.tellPlaying(true);
  done(one);
  expect(one.talk.atRest).toBe(false);
  one.talk.tellPlaying(false);
  expect(one.talk.atRest).toBe(true);
  one.says("input_audio_buffer.speech_started", { audio_start_ms: 9_000, item_id: "c1" });
  expect([one.talk.atRest, one.talk.brokenOff]).toEqual([false, "caller waits"]);
});
