/** 20 ms of telephone sound, 16 kHz s16 mono; null is silence, and costs nothing. */
export type Frame = Int16Array | null;

export const RATE = 16_000;
/** Samples of a frame. */
export const FRAME = 320;
export const SILENCE: Int16Array = new Int16Array(FRAME);

/** Several voices at once, clipped as a telephone would. One voice alone is passed on as it is, not copied. */
export function mix(frames: readonly Frame[]): Frame {
  let one: Frame = null;
  let sum: Int32Array | null = null;
  for (const frame of frames) {
    if (!frame) continue;
    if (!one) {
      one = frame;
      continue;
    }
    sum ??= Int32Array.from(one);
    for (let i = 0; i < FRAME; i++) sum[i] = (sum[i] ?? 0) + (frame[i] ?? 0);
  }
  if (!sum) return one;
  const mixed = new Int16Array(FRAME);
  for (let i = 0; i < FRAME; i++) mixed[i] = Math.max(-32_768, Math.min(32_767, sum[i] ?? 0));
  return mixed;
}

/** A sine with soft edges, at a third of full scale, 16 kHz. */
export function tone(hz: number, ms: number): Int16Array {
  const samples = new Int16Array((RATE * ms) / 1_000);
  const edge = Math.min(RATE / 200, samples.length / 2);
  for (let i = 0; i < samples.length; i++) {
    const soft = Math.min(1, i / edge, (samples.length - 1 - i) / edge);
    samples[i] = Math.round(10_000 * soft * Math.sin((2 * Math.PI * hz * i) / RATE));
  }
  return samples;
}

/** A sound louder or softer: Vonage's `level`, -1 (almost silent) to 1 (doubled). */
export function atLevel(sound: Int16Array, level: number): Int16Array {
  if (level === 0) return sound;
  const gain = level < 0 ? 1 + level * 0.95 : 1 + level;
  return sound.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * gain))));
}
