import { randomFillSync } from "node:crypto";
import type { Duplex } from "node:stream";

/*
 * WebSocket frames (RFC 6455 §5.2) written straight to the socket, for the two messages that are sent 50 times a second and call: audio to the
 * carrier and audio to the engine. Everything else goes through `ws`, which with compression off writes whole frames at once too, so that ours
 * never stand inside one of its. Why not `ws` for these: bench/README.md, "What was tried".
 */

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;
const MASKED = 0x80;
const LENGTH_16 = 126;

/**
 * Sends caller-bound audio as a server: each `frameBytes` of it one binary message, all of them with one write. One buffer is used again and
 * again while the network takes it at once; what is still under way is never touched.
 */
export class AudioFrames {
  private readonly socket: Duplex;
  private readonly frameBytes: number;
  private buffer: Buffer = Buffer.alloc(0);

  constructor(socket: Duplex, frameBytes: number) {
    this.socket = socket;
    this.frameBytes = frameBytes;
  }

  /** `pcm` is a whole number of frames. */
  send(pcm: Uint8Array): void {
    const count = pcm.length / this.frameBytes;
    const size = count * (this.frameBytes + 4);
    if (this.buffer.length < size || this.socket.writableLength > 0) this.buffer = Buffer.allocUnsafeSlow(size);
    for (let i = 0; i < count; i++) {
      const at = i * (this.frameBytes + 4);
      this.buffer[at] = FINAL_BINARY;
      this.buffer[at + 1] = LENGTH_16;
      this.buffer[at + 2] = this.frameBytes >> 8;
      this.buffer[at + 3] = this.frameBytes & 0xff;
      this.buffer.set(pcm.subarray(i * this.frameBytes, (i + 1) * this.frameBytes), at + 4);
    }
    this.socket.write(size === this.buffer.length ? this.buffer : this.buffer.subarray(0, size));
  }
}

/** Two characters of base64 for each 12 bits, as they lie in memory. */
const pairs = new Uint16Array(4096);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
for (let i = 0; i < 4096; i++) pairs[i] = alphabet.charCodeAt(i >> 6) | (alphabet.charCodeAt(i & 63) << 8);
const PADDING = "=".charCodeAt(0);

/** Masking keys must not be guessed (RFC 6455 §5.3). */
const keys = new Int32Array(1024);
let nextKey = keys.length;
function maskingKey(): number {
  if (nextKey >= keys.length) {
    randomFillSync(keys);
    nextKey = 0;
  }
  return keys[nextKey++] as number;
}

const HEADER_BYTES = 8;

/**
 * Sends engine-bound audio as a client: a text message `before` + base64 + `after`, masked. Laid out so that the base64 is written two
 * characters at a time and the mask four bytes at a time, without a string in between.
 */
export class Base64Messages {
  private readonly socket: Duplex;
  private readonly before: Buffer;
  private readonly after: Buffer;
  private layout: { buffer: Buffer; halves: Uint16Array; words: Int32Array; audioBytes: number; size: number } | null = null;

  /** `before` must have an even number of bytes, for the alignment. */
  constructor(socket: Duplex, before: string, after: string) {
    this.socket = socket;
    this.before = Buffer.from(before);
    this.after = Buffer.from(after);
    if (this.before.length % 2 !== 0) throw new Error("The text before the audio must have an even length.");
  }

  /** The whole message must have 126 to 65,535 bytes: shorter and longer ones have other headers. */
  send(audio: Uint8Array): void {
    const { buffer, halves, words, size } = this.layoutFor(audio.length);
    buffer.set(this.before, HEADER_BYTES);
    const end = encode(audio, halves, (HEADER_BYTES + this.before.length) >> 1, buffer);
    buffer.set(this.after, end);
    const key = maskingKey();
    words[1] = key;
    for (let i = HEADER_BYTES >> 2; i < words.length; i++) words[i] = (words[i] as number) ^ key;
    this.socket.write(size === buffer.length ? buffer : buffer.subarray(0, size));
  }

  private layoutFor(audioBytes: number): NonNullable<Base64Messages["layout"]> {
    if (this.layout !== null && this.layout.audioBytes === audioBytes && this.socket.writableLength === 0) return this.layout;
    const payload = this.before.length + Math.ceil(audioBytes / 3) * 4 + this.after.length;
    if (payload < 126 || payload > 0xffff) throw new Error(`An audio message cannot have ${payload} bytes.`);
    const size = HEADER_BYTES + payload;
    const buffer = Buffer.allocUnsafeSlow((size + 3) & ~3);
    buffer[0] = FINAL_TEXT;
    buffer[1] = MASKED | LENGTH_16;
    buffer.writeUInt16BE(payload, 2);
    this.layout = {
      buffer,
      halves: new Uint16Array(buffer.buffer, 0, buffer.length >> 1),
      words: new Int32Array(buffer.buffer, 0, buffer.length >> 2),
      audioBytes,
      size,
    };
    return this.layout;
  }
}

/** Writes the base64 of `audio` from half-word `at` on; gives the byte after it. */
function encode(audio: Uint8Array, halves: Uint16Array, at: number, bytes: Buffer): number {
  const whole = audio.length - (audio.length % 3);
  let i = 0;
  for (; i < whole; i += 3) {
    const bits = ((audio[i] as number) << 16) | ((audio[i + 1] as number) << 8) | (audio[i + 2] as number);
    halves[at++] = pairs[bits >> 12] as number;
    halves[at++] = pairs[bits & 4095] as number;
  }
  if (i < audio.length) {
    const two = i + 1 < audio.length;
    const bits = ((audio[i] as number) << 16) | (two ? (audio[i + 1] as number) << 8 : 0);
    halves[at++] = pairs[bits >> 12] as number;
    halves[at++] = pairs[bits & 4095] as number;
    bytes[at * 2 - 1] = PADDING;
    if (!two) bytes[at * 2 - 2] = PADDING;
  }
  return at * 2;
}
