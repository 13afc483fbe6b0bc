import { MPEGDecoder } from "mpg123-decoder";
import { createMp3Encoder } from "wasm-media-encoders";
import { findFirstFrame, infoFrame, readFrameHeader } from "./mp3-frame.ts";
import type { Sound } from "./sound.ts";

export class Mp3Unreadable extends Error {}

/** A file with a burst error or two is played with gaps; one with as many broken places as this is no recording. */
const MOST_DAMAGES = 500;

/**
 * Decodes an MP3 as it streams in. Encoder delay and padding are dropped when the file tells them (an Info tag).
 * Damaged frames become gaps, as in any player; `onDamage` hears of each. Synchronous work: for a worker thread.
 * @throws Mp3Unreadable when there is no frame at all
 */
export async function* decodeMp3(chunks: AsyncIterable<Uint8Array>, onDamage: (at: number) => void = () => {}): AsyncGenerator<Sound> {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    let head: Buffer | null = Buffer.alloc(0);
    let channels = 2;
    let samples = 0;
    let damages = 0;
    for await (const chunk of chunks) {
      let bytes: Uint8Array = chunk;
      if (head) {
        head = Buffer.concat([head, chunk]);
        const first = findFirstFrame(head);
        if (!first) {
          if (head.length > 4 * 1024 * 1024) throw new Mp3Unreadable("No MPEG frame within the first 4 MiB.");
          continue;
        }
        channels = first.header.channels;
        bytes = head;
        head = null;
      }
      const { channelData, samplesDecoded, sampleRate, errors } = decoder.decode(bytes);
      for (const _ of errors) onDamage(samples);
      damages += errors.length;
      if (damages > MOST_DAMAGES) throw new Mp3Unreadable(`More than ${MOST_DAMAGES} broken places in the first ${samples} samples.`);
      samples += samplesDecoded;
      if (samplesDecoded > 0) yield { rateHz: sampleRate, channels: channelData.slice(0, channels) };
    }
    if (head || samples === 0) throw new Mp3Unreadable("No MPEG audio in the file.");
  } finally {
    decoder.free();
  }
}

/** Constant bitrate in kbit/s: 64 for two telephone voices. Constant, so a byte offset is a time and a range request seeks right. */
export type Bitrate = 32 | 48 | 64 | 96 | 128;

/**
 * Encodes sound to MP3 at its own rate. Append what `push` and `finish` give to a file, then write `info` over its
 * beginning: the first output holds a placeholder of the same size, see {@link infoFrame}. Synchronous work: for a worker thread.
 */
export async function mp3Encoder(rateHz: 8000 | 16000 | 24000, channels: 1 | 2, bitrate: Bitrate) {
  const encoder = await createMp3Encoder();
  encoder.configure({ sampleRate: rateHz, channels, bitrate, outputSampleRate: rateHz });
  let first: Buffer | null = null;
  let bytes = 0;
  let samples = 0;

  const taken = (encoded: Uint8Array): Buffer => {
    const copy = Buffer.from(encoded); // the encoder's memory is its own again with the next call
    bytes += copy.length;
    if (first || copy.length < 4) return copy;
    first = copy.subarray(0, 4);
    return Buffer.concat([infoFrame(first, 0, 0, 0), copy]);
  };

  return {
    push(blocks: readonly Float32Array[]): Buffer {
      samples += blocks[0]?.length ?? 0;
      return taken(encoder.encode(blocks));
    },
    finish(): { tail: Buffer; info: Buffer; samples: number } {
      const tail = taken(encoder.finalize());
      const frame = first && readFrameHeader(first, 0);
      if (!first || !frame) throw new Error("The encoder gave no frame.");
      return { tail, info: infoFrame(first, bytes / frame.bytes, bytes, samples), samples };
    },
  };
}
