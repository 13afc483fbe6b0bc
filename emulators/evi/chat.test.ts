import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPhraseBook, type PhraseBook } from "../speech/phrases.ts";
import { speak } from "../speech/voice.ts";
import { readWav } from "../speech/wav.ts";
import { usualPace } from "./chat.ts";
import { handClock } from "./clock.ts";
import { EMOTIONS } from "./prosody.ts";
import { type Evi, startEvi } from "./server.ts";
import { connect, joined, type Message, silence } from "./test/client.ts";

const audio = { encoding: "linear16", sample_rate: 16_000, channels: 1 };

let evi: Evi;
let book: PhraseBook;
beforeAll(async () => {
  book = openPhraseBook([{ text: "Could we move it to Friday?", sound: await speak("Could we move it to Friday?", "rms") }]);
  evi = await startEvi({ port: 0, apiKey: "key", listener: book, pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
});
afterAll(() => evi.close());

describe("a chat", () => {
  test("begins with chat_metadata", async () => {
    const client = await connect(evi.url);
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
    await client.close();
  });

  test("hears speech, writes it down with scores and time, and answers with sound", async () => {
    const client = await connect(evi.url);
    client.send({ type: "session_settings", audio });
    const speech = await speak("Could we move it to Friday?", "rms");
    client.speak(joined(silence(500), speech, silence(1_000)));
    await client.until("assistant_end");
    const types = client.messages
      .map((message: Message) => message.type)
      .filter((type: string, at: number, all: string[]) => type !== all[at - 1]);
    expect(types.slice(0, 4)).toEqual(["chat_metadata", "user_message", "assistant_message", "audio_output"]);
    expect(types.at(-2)).toBe("assistant_prosody");
    const user = await client.until("user_message");
    expect(user).toMatchObject({ interim: false, from_text: false, message: { role: "user" } });
    expect(Object.keys(user.models.prosody.scores)).toEqual([...EMOTIONS]);
    expect(user.time.begin).toBeGreaterThan(480);
    expect(user.time.begin).toBeLessThan(800);
    expect(user.time.end).toBeLessThan(500 + speech.length / 16 + 100);
    const said = client.messages.filter((message: Message) => message.type === "assistant_message");
    for (const { id } of said) {
      const chunks = client.messages.filter((message: Message) => message.type === "audio_output" && message.id === id);
      expect(chunks.map((chunk: Message) => chunk.index)).toEqual(chunks.map((_: Message, at: number) => at));
      for (const chunk of chunks) {
        const wav = Buffer.from(chunk.data, "base64");
        expect(wav.subarray(0, 4).toString()).toBe("RIFF");
        expect(readWav(wav)).toMatchObject({ rate: 48_000, channels: 1 });
      }
    }
    await client.close();
  });

  test("is interrupted by a voice while it is still generating", async () => {
    const clock = handClock();
    const slow = await startEvi({ port: 0, apiKey: "key", listener: book, clock });
    const client = await connect(slow.url);
    client.send({ type: "session_settings", audio });
    client.send({ type: "user_input", text: "Tell me everything you can do for me." });
    await client.until("user_message");
    clock.pass(usualPace.thinkMs); // the first chunk leaves; the others wait for a clock that stands still
    await client.until("audio_output");
    const speech = await speak("Sorry, stop. I only want to know what it costs.", "awb");
    client.speak(joined(silence(200), speech, silence(900)));
    await client.until("user_interruption");
    expect(client.messages.some((message: Message) => message.type === "assistant_end")).toBe(false);
    await client.close();
    await slow.close();
  });
});
