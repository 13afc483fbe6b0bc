import { createReadStream } from "node:fs";
import { SoundUnsteady } from "./meter.ts";
import { decodeMp3, Mp3Unreadable } from "./mp3.ts";
import { CodingUnknown, framesOfMp4, Mp4Unreadable } from "./mp4.ts";
import { decodeOgg, OggUnreadable } from "./ogg.ts";
import type { AudioFormat, Sound } from "./sound.ts";
import { decodeWav, WavUnreadable } from "./wav.ts";

export interface AudioFile {
  readonly path: string;
  readonly format: AudioFormat;
}

/** Decodes a file block by block, see {@link decode}. An MP4 is read by its table of contents. */
export function decodeFile({ path, format }: AudioFile, onDamage?: (at: number) => void): AsyncGenerator<Sound> {
  return format === "mp4"
    ? decodeMp3(framesOfMp4(path), onDamage)
    : decode(format, createReadStream(path, { highWaterMark: 64 * 1024 }), onDamage);
}

/**
 * Decodes a file as it streams in, block by block; memory does not grow with its length.
 * @param onDamage hears of each damaged place that was skipped, with the sample where the sound goes on
 * @throws an error for which {@link isUnreadable} holds
 */
export function decode(
  format: Exclude<AudioFormat, "mp4">,
  chunks: AsyncIterable<Uint8Array>,
  onDamage?: (at: number) => void,
): AsyncGenerator<Sound> {
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
  [Mp3Unreadable, WavUnreadable, OggUnreadable, Mp4Unreadable, CodingUnknown, SoundUnsteady].some((kind) => error instanceof kind);
