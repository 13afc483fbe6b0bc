import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "@earshot/contract/call";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type House, openHouse, until } from "./house.ts";
import { humanNumber, humanPeople, humanPhrases, humanTexts } from "./human.ts";
import { ended, events, place, playback, readCall, recorded, utterances } from "./shapes.ts";
import { bestLag, correlation, decimateBy3, decodeMp3, envelope, fromPcm16, milliseconds, noiseOver, rms, type Sound } from "./sound.ts";

let house: House;
let call: Call;
/** As the carrier dumped it: what the phone's owner said and heard, what went through the socket. */
let said: Float32Array;
let heard: Float32Array;
let sentBySocket: Buffer;
let receivedBySocket: Float32Array;

beforeAll(async () => {
  const book = humanPhrases(join(import.meta.dirname, "../.cache/e2e"));
  house = await openHouse({ people: humanPeople, phrases: book });
  const id = await place(house, humanNumber, { customer_name: "Human Voice" });
  await ended(house, id);
  await recorded(house, id, "carrier");
  await until("both recordings are compared", async () => (await events(house, id)).some((event) => event.kind === "recording.compared"));
  call = await readCall(house, id);
  const dump = join(house.dir, "dump-phone");
  const files = await until("the dump is whole", async () => {
    const names = readdirSync(dump);
    const legs = names.filter((name) => name.endsWith(".json"));
    return legs.length >= 2 && names;
  });
  const wav = (ending: string): Buffer => readFileSync(join(dump, files.find((name) => name.endsWith(ending)) as string)).subarray(44);
  said = fromPcm16(wav(".said.wav"));
  heard = fromPcm16(wav(".heard.wav"));
  sentBySocket = wav(".sent.wav");
  receivedBySocket = fromPcm16(wav(".received.wav"));
});
afterAll(() => house?.close());

describe("a call with a human voice", () => {
  test("the engine hears what the caller said, sample for sample", async () => {
    const dump = join(house.dir, "dump-evi");
    const chat = readdirSync(dump).find((name) => name.endsWith(".heard.pcm")) as string;
    const engine = readFileSync(join(dump, chat));
    expect(engine.length).toBeGreaterThan(10 * 32_000);
    expect(Buffer.compare(engine.subarray(0, Math.min(engine.length, sentBySocket.length)), sentBySocket.subarray(0, engine.length))).toBe(
      0,
    );
  });

  test("the caller's words are understood from the sound alone, and in order", async () => {
    const words = (await utterances(house, call.id)).filter((u) => u.speaker === "caller").map((u) => u.text);
    expect(words).toEqual(humanTexts);
  });

  test("every sentence of the agent reaches the carrier without a click, a gap or a lost sample", () => {
    const dump = join(house.dir, "dump-evi");
    const chat = readdirSync(dump).find((name) => name.endsWith(".said.pcm")) as string;
    const spoken = readFileSync(join(dump, chat));
    const chunks = readFileSync(join(dump, chat.replace(".said.pcm", ".messages.jsonl")), "utf8")
      .trim()
      .split("\n")
      .flatMap((line) => {
        const { out } = JSON.parse(line) as { out?: { type: string; id: string; from_byte: number; bytes: number } };
        return out?.type === "audio_output" && out.bytes > 0 ? [out] : [];
      });
    const ids = [...new Set(chunks.map((chunk) => chunk.id))];
    expect(ids.length).toBeGreaterThanOrEqual(3);
    let from = 0;
    for (const id of ids) {
      const parts = chunks
        .filter((chunk) => chunk.id === id)
        .map((chunk) => spoken.subarray(chunk.from_byte, chunk.from_byte + chunk.bytes));
      const wanted = decimateBy3(fromPcm16(Buffer.concat(parts)));
      const { at, worstDb } = noiseOver(wanted, receivedBySocket, from, 4_000);
      // Worst 10 ms of the sentence: what differs lies 25 dB below it. A click or a lost sample would stand above.
      expect(worstDb, `sentence ${id} at sample ${at}`).toBeLessThan(-25);
      from = at + wanted.length;
    }
  });

  const sources = ["carrier", "journal"] as const;
  test.each(sources)("the recording of the %s holds the caller on the left and the agent on the right", async (source) => {
    const sound: Sound = await decodeMp3(await playback(house, call.id, `?source=${source}`));
    expect(sound.channels.length).toBe(2);
    const [left, right] = sound.channels as [Float32Array, Float32Array];
    const windows = {
      left: envelope(left, sound.rate),
      right: envelope(right, sound.rate),
      said: envelope(said, 16_000),
      heard: envelope(heard, 16_000),
    };
    expect(rms(left)).toBeGreaterThan(0.005);
    expect(rms(right)).toBeGreaterThan(0.005);
    const caller = bestLag(windows.left, windows.said, 100);
    const agent = bestLag(windows.right, windows.heard, 100);
    expect(caller.agreement).toBeGreaterThan(0.95);
    expect(agent.agreement).toBeGreaterThan(0.95);
    expect(Math.abs(caller.lag - agent.lag)).toBeLessThanOrEqual(2);
    expect(correlation(windows.left, windows.heard)).toBeLessThan(0.4);
    expect(correlation(windows.right, windows.said)).toBeLessThan(0.4);
    // The carrier records from the moment it has our instructions; how long after the answer that was is known from the comparison.
    const length = milliseconds(sound) + (source === "carrier" ? (call.recording.offset_ms as number) : 0);
    expect(Math.abs(length - (call.duration_ms as number))).toBeLessThan(source === "carrier" ? 100 : 1_000);
  });

  test("the call says who it was, how long, how it ended, and that its recording is whole", () => {
    expect(call).toMatchObject({
      status: "ended",
      end_reason: expect.stringMatching(/hung_up$/),
      customer_name: "Human Voice",
      to: humanNumber,
    });
    expect(call.recording).toMatchObject({ status: "verified", source: "carrier", channels: 2, format: "mp3", because: null });
    expect(call.recording.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("every utterance carries feelings by name, the strongest first", async () => {
    for (const utterance of await utterances(house, call.id)) {
      const scores = Object.values(utterance.emotions);
      if (utterance.speaker === "caller") expect(scores.length).toBe(48);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      expect(utterance.ended_ms).toBeGreaterThan(utterance.started_ms);
    }
  });
});
