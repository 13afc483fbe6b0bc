import type { EncodeRequest } from "./mp3-worker.ts";
import { workerCalls } from "./worker-calls.ts";

const encode = workerCalls<EncodeRequest, Uint8Array>(new URL("./mp3-worker.ts", import.meta.url));

/**
 * Encodes one (mono) or two (left, right) channels of s16 as an MP3 of constant bit rate, in a thread of its own. The shorter channel
 * is filled up with silence.
 *
 * @param sound rate in Hz (8000, 16000, ...); kbps by default 32 a channel
 * @throws Error when there is no channel, more than two, or the encoder refuses the rate
 */
export async function encodeMp3(sound: {
  readonly channels: readonly Int16Array[];
  readonly rate: number;
  readonly kbps?: EncodeRequest["kbps"];
}): Promise<Uint8Array> {
  if (sound.channels.length < 1 || sound.channels.length > 2)
    throw new RangeError(`An MP3 has one or two channels, not ${sound.channels.length}.`);
  const length = Math.max(...sound.channels.map((channel) => channel.length));
  const channels = sound.channels.map((channel) => {
    const whole = new Int16Array(length);
    whole.set(channel);
    return whole;
  });
  const kbps = sound.kbps ?? (channels.length === 2 ? 64 : 32);
  const bytes = await encode(
    { channels, rate: sound.rate, kbps },
    channels.map((channel) => channel.buffer),
  );
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
