import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { speak } from "../speech/voice.ts";
import { readWav, writeWav } from "../speech/wav.ts";
import { usualPace } from "./answering.ts";
import { everyone, loadBook } from "./book.ts";
import { EMOTIONS } from "./prosody.ts";
import { type Evi, startEvi } from "./server.ts";
import { type Client, connect, joined, silence } from "./test/client.ts";
import { newOpenings, of, types } from "./test/openings.ts";

const audio = { encoding: "linear16", sample_rate: 16_000, channels: 1 };
const thursday = "Oh, that is right. Could we move my appointment to Thursday afternoon, please?";
const cuttingIn = "Sorry, stop. I only want to know what it costs.";

let book: PhraseBook;
/** One that answers at once, for all tests that do not care for time. */
let evi: Evi;
beforeAll(async () => {
  book = await loadBook({ people: everyone(null), folder: null, log: () => undefined });
  evi = await startEvi({ port: 0, apiKey: "key", listener: book, pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
});
afterAll(() => evi.close());

const openings = newOpenings(() => book);
afterEach(openings.closeAll);
const call = (query: Record<string, string> = {}, on: Evi = evi): Promise<Client> => openings.call(on, query);
const { byHand } = openings;

const soundOf = (client: Client, id: string): Int16Array =>
  joined(
    ...of(client, "audio_output")
      .filter((chunk) => chunk.id === id)
      .map((chunk) => readWav(Buffer.from(chunk.data, "base64")).samples),
  );

describe("a chat", () => {
  test("is opened with the key in the header or the query, and refused with 401 without", async () => {
    for (const client of [await connect(evi.url, {}, { "x-hume-api-key": "key" }), await connect(evi.url, { api_key: "key" }, {})]) {
      await client.until("chat_metadata");
      await client.close();
    }
    await expect(connect(evi.url, {}, {})).rejects.toThrow("HTTP 401");
    await expect(connect(evi.url, { api_key: "other" }, {})).rejects.toThrow("HTTP 401");
  });

  test("begins with chat_metadata", async () => {
    const client = await call();
    await client.until("chat_metadata");
    expect(client.messages).toEqual([
      {
        type: "chat_metadata",
        chat_group_id: expect.any(String),
        chat_id: expect.any(String),
        request_id: expect.any(String),
        custom_session_id: null,
      },
    ]);
  });

  test("answers what it heard: the words, their time and scores, then each sentence's text, sound and scores, then the end", async () => {
    const client = await call();
    client.send({ type: "session_settings", audio });
    const speech = await speak(thursday, "rms");
    client.speak(joined(silence(500), speech, silence(1_000)));
    await client.until("assistant_end");
    const sentence = ["assistant_message", "audio_output", "assistant_prosody"];
    expect(types(client)).toEqual(["chat_metadata", "user_message", ...sentence, ...sentence, "assistant_end"]);

    const [user] = of(client, "user_message");
    expect(user).toEqual({
      type: "user_message",
      message: { role: "user", content: thursday },
      models: { prosody: { scores: expect.anything() } },
      time: { begin: expect.any(Number), end: expect.any(Number) },
      interim: false,
      from_text: false,
      language: "en",
    });
    expect(Object.keys(user.models.prosody.scores)).toEqual([...EMOTIONS]);
    expect(Math.abs(user.time.begin - 500 - 150)).toBeLessThanOrEqual(150);
    expect(Math.abs(user.time.end - 500 - speech.length / 16)).toBeLessThanOrEqual(150);

    expect(of(client, "assistant_message").map((message) => message.message.content)).toEqual([
      "Of course.",
      "For Thursday afternoon I can offer you two o'clock or half past three.",
    ]);
    for (const said of of(client, "assistant_message")) {
      expect(said).toEqual({
        type: "assistant_message",
        id: expect.any(String),
        message: { role: "assistant", content: expect.any(String) },
        models: {},
        from_text: false,
        is_quick_response: false,
      });
      const prosody = of(client, "assistant_prosody").find((message) => message.id === said.id);
      expect(Object.keys(prosody.models.prosody.scores)).toHaveLength(48);
      const heard = soundOf(client, said.id);
      const meant = resample(await speak(said.message.content, "slt-bright"), 16_000, 48_000);
      expect(heard).toEqual(meant);
    }
  });

  test("sends sound as whole WAV files of 48 kHz with a header of 44 bytes each, the first one short, counted from 0", async () => {
    const client = await call();
    client.send({
      type: "assistant_input",
      text: "This is a rather long sentence, so that it takes more than a few chunks to say all of it, one after the other.",
    });
    await client.until("assistant_end");
    const chunks = of(client, "audio_output");
    expect(chunks.map((chunk) => chunk.index)).toEqual([...chunks.keys()]);
    expect(chunks.length).toBeGreaterThan(3);
    const ms = chunks.map((chunk) => {
      const wav = Buffer.from(chunk.data, "base64");
      expect([wav.toString("latin1", 0, 4), wav.toString("latin1", 8, 16), wav.toString("latin1", 36, 40)]).toEqual([
        "RIFF",
        "WAVEfmt ",
        "data",
      ]);
      expect([wav.readUInt16LE(20), wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34), wav.readUInt32LE(40)]).toEqual([
        1,
        1,
        48_000,
        16,
        wav.length - 44,
      ]);
      return (wav.length - 44) / 96;
    });
    expect(ms[0]).toBe(600);
    expect(new Set(ms.slice(1, -1))).toEqual(new Set([1_400]));
  });

  test("takes raw binary frames, cut anywhere, as it takes audio_input", async () => {
    const client = await call({
      "session_settings[audio][encoding]": "linear16",
      "session_settings[audio][sample_rate]": "16000",
      "session_settings[audio][channels]": "1",
    });
    const sound = joined(silence(300), await speak(thursday, "rms"), silence(1_000));
    const bytes = new Uint8Array(sound.buffer);
    for (let at = 0; at < bytes.length; at += 777) client.socket.send(bytes.subarray(at, at + 777));
    expect((await client.until("user_message")).message.content).toBe(thursday);
  });

  test.each([8_000, 24_000, 44_100, 48_000])("understands %i Hz when the settings say so", async (rate) => {
    const client = await call();
    client.send({ type: "session_settings", audio: { ...audio, sample_rate: rate } });
    const speech = await speak(thursday, "rms");
    client.speak(joined(silence(300, rate), resample(speech, 16_000, rate), silence(1_000, rate)), rate);
    const user = await client.until("user_message");
    expect(user.message.content).toBe(thursday);
    expect(Math.abs(user.time.end - 300 - speech.length / 16)).toBeLessThanOrEqual(150);
  });

  test("understands both channels mixed, and a WAV without any settings", async () => {
    const speech = joined(silence(300), await speak(thursday, "rms"), silence(1_000));
    const stereo = await call();
    stereo.send({ type: "session_settings", audio: { ...audio, channels: 2 } });
    const both = new Int16Array(speech.length * 2);
    for (let i = 0; i < speech.length; i++) both[2 * i] = both[2 * i + 1] = speech[i] ?? 0;
    stereo.speak(both);
    expect((await stereo.until("user_message")).message.content).toBe(thursday);
    const wav = await call();
    wav.socket.send(writeWav(speech, 16_000));
    expect((await wav.until("user_message")).message.content).toBe(thursday);
  });

  test("that gets raw sound without settings ends with I0116 and 1000", async () => {
    const client = await call();
    client.speak(silence(20));
    expect(await client.until("error")).toEqual({
      type: "error",
      code: "I0116",
      slug: "transcription_failure",
      message: expect.any(String),
      request_id: expect.any(String),
    });
    expect(await client.closed).toBe(1000);
  });

  test("stays open after what it cannot read, and says what was wrong", async () => {
    const client = await call();
    client.send("{not json");
    expect(await client.until("error")).toMatchObject({ code: "E0100" });
    client.send({ type: "make_coffee" });
    expect(await client.until((message) => message.code === "E0101")).toMatchObject({ slug: "invalid_message" });
    client.send({ type: "user_input" });
    expect(await client.until((message) => message.type === "error" && message.message.includes("text"))).toMatchObject({ code: "E0101" });
    client.send({ type: "assistant_input", text: "Still here." });
    await client.until("assistant_end");
  });

  test("speaks assistant_input word for word, in one go, as text of its client", async () => {
    const client = await call();
    client.send({ type: "assistant_input", text: "Hello. This is a test. Is this a good moment?" });
    await client.until("assistant_end");
    expect(of(client, "assistant_message")).toMatchObject([
      { message: { content: "Hello. This is a test. Is this a good moment?" }, from_text: true },
    ]);
    expect(of(client, "user_message")).toEqual([]);
  });

  test("treats user_input as said by the user, without scores, and answers", async () => {
    const client = await call();
    client.send({ type: "user_input", text: "How much does it cost?" });
    await client.until("assistant_end");
    expect(of(client, "user_message")).toEqual([
      {
        type: "user_message",
        message: { role: "user", content: "How much does it cost?" },
        models: {},
        time: { begin: 0, end: 0 },
        interim: false,
        from_text: true,
      },
    ]);
    expect(of(client, "assistant_message")[0].message.content).toContain("free of charge");
  });

  test("reads one context with what the user says: a temporary one once, a persistent one each time, null takes it away", async () => {
    const client = await call({ "session_settings[system_prompt]": "[emulator: reader]" });
    const answers = async (): Promise<string> => {
      const from = client.messages.length;
      client.send({ type: "user_input", text: "Well?" });
      return (await client.until("assistant_message", from)).message.content;
    };
    const tell = (context: unknown): void => client.send({ type: "session_settings", context });
    tell({ text: "One.", type: "temporary" });
    tell({ text: "Two." });
    expect([await answers(), await answers()]).toEqual(["Two. That is all I was told.", "That is all I was told."]);
    tell({ text: "Three.", type: "persistent" });
    expect([await answers(), await answers()]).toEqual(["Three. That is all I was told.", "Three. That is all I was told."]);
    tell({ text: "Four.", type: "temporary" });
    expect([await answers(), await answers()]).toEqual(["Four. That is all I was told.", "That is all I was told."]);
    tell({ text: "Five.", type: "persistent" });
    tell(null);
    expect(await answers()).toBe("That is all I was told.");
  });

  test("that is told of an earlier conversation goes on from there", async () => {
    const client = await call();
    client.send({
      type: "session_settings",
      context: { text: "It went so far:\nYou: Hello.\nCaller: Could we move it to Friday?", type: "persistent" },
    });
    client.send({ type: "user_input", text: "Could we move it to Friday?" });
    await client.until("assistant_end");
    // Offered once in a conversation.
    expect(
      of(client, "assistant_message")
        .map(({ message }) => message.content)
        .join(" "),
    ).not.toContain("For Friday");
  });

  test("knows the customer by a variable, whatever its type, or by the prompt", async () => {
    const byVariable = await call();
    byVariable.send({ type: "session_settings", variables: { customer_name: 41 } });
    byVariable.send({ type: "user_input", text: "Thank you." });
    expect((await byVariable.until("assistant_message")).message.content).toBe("You are welcome, 41.");
    const byPrompt = await call({ "session_settings[system_prompt]": "Be kind. The customer's name is Guest." });
    byPrompt.send({ type: "user_input", text: "Thank you." });
    expect((await byPrompt.until("assistant_message")).message.content).toBe("You are welcome, Guest.");
  });

  test("repeats the client's own session id on every message once it has one", async () => {
    const client = await call({ "session_settings[custom_session_id]": "call-7" });
    client.send({ type: "assistant_input", text: "Hello." });
    await client.until("assistant_end");
    expect(client.messages.every((message) => message.custom_session_id === "call-7")).toBe(true);
  });

  test("gives a short yes no scores, and hears nothing in a click", async () => {
    const client = await call();
    client.send({ type: "session_settings", audio });
    const click = silence(1_500);
    click[8_000] = 20_000;
    client.speak(click);
    const yes = (await speak("Goodbye.", "awb")).subarray(4_000, 9_000);
    client.speak(joined(yes, silence(1_000)));
    const user = await client.until("user_message");
    expect(user.models).toEqual({});
    expect(user.message.content).toMatch(/^\(speech, 0\.\d s\)$/);
    expect(user.time.begin).toBeGreaterThan(1_400);
  });
});

describe("transcripts in between", () => {
  test("come only when asked for, with the words so far, and the final one replaces them", async () => {
    const sound = joined(silence(300), await speak(thursday, "rms"), silence(1_000));
    const quiet = await call();
    quiet.send({ type: "session_settings", audio });
    quiet.speak(sound);
    await quiet.until("assistant_end");
    expect(of(quiet, "user_message").map((message) => message.interim)).toEqual([false]);

    const verbose = await call({ verbose_transcription: "true" });
    verbose.send({ type: "session_settings", audio });
    verbose.speak(sound);
    await verbose.until("assistant_end");
    const all = of(verbose, "user_message");
    expect(all.length).toBeGreaterThan(4);
    expect(all.map((message) => message.interim)).toEqual([...all.slice(1).map(() => true), false]);
    for (const interim of all.slice(0, -1)) {
      // the first words are a guess, and are rewritten
      if (interim.time.end - interim.time.begin > 600) expect(thursday.startsWith(interim.message.content)).toBe(true);
      expect(interim.models).toEqual({});
      expect(interim.time.begin).toBe(all.at(-1).time.begin);
    }
    expect(all.at(-1).message.content).toBe(thursday);
  });
});

describe("a voice", () => {
  test("interrupts while the answer is still being generated, once it has lasted 800 ms: no more of it comes", async () => {
    const { evi: own, clock } = await byHand();
    const client = await call({ verbose_transcription: "true" }, own);
    client.send({ type: "session_settings", audio });
    client.send({ type: "user_input", text: "Tell me everything you can do for me." });
    await client.until("user_message");
    clock.pass(usualPace.thinkMs); // the first sentence begins; the others wait for a clock that stands still
    await client.until("audio_output");
    const before = client.messages.length;

    const speech = await speak(cuttingIn, "awb");
    client.speak(joined(silence(300), speech, silence(1_000)));
    const interruption = await client.until("user_interruption");
    expect(interruption).toEqual({ type: "user_interruption", time: clock.now() });
    await client.until((message) => message.type === "user_message" && message.interim === false, before);
    expect(types({ ...client, messages: client.messages.slice(before) })).toEqual(["user_message", "user_interruption", "user_message"]);
    clock.pass(usualPace.thinkMs);
    const answer = await client.until("assistant_message", before);
    expect(answer.message.content).toContain("free of charge");
    expect(of(client, "assistant_end")).toEqual([]);
  });

  test("that is shorter does not interrupt, and is answered afterwards", async () => {
    const { evi: own, clock } = await byHand();
    const client = await call({}, own);
    client.send({ type: "session_settings", audio });
    client.send({ type: "user_input", text: "Thank you." });
    await client.until("user_message");
    clock.pass(usualPace.thinkMs);
    await client.until("audio_output");
    client.speak(joined((await speak("Goodbye.", "awb")).subarray(3_000, 11_000), silence(1_000)));
    await client.until((message) => message.type === "user_message" && !message.from_text);
    expect(of(client, "user_interruption")).toEqual([]);
    while (of(client, "assistant_end").length < 2) {
      clock.passToNext(2_000);
      await new Promise(setImmediate);
    }
    expect(of(client, "user_interruption")).toEqual([]);
  });

  test("after the end of the answer is only heard, although the client still plays", async () => {
    const client = await call();
    client.send({ type: "session_settings", audio });
    client.send({ type: "user_input", text: "Tell me everything you can do for me." });
    await client.until("assistant_end");
    const before = client.messages.length;
    client.speak(joined(silence(300), await speak(cuttingIn, "awb"), silence(1_000)));
    await client.until("assistant_end", before);
    expect(of(client, "user_interruption")).toEqual([]);
    expect(client.messages[before]).toMatchObject({ type: "user_message", message: { content: cuttingIn } });
  });

  test("ends its turn after the silence the config wants, on the clock of the sound", async () => {
    const client = await call();
    client.send({ type: "session_settings", audio });
    const speech = await speak(thursday, "rms");
    client.speak(joined(speech, silence(600)));
    client.send({ type: "assistant_input", text: "Meanwhile." });
    await client.until("assistant_end");
    expect(of(client, "user_message")).toEqual([]);
    client.speak(silence(500));
    await client.until("user_message");
  });
});

describe("a chat that is resumed", () => {
  test("is a new chat of the same group, greets no second time, and knows what was said", async () => {
    const { evi: own } = await byHand({ pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
    const configs = `${own.url}/v0/evi/configs`;
    const headers = { "x-hume-api-key": "key", "content-type": "application/json" };
    const config = await (
      await fetch(configs, {
        method: "POST",
        headers,
        body: JSON.stringify({ evi_version: "3", name: "Desk", event_messages: { on_new_chat: { enabled: true } } }),
      })
    ).json();
    const first = await call({ config_id: (config as { id: string }).id }, own);
    await first.until("assistant_end");
    expect(of(first, "assistant_message")[0].message.content).toBe("Hello. This is the appointment desk. Is this a good moment to talk?");
    first.send({ type: "user_input", text: "Could we move it to Friday?" });
    await first.until((message) => message.type === "assistant_message" && message.message.content.includes("Friday"));
    const { chat_id, chat_group_id } = first.messages[0];
    await first.close();

    const second = await call({ config_id: (config as { id: string }).id, resumed_chat_group_id: chat_group_id }, own);
    const metadata = await second.until("chat_metadata");
    expect(metadata.chat_group_id).toBe(chat_group_id);
    expect(metadata.chat_id).not.toBe(chat_id);
    second.send({ type: "user_input", text: "Could we move it to Friday?" });
    // a day is offered once in a conversation, and this conversation has had it
    await second.until((message) => message.type === "assistant_message" && message.message.content.includes("Thursday at two o'clock"));
    expect(of(second, "assistant_message").some((message) => message.message.content.includes("Is this a good moment"))).toBe(false);
  });
});
