import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openPhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { speak } from "../speech/voice.ts";
import { type OpenAi, startOpenAi } from "./server.ts";
import { type Client, connect, joined, type Message, silence } from "./test/client.ts";

const lines = {
  everything: "Hi. Tell me everything you can do for me.",
  cost: "Sorry, stop. I only want to know what it costs.",
  perfect: "Half past three would be perfect for me.",
  goodbye: "Wonderful. Thank you very much for your help. Goodbye.",
};
/** The lines at 16 kHz. */
const sounds = new Map<string, Int16Array>();
let openai: OpenAi;
let client: Client;

beforeAll(async () => {
  const phrases = await Promise.all(Object.values(lines).map(async (text) => ({ text, sound: await speak(text, "rms") })));
  for (const { text, sound } of phrases) sounds.set(text, sound);
  openai = await startOpenAi({
    port: 0,
    apiKey: "key",
    listener: openPhraseBook(phrases),
    pace: { thinkMs: 20, speed: 60, transcribeMs: 10 },
    log: () => undefined,
  });
});
afterEach(async () => {
  client?.socket.terminate();
});
afterAll(() => openai.close());

const spoken = (text: string, rate = 24_000): Int16Array => resample(sounds.get(text) as Int16Array, 16_000, rate);
const turn = (text: string, rate = 24_000): Int16Array => joined(silence(400, rate), spoken(text, rate), silence(1_200, rate));
const session = (more: Record<string, unknown> = {}, input: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: "realtime",
  instructions: "You are the desk. The customer's name is Guest.",
  audio: {
    input: {
      format: { type: "audio/pcm", rate: 24_000 },
      transcription: { model: "gpt-realtime-whisper" },
      turn_detection: { type: "server_vad", prefix_padding_ms: 200, silence_duration_ms: 600 },
      ...input,
    },
    output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "marin" },
  },
  ...more,
});
async function begun(model?: string, more?: Record<string, unknown>, input?: Record<string, unknown>): Promise<Client> {
  client = await connect(openai.url, model === undefined ? {} : { model });
  client.send({ type: "session.update", session: session(more, input) });
  await client.until("session.updated");
  return client;
}
const types = (from = 0): string[] => client.messages.slice(from).map((message) => message.type);
const audioMs = (item: string): number =>
  client.messages
    .filter((message) => message.type === "response.output_audio.delta" && message.item_id === item)
    .reduce((sum: number, message: Message) => sum + Buffer.from(message.delta, "base64").length / 48, 0);

describe("the handshake", () => {
  test("a missing key is refused with 401, a wrong one by an error and close 3000", async () => {
    await expect(connect(openai.url, { headers: {} })).rejects.toThrow("401");
    client = await connect(openai.url, { headers: { authorization: "Bearer other" } });
    expect(await client.closed).toEqual({ code: 3000, reason: "invalid_request_error.invalid_api_key" });
    expect(client.messages).toMatchObject([{ type: "error", error: { code: "invalid_api_key" } }]);
  });

  test("the beta header kills the session: error, then close 4000", async () => {
    client = await connect(openai.url, { headers: { authorization: "Bearer key", "OpenAI-Beta": "realtime=v1" } });
    expect((await client.closed).code).toBe(4000);
    expect(types()).toEqual(["error"]);
    expect(client.messages[0].error.code).toBe("beta_api_shape_disabled");
  });

  test("an unknown model is refused", async () => {
    client = await connect(openai.url, { model: "gpt-nothing" });
    expect((await client.closed).reason).toContain("model_not_found");
  });

  test("session.created comes unprompted, with the whole default session", async () => {
    client = await connect(openai.url);
    const { session: made } = await client.until("session.created");
    expect(made).toMatchObject({
      type: "realtime",
      model: "gpt-realtime-2.1",
      output_modalities: ["audio"],
      audio: { input: { format: { rate: 24_000 }, transcription: null }, output: { format: { type: "audio/pcm", rate: 24_000 } } },
    });
    expect(made.expires_at * 1_000 - Date.now()).toBeGreaterThan(59 * 60_000);
  });
});

describe("session.update", () => {
  test("merges what is given and gives the whole session back", async () => {
    await begun();
    client.send({ type: "session.update", session: { type: "realtime", audio: { output: { speed: 1.1 } } } });
    const { session: now } = await client.until((m) => m.type === "session.updated" && m.session.audio.output.speed === 1.1);
    expect(now.instructions).toContain("desk");
    expect(now.audio.output.voice).toBe("marin");
    expect(now.audio.input.turn_detection).toMatchObject({ silence_duration_ms: 600, create_response: true, interrupt_response: true });
  });

  const pcm = (rate: number | undefined): unknown => ({ type: "audio/pcm", ...(rate !== undefined && { rate }) });
  test.each([
    ["without a type", { instructions: "x" }, "missing_required_parameter", "session.type"],
    [
      "without the output's rate",
      { type: "realtime", audio: { output: { format: pcm(undefined) } } },
      "missing_required_parameter",
      "session.audio.output.format.rate",
    ],
    [
      "with 16 kHz",
      { type: "realtime", audio: { input: { format: pcm(16_000) } } },
      "integer_below_min_value",
      "session.audio.input.format.rate",
    ],
    ["with a beta field", { type: "realtime", modalities: ["text"] }, "unknown_parameter", "session.modalities"],
    ["with an unknown voice", { type: "realtime", audio: { output: { voice: "slt" } } }, "invalid_value", "session.audio.output.voice"],
    ["with both modalities", { type: "realtime", output_modalities: ["audio", "text"] }, undefined, "session.output_modalities"],
    ["with tools that are none", { type: "realtime", tools: "all" }, "invalid_type", "session.tools"],
    [
      "with an impossible threshold",
      { type: "realtime", audio: { input: { turn_detection: { type: "server_vad", threshold: 1.5 } } } },
      undefined,
      "session.audio.input.turn_detection.threshold",
    ],
  ])("%s is refused as a whole, and the session stays as it was", async (_, wish, code, param) => {
    await begun();
    const error = await client.refused({ type: "session.update", session: wish });
    expect(error).toMatchObject({ type: "invalid_request_error", param, ...(code !== undefined && { code }) });
    expect(client.messages.filter(({ type }) => type === "session.updated")).toHaveLength(1);
  });

  test("the voice cannot change once something was said", async () => {
    await begun();
    client.send({ type: "response.create" });
    await client.until("response.done");
    const error = await client.refused({ type: "session.update", session: { type: "realtime", audio: { output: { voice: "cedar" } } } });
    expect(error).toMatchObject({ code: "cannot_update_voice" });
  });

  test("a lenient server takes 16 kHz both ways, and understands it", async () => {
    const format = { type: "audio/pcm", rate: 16_000 };
    client = await connect(openai.url, { model: "lenient-rates" });
    const wish = session({}, { format });
    client.send({ type: "session.update", session: { ...wish, audio: { ...(wish.audio as object), output: { format, voice: "marin" } } } });
    expect((await client.until("session.updated")).session.audio.output.format.rate).toBe(16_000);
    client.speak(turn(lines.perfect, 16_000), 16_000);
    expect((await client.until("conversation.item.input_audio_transcription.completed")).transcript).toBe(lines.perfect);
  });
});

describe("a turn", () => {
  test("is heard, committed, answered and transcribed in the order of the documents", async () => {
    await begun();
    client.speak(turn(lines.perfect));
    const done = await client.until("response.done");
    await client.until("conversation.item.input_audio_transcription.completed");
    const order = types().filter((type) => !type.includes("transcription") && !type.endsWith(".delta"));
    expect(order.slice(2)).toEqual([
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      "conversation.item.done",
      "response.created",
      "response.output_item.added",
      "conversation.item.added",
      "response.content_part.added",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "conversation.item.done",
      "response.output_item.done",
      "response.done",
      ...(order.at(-1) === "rate_limits.updated" ? ["rate_limits.updated"] : []),
    ]);
    const started = await client.until("input_audio_buffer.speech_started");
    const stopped = await client.until("input_audio_buffer.speech_stopped");
    const lastsMs = (sounds.get(lines.perfect) as Int16Array).length / 16;
    expect(started.audio_start_ms).toBeGreaterThan(150);
    expect(started.audio_start_ms).toBeLessThan(500);
    expect(stopped.audio_end_ms).toBeGreaterThan(lastsMs);
    expect(stopped.item_id).toBe(started.item_id);
    expect((await client.until("conversation.item.input_audio_transcription.completed")).item_id).toBe(started.item_id);
    const { usage, output } = done.response;
    expect(usage.output_token_details.audio_tokens).toBeGreaterThan(20);
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(output[0].content[0].transcript).toMatch(/half past three/i);
  });

  test("sound comes in bursts of 4,800 and 12,000 bytes, which together are what was said", async () => {
    await begun();
    client.send({
      type: "response.create",
      response: { instructions: 'Say exactly the following, adding nothing: "Good morning to you."' },
    });
    const { response } = await client.until("response.done");
    const sizes = client.messages.filter((m) => m.type === "response.output_audio.delta").map((m) => Buffer.from(m.delta, "base64").length);
    expect(sizes[0]).toBe(4_800);
    expect(sizes.slice(1, -1).every((size) => size === 12_000)).toBe(true);
    expect(response.output[0].content[0].transcript).toBe("Good morning to you.");
    expect(audioMs(response.output[0].id)).toBeGreaterThan(700);
  });

  test("without audio there are no events; with none of a voice neither", async () => {
    await begun();
    client.speak(silence(3_000));
    client.send({ type: "input_audio_buffer.clear" });
    await client.until("input_audio_buffer.cleared");
    expect(types().filter((type) => type.includes("speech"))).toEqual([]);
  });

  test("by hand: commit makes the item, and less than 100 ms is refused", async () => {
    await begun(undefined, {}, { turn_detection: null });
    expect(await client.refused({ type: "input_audio_buffer.commit" })).toMatchObject({ code: "input_audio_buffer_commit_empty" });
    client.speak(turn(lines.perfect));
    client.send({ type: "input_audio_buffer.commit" });
    expect((await client.until("conversation.item.input_audio_transcription.completed")).transcript).toBe(lines.perfect);
    expect(types()).not.toContain("response.created");
    client.send({ type: "response.create" });
    expect((await client.until("response.done")).response.output[0].content[0].transcript).toMatch(/half past three/i);
  });

  test("a caller who stays silent is spoken to, when the session asks for it", async () => {
    const { handClock } = await import("../evi/clock.ts");
    const { openMouth } = await import("./mouth.ts");
    const { openSession } = await import("./session.ts");
    const { noDump } = await import("./dump.ts");
    const { ordinary } = await import("./directive.ts");
    const clock = handClock();
    const sent: Message[] = [];
    const one = openSession(
      {
        clock,
        mouth: openMouth(),
        listener: openPhraseBook([]),
        model: "gpt-realtime-2.1",
        script: ordinary,
        pace: { thinkMs: 0, speed: 1_000_000, transcribeMs: 0 },
        sessionMs: 3_600_000,
        dump: () => noDump,
        log: () => undefined,
      },
      { send: (frame) => void sent.push(JSON.parse(frame.toString())), close: () => undefined, freeze: () => undefined },
    );
    one.hear(
      JSON.stringify({ type: "session.update", session: session({}, { turn_detection: { type: "server_vad", idle_timeout_ms: 6_000 } }) }),
    );
    one.hear('{"type":"response.create"}');
    await expect
      .poll(
        () => {
          clock.pass(1);
          return sent.some((m) => m.type === "response.done");
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    expect(sent.map((m) => m.type)).not.toContain("input_audio_buffer.timeout_triggered");
    clock.pass(30_000);
    expect(sent.map((m) => m.type)).toContain("input_audio_buffer.timeout_triggered");
    one.gone(1000);
  });
});

describe("a caller who cuts in", () => {
  test("cancels the answer, which is still told to its end", async () => {
    await begun("storyteller+late-deltas");
    client.speak(turn(lines.perfect));
    const { item_id } = await client.until("response.output_audio.delta");
    const at = client.messages.length;
    client.speak(turn(lines.cost));
    const done = await client.until("response.done", at);
    expect(done.response).toMatchObject({ status: "cancelled", status_details: { reason: "turn_detected" } });
    const after = client.messages.indexOf(done);
    await client.until("response.created", after);
    expect(types(after).filter((type) => type === "response.output_audio.delta")).toHaveLength(2);
    expect(done.response.output).toMatchObject([{ id: item_id, status: "incomplete" }]);
  });

  test("truncate keeps to its rules, and deletes the words", async () => {
    await begun();
    client.speak(turn(lines.everything));
    const { response } = await client.until("response.done");
    const item = response.output[0].id;
    const generated = Math.floor(audioMs(item));
    const truncate = (audio_end_ms: unknown, item_id = item): Record<string, unknown> => ({
      type: "conversation.item.truncate",
      item_id,
      content_index: 0,
      audio_end_ms,
    });
    expect(await client.refused(truncate(generated + 60))).toMatchObject({
      code: null,
      message: `Audio content of ${generated}ms is already shorter than ${generated + 60}ms`,
    });
    expect(await client.refused(truncate(0))).toMatchObject({ code: "integer_below_min_value", param: "audio_end_ms" });
    expect(await client.refused(truncate(Number.NaN))).toMatchObject({ code: "invalid_type" });
    expect(await client.refused(truncate(12.5))).toMatchObject({ code: "invalid_type" });
    const caller = (await client.until("input_audio_buffer.committed")).item_id;
    expect(await client.refused(truncate(100, caller))).toMatchObject({
      code: "unsupported_content_type",
      message: "Only model output audio messages can be truncated",
    });
    client.send(truncate(1_200));
    expect(await client.until("conversation.item.truncated")).toMatchObject({ item_id: item, audio_end_ms: 1_200 });
    client.send({ type: "conversation.item.retrieve", item_id: item });
    expect((await client.until("conversation.item.retrieved")).item.content[0].transcript).toBe("");
    client.send({ type: "conversation.item.delete", item_id: item });
    expect((await client.until("conversation.item.deleted")).item_id).toBe(item);
  });
});

describe("responses", () => {
  test("only one at a time, and nothing to cancel when there is none", async () => {
    await begun("storyteller");
    expect(await client.refused({ type: "response.cancel" })).toMatchObject({ code: "response_cancel_not_active" });
    client.send({ type: "response.create" });
    expect(await client.refused({ type: "response.create" })).toMatchObject({ code: "conversation_already_has_active_response" });
    client.send({ type: "response.cancel" });
    expect((await client.until("response.done")).response).toMatchObject({
      status: "cancelled",
      status_details: { reason: "client_cancelled" },
    });
  });

  test("a few tokens make an incomplete one", async () => {
    await begun("storyteller", { max_output_tokens: 30 });
    client.speak(turn(lines.perfect));
    const { response } = await client.until("response.done");
    expect(response).toMatchObject({ status: "incomplete", status_details: { reason: "max_output_tokens" } });
    expect(audioMs(response.output[0].id)).toBeLessThan(1_900);
  });

  test("a failed one says why, and the next one works", async () => {
    await begun("rate-limited", { instructions: "[emulator: rate-limited turn=1]" });
    client.speak(turn(lines.perfect));
    expect((await client.until("response.done")).response).toMatchObject({
      status: "failed",
      status_details: { error: { code: "rate_limit_exceeded" } },
    });
    const at = client.messages.length;
    client.send({ type: "response.create" });
    expect((await client.until("response.done", at)).response.status).toBe("completed");
  });

  test("a tool is called in the same response as the words before it, and its answer is used in the next", async () => {
    await begun(undefined, { tools: [{ type: "function", name: "book_slot", description: "Books.", parameters: { type: "object" } }] });
    client.speak(turn(lines.perfect));
    const call = await client.until("response.function_call_arguments.done");
    expect(JSON.parse(call.arguments)).toEqual({ time: "half past three" });
    const { response } = await client.until("response.done");
    expect(response.output.map((item: Message) => item.type)).toEqual(["message", "function_call"]);
    const at = client.messages.length;
    client.send({ type: "conversation.item.create", item: { type: "function_call_output", call_id: call.call_id, output: '{"ok":true}' } });
    client.send({ type: "response.create" });
    expect((await client.until("response.done", at)).response.output[0].content[0].transcript).toMatch(/half past three/i);
  });

  test("goodbye calls the client's own tool to hang up", async () => {
    await begun(undefined, {
      tools: [{ type: "function", name: "hang_up", description: "Ends the call.", parameters: { type: "object" } }],
    });
    client.speak(turn(lines.goodbye));
    const { response } = await client.until("response.done");
    expect(response.output.at(-1)).toMatchObject({ type: "function_call", name: "hang_up" });
  });

  test("lines of an earlier session are remembered and not answered", async () => {
    await begun();
    const line = (role: string, type: string, text: string): void =>
      client.send({ type: "conversation.item.create", item: { type: "message", role, content: [{ type, text }] } });
    line("user", "input_text", lines.perfect);
    line("assistant", "output_text", "Perfect. I have moved your appointment to half past three.");
    expect(
      await client.refused({
        type: "conversation.item.create",
        item: { type: "message", role: "assistant", content: [{ type: "output_audio", audio: "AAAA" }] },
      }),
    ).toMatchObject({ code: "invalid_value", param: "item.content[0].type" });
    client.speak(turn(lines.goodbye));
    const { response } = await client.until("response.done");
    expect(response.output[0].content[0].transcript).toMatch(/welcome, Guest/);
  });
});

describe("other servers", () => {
  test("one like LocalAI sends an answer in one delta, and events of its own", async () => {
    await begun("local");
    client.speak(turn(lines.everything));
    const { response } = await client.until("response.done");
    expect(client.messages.filter((m) => m.type === "response.output_audio.delta")).toHaveLength(1);
    expect(audioMs(response.output[0].id)).toBeGreaterThan(10_000);
    expect(types()).toContain("localai.pipeline.timing");
    expect(types()[0]).toBe("conversation.created");
  });

  test("one of the beta names says response.audio.delta", async () => {
    await begun("beta-names");
    client.send({ type: "response.create" });
    await client.until("response.audio.delta");
    await client.until("response.audio_transcript.done");
    expect(types()).not.toContain("response.output_audio.delta");
  });

  test("one that transcribes late does so after the answer, and one that does not know truncate says so", async () => {
    await begun("late-text+no-truncate");
    client.speak(turn(lines.perfect));
    await client.until("conversation.item.input_audio_transcription.completed");
    expect(types().indexOf("response.done")).toBeLessThan(types().indexOf("conversation.item.input_audio_transcription.completed"));
    const truncate = { type: "conversation.item.truncate", item_id: "item_x", content_index: 0, audio_end_ms: 100 };
    expect(await client.refused(truncate)).toMatchObject({ code: "invalid_value", param: "type" });
  });
});

describe("the end", () => {
  test("comes with 1001 and its reason at the limit", async () => {
    await begun(undefined, { instructions: "[emulator: expire]" });
    const short = await startOpenAi({ port: 0, apiKey: null, listener: openPhraseBook([]), sessionMs: 300 });
    const guest = await connect(short.url, { headers: {} });
    expect(await guest.closed).toEqual({ code: 1001, reason: "Your session hit the maximum duration of 1 minutes." });
    expect(guest.messages.at(-1).error.code).toBe("session_expired");
    await short.close();
  });

  test("or by a drop without a word", async () => {
    await begun("drop", { instructions: "[emulator: drop turn=1]" });
    client.speak(turn(lines.everything));
    expect((await client.closed).code).toBe(1006);
    expect(types()).not.toContain("response.done");
  });
});

test("what is no message is refused by name, and the session goes on", async () => {
  await begun();
  client.send("{");
  await client.until((m) => m.type === "error" && m.error.code === "invalid_json");
  expect(await client.refused({ type: "output_audio_buffer.clear" })).toMatchObject({ code: "invalid_value", param: "type" });
  expect(await client.refused({ type: "conversation.item.truncate", item_id: "x" })).toMatchObject({ code: "missing_required_parameter" });
  client.send({ type: "response.create" });
  await client.until("response.done");
});
