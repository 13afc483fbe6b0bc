import { describe, expect, test } from "vitest";
import { openPhraseBook } from "../speech/phrases.ts";
import { startOpenAi } from "./server.ts";
import { connect, type Message, silence } from "./test/client.ts";
import { house, lines, settings } from "./test/talk.ts";

const the = house();
const { begun, types, audioMs } = the;

describe("session.update", () => {
  test("merges what is given and gives the whole session back", async () => {
    await begun();
    the.client.send({ type: "session.update", session: { type: "realtime", audio: { output: { speed: 1.1 } } } });
    const { session: now } = await the.client.until((m) => m.type === "session.updated" && m.session.audio.output.speed === 1.1);
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
    const error = await the.client.refused({ type: "session.update", session: wish });
    expect(error).toMatchObject({ type: "invalid_request_error", param, ...(code !== undefined && { code }) });
    expect(the.client.messages.filter(({ type }) => type === "session.updated")).toHaveLength(1);
  });

  test("the voice cannot change once something was said", async () => {
    await begun();
    the.client.send({ type: "response.create" });
    await the.client.until("response.done");
    const error = await the.client.refused({
      type: "session.update",
      session: { type: "realtime", audio: { output: { voice: "cedar" } } },
    });
    expect(error).toMatchObject({ code: "cannot_update_voice" });
  });

  test("a lenient server takes 16 kHz both ways, and understands it", async () => {
    const format = { type: "audio/pcm", rate: 16_000 };
    the.client = await connect(the.talk.url, { model: "lenient-rates" });
    const wish = settings({}, { format });
    the.client.send({
      type: "session.update",
      session: { ...wish, audio: { ...(wish.audio as object), output: { format, voice: "marin" } } },
    });
    expect((await the.client.until("session.updated")).session.audio.output.format.rate).toBe(16_000);
    the.client.speak(the.talk.turn(lines.perfect, 16_000), 16_000);
    expect((await the.client.until("conversation.item.input_audio_transcription.completed")).transcript).toBe(lines.perfect);
  });
});

describe("a turn", () => {
  test("is heard, committed, answered and transcribed in the order of the documents", async () => {
    await begun();
    the.client.speak(the.talk.turn(lines.perfect));
    const done = await the.client.until("response.done");
    await the.client.until("conversation.item.input_audio_transcription.completed");
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
    const started = await the.client.until("input_audio_buffer.speech_started");
    const stopped = await the.client.until("input_audio_buffer.speech_stopped");
    const lastsMs = the.talk.spoken(lines.perfect, 16_000).length / 16;
    expect(started.audio_start_ms).toBeGreaterThan(150);
    expect(started.audio_start_ms).toBeLessThan(500);
    expect(stopped.audio_end_ms).toBeGreaterThan(lastsMs);
    expect(stopped.item_id).toBe(started.item_id);
    expect((await the.client.until("conversation.item.input_audio_transcription.completed")).item_id).toBe(started.item_id);
    const { usage, output } = done.response;
    expect(usage.output_token_details.audio_tokens).toBeGreaterThan(20);
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(output[0].content[0].transcript).toMatch(/half past three/i);
  });

  test("sound comes in bursts of 4,800 and 12,000 bytes, which together are what was said", async () => {
    await begun();
    the.client.send({
      type: "response.create",
      response: { instructions: 'Say exactly the following, adding nothing: "Good morning to you."' },
    });
    const { response } = await the.client.until("response.done");
    const sizes = the.client.messages
      .filter((m) => m.type === "response.output_audio.delta")
      .map((m) => Buffer.from(m.delta, "base64").length);
    expect(sizes[0]).toBe(4_800);
    expect(sizes.slice(1, -1).every((size) => size === 12_000)).toBe(true);
    expect(response.output[0].content[0].transcript).toBe("Good morning to you.");
    expect(audioMs(response.output[0].id)).toBeGreaterThan(700);
  });

  test("without audio there are no events; with none of a voice neither", async () => {
    await begun();
    the.client.speak(silence(3_000));
    the.client.send({ type: "input_audio_buffer.clear" });
    await the.client.until("input_audio_buffer.cleared");
    expect(types().filter((type) => type.includes("speech"))).toEqual([]);
  });

  test("by hand: commit makes the item, and less than 100 ms is refused", async () => {
    await begun(undefined, {}, { turn_detection: null });
    expect(await the.client.refused({ type: "input_audio_buffer.commit" })).toMatchObject({ code: "input_audio_buffer_commit_empty" });
    the.client.speak(the.talk.turn(lines.perfect));
    the.client.send({ type: "input_audio_buffer.commit" });
    expect((await the.client.until("conversation.item.input_audio_transcription.completed")).transcript).toBe(lines.perfect);
    expect(types()).not.toContain("response.created");
    the.client.send({ type: "response.create" });
    expect((await the.client.until("response.done")).response.output[0].content[0].transcript).toMatch(/half past three/i);
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
      JSON.stringify({ type: "session.update", session: settings({}, { turn_detection: { type: "server_vad", idle_timeout_ms: 6_000 } }) }),
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

describe("other servers", () => {
  test("one like LocalAI sends an answer in one delta, and events of its own", async () => {
    await begun("local");
    the.client.speak(the.talk.turn(lines.everything));
    const { response } = await the.client.until("response.done");
    expect(the.client.messages.filter((m) => m.type === "response.output_audio.delta")).toHaveLength(1);
    expect(audioMs(response.output[0].id)).toBeGreaterThan(10_000);
    expect(types()).toContain("localai.pipeline.timing");
    expect(types()[0]).toBe("conversation.created");
  });

  test("one of the beta names says response.audio.delta", async () => {
    await begun("beta-names");
    the.client.send({ type: "response.create" });
    await the.client.until("response.audio.delta");
    await the.client.until("response.audio_transcript.done");
    expect(types()).not.toContain("response.output_audio.delta");
  });

  test("one that transcribes late does so after the answer, and one that does not know truncate says so", async () => {
    await begun("late-text+no-truncate");
    the.client.speak(the.talk.turn(lines.perfect));
    await the.client.until("conversation.item.input_audio_transcription.completed");
    expect(types().indexOf("response.done")).toBeLessThan(types().indexOf("conversation.item.input_audio_transcription.completed"));
    const truncate = { type: "conversation.item.truncate", item_id: "item_x", content_index: 0, audio_end_ms: 100 };
    expect(await the.client.refused(truncate)).toMatchObject({ code: "invalid_value", param: "type" });
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
    the.client.speak(the.talk.turn(lines.everything));
    expect((await the.client.closed).code).toBe(1006);
    expect(types()).not.toContain("response.done");
  });
});

test("what is no message is refused by name, and the session goes on", async () => {
  await begun();
  the.client.send("{");
  await the.client.until((m) => m.type === "error" && m.error.code === "invalid_json");
  expect(await the.client.refused({ type: "output_audio_buffer.clear" })).toMatchObject({ code: "invalid_value", param: "type" });
  expect(await the.client.refused({ type: "conversation.item.truncate", item_id: "x" })).toMatchObject({
    code: "missing_required_parameter",
  });
  the.client.send({ type: "response.create" });
  await the.client.until("response.done");
});
