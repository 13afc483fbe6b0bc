import { describe, expect, it } from "vitest";
import { createOggEncoder } from "wasm-media-encoders";
import { decode, isUnreadable } from "./decode.ts";
import { type Measured, Meter, type Track } from "./meter.ts";
import { type AudioFormat, formatOf } from "./sound.ts";
import { babble, mp3Of, randomFrom, silence, streamed, tone, wavOf } from "./test-sounds.ts";

const left = babble(7.3, [[0.5, 3]], 1);
const right = babble(7.3, [[3.5, 6.8]], 2);

async function measure(format: Exclude<AudioFormat, "mp4">, file: Uint8Array, chunk = 4096): Promise<Measured> {
  const meter = new Meter();
  for await (const sound of decode(format, streamed(file, chunk))) meter.push(sound);
  return meter.finish();
}
/** Bytes without sense, the same every time. */
function noise(bytes: number): Buffer {
  const random = randomFrom(5);
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
}
const loudFrames = (track: Track, fromMs: number, toMs: number) =>
  Array.from(track.levels.subarray(fromMs / 5, toMs / 5)).filter((level) => level > 100).length;

async function oggOf(channels: Float32Array[]): Promise<Buffer> {
  const encoder = await createOggEncoder();
  encoder.configure({ sampleRate: 16_000, channels: 2, vbrQuality: 2 });
  const body = Buffer.from(encoder.encode(channels));
  return Buffer.concat([body, Buffer.from(encoder.finalize())]);
}

describe("decoding", () => {
  it("gives back exactly the samples an mp3 of ours was made from: no encoder delay, no padding", async () => {
    const click = silence(2);
    click.fill(0.8, 16_000, 16_004);
    const file = await mp3Of([click, tone(2, 440, 0.3)]);
    const decoded: number[] = [];
    for await (const sound of decode("mp3", streamed(file))) decoded.push(...(sound.channels[0] as Float32Array));
    expect(decoded).toHaveLength(32_000);
    const loudest = decoded.reduce((best, sample, at) => (Math.abs(sample) > Math.abs(decoded[best] as number) ? at : best), 0);
    expect(Math.abs(loudest - 16_002)).toBeLessThanOrEqual(2);
  });

  it.each(["mp3", "wav", "ogg"] as const)("keeps both sides and the length of a stereo %s", async (format) => {
    const file = format === "mp3" ? await mp3Of([left, right]) : format === "wav" ? wavOf([left, right]) : await oggOf([left, right]);
    expect(formatOf(file)).toBe(format);
    const { durationMs, tracks } = await measure(format, file);
    expect(Math.abs(durationMs - 7300)).toBeLessThanOrEqual(format === "ogg" ? 20 : 0);
    const [first, second] = tracks as [Track, Track];
    expect(loudFrames(first, 500, 3000)).toBeGreaterThan(300);
    expect(loudFrames(first, 3600, 6800)).toBe(0);
    expect(loudFrames(second, 3500, 6800)).toBeGreaterThan(400);
    expect(loudFrames(second, 0, 3400)).toBe(0);
  });

  it("does not depend on how the bytes were cut", async () => {
    for (const [format, file] of [
      ["mp3", await mp3Of([left, right])],
      ["wav", wavOf([left, right])],
    ] as const) {
      const whole = await measure(format, file, file.length);
      for (const chunk of [7, 333, 65_536]) expect(await measure(format, file, chunk)).toEqual(whole);
    }
  });

  it("tells a mono mp3 from a stereo one", async () => {
    expect((await measure("mp3", await mp3Of([left]))).tracks).toHaveLength(1);
  });

  it("reads a wav whose recorder never wrote its length", async () => {
    const file = wavOf([left, right]);
    file.writeUInt32LE(0, 40);
    expect((await measure("wav", file)).durationMs).toBe(7300);
  });

  it("reads telephone codings in wav", async () => {
    for (const [tag, quiet] of [
      [7, 0xff],
      [6, 0xd5],
    ] as const) {
      const file = Buffer.concat([wavOf([silence(0)]), Buffer.alloc(8000, quiet)]);
      file.writeUInt16LE(tag, 20);
      file.writeUInt32LE(8000, 24);
      file.writeUInt16LE(8, 34);
      const { durationMs, tracks } = await measure("wav", file);
      expect(durationMs).toBe(1000);
      expect(tracks[0]?.peakDb).toBeLessThan(-70);
    }
  });

  it("plays on after damage in the middle", async () => {
    const file = await mp3Of([left, right]);
    file.fill(0x55, 20_000, 21_000);
    expect((await measure("mp3", file)).durationMs).toBeGreaterThan(6900);
  });

  it.each([
    ["mp3", Buffer.from("<html>no such file</html>")],
    ["mp3", Buffer.alloc(0)],
    ["wav", Buffer.from("RIFF....WAVEfmt ")],
    ["wav", Buffer.from("no")],
    ["ogg", Buffer.concat([Buffer.from("OggS"), Buffer.alloc(2000)])],
    ["ogg", Buffer.from("OggS")],
    ["mp3", Buffer.concat([Buffer.from("ID3\x04\0\0\0\0\0\0", "latin1"), noise(300_000)])],
  ] as const)("blames the file when it is no %s", async (format, file) => {
    const error = await measure(format, file).catch((caught: unknown) => caught);
    expect(isUnreadable(error)).toBe(true);
  });
});

describe("a format is told by its first bytes", () => {
  it.each([
    ["ID3\x04\x00", "mp3"],
    ["\xff\xfb\x90\x00", "mp3"],
    ["\xff\xf3\x88\x64", "mp3"],
    ["RIFF\x24\x00\x00\x00WAVE", "wav"],
    ["OggS\x00\x02", "ogg"],
    ["RIFF\x24\x00\x00\x00AVI ", null],
    ["<!DOCTYPE html>", null],
    ['{"type":', null],
    ["\xff\xff\xff\xff", null],
    ["", null],
  ])("%j is %s", (head, format) => {
    expect(formatOf(Buffer.from(head, "latin1"))).toBe(format);
  });
});
