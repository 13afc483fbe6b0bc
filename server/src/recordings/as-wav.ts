import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { newId, type RecordingId } from "../ids.ts";
import { AudioJobFailed } from "./audio/audio-threads.ts";
import type { AudioFormat } from "./audio/sound.ts";
import { RecordingFailure } from "./failures.ts";
import { type Parts, workPath } from "./parts.ts";
import { readBack } from "./read-back.ts";

export interface WavSound {
  readonly sizeBytes: number;
  /** To be read to its end or destroyed: then nothing is left of it. */
  readonly bytes: Readable;
}

/** A stored recording, decoded into a WAV beside the event loop. The file has no name any more when this resolves: a crash leaves nothing behind. @throws RecordingFailure */
export async function asWav(
  parts: Pick<Parts, "storage" | "pace" | "workDir" | "threads">,
  { key, format }: { readonly key: string; readonly format: AudioFormat },
): Promise<WavSound> {
  const id = newId<RecordingId>();
  const [stored, decoded] = [await workPath(parts, "wav", id), await workPath(parts, "wav", newId<RecordingId>())];
  try {
    await readBack(parts, key, stored);
    const { sizeBytes } = await parts.threads
      .ask({ name: "wav", source: { path: stored, format }, path: decoded })
      .catch((error: unknown) => {
        if (error instanceof AudioJobFailed && error.unreadable) throw new RecordingFailure("RECORDING_UNREADABLE", error.message, error);
        throw error;
      });
    const file = await open(decoded, "r");
    return { sizeBytes, bytes: file.createReadStream({ highWaterMark: 256 * 1024 }) };
  } finally {
    await rm(stored, { force: true });
    await rm(decoded, { force: true });
  }
}

const HOUR_MS = 3600 * 1000;

/** Removes what a crash left half-made. */
export async function removeLeftWavs({ workDir }: Pick<Parts, "workDir">, now: Date): Promise<void> {
  for (const name of await readdir(workDir).catch(() => [])) {
    const path = join(workDir, name);
    if (name.startsWith("wav-") && now.getTime() - ((await stat(path).catch(() => null))?.mtimeMs ?? 0) > HOUR_MS)
      await rm(path, { force: true });
  }
}
