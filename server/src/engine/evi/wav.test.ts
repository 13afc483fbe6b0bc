import { expect, test } from "vitest";
import { monoOf, soundOf } from "./wav.ts";

const text = (name: string): number[] => [...name].map((letter) => letter.charCodeAt(0));
const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];
const u16 = (n: number): number[] => [n & 255, (n >> 8) & 255];
const chunk = (name: string, body: number[], stated = body.length): number[] => [
  ...text(name),
  ...u32(stated),
  ...body,
  ...(body.length & 1 ? [0] : []),
];
const fmt = ({ format = 1, channels = 1, rate = 48_000, bits = 16, more = [] as number[] } = {}): number[] =>
  chunk("fmt ", [
    ...u16(format),
    ...u16(channels),
    ...u32(rate),
    ...u32((rate * channels * bits) / 8),
    ...u16((channels * bits) / 8),
    ...u16(bits),
    ...more,
  ]);
const wav = (...chunks: number[][]): Uint8Array => {
  const body = [...text("WAVE"), ...chunks.flat()];
  return Uint8Array.from([...text("RIFF"), ...u32(body.length), ...body]);
};
const samples = [1, 2, 253, 254, 5, 6, 7, 128];

test.each<[string, Uint8Array]>([
  ["the ordinary 44 bytes of header", wav(fmt(), chunk("data", samples))],
  ["a LIST before the samples", wav(fmt(), chunk("LIST", text("INFOodd")), chunk("data", samples))],
  ["a LIST after the samples", wav(fmt(), chunk("data", samples), chunk("LIST", text("INFO")))],
  ["an extensible format", wav(fmt({ format: 0xfffe, more: Array(24).fill(0) }), chunk("data", samples))],
  ["a size of zero, as streams write it", wav(fmt(), chunk("data", samples, 0))],
  ["a size of 4 GB, as streams write it", wav(fmt(), chunk("data", samples, 0xffff_ffff))],
  ["a size too large by some", wav(fmt(), chunk("data", samples, 5_000))],
  ["a size too small, with samples where a chunk should be", wav(fmt(), chunk("data", [...samples.slice(0, 8)], 4))],
  ["no header at all", Uint8Array.from(samples)],
])("with %s only the samples are taken", (_, file) => {
  expect(soundOf(file)).toEqual({ rate: 48_000, channels: 1, bytes: Uint8Array.from(samples) });
});

test("the rate is read, not assumed", () => {
  expect(soundOf(wav(fmt({ rate: 24_000 }), chunk("data", samples)))?.rate).toBe(24_000);
});

test("two channels become one", () => {
  const sound = soundOf(wav(fmt({ channels: 2 }), chunk("data", [...u16(100), ...u16(300), ...u16(-4), ...u16(-8)])));
  expect(sound).not.toBeNull();
  if (sound !== null) expect([...monoOf(sound, new Int16Array(16))]).toEqual([200, -6]);
});

test("a file that ends in its header holds no sound", () => {
  expect(soundOf(wav(fmt()))?.bytes).toHaveLength(0);
});

test.each<[string, Uint8Array]>([
  ["8-bit samples", wav(fmt({ bits: 8 }), chunk("data", samples))],
  ["floats", wav(fmt({ format: 3, bits: 32 }), chunk("data", samples))],
  ["six channels", wav(fmt({ channels: 6 }), chunk("data", samples))],
  ["a rate of 12 Hz", wav(fmt({ rate: 12 }), chunk("data", samples))],
  ["a RIFF that is a film", Uint8Array.from([...text("RIFF"), ...u32(4), ...text("AVI ")])],
])("%s are not played", (_, file) => {
  expect(soundOf(file)).toBeNull();
});

test("whatever bytes come, the walk ends, inside the file", () => {
  let seed = 7;
  const next = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return seed / 0x8000_0000;
  };
  const good = wav(fmt(), chunk("LIST", text("INFO")), chunk("data", Array(400).fill(9)), chunk("LIST", text("INFO")));
  for (let round = 0; round < 5_000; round++) {
    const file = good.slice(0, Math.floor(next() * (good.length + 1)));
    for (let i = 0; i < 3 && file.length > 0; i++) file[Math.floor(next() * file.length)] = Math.floor(next() * 256);
    const sound = soundOf(file);
    if (sound === null) continue;
    expect(sound.bytes.length % 2).toBe(0);
    expect(sound.bytes.byteOffset + sound.bytes.byteLength).toBeLessThanOrEqual(file.byteOffset + file.byteLength);
  }
});
