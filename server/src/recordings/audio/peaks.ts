import type { Track } from "./meter.ts";

/** Points of a waveform as stored: the finest zoom of the contract. The coarser ones are folded out of it. */
export const PEAK_POINTS = 8000;

/**
 * The waveform for drawing, as kept in `recordings.peaks`: channel after channel, each `points` pairs of lowest and
 * highest sample as signed bytes. `points` is not stored: bytes / channels / 2. Fewer than {@link PEAK_POINTS} when the sound is under 40 s.
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

/** What {@link packPeaks} packed, in at most `wanted` points: an array a channel, each min, max, min, max... */
export function unpackPeaks(packed: Uint8Array, channels: number, wanted: number = PEAK_POINTS): { points: number; channels: number[][] } {
  if (channels < 1) return { points: 0, channels: [] };
  const pairs = Math.floor(packed.byteLength / channels / 2);
  const points = Math.min(wanted, pairs);
  const signed = new Int8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  return {
    points,
    channels: Array.from({ length: channels }, (_, channel) =>
      fold(signed.subarray(channel * pairs * 2, (channel + 1) * pairs * 2), pairs, points),
    ),
  };
}

/** So many pairs of one channel in `points`: the lowest low and the highest high of those that fall together. */
function fold(signed: Int8Array, pairs: number, points: number): number[] {
  if (points === pairs) return Array.from(signed);
  const out: number[] = [];
  for (let point = 0; point < points; point++) {
    let low = 127;
    let high = -128;
    const end = Math.floor(((point + 1) * pairs) / points);
    for (let i = Math.floor((point * pairs) / points); i < end; i++) {
      low = Math.min(low, signed[i * 2] as number);
      high = Math.max(high, signed[i * 2 + 1] as number);
    }
    out.push(low, high);
  }
  return out;
}
