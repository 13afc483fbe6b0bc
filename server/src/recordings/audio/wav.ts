import type { Sound } from "./sound.ts";

/** How the samples of a WAV lie in its bytes (RFC 2361 names; 6 and 7 are what telephone systems write). */
type Coding = "pcm8" | "pcm16" | "pcm24" | "pcm32" | "float32" | "alaw" | "mulaw";

interface Layout {
  readonly coding: Coding;
  readonly channels: number;
  readonly rateHz: number;
  readonly blockBytes: number;
}

export class WavUnreadable extends Error {}

/**
 * Decodes a WAV as it streams in, in blocks of the size they come. A data size of 0 or 2^32-1 (a recorder that never
 * came back to write it) is read until the end. @throws WavUnreadable
 */
export async function* decodeWav(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Sound> {
  let held: Buffer = Buffer.alloc(0);
  let layout: Layout | null = null;
  let left = 0;
  let inData = false;

  for await (const chunk of chunks) {
    held = held.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([held, chunk]);
    if (!inData) {
      const header = readHeader(held);
      if (header === null) {
        if (held.length > 1024 * 1024) throw new WavUnreadable("No data chunk within the first MiB.");
        continue;
      }
      layout = header.layout;
      left = header.dataBytes;
      held = held.subarray(header.at);
      inData = true;
    }
    if (layout === null) continue;
    const usable = Math.min(held.length, left);
    const whole = usable - (usable % layout.blockBytes);
    if (whole > 0) {
      yield { rateHz: layout.rateHz, channels: samplesOf(held.subarray(0, whole), layout) };
      left -= whole;
      held = Buffer.from(held.subarray(whole));
    }
    if (left < layout.blockBytes) return;
  }
  if (!inData) throw new WavUnreadable("The file ends before its data chunk.");
}

function readHeader(bytes: Buffer): { layout: Layout; dataBytes: number; at: number } | null {
  if (bytes.length < 12) return null;
  if (bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WAVE")
    throw new WavUnreadable("Not a RIFF WAVE file.");
  let layout: Layout | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.toString("latin1", at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    const body = at + 8;
    if (name === "data") {
      if (layout === null) throw new WavUnreadable("The data chunk comes before the format chunk.");
      return { layout, dataBytes: size === 0 || size === 0xffffffff ? Number.POSITIVE_INFINITY : size, at: body };
    }
    if (name === "fmt ") {
      if (body + size > bytes.length) return null;
      layout = readLayout(bytes.subarray(body, body + size));
    }
    at = body + size + (size % 2);
  }
  return null;
}

const codings: Record<string, Coding> = {
  "1/8": "pcm8",
  "1/16": "pcm16",
  "1/24": "pcm24",
  "1/32": "pcm32",
  "3/32": "float32",
  "6/8": "alaw",
  "7/8": "mulaw",
};

function readLayout(fmt: Buffer): Layout {
  if (fmt.length < 16) throw new WavUnreadable("The format chunk is too short.");
  const plain = fmt.readUInt16LE(0);
  const extensible = plain === 0xfffe && fmt.length >= 26;
  const tag = extensible ? fmt.readUInt16LE(24) : plain;
  const bits = fmt.readUInt16LE(14);
  const channels = fmt.readUInt16LE(2);
  const rateHz = fmt.readUInt32LE(4);
  const coding = codings[`${tag}/${bits}`];
  if (!coding) throw new WavUnreadable(`Coding ${tag} with ${bits} bits is not known here.`);
  if (channels < 1 || channels > 32 || rateHz < 4000 || rateHz > 192_000)
    throw new WavUnreadable(`${channels} channels at ${rateHz} Hz make no sense.`);
  return { coding, channels, rateHz, blockBytes: (channels * bits) / 8 };
}

function samplesOf(bytes: Buffer, layout: Layout): Float32Array[] {
  const { channels, coding } = layout;
  const width = layout.blockBytes / channels;
  const length = bytes.length / layout.blockBytes;
  const read = readers[coding];
  return Array.from({ length: channels }, (_, channel) => {
    const out = new Float32Array(length);
    for (let i = 0, at = channel * width; i < length; i++, at += layout.blockBytes) out[i] = read(bytes, at);
    return out;
  });
}

const readers: Record<Coding, (bytes: Buffer, at: number) => number> = {
  pcm8: (bytes, at) => ((bytes[at] as number) - 128) / 128,
  pcm16: (bytes, at) => bytes.readInt16LE(at) / 32768,
  pcm24: (bytes, at) => bytes.readIntLE(at, 3) / 8388608,
  pcm32: (bytes, at) => bytes.readInt32LE(at) / 2147483648,
  float32: (bytes, at) => bytes.readFloatLE(at),
  mulaw: (bytes, at) => (mulaw[bytes[at] as number] as number) / 32768,
  alaw: (bytes, at) => (alaw[bytes[at] as number] as number) / 32768,
};

/** ITU-T G.711, table 2a/1a, expanded to 16 bits. */
const mulaw = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const size = (((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7);
  return bits & 0x80 ? 0x84 - size : size - 0x84;
});
const alaw = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const size = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return bits & 0x80 ? size : -size;
});

/** The 44 bytes before 16-bit PCM. @param dataBytes of the samples that follow; under 4 GiB. */
export function wavHeader(rateHz: number, channels: number, dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
