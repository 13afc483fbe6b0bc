/** What the four bytes before an MPEG layer III frame say (ISO 11172-3 §2.4.1.3, ISO 13818-3 for the low rates). */
export interface FrameHeader {
  readonly mpeg1: boolean;
  readonly rateHz: number;
  readonly channels: 1 | 2;
  readonly bytes: number;
  readonly samples: 576 | 1152;
}

const bitrates1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const bitrates2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const rates: Record<number, readonly number[]> = { 3: [44100, 48000, 32000], 2: [22050, 24000, 16000], 0: [11025, 12000, 8000] };

/** Null when the bytes at `at` are no frame header. */
export function readFrameHeader(bytes: Uint8Array, at: number): FrameHeader | null {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  if (a !== 0xff || (b & 0xe0) !== 0xe0 || ((b >> 1) & 3) !== 1) return null;
  const version = (b >> 3) & 3;
  const rateHz = rates[version]?.[(c >> 2) & 3];
  const mpeg1 = version === 3;
  const kbits = (mpeg1 ? bitrates1 : bitrates2)[c >> 4];
  if (!rateHz || !kbits) return null;
  const samples = mpeg1 ? 1152 : 576;
  return {
    mpeg1,
    rateHz,
    channels: d >> 6 === 3 ? 1 : 2,
    samples,
    bytes: Math.floor(((samples / 8) * kbits * 1000) / rateHz) + ((c >> 1) & 1),
  };
}

/** Where the first frame begins: behind an ID3v2 tag, at a header that is followed by another. Null when not (yet) found. */
export function findFirstFrame(bytes: Uint8Array): { at: number; header: FrameHeader } | null {
  for (let at = id3Bytes(bytes); at + 4 <= bytes.length; at++) {
    const header = readFrameHeader(bytes, at);
    if (!header) continue;
    const next = at + header.bytes;
    if (next + 4 > bytes.length || readFrameHeader(bytes, next)?.rateHz === header.rateHz) return { at, header };
  }
  return null;
}

function id3Bytes(bytes: Uint8Array): number {
  if (bytes.length < 10 || String.fromCharCode(...bytes.subarray(0, 3)) !== "ID3") return 0;
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(6, 10);
  return 10 + ((a & 0x7f) << 21) + ((b & 0x7f) << 14) + ((c & 0x7f) << 7) + (d & 0x7f);
}

/** Samples a LAME encoder puts before the first of ours. A decoder adds 529 of its own and knows it. */
export const ENCODER_DELAY = 576;

/**
 * The frame in front of our MP3s that makes their length exact: a silent frame holding Xing's `Info` with the LAME
 * extension (https://gabriel.mp3-tech.org/mp3infotag.html). Browsers, ffmpeg and mpg123 read it and drop the encoder's
 * delay and padding: without it every recording begins 69 ms late at 16 kHz and its player cannot tell its length.
 * @param first the first four bytes of the encoded stream: constant bitrate, no ID3
 * @param frames in the stream, this one not counted
 * @param samples of ours, a channel
 */
export function infoFrame(first: Uint8Array, frames: number, audioBytes: number, samples: number): Buffer {
  const header = Buffer.from(first.subarray(0, 4));
  const like = readFrameHeader(header, 0);
  if (!like) throw new Error("Not an MPEG frame header.");
  header[1] = (header[1] as number) | 1; // no CRC word follows
  header[2] = (header[2] as number) & ~2; // not padded
  const tagAt = 4 + (like.mpeg1 ? (like.channels === 2 ? 32 : 17) : like.channels === 2 ? 17 : 9);
  const frame = Buffer.alloc(frameBytes(header, tagAt + 156));
  header.copy(frame);
  frame.write("Info", tagAt, "latin1");
  frame.writeUInt32BE(0b0111, tagAt + 4); // frames, bytes and a table of contents follow
  frame.writeUInt32BE(frames, tagAt + 8);
  frame.writeUInt32BE(audioBytes + frame.length, tagAt + 12);
  for (let i = 0; i < 100; i++) frame[tagAt + 16 + i] = Math.floor((i * 256) / 100);
  const lame = tagAt + 116;
  frame.write("LAME3.100", lame, "latin1");
  frame[lame + 9] = 1; // constant bitrate
  const padding = Math.max(0, Math.min(4095, frames * like.samples - ENCODER_DELAY - samples));
  frame.writeUIntBE((ENCODER_DELAY << 12) | padding, lame + 21, 3);
  frame.writeUInt32BE(audioBytes + frame.length, lame + 28);
  frame.writeUInt16BE(crc16(frame.subarray(0, lame + 34)), lame + 34);
  return frame;
}

/** Raises the header's bitrate until the frame can hold `needed` bytes. */
function frameBytes(header: Buffer, needed: number): number {
  for (;;) {
    const bytes = readFrameHeader(header, 0)?.bytes;
    if (bytes === undefined) throw new Error("No bitrate makes the frame large enough.");
    if (bytes >= needed) return bytes;
    header[2] = (header[2] as number) + 0x10;
  }
}

/** CRC-16/ARC, as LAME signs its tag. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}
