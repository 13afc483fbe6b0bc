import { mp3Encoder } from "./mp3.ts";
import { wavHeader } from "./wav.ts";

/** Sounds for tests: made from a seed, the same every time. */

/** Mulberry32: 0..1, small and good enough for noise. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function tone(seconds: number, hz: number, amplitude: number, rateHz = 16_000): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * rateHz) }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz));
}

export const silence = (seconds: number, rateHz = 16_000): Float32Array => new Float32Array(Math.round(seconds * rateHz));

/** When somebody talks, in seconds. */
export type Turns = readonly (readonly [from: number, to: number])[];

/**
 * Something with the rhythm of speech: in each turn syllables of 80-260 ms with short and longer pauses, each a buzz of 90-240 Hz
 * with eight harmonics under its own vowel-like weights, faded in and out; true silence in between.
 */
export function babble(seconds: number, turns: Turns, seed: number, rateHz = 16_000): Float32Array {
  const random = randomFrom(seed);
  const out = new Float32Array(Math.round(seconds * rateHz));
  for (const [from, to] of turns) {
    for (let at = from; at < Math.min(to, seconds); ) {
      const long = 0.08 + random() * 0.18;
      syllable(out, Math.round(at * rateHz), Math.round(Math.min(long, to - at) * rateHz), rateHz, random);
      at += long + (random() < 0.2 ? 0.1 + random() * 0.2 : random() * 0.06);
    }
  }
  return out;
}

const sine = Float32Array.from({ length: 4096 }, (_, i) => Math.sin((2 * Math.PI * i) / 4096));

function syllable(out: Float32Array, start: number, length: number, rateHz: number, random: () => number): void {
  const pitch = 90 + random() * 150;
  const loud = 0.08 + random() * 0.2;
  const weights = Array.from({ length: 8 }, (_, i) => random() / (1 + i / 2));
  const sum = weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < length && start + i < out.length; i++) {
    const fade = Math.sin((Math.PI * i) / length) ** 0.5;
    const turn = (pitch * i) / rateHz;
    let sample = 0;
    for (let h = 0; h < weights.length; h++)
      sample += ((weights[h] as number) / sum) * (sine[((turn * (h + 1) * 4096) | 0) & 4095] as number);
    out[start + i] = (out[start + i] as number) + loud * 1.5 * fade * sample;
  }
}

/** A conversation: the two take turns of 1.5-6 s with pauses of 0.2-1.2 s. */
export function conversation(seconds: number, seed: number, rateHz = 16_000): [caller: Float32Array, agent: Float32Array] {
  const random = randomFrom(seed ^ 0x5eed);
  const turns: [number, number][][] = [[], []];
  for (let at = 0.3 + random(), who = 1; at < seconds - 0.5; who = 1 - who) {
    const to = Math.min(seconds - 0.3, at + 1.5 + random() * 4.5);
    turns[who]?.push([at, to]);
    at = to + 0.2 + random();
  }
  return [
    babble(seconds, turns[0] as [number, number][], seed * 2 + 1, rateHz),
    babble(seconds, turns[1] as [number, number][], seed * 2 + 2, rateHz),
  ];
}

/** A whole MP3 file, as the server makes it from a journal: constant bitrate, Info frame in front. */
export async function mp3Of(channels: readonly Float32Array[], rateHz: 8000 | 16000 | 24000 = 16_000): Promise<Buffer> {
  const encoder = await mp3Encoder(rateHz, channels.length === 2 ? 2 : 1, 64);
  const parts: Buffer[] = [];
  const length = channels[0]?.length ?? 0;
  for (let at = 0; at < length; at += rateHz) parts.push(encoder.push(channels.map((channel) => channel.subarray(at, at + rateHz))));
  const { tail, info } = encoder.finish();
  const file = Buffer.concat([...parts, tail]);
  info.copy(file);
  return file;
}

/** A whole WAV file of 16-bit samples. */
export function wavOf(channels: readonly Float32Array[], rateHz = 16_000): Buffer {
  const length = channels[0]?.length ?? 0;
  const body = Buffer.alloc(length * channels.length * 2);
  for (let i = 0, at = 0; i < length; i++) {
    for (const channel of channels)
      at = body.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round((channel[i] as number) * 32767))), at);
  }
  return Buffer.concat([wavHeader(rateHz, channels.length, body.length), body]);
}

/** A file as it would stream in, in chunks of `size` bytes. */
export async function* streamed(file: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}
