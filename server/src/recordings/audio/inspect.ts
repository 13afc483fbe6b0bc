import { type AudioFile, decodeFile } from "./decode.ts";
import { HOP_MS, Meter } from "./meter.ts";
import { CodingUnknown, readMp4 } from "./mp4.ts";
import { packPeaks } from "./peaks.ts";
import { silencesOf, talkedMs } from "./quiet.ts";

/** What is known of one channel after listening to all of it. */
export interface SideFacts {
  /** Root mean square over the whole and highest sample, dBFS; null for digital silence. */
  readonly rmsDb: number | null;
  readonly peakDb: number | null;
  /** How long something was to be heard. */
  readonly talkedMs: number;
  /** How long its tops were cut flat. */
  readonly clippedMs: number;
  /** Stretches of at least 3 s without a sound, [from, to] in ms of the recording. */
  readonly silences: readonly (readonly [number, number])[];
}

export interface Facts {
  readonly durationMs: number;
  readonly rateHz: number;
  readonly channels: number;
  readonly sides: readonly SideFacts[];
  /** Places where the decoder skipped broken bytes. */
  readonly damages: number;
  /** The coding, when it is none that is decoded here: then only the container was looked at, and `sides` is empty. */
  readonly undecoded?: string;
}

/** Facts for the row, the waveform to draw, and loudness a frame for comparing with another recording of the call. */
export interface Inspected {
  readonly facts: Facts;
  readonly peaks: Uint8Array;
  readonly levels: readonly Uint8Array[];
  /** Frames that hold a flat top, a side. */
  readonly clips: readonly (readonly number[])[];
}

/** Decodes a whole file and measures it; memory grows by about 4 MB an hour of stereo. @throws see {@link decodeFile} */
export async function inspect(file: AudioFile): Promise<Inspected> {
  const meter = new Meter();
  let damages = 0;
  try {
    for await (const sound of decodeFile(file, () => damages++)) meter.push(sound);
  } catch (error) {
    if (error instanceof CodingUnknown) return byContainer(file);
    throw error;
  }
  const { durationMs, rateHz, tracks } = meter.finish();
  return {
    facts: {
      durationMs,
      rateHz,
      channels: tracks.length,
      damages,
      sides: tracks.map((track) => ({
        rmsDb: finite(track.rmsDb),
        peakDb: finite(track.peakDb),
        talkedMs: talkedMs(track.levels),
        clippedMs: track.clips.length * HOP_MS,
        silences: silencesOf(track.levels, 3000),
      })),
    },
    peaks: packPeaks(tracks),
    levels: tracks.map((track) => track.levels),
    clips: tracks.map((track) => track.clips),
  };
}

/** What an MP4 says of itself: its tables were read, and every byte they name is there. */
async function byContainer({ path }: AudioFile): Promise<Inspected> {
  const { durationMs, rateHz, channels, coding } = await readMp4(path);
  return {
    facts: { durationMs, rateHz, channels, sides: [], damages: 0, undecoded: coding },
    peaks: new Uint8Array(0),
    levels: [],
    clips: [],
  };
}

const finite = (decibels: number): number | null => (Number.isFinite(decibels) ? decibels : null);
