import type { Track } from "./meter.ts";

/** Points of a waveform as stored: one for each CSS pixel of a wide player. */
export const PEAK_POINTS = 2000;

/**
 * The waveform for drawing, as kept in `recordings.peaks`: channel after channel, each `points` pairs of lowest and
 * highest sample as signed bytes. `points` is not stored: bytes / channels / 2. Fewer than {@link PEAK_POINTS} when the sound is under 10 s.
 */
export function packPeaks(tracks: readonly Pick<Track, "lows" | "highs">[], wanted: number = PEAK_POINTS): Buffer {
  const frames = tracks[0]?.lows.length ?? 0;
  const points = Math.min(wanted, frames);
  const out = Buffer.alloc(tracks.length * points * 2);
  let at = 0;
  for (const { lows, highs } of tracks) {
    for (let point = 0; point < points; point++) {
      let low = 127;
      let high = -128;
      const end = Math.floor(((point + 1) * frames) / points);
      for (let i = Math.floor((point * frames) / points); i < end; i++) {
        low = Math.min(low, lows[i] as number);
        high = Math.max(high, highs[i] as number);
      }
      at = out.writeInt8(low, at);
      at = out.writeInt8(high, at);
    }
  }
  return out;
}

/** What {@link packPeaks} packed: an array a channel, each min, max, min, max... */
export function unpackPeaks(packed: Uint8Array, channels: number): { points: number; channels: number[][] } {
  if (channels < 1) return { points: 0, channels: [] };
  const each = Math.floor(packed.byteLength / channels);
  const signed = new Int8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  return {
    points: each / 2,
    channels: Array.from({ length: channels }, (_, channel) => Array.from(signed.subarray(channel * each, (channel + 1) * each))),
  };
}
