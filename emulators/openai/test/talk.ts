import { afterAll, afterEach, beforeAll } from "vitest";
import { openPhraseBook } from "../../speech/phrases.ts";
import { resample } from "../../speech/resample.ts";
import { speak } from "../../speech/voice.ts";
import { startOpenAi } from "../server.ts";
import { type Client, connect, joined, type Message, silence } from "./client.ts";

/** What callers say in the tests, and the service understands. */
export const lines = {
  everything: "Hi. Tell me everything you can do for me.",
  cost: "Sorry, stop. I only want to know what it costs.",
  perfect: "Half past three would be perfect for me.",
  goodbye: "Wonderful. Thank you very much for your help. Goodbye.",
};

/** A session as a client of the desk asks for it. */
export const settings = (more: Record<string, unknown> = {}, input: Record<string, unknown> = {}): Record<string, unknown> => ({
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

/** A quick service that understands the lines. */
export interface Talk {
  readonly url: string;
  /** A client whose settings are in force. */
  begin(model?: string, more?: Record<string, unknown>, input?: Record<string, unknown>): Promise<Client>;
  /** The sound of a line. */
  spoken(text: string, rate?: number): Int16Array;
  /** A line with the silence before and behind it that makes it a turn. */
  turn(text: string, rate?: number): Int16Array;
  close(): Promise<void>;
}

export async function startTalk(): Promise<Talk> {
  const phrases = await Promise.all(Object.values(lines).map(async (text) => ({ text, sound: await speak(text, "rms") })));
  /** At 16 kHz. */
  const sounds = new Map(phrases.map(({ text, sound }) => [text, sound]));
  const { url, close } = await startOpenAi({
    port: 0,
    apiKey: "key",
    listener: openPhraseBook(phrases),
    pace: { thinkMs: 20, speed: 60, transcribeMs: 10 },
    log: () => undefined,
  });
  const spoken = (text: string, rate = 24_000): Int16Array => resample(sounds.get(text) as Int16Array, 16_000, rate);
  return {
    url,
    async begin(model, more, input) {
      const client = await connect(url, model === undefined ? {} : { model });
      client.send({ type: "session.update", session: settings(more, input) });
      await client.until("session.updated");
      return client;
    },
    spoken,
    turn: (text, rate = 24_000) => joined(silence(400, rate), spoken(text, rate), silence(1_200, rate)),
    close,
  };
}

/** The types of what a client got, in order. */
export const typesOf = (client: Client, from = 0): string[] => client.messages.slice(from).map((message) => message.type);

/** A quick service for the tests of one file, and the client of the test that runs. */
export interface House {
  readonly talk: Talk;
  client: Client;
  /** Begins a test with a client whose settings are in force. */
  begun(...how: Parameters<Talk["begin"]>): Promise<void>;
  /** The types of what the client got, in order. */
  types(from?: number): string[];
  /** How much sound of an item the client got, at 24 kHz. */
  audioMs(item: string): number;
}

/** Starts the service before the tests of the file that calls this, ends each one's client behind it, and the service in the end. */
export function house(): House {
  const one = {} as { talk: Talk; client: Client };
  beforeAll(async () => {
    one.talk = await startTalk();
  });
  afterEach(() => one.client?.socket.terminate());
  afterAll(() => one.talk?.close());
  return Object.assign(one, {
    async begun(...how: Parameters<Talk["begin"]>) {
      one.client = await one.talk.begin(...how);
    },
    types: (from = 0) => typesOf(one.client, from),
    audioMs: (item: string) =>
      one.client.messages
        .filter((message) => message.type === "response.output_audio.delta" && message.item_id === item)
        .reduce((sum: number, message: Message) => sum + Buffer.from(message.delta, "base64").length / 48, 0),
  });
}
