/** Whole conversations of emulated people with the emulated agents, by sound alone, without a telephone between them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { awake, type Mind, think } from "../people/mind.ts";
import { people } from "../people/people.ts";
import { openResampler } from "../speech/resample.ts";
import { openSpeechWatch } from "../speech/vad.ts";
import { speak } from "../speech/voice.ts";
import { readWav } from "../speech/wav.ts";
import { everyone, loadBook } from "./book.ts";
import { type Evi, startEvi } from "./server.ts";
import { connect, type Message } from "./test/client.ts";

let evi: Evi;
beforeAll(async () => {
  const listener = await loadBook({ people: everyone(null), folder: null, log: () => undefined });
  evi = await startEvi({ port: 0, apiKey: "key", listener, pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
});
afterAll(() => evi.close());

const TICK_MS = 20;
const TICK = 320;

interface Conversation {
  readonly said: readonly string[];
  readonly ms: number;
  readonly hungUp: boolean;
}

/**
 * Lets a person talk to the agent, tick by tick on the clock of the sound, faster than real time: whenever the person has finished a
 * sentence and been silent as long as ends a turn, time stands still until the answer is there.
 */
async function talk(number: string, greeting: string, settings: Record<string, unknown> = {}): Promise<Conversation> {
  const person = people.find((one) => one.number === number);
  if (!person) throw new Error(`Nobody has the number ${number}.`);
  const client = await connect(evi.url);
  client.send({ type: "session_settings", audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 }, ...settings });
  client.send({ type: "assistant_input", text: greeting });
  await client.until("assistant_end");

  const down = openResampler(48_000, 16_000);
  const watch = openSpeechWatch();
  let mind: Mind = awake;
  let played = 0;
  const agent: Int16Array[] = [];
  let mouth: Int16Array = new Int16Array(0);
  let owesAnswer = false;
  let silentMs = 0;
  let ms = 0;
  let hungUp = false;
  const silence = new Int16Array(TICK);
  while (!hungUp && ms < 120_000) {
    for (; played < client.messages.length; played++) {
      const message: Message = client.messages[played];
      if (message.type !== "audio_output") continue;
      const sound = down.push(readWav(Buffer.from(message.data, "base64")).samples);
      for (let at = 0; at < sound.length; at += TICK) {
        const tick = new Int16Array(TICK);
        tick.set(sound.subarray(at, at + TICK));
        agent.push(tick);
      }
    }
    ms += TICK_MS;
    const [next, step] = think(mind, person, watch.push(agent.shift() ?? silence), mouth.length > 0);
    mind = next;
    if (step && "say" in step && "text" in step.say) {
      mouth = await speak(step.say.text ?? "", person.voice);
      owesAnswer = true;
    }
    hungUp = step !== null && "hangUp" in step;
    client.speak(mouth.length > 0 ? padded(mouth.subarray(0, TICK)) : silence);
    silentMs = mouth.length > 0 ? 0 : silentMs + TICK_MS;
    mouth = mouth.subarray(TICK);
    if (owesAnswer && silentMs === 1_000) {
      owesAnswer = false;
      await client.until("assistant_end", client.messages.length);
    }
  }
  await client.close();
  watch.free();
  down.free();
  const said = client.messages.flatMap((message) =>
    message.type === "user_message" || message.type === "assistant_message" ? [`${message.message.role}: ${message.message.content}`] : [],
  );
  return { said, ms, hungUp };
}

function padded(part: Int16Array): Int16Array {
  const tick = new Int16Array(TICK);
  tick.set(part);
  return tick;
}

describe("the demonstration", () => {
  test("the polite caller moves an appointment in four turns and hangs up, within three quarters of a minute", async () => {
    const { said, ms, hungUp } = await talk("+12025550101", "Hello, this is the appointment desk. Is this a good moment to talk?", {
      variables: { customer_name: "Guest" },
    });
    expect(said).toEqual([
      "assistant: Hello, this is the appointment desk. Is this a good moment to talk?",
      "user: Hello, yes, this is a good moment. How can I help you?",
      "assistant: It is about your appointment on Tuesday at ten.",
      "assistant: Does that still suit you?",
      "user: Oh, that is right. Could we move my appointment to Thursday afternoon, please?",
      "assistant: Of course.",
      "assistant: For Thursday afternoon I can offer you two o'clock or half past three.",
      "user: Half past three would be perfect for me.",
      "assistant: Perfect, half past three it is.",
      "assistant: Is there anything else?",
      "user: Wonderful. Thank you very much for your help. Goodbye.",
      "assistant: You are welcome, Guest.",
      "assistant: Goodbye.",
    ]);
    expect(hungUp).toBe(true);
    expect(ms).toBeGreaterThan(25_000);
    expect(ms).toBeLessThan(48_000);
  });

  test("the one who calls in is told where the order is", async () => {
    const { said, hungUp } = await talk("+12025550106", "Thank you for calling. How can I help you?");
    expect(said.filter((line) => line.startsWith("user: "))).toEqual([
      "user: Good morning. I am calling about my order. It has not arrived yet.",
      "user: The order number is four seven one one.",
      "user: All right, then I will wait until Friday. Thank you, goodbye.",
    ]);
    expect(said).toContain("assistant: Thank you. I have found order four seven one one.");
    expect(said.at(-1)).toBe("assistant: Goodbye.");
    expect(hungUp).toBe(true);
  });
});
