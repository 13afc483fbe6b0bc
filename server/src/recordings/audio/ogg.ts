import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import { OggOpusDecoder } from "ogg-opus-decoder";
import type { Sound } from "./sound.ts";

export class OggUnreadable extends Error {}

interface Decoded {
  readonly channelData: Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
}
interface Decoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>;
  flush(): Promise<Decoded>;
  free(): void;
}

/** The first packet of the first page names the coding: `OpusHead` (RFC 7845 §5.1) or `\x01vorbis`. Page headers are under 300 bytes. */
const NAMED_WITHIN = 512;

/** Decodes Ogg Opus or Ogg Vorbis as it streams in: Vonage's documents do not say which its `ogg` is. @throws OggUnreadable */
export async function* decodeOgg(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Sound> {
  let decoder: Decoder | null = null;
  let head = Buffer.alloc(0);
  let samples = 0;
  const heard = (decoded: Decoded): Sound | null => {
    samples += decoded.samplesDecoded;
    return decoded.samplesDecoded > 0 ? { rateHz: decoded.sampleRate, channels: decoded.channelData } : null;
  };
  try {
    for await (const chunk of chunks) {
      let bytes: Uint8Array = chunk;
      if (!decoder) {
        head = Buffer.concat([head, chunk]);
        if (head.length < NAMED_WITHIN) continue;
        decoder = await decoderFor(head);
        bytes = head;
      }
      const sound = heard(await decoder.decode(bytes));
      if (sound) yield sound;
    }
    if (decoder) {
      const sound = heard(await decoder.flush());
      if (sound) yield sound;
    }
    if (samples === 0) throw new OggUnreadable("No Ogg audio in the file.");
  } finally {
    decoder?.free();
  }
}

async function decoderFor(head: Buffer): Promise<Decoder> {
  const first = head.toString("latin1", 0, NAMED_WITHIN);
  const decoder: Decoder | null = first.includes("OpusHead")
    ? new OggOpusDecoder()
    : first.includes("\x01vorbis")
      ? new OggVorbisDecoder()
      : null;
  if (!decoder) throw new OggUnreadable("The Ogg file holds neither Opus nor Vorbis.");
  await decoder.ready;
  return decoder;
}
