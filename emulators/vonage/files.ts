import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createOggEncoder } from "wasm-media-encoders";
import type { Faults } from "../people/person.ts";
import { encodeMp3 } from "../speech/mp3.ts";
import { writeWav } from "../speech/wav.ts";
import { RATE } from "./mix.ts";
import type { Format } from "./recording.ts";

export const contentTypes = { mp3: "audio/mpeg", wav: "audio/wav", ogg: "audio/ogg" } as const satisfies Record<Format, string>;

/** A recording that can be fetched. */
export interface StoredFile {
  readonly uuid: string;
  readonly path: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly storedAt: number;
  readonly fault: Faults["file"] | null;
  /** How often it was asked for. */
  asked: number;
}

/** The network's store of recordings: `/v1/files/{uuid}`. They can be fetched for a settable time, then they are gone. */
export class Files {
  readonly #folder: string;
  readonly #keepMs: number;
  readonly #files = new Map<string, StoredFile>();

  constructor(folder: string, keepMs: number) {
    this.#folder = folder;
    this.#keepMs = keepMs;
  }

  async put(uuid: string, bytes: Uint8Array, contentType: string, fault: Faults["file"] | null): Promise<StoredFile> {
    const path = join(this.#folder, uuid);
    await writeFile(path, bytes);
    const file: StoredFile = {
      uuid,
      path,
      contentType,
      sizeBytes: bytes.byteLength,
      storedAt: performance.now(),
      fault,
      asked: 0,
    };
    this.#files.set(uuid, file);
    return file;
  }

  /** The file, unless it never was or is no longer. */
  find(uuid: string): StoredFile | null {
    const file = this.#files.get(uuid);
    if (!file || performance.now() - file.storedAt > this.#keepMs || file.fault === "gone") return null;
    return file;
  }
}

/** Encodes a recording as Vonage does: 16 kHz; mp3 at a constant 32 kbit/s, whether mono or stereo. */
export async function encode(channels: readonly Int16Array[], format: Format): Promise<Uint8Array> {
  switch (format) {
    case "mp3":
      return encodeMp3({ channels, rate: RATE, kbps: 32 });
    case "wav":
      return writeWav(interleave(channels), RATE, channels.length);
    case "ogg":
      return encodeOgg(channels);
  }
}

function interleave(channels: readonly Int16Array[]): Int16Array {
  const [first] = channels;
  if (!first || channels.length === 1) return first ?? new Int16Array(0);
  const whole = new Int16Array(first.length * channels.length);
  for (const [place, channel] of channels.entries())
    for (let i = 0; i < channel.length; i++) whole[i * channels.length + place] = channel[i] ?? 0;
  return whole;
}

async function encodeOgg(channels: readonly Int16Array[]): Promise<Uint8Array> {
  const encoder = await createOggEncoder();
  encoder.configure({ sampleRate: RATE, channels: channels.length === 2 ? 2 : 1, vbrQuality: 1 });
  const floats = channels.slice(0, 2).map((channel) => Float32Array.from(channel, (sample) => sample / 32_768));
  const parts = [encoder.encode(floats).slice(), encoder.finalize().slice()];
  return Buffer.concat(parts);
}
