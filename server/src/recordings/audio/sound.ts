/** Decoded sound: one array per channel, equally long, -1..1. */
export interface Sound {
  readonly rateHz: number;
  readonly channels: readonly Float32Array[];
}

export const audioFormats = ["mp3", "wav", "ogg", "mp4"] as const;
export type AudioFormat = (typeof audioFormats)[number];

/** How many bytes of a file {@link formatOf} wants to see. */
export const SNIFF_BYTES = 12;

/**
 * The format by its first bytes, whatever the sender called it: `ID3` or an MPEG layer III frame header is mp3,
 * `RIFF....WAVE` is wav, `OggS` is ogg, a box `ftyp` is mp4. Null for anything else (a proxy's HTML page, JSON).
 */
export function formatOf(head: Uint8Array): AudioFormat | null {
  const text = String.fromCharCode(...head.subarray(0, SNIFF_BYTES));
  if (text.startsWith("ID3")) return "mp3";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WAVE") return "wav";
  if (text.startsWith("OggS")) return "ogg";
  if (text.slice(4, 8) === "ftyp") return "mp4";
  return isLayer3Header(head) ? "mp3" : null;
}

/** 11 sync bits, a known version, layer III, a bitrate and a sample rate that exist (ISO 11172-3 §2.4.1.3). */
function isLayer3Header(head: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0] = head;
  const version = (second >> 3) & 3;
  const layer = (second >> 1) & 3;
  return first === 0xff && second >= 0xe0 && version !== 1 && layer === 1 && third >> 4 !== 15 && ((third >> 2) & 3) !== 3;
}

/** One array per channel to interleaved 16-bit samples, little endian; what is too loud is cut. */
export function interleaved({ channels }: Sound): Buffer {
  const length = channels[0]?.length ?? 0;
  const out = Buffer.alloc(length * channels.length * 2);
  for (let i = 0, at = 0; i < length; i++) {
    for (const channel of channels)
      at = out.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round((channel[i] as number) * 32767))), at);
  }
  return out;
}

/** Interleaved 16-bit samples to one array per channel. */
export function deinterleave(samples: Int16Array, channels: number): Float32Array[] {
  const length = Math.floor(samples.length / channels);
  return Array.from({ length: channels }, (_, channel) => {
    const out = new Float32Array(length);
    for (let i = 0, at = channel; i < length; i++, at += channels) out[i] = (samples[at] as number) / 32768;
    return out;
  });
}
