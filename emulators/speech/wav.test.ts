import { describe, expect, test } from "vitest";
import { channelOf, NotPcm16Wav, readWav, writeWav } from "./wav.ts";

const sound = Int16Array.from([1, -2, 300, -32768, 32767, 0]);

/** Builds a WAV chunk by chunk, as other people's writers do. */
function riff(...chunks: readonly [name: string, said: number, body: Uint8Array][]): Uint8Array {
  const parts = chunks.map(([name, said, body]) => {
    const head = Buffer.alloc(8);
    head.write(name, 0, "latin1");
    head.writeUInt32LE(said, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  });
  const all = Buffer.concat(parts);
  const head = Buffer.alloc(12);
  head.write("RIFF");
  head.writeUInt32LE(4 + all.length, 4);
  head.write("WAVE", 8);
  return Buffer.concat([head, all]);
}

const plainFormat = Buffer.from("0100 0100 803e0000 007d0000 0200 1000".replaceAll(" ", ""), "hex");
const pcm = Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength);

describe("a WAV of 16-bit PCM", () => {
  test("comes back as it was written, with a header of 44 bytes", () => {
    const wav = writeWav(sound, 48_000);
    expect(wav.length).toBe(44 + 12);
    expect(Buffer.from(wav.subarray(0, 44)).toString("hex")).toBe(
      "52494646300000005741564566" + "6d7420" + "10000000" + "01000100" + "80bb0000" + "00770100" + "02001000" + "64617461" + "0c000000",
    );
    expect(readWav(wav)).toEqual({ rate: 48_000, channels: 1, samples: sound });
  });

  test("is read out of the middle of a larger buffer, at an odd address", () => {
    const around = Buffer.alloc(200, 7);
    around.set(writeWav(sound, 8_000), 3);
    expect(readWav(around.subarray(3, 3 + 44 + 12)).samples).toEqual(sound);
  });

  test.each([
    [
      "other chunks before and after",
      riff(
        ["LIST", 5, Buffer.from("hello")],
        ["fmt ", 16, plainFormat],
        ["fact", 4, Buffer.alloc(4)],
        ["data", 12, pcm],
        ["id3 ", 2, Buffer.alloc(2)],
      ),
    ],
    ["a fmt chunk of 18 bytes", riff(["fmt ", 18, Buffer.concat([plainFormat, Buffer.alloc(2)])], ["data", 12, pcm])],
    ["a size of all ones, as streaming writers leave it", riff(["fmt ", 16, plainFormat], ["data", 0xffffffff, pcm])],
    ["a size of zero, as streaming writers leave it", riff(["fmt ", 16, plainFormat], ["data", 0, pcm])],
    ["a size larger than the file", riff(["fmt ", 16, plainFormat], ["data", 9_999, pcm])],
  ])("is read with %s", (_what, wav) => {
    expect(readWav(wav)).toEqual({ rate: 16_000, channels: 1, samples: sound });
  });

  test("may hold nothing: an empty data chunk before another chunk is no sound", () => {
    expect(readWav(riff(["fmt ", 16, plainFormat], ["data", 0, Buffer.alloc(0)], ["LIST", 4, Buffer.from("INFO")])).samples.length).toBe(0);
  });

  test("loses half a sample at a torn end", () => {
    expect(readWav(writeWav(sound, 16_000).subarray(0, 44 + 5)).samples).toEqual(sound.subarray(0, 2));
  });

  test("gives each channel of a stereo sound", () => {
    const wav = readWav(writeWav(sound, 16_000, 2));
    expect(channelOf(wav, 0)).toEqual(Int16Array.from([1, 300, 32767]));
    expect(channelOf(wav, 1)).toEqual(Int16Array.from([-2, -32768, 0]));
  });

  test.each([
    ["bytes that are no RIFF", Buffer.from("ID3 something else")],
    ["nothing", new Uint8Array(0)],
    ["8-bit samples", riff(["fmt ", 16, Buffer.from("01000100401f0000401f000001000800", "hex")], ["data", 12, pcm])],
    ["µ-law", riff(["fmt ", 16, Buffer.from("07000100401f0000401f000001000800", "hex")], ["data", 12, pcm])],
    ["no data chunk", riff(["fmt ", 16, plainFormat])],
  ])("is told from %s", (_what, bytes) => {
    expect(() => readWav(bytes)).toThrow(NotPcm16Wav);
  });
});
