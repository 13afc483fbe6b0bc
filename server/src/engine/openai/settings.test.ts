import { describe, expect, test } from "vitest";
import { refusalIn } from "../../refusal-words.ts";
import type { EngineSession } from "../port.ts";
import { plainSession } from "../test-session.ts";
import { dialectNames, dialectOf } from "./dialects.ts";
import { endingOf, refusalOf } from "./endings.ts";
import { mannerOf } from "./manner.ts";
import { sessionSettings, sessionUrl, wireRates } from "./settings.ts";
import { APPEND, append, hear } from "./wire.ts";

const session: EngineSession = {
  ...plainSession,
  language: "nl-BE",
  tools: [{ name: "find", description: "Finds.", parameters: { type: "object" } }],
};

describe("settings", () => {
  test("for OpenAI: nested, 24 kHz both ways said out loud, nothing left to a default", () => {
    expect(sessionSettings(dialectOf("openai"), session)).toEqual({
      type: "realtime",
      output_modalities: ["audio"],
      instructions: "You are brief.",
      audio: {
        input: {
          format: { type: "audio/pcm", rate: 24_000 },
          noise_reduction: { type: "near_field" },
          transcription: { language: "nl", model: "gpt-realtime-whisper" },
          turn_detection: { type: "server_vad", threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
        },
        output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "marin" },
      },
      tools: [
        { type: "function", name: "find", description: "Finds.", parameters: { type: "object" } },
        expect.objectContaining({ name: "hang_up" }),
      ],
      tool_choice: "auto",
    });
  });

  test("an agent's own options pass through", () => {
    const options = {
      turn_detection: { type: "semantic_vad", eagerness: "low" },
      noise_reduction: null,
      speed: 1.1,
      hang_up: false,
      max_output_tokens: 900,
    };
    expect(sessionSettings(dialectOf("openai"), { ...session, voice: "voice_abc", options })).toMatchObject({
      audio: {
        input: { turn_detection: { type: "semantic_vad", eagerness: "low" }, noise_reduction: null },
        output: { voice: { id: "voice_abc" }, speed: 1.1 },
      },
      tools: [{ name: "find" }],
      max_output_tokens: 900,
    });
  });

  test("what we have no name for goes in as the server spells it", () => {
    const extra = { tool_choice: "required", audio: { output: { model: "tts-2" } } };
    expect(sessionSettings(dialectOf("inworld"), { ...session, options: { extra } })).toMatchObject({
      tool_choice: "required",
      audio: { input: { format: { type: "audio/pcm" } }, output: { format: { type: "audio/pcm" }, model: "tts-2" } },
    });
    const { refuses } = mannerOf(dialectOf("openai"));
    expect(refuses({ ...session, options: { extra } })).toEqual([]);
    expect(refuses({ ...session, options: { extra: { instructions: "Lie." } } })).toMatchObject([{ field: "options.extra.instructions" }]);
  });

  test.each([
    ["fil", "tl"],
    ["deu-AT", "de"],
    ["haw", undefined],
  ])("a caller who speaks %s is written down in %s", (language, written) => {
    const { audio } = sessionSettings(dialectOf("openai"), { ...session, language }) as {
      audio: { input: { transcription: { language?: string } } };
    };
    expect(audio.input.transcription.language).toBe(written);
  });

  test.each(dialectNames)("of the dialect %s have a key in a header, a rate it takes, and no field it does not know", (name) => {
    const dialect = dialectOf(name);
    expect(Object.values(dialect.headers("secret")).join()).toContain("secret");
    const rates = wireRates(dialect, session);
    expect(dialect.rates).toContain(rates.in);
    expect(rates.in).toBe(dialect.rates.includes(16_000) ? 16_000 : 24_000);
    const settings = JSON.stringify(sessionSettings(dialect, session));
    expect(settings.includes("noise_reduction")).toBe(dialect.noiseReduction);
    expect(settings.includes("gpt-")).toBe(dialect.transcription?.model !== undefined);
  });

  test("xAI has voice and turn detection at the top", () => {
    expect(sessionSettings(dialectOf("xai"), { ...session, voice: "ara" })).toMatchObject({
      voice: "ara",
      turn_detection: { type: "server_vad" },
    });
  });

  test("the model is the agent's, or the configured one; the key is never in the address", () => {
    expect(sessionUrl("wss://api.openai.com/v1/realtime", "m-1", session).href).toBe("wss://api.openai.com/v1/realtime?model=m-1");
    expect(sessionUrl("ws://127.0.0.1:8080/v1/realtime", "m-1", { ...session, options: { model: "m 2" } }).search).toBe("?model=m+2");
  });
});

describe("messages", () => {
  test.each(["response.output_audio.delta", "response.audio.delta"])(
    "%s: large ones are cut out of the bytes, small ones parsed",
    (type) => {
      for (const length of [4, 40_000]) {
        const base64 = Buffer.alloc(length, 7).toString("base64");
        const message = JSON.stringify({
          type,
          event_id: "e",
          response_id: "r",
          item_id: "i",
          output_index: 0,
          content_index: 0,
          delta: base64,
        });
        const heard = hear(Buffer.from(message));
        expect(heard).toMatchObject({ kind: "audio", audio: { item: "i", response: "r" } });
        if (heard.kind === "audio") expect(heard.audio.message.toString("latin1", heard.audio.from, heard.audio.to)).toBe(base64);
      }
    },
  );

  test.each([
    ["{", { kind: "unknown", type: "unreadable", malformed: true }],
    ['{"type":"localai.timing"}', { kind: "unknown", type: "localai.timing", malformed: false }],
    ['{"type":"response.done"}', { kind: "unknown", type: "response.done", malformed: true }],
    ['{"type":"rate_limits.updated"}', { kind: "nothing" }],
    [`{"type":"x","inner":{"delta":"${"A".repeat(3_000)}"}}`, { kind: "unknown", type: "x", malformed: false }],
  ])("%s", (message, heard) => {
    expect(hear(Buffer.from(message))).toEqual(heard);
  });

  test.each<[string, object, object]>([
    [
      "an output that holds no items",
      { type: "response.done", response: { id: "r", output: [1] } },
      { response: { id: "r", output: null } },
    ],
    [
      "words in several parts, of which one has none",
      {
        type: "response.output_item.done",
        response_id: "r",
        item: { id: "i", content: [{ transcript: "Yes, " }, { transcript: 4 }, { transcript: "at two." }] },
      },
      { item: { id: "i", transcript: "Yes, at two." } },
    ],
    [
      "content of another kind",
      { type: "response.output_item.done", response_id: "r", item: { id: "i", type: "message", content: "x" } },
      { item: { id: "i", transcript: "" } },
    ],
    [
      "a limit that is a text",
      { type: "session.created", session: { id: "s", expires_at: "soon" } },
      { session: { id: "s", expires_at: null } },
    ],
    ["no session at all", { type: "session.updated" }, { session: { id: null } }],
    ["a number that is none", { type: "input_audio_buffer.speech_started", audio_start_ms: 1, item_id: 4 }, { item_id: null }],
    ["an error without a code", { type: "error", error: {} }, { error: { code: null, message: null } }],
  ])("%s costs that field and nothing else", (_, message, saying) => {
    expect(hear(Buffer.from(JSON.stringify(message)))).toMatchObject({ kind: "saying", saying });
  });

  test.each([
    { type: "response.done", response: {} },
    { type: "response.created" },
    { type: "response.output_item.done", response_id: "r", item: [] },
    { type: "input_audio_buffer.speech_stopped", audio_end_ms: "later" },
    { type: "response.output_audio.delta", item_id: "i" },
    { type: "error", error: "no" },
  ])("%o lacks what it must have", (message) => {
    expect(hear(Buffer.from(JSON.stringify(message)))).toEqual({ kind: "unknown", type: message.type, malformed: true });
  });

  test("status_details as a bare text costs nothing", () => {
    const message = JSON.stringify({ type: "response.done", response: { id: "r", status: "cancelled", status_details: "turn_detected" } });
    expect(hear(Buffer.from(message))).toMatchObject({ kind: "saying", saying: { response: { status_details: "turn_detected" } } });
  });

  test("caller audio is a message like any other, and its beginning even", () => {
    expect(APPEND[0].length % 2).toBe(0);
    expect(JSON.parse(append(Uint8Array.of(1, 2, 3)))).toEqual({ type: "input_audio_buffer.append", audio: "AQID" });
  });
});

describe("endings", () => {
  test.each([
    [1001, "Your session hit the maximum duration of 60 minutes.", null, { why: "expired", retry: true }],
    [1001, "", { code: "session_expired", text: "x" }, { why: "expired", retry: true }],
    [1001, "", null, { why: "lost", retry: true }],
    [3000, "invalid_request_error.invalid_api_key", null, { why: "refused", code: "invalid_api_key", retry: false }],
    [4000, "", { code: "beta_api_shape_disabled", text: "x" }, { why: "refused", retry: false }],
    [1000, "", { code: "insufficient_quota", text: "x" }, { why: "refused", retry: false }],
    [1006, "", null, { why: "lost", code: "ws_1006", retry: true }],
    [1000, "", null, { why: "lost", code: "ws_1000", retry: true }],
  ])("a close of %i (%s)", (code, reason, error, ending) => {
    expect(endingOf(code, reason, error)).toMatchObject(ending);
  });

  test.each([
    [401, "", { why: "refused", code: "http_401", retry: false, text: "The engine refused the API key." }],
    [401, '{"error":{"message":"Incorrect API key provided."}}', { text: "The engine refused the API key: Incorrect API key provided." }],
    [403, "", { why: "refused", code: "http_403", retry: false }],
    [404, '{"error":{"code":"DeploymentNotFound","message":"No such deployment"}}', { why: "refused", code: "http_404", retry: false }],
    [404, '{"error":{"code":"model_not_found","message":"No such model."}}', { why: "refused", code: "model_not_found", retry: false }],
    [429, "", { why: "refused", code: "http_429", retry: true }],
    [429, '{"error":{"code":"insufficient_quota","message":"Pay."}}', { why: "refused", code: "insufficient_quota", retry: false }],
    [503, "<html>Down</html>", { why: "lost", code: "http_503", retry: true, text: "The engine answered with HTTP 503." }],
  ])("a handshake answered with %i %s", (status, body, ending) => {
    expect(refusalOf(status, refusalIn(body))).toMatchObject(ending);
  });
});
