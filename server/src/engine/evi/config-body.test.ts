import { describe, expect, test } from "vitest";
import { type EngineSession, plainManners } from "../port.ts";
import { configBody, cutInMs, markOf, untrueWithout } from "./config-body.ts";

const agent = (manners: Partial<EngineSession["manners"]> = {}, options: Record<string, unknown> = {}, language = "en") => ({
  manners: { ...plainManners, ...manners },
  options,
  language,
});
const base = (body: Record<string, unknown>) => ({ id: "base", version: 3, body });

test("says in full what a call needs, whatever Hume's defaults are, and leaves greeting, nudging and goodbye to the bridge", () => {
  expect(configBody(agent(), null, "https://calls.example.com/webhooks/hume")).toEqual({
    evi_version: "3",
    event_messages: {
      on_new_chat: { enabled: false },
      on_inactivity_timeout: { enabled: false },
      on_max_duration_timeout: { enabled: false },
    },
    timeouts: { inactivity: { enabled: true, duration_secs: 1800 }, max_duration: { enabled: true, duration_secs: 1800 } },
    nudges: { enabled: false },
    turn_detection: { end_of_turn_silence_ms: 800, speech_detection_threshold: 0.5, prefix_padding_ms: 300 },
    interruption: { min_interruption_ms: 800 },
    webhooks: [{ url: "https://calls.example.com/webhooks/hume", events: ["chat_started", "chat_ended", "tool_call"] }],
  });
});

describe("patience and interruption, within Hume's ranges", () => {
  test.each([
    [null, 800],
    [100, 500],
    [500, 500],
    [1200, 1200],
    [5000, 3000],
  ])("%s ms of silence end a turn after %i", (wished, ms) => {
    const body = configBody(agent({ endOfTurnMs: wished }), null, null);
    expect(body.turn_detection).toMatchObject({ end_of_turn_silence_ms: ms });
  });

  test.each([
    ["high", 50],
    ["medium", 800],
    ["low", 1500],
    ["never", 2000],
  ] as const)("%s is %i ms of speech", (interruption, ms) => {
    expect(configBody(agent({ interruption }), null, null).interruption).toEqual({ min_interruption_ms: ms });
  });

  test.each([
    ["high", {}, 0],
    ["medium", {}, 0],
    ["low", {}, 1500],
    ["never", {}, 2000],
    ["never", { min_interruption_ms: 300 }, 300],
  ] as const)("once EVI is done and is still being heard, %s with %j breaks off after %i ms of speech", (interruption, options, ms) => {
    expect(cutInMs(agent({ interruption }, options))).toBe(ms);
  });

  test("EVI's own measures may be set directly", () => {
    const options = { min_interruption_ms: 300, speech_detection_threshold: 0.7, prefix_padding_ms: 0, max_duration_s: 600 };
    expect(configBody(agent({ interruption: "low" }, options), null, null)).toMatchObject({
      interruption: { min_interruption_ms: 300 },
      turn_detection: { speech_detection_threshold: 0.7, prefix_padding_ms: 0 },
      timeouts: { max_duration: { duration_secs: 600 } },
    });
  });
});

test("a Config is made from the operator's own: its model, voice, prompt and tools go over as names, its manners do not", () => {
  const answered = {
    id: "base",
    version: 3,
    name: "Mine",
    evi_version: "4-mini",
    prompt: { id: "p-1", name: "kind", version: 2, version_type: "FIXED", text: "Be kind." },
    voice: { id: "v-1", name: "Voice", provider: "HUME_AI", compatible_octave_models: ["octave-2"] },
    language_model: { model_provider: "ANTHROPIC", model_resource: "a-model", temperature: null },
    ellm_model: { allow_short_responses: true },
    tools: [{ id: "t-1", version: 4, name: "look_up", parameters: "{}", tool_type: "FUNCTION" }],
    builtin_tools: [{ tool_type: "BUILTIN", name: "web_search", fallback_content: null }],
    event_messages: { on_new_chat: { enabled: true, text: "Hello from Hume." } },
    nudges: { enabled: true, interval_secs: 5 },
    timeouts: { inactivity: { enabled: true, duration_secs: 30 }, max_duration: { enabled: true, duration_secs: 60 } },
    turn_detection: { end_of_turn_silence_ms: 3000 },
    webhooks: [{ url: "https://theirs.example.com/hume", events: ["chat_ended"] }],
  };
  const body = configBody(agent({ endOfTurnMs: 600 }), base(answered), "https://calls.example.com/webhooks/hume");
  expect(body).toMatchObject({
    evi_version: "4-mini",
    prompt: { id: "p-1", version: 2 },
    voice: { provider: "HUME_AI", id: "v-1" },
    language_model: { model_provider: "ANTHROPIC", model_resource: "a-model" },
    ellm_model: { allow_short_responses: true },
    tools: [{ id: "t-1", version: 4 }],
    builtin_tools: [{ name: "web_search" }],
    event_messages: { on_new_chat: { enabled: false } },
    nudges: { enabled: false },
    timeouts: { inactivity: { duration_secs: 1800 }, max_duration: { duration_secs: 1800 } },
    turn_detection: { end_of_turn_silence_ms: 600 },
    webhooks: [{ url: "https://theirs.example.com/hume" }, { url: "https://calls.example.com/webhooks/hume" }],
  });
  expect(body).not.toHaveProperty("name");
  expect(JSON.stringify(body)).not.toContain("null");
});

test.each([
  ["English", agent({}, {}, "en-GB"), null, "3"],
  ["another language without a language model, which 4-mini needs", agent({}, {}, "de"), null, "3"],
  ["another language", agent({}, { language_model: { model_provider: "GOOGLE", model_resource: "m" } }, "de"), null, "4-mini"],
  ["what the options say", agent({}, { evi_version: "4-mini" }), base({ evi_version: "3" }), "4-mini"],
  ["what the own Config says", agent(), base({ evi_version: "4-mini" }), "4-mini"],
])("EVI's version: %s", (_, one, from, version) => {
  expect(configBody(one, from, null).evi_version).toBe(version);
});

test("the same settings have the same mark, others another", () => {
  const mark = (ms: number) => markOf(configBody(agent({ endOfTurnMs: ms }), null, null));
  expect(mark(700)).toBe(mark(700));
  expect(mark(700)).not.toBe(mark(900));
});

test.each([
  [agent(), []],
  [agent({ endOfTurnMs: 800 }), []],
  [agent({ endOfTurnMs: 500, interruption: "high" }), ["patience.end_of_turn_ms", "interruption"]],
  [agent({}, { evi_version: "4-mini", prefix_padding_ms: 0 }), ["options.prefix_padding_ms", "options.evi_version"]],
])("without a Config these are not true: %j", (one, untrue) => {
  expect(untrueWithout(one)).toEqual(untrue);
});

test("an agent that may not hang up does not get the tool for it from its ground", () => {
  const ground = { id: "b", version: 0, body: { builtin_tools: [{ name: "hang_up" }, { name: "web_search" }] } };
  const bodyOf = (hangsUp: boolean, options = {}): unknown =>
    configBody({ manners: { ...plainManners, hangsUp }, options, language: "en" }, ground, null).builtin_tools;
  expect(bodyOf(true)).toEqual([{ name: "hang_up" }, { name: "web_search" }]);
  expect(bodyOf(false)).toEqual([{ name: "web_search" }]);
  expect(bodyOf(true, { hang_up: false })).toEqual([{ name: "web_search" }]);
});
