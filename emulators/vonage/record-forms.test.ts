import { describe, expect, it } from "vitest";
import { channelOf, readWav } from "../speech/wav.ts";
import { type App, loudness, token } from "./test-app.ts";
import { answersASentence, greetsThenHangsUp, startCalls } from "./test-calls.ts";

describe("record, in other forms", () => {
  const recorded = async (more: object): Promise<{ app: App; file: Uint8Array }> => {
    const { app, dial } = await startCalls({
      "/answer": (own) => [
        { action: "record", eventUrl: [`${own.url}/recording`], ...more },
        { action: "connect", from: "12025550100", endpoint: [{ type: "phone", number: greetsThenHangsUp }] },
      ],
    });
    await dial(answersASentence);
    return { app, file: await fetched((await app.event("record")).body.recording_url) };
  };
  const fetched = async (url: string): Promise<Uint8Array> => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${await token()}` } });
    return new Uint8Array(await answer.arrayBuffer());
  };

  it("has a channel per leg in joining order, as wav", async () => {
    const { file } = await recorded({ split: "conversation", channels: 3 });
    const wav = readWav(file);
    expect(wav.channels).toBe(3);
    const loud = [0, 1, 2].map((channel) => loudness(channelOf(wav, channel)) > 100);
    expect(loud).toEqual([true, true, false]);
  });

  it("is an ogg when asked for", async () => {
    const { file: ogg } = await recorded({ format: "ogg", split: "conversation" });
    expect(Buffer.from(ogg).toString("latin1", 0, 4)).toBe("OggS");
    expect(Buffer.from(ogg).includes("vorbis")).toBe(true);
  });

  it("is transcribed out of the script, with the times of the sound", async () => {
    const { app, file } = await recorded({ format: "wav", split: "conversation", transcription: { language: "en-US" } });
    const wav = readWav(file);
    const { body } = await app.event("transcribed");
    expect(body).toMatchObject({ type: "record", status: "transcribed", recording_uuid: (await app.event("record")).body.recording_uuid });
    const { ver, channels } = JSON.parse(Buffer.from(await fetched(body.transcription_url)).toString("utf8"));
    expect(ver).toBe("2.1.0");
    expect(channels).toHaveLength(2);
    expect(channels[1].transcript).toMatchObject([{ sentence: "Hello, who is there?" }]);
    const [line, ...more] = channels[0].transcript;
    expect(more).toEqual([]);
    expect(line).toMatchObject({ sentence: "Good morning to you.", raw_sentence: "good morning to you" });
    expect(line.words).toHaveLength(4);
    const left = channelOf(wav, 0);
    const from = (line.timestamp * 16) | 0;
    const to = from + line.duration * 16;
    expect(loudness(left, from, to)).toBeGreaterThan(10 * loudness(left, to + 1_600));
  });
});
