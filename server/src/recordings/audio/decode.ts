import { SoundUnsteady } from "./meter.ts";
import { decodeMp3, Mp3Unreadable } from "./mp3.ts";
import { decodeOgg, OggUnreadable } from "./ogg.ts";
import type { AudioFormat, Sound } from "./sound.ts";
import { decodeWav, WavUnreadable } from "./wav.ts";

/**
 * Decodes a file as it streams in, block by block; memory does not grow with its length.
 * @param onDamage hears of each damaged place that was skipped, with the sample where the sound goes on
 * @throws an error for which {@link isUnreadable} holds
 */
export function decode(format: AudioFormat, chunks: AsyncIterable<Uint8Array>, onDamage?: (at: number) => void): AsyncGenerator<Sound> {
  switch (format) {
    case "mp3":
      return decodeMp3(chunks, onDamage);
    case "wav":
      return decodeWav(chunks);
    case "ogg":
      return decodeOgg(chunks);
  }
}

/** Is the file to blame, and not us? */
export const isUnreadable = (error: unknown): boolean =>
  [Mp3Unreadable, WavUnreadable, OggUnreadable, SoundUnsteady].some((kind) => error instanceof kind);
