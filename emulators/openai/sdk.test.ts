import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openPhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { speak } from "../speech/voice.ts";
import { type OpenAi, startOpenAi } from "./server.ts";
import { joined, silence } from "./test/client.ts";

const line = "Half past three would be perfect for me.";
let sound: Int16Array;
let openai: OpenAi;

beforeAll(async () => {
  const said = await speak(line, "rms");
  sound = joined(silence(400), resample(said, 16_000, 24_000), silence(2_500));
  const listener = openPhraseBook([{ text: line, sound: said }]);
  openai = await startOpenAi({ port: 0, apiKey: "key", listener, pace: { thinkMs: 20, speed: 60, transcribeMs: 10 } });
});
afterAll(() => openai.close());

test("OpenAI's own agents client talks to it unchanged: a spoken turn, a tool, an answer", async () => {
  const asked: string[] = [];
  const agent = new RealtimeAgent({
    name: "desk",
    instructions: "You are the desk.",
    tools: [
      tool({
        name: "book_slot",
        description: "Books a time.",
        parameters: z.object({ time: z.string() }),
        execute: async ({ time }) => {
          asked.push(time);
          return "booked";
        },
      }),
    ],
  });
  const transport = new OpenAIRealtimeWebSocket({ url: `${openai.url.replace("http", "ws")}/v1/realtime?model=gpt-realtime-2.1` });
  const session = new RealtimeSession(agent, { transport, model: "gpt-realtime-2.1" });
  const errors: unknown[] = [];
  session.on("error", (error) => errors.push(error));
  const heard: string[] = [];
  let bytes = 0;
  transport.on("audio", ({ data }) => {
    bytes += data.byteLength;
  });
  transport.on("*", (event: { type: string; transcript?: string }) => {
    if (event.type === "conversation.item.input_audio_transcription.completed") heard.push(event.transcript ?? "");
    if (event.type === "response.output_audio_transcript.done") heard.push(event.transcript ?? "");
  });
  await session.connect({ apiKey: "key" });
  for (let at = 0; at < sound.length; at += 2_400) session.sendAudio(sound.slice(at, at + 2_400).buffer);
  await expect.poll(() => heard.join(" ")).toMatch(/perfect for me\..*half past three.*\?$/i);
  expect(heard).toContain(line);
  expect(asked).toEqual(["half past three"]);
  expect(bytes).toBeGreaterThan(48_000);
  expect(errors).toEqual([]);
  session.close();
});
