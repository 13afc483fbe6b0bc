import { open } from "node:fs/promises";
import { type AudioFile, decodeFile } from "./decode.ts";
import { interleaved } from "./sound.ts";
import { wavHeader } from "./wav.ts";

export interface Decoded {
  readonly sizeBytes: number;
}

/**
 * Decodes a recording into a WAV of 16-bit PCM at `path`, at its own rate and with its own channels; memory is one block.
 * Two hours of two channels at 16 kHz are 460 MB, far below the 4 GiB a WAV can tell. @throws see {@link decodeFile}
 */
export async function toWav(source: AudioFile, path: string): Promise<Decoded> {
  const file = await open(path, "wx", 0o640);
  try {
    let layout: { rateHz: number; channels: number } | null = null;
    let dataBytes = 0;
    for await (const sound of decodeFile(source)) {
      if (layout === null) {
        layout = { rateHz: sound.rateHz, channels: sound.channels.length };
        await file.writeFile(wavHeader(layout.rateHz, layout.channels, 0));
      }
      const body = interleaved(sound);
      await file.writeFile(body);
      dataBytes += body.length;
    }
    const header = wavHeader(layout?.rateHz ?? 16_000, layout?.channels ?? 1, dataBytes);
    await file.write(header, 0, header.length, 0);
    return { sizeBytes: header.length + dataBytes };
  } finally {
    await file.close();
  }
}
