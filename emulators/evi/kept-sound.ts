import { encodeMp3 } from "../speech/mp3.ts";
import { mp4OfMp3 } from "../speech/mp4.ts";
import { resample } from "../speech/resample.ts";
import { readWav } from "../speech/wav.ts";
import type { AudioFormat } from "./wire.ts";

/** Hz of reconstructed sound. */
const RATE = 16_000;

/** The sound of one chat, for reconstruction: what was heard as it came, what was said by reference to the shared chunks. */
export interface KeptSound {
  /** @param atMs since the chat began; later bytes follow the first ones without a gap, as the stream does */
  heard(bytes: Uint8Array, format: AudioFormat, atMs: number): void;
  /** @param atMs when it began to play, had the client played it as it came */
  said(base64: Buffer, atMs: number, ms: number): void;
  /** What was said is not heard after this. */
  cut(atMs: number): void;
}

export interface SoundKeeper {
  keep(chatId: string): KeptSound;
  /** Both sides mixed, as an MP4; null when nothing was kept, or no longer. */
  reconstruct(chatId: string): Promise<Uint8Array | null>;
}

interface Kept {
  readonly heard: { readonly bytes: Uint8Array; readonly format: AudioFormat }[];
  readonly said: { readonly base64: Buffer; readonly atMs: number; ms: number }[];
  heardFromMs: number;
  heardBytes: number;
}

/** @param budgetBytes of heard sound over all chats; the oldest chats are forgotten first */
export function openSoundKeeper(budgetBytes: number): SoundKeeper {
  const chats = new Map<string, Kept>();
  let bytes = 0;

  function makeRoom(): void {
    for (const [id, { heardBytes }] of chats) {
      if (bytes <= budgetBytes) return;
      chats.delete(id);
      bytes -= heardBytes;
    }
  }

  return {
    keep(chatId) {
      const kept: Kept = { heard: [], said: [], heardFromMs: 0, heardBytes: 0 };
      chats.set(chatId, kept);
      return {
        heard(part, format, atMs) {
          if (chats.get(chatId) !== kept) return;
          if (kept.heard.length === 0) kept.heardFromMs = atMs;
          kept.heard.push({ bytes: new Uint8Array(part), format });
          kept.heardBytes += part.length;
          bytes += part.length;
          makeRoom();
        },
        said(base64, atMs, ms) {
          if (chats.get(chatId) === kept) kept.said.push({ base64, atMs, ms });
        },
        cut(atMs) {
          for (const one of kept.said) one.ms = Math.max(0, Math.min(one.ms, atMs - one.atMs));
        },
      };
    },
    async reconstruct(chatId) {
      const kept = chats.get(chatId);
      const mixed = kept && mix(kept);
      return mixed && mixed.length > 0 ? mp4OfMp3(await encodeMp3({ channels: [mixed], rate: RATE }), { rate: RATE, channels: 1 }) : null;
    },
  };
}

function mix({ heard, said, heardFromMs }: Kept): Int16Array {
  const parts: { readonly at: number; readonly sound: Int16Array }[] = [];
  const format = heard[0]?.format;
  // another format in mid-chat is possible and rare: what follows it is left out
  const same = heard.filter((part) => part.format.sample_rate === format?.sample_rate && part.format.channels === format.channels);
  if (format)
    parts.push({
      at: samplesIn(heardFromMs),
      sound: resample(mono(Buffer.concat(same.map((part) => part.bytes)), format.channels), format.sample_rate, RATE),
    });
  for (const { base64, atMs, ms } of said) {
    const { samples, rate } = readWav(Buffer.from(base64.toString("latin1"), "base64"));
    parts.push({ at: samplesIn(atMs), sound: resample(samples, rate, RATE).subarray(0, samplesIn(ms)) });
  }
  const all = new Int16Array(Math.max(0, ...parts.map(({ at, sound }) => at + sound.length)));
  for (const { at, sound } of parts) {
    for (let i = 0; i < sound.length; i++) all[at + i] = Math.max(-32_768, Math.min(32_767, (all[at + i] ?? 0) + (sound[i] ?? 0)));
  }
  return all;
}

function samplesIn(ms: number): number {
  return Math.round((ms / 1_000) * RATE);
}

function mono(bytes: Buffer, channels: number): Int16Array {
  const samples = new Int16Array(Math.floor(bytes.length / (2 * channels)));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += bytes.readInt16LE((i * channels + channel) * 2);
    samples[i] = sum / channels;
  }
  return samples;
}
