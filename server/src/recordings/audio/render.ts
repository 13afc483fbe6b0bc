import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { renderStereo } from "../../journal/audio.ts";
import { mp3Encoder } from "./mp3.ts";
import { deinterleave } from "./sound.ts";

/** What the carrier's own recordings have, and what the bridge sends it. */
const RATE_HZ = 16_000;
/** kbit/s for two voices: 8 kB a second, 480 kB a minute. 48 is thinner but audible on sibilants; the carrier's own is 32. */
const BITRATE = 64;

export interface Rendered {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** A channel; with none there is no file. */
  readonly samples: number;
  /** When the first sample was spoken. */
  readonly startedAt: Date;
}

/**
 * Turns a call's journal into a stereo MP3 at `path` (caller left, agent right).
 * The file is synced; its SHA-256 is taken from what lies on the disk at last.
 */
export async function renderJournal(journal: string, path: string): Promise<Rendered> {
  const sound = await renderStereo(journal, { rate: RATE_HZ });
  const encoder = await mp3Encoder(RATE_HZ, 2, BITRATE);
  const file = await open(path, "w", 0o640);
  let samples = 0;
  try {
    for await (const block of sound.blocks) {
      samples += block.length / 2;
      const encoded = encoder.push(deinterleave(block, 2));
      if (encoded.length > 0) await file.writeFile(encoded);
    }
    if (samples > 0) {
      const { tail, info } = encoder.finish();
      await file.writeFile(tail);
      await file.write(info, 0, info.length, 0);
      await file.sync();
    }
  } finally {
    await file.close();
  }
  return { startedAt: sound.startedAt, samples, ...(await digest(path)) };
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
