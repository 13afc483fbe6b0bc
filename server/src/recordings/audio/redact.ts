import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { type AudioFile, decodeFile } from "./decode.ts";
import { type Bitrate, mp3Encoder } from "./mp3.ts";
import { type AudioFormat, interleaved, type Sound } from "./sound.ts";
import { wavHeader } from "./wav.ts";

/** A stretch of the recording that is not to be heard. `side`: channel 0 is the caller, 1 the agent; a mix is silenced whole. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly side: "caller" | "agent" | "both";
}

export interface Redacted {
  readonly format: AudioFormat;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What is heard instead: 1 kHz, as loud as soft speech. */
const TONE_HZ = 1000;
const TONE = 0.05;
/** Around a stretch: a coder smears what it is given by a frame or so. */
const MARGIN_MS = 40;

/**
 * Writes a copy of a recording with a tone in the place of each stretch. The sound there is gone, not covered: samples are replaced before they
 * are encoded anew. MP3 where the rate allows, else WAV. The time line stays as it is.
 */
export async function redact(source: AudioFile, stretches: readonly Stretch[], path: string): Promise<Redacted> {
  const file = await open(path, "w", 0o640);
  try {
    let writer: Writer | null = null;
    let at = 0;
    for await (const sound of decodeFile(source)) {
      writer ??= await writerFor(sound);
      const bytes = writer.push(toned(sound, at, stretches));
      if (bytes.length > 0) await file.writeFile(bytes);
      at += sound.channels[0]?.length ?? 0;
    }
    if (!writer) throw new Error("The recording holds no sound.");
    const { tail, head } = writer.finish();
    if (tail.length > 0) await file.writeFile(tail);
    await file.write(head, 0, head.length, 0);
    await file.sync();
    return { format: writer.format, ...(await digest(path)) };
  } finally {
    await file.close();
  }
}

/** The same block with a tone wherever a stretch reaches into it. `at`: samples before it. Pure. */
export function toned({ rateHz, channels }: Sound, at: number, stretches: readonly Stretch[]): Sound {
  return {
    rateHz,
    channels: channels.map((samples, channel) => {
      const mine = stretches.filter(({ side }) => channels.length !== 2 || side === "both" || (side === "caller") === (channel === 0));
      let out = samples;
      for (const { fromMs, toMs } of mine) {
        const from = Math.max(0, Math.floor(((fromMs - MARGIN_MS) * rateHz) / 1000) - at);
        const to = Math.min(samples.length, Math.ceil(((toMs + MARGIN_MS) * rateHz) / 1000) - at);
        if (from >= to) continue;
        if (out === samples) out = samples.slice();
        for (let i = from; i < to; i++) out[i] = TONE * Math.sin((2 * Math.PI * TONE_HZ * (at + i)) / rateHz);
      }
      return out;
    }),
  };
}

interface Writer {
  readonly format: AudioFormat;
  push(sound: Sound): Buffer;
  /** `head` belongs over the first bytes of the file. */
  finish(): { tail: Buffer; head: Buffer };
}

async function writerFor({ rateHz, channels }: Sound): Promise<Writer> {
  const count = channels.length;
  if ((rateHz === 8000 || rateHz === 16_000 || rateHz === 24_000) && (count === 1 || count === 2)) {
    const encoder = await mp3Encoder(rateHz, count, 64 satisfies Bitrate);
    return {
      format: "mp3",
      push: (sound) => encoder.push(sound.channels),
      finish() {
        const { tail, info } = encoder.finish();
        return { tail, head: info };
      },
    };
  }
  let bytes = 0;
  return {
    format: "wav",
    push(sound) {
      const body = interleaved(sound);
      const header = bytes === 0 ? wavHeader(rateHz, count, 0) : Buffer.alloc(0);
      bytes += body.length;
      return Buffer.concat([header, body]);
    },
    finish: () => ({ tail: Buffer.alloc(0), head: wavHeader(rateHz, count, bytes) }),
  };
}

async function digest(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}
