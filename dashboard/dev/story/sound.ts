/** A call's sound for looking at: speech-like noise where somebody speaks, near silence elsewhere. Stereo WAV and its peaks. */
import type { z } from "zod";
import type { Peaks, Utterance } from "../../src/ask/shapes.ts";

const RATE = 8000;

/** Interleaved 16-bit stereo: caller left, agent right. The same utterances give the same samples. */
export function samples(utterances: readonly Utterance[], durationMs: number): Int16Array {
  const n = Math.round((durationMs / 1000) * RATE);
  const out = new Int16Array(n * 2);
  let seed = 7;
  const noise = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed / 0x3fffffff - 1;
  };
  for (let i = 0; i < out.length; i++) out[i] = noise() * 40;
  for (const [k, said] of utterances.entries()) {
    const channel = said.speaker === "caller" ? 0 : 1;
    const pitch = said.speaker === "caller" ? 118 : 205;
    const from = Math.round((said.started_ms / 1000) * RATE);
    const to = Math.min(n, Math.round((said.ended_ms / 1000) * RATE));
    for (let i = from; i < to; i++) {
      const t = (i - from) / RATE;
      // Syllables at about four a second, words with pauses between them, a falling end.
      const syllable = Math.abs(Math.sin(Math.PI * t * (3.6 + 0.7 * Math.sin(t * 1.3 + k)))) ** 0.7;
      const word = Math.sin(t * 2.1 + k * 1.7) + Math.sin(t * 5.3 + k) > -0.9 ? 1 : 0.06;
      const fade = Math.min(1, t * 30, said.cut ? 1 : (to - i) / RATE / 0.25);
      const f = pitch * (1 + 0.12 * Math.sin(t * 3 + k) - 0.05 * t);
      const voiced = Math.sin(2 * Math.PI * f * t) + 0.6 * Math.sin(4 * Math.PI * f * t) + 0.35 * Math.sin(10 * Math.PI * f * t);
      out[2 * i + channel] = (voiced * 0.8 + noise() * 0.5) * 6500 * syllable * word * fade * (0.6 + 0.4 * Math.sin(t * 0.9 + k * 2));
    }
  }
  return out;
}

export function wav(pcm: Int16Array): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + pcm.byteLength, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * 4, 28);
  head.writeUInt16LE(4, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(pcm.byteLength, 40);
  return Buffer.concat([head, Buffer.from(pcm.buffer)]);
}

export function peaks(pcm: Int16Array, points: number): z.infer<typeof Peaks> {
  const n = pcm.length / 2;
  const channels = [0, 1].map((channel) =>
    Array.from({ length: points }, (_, p) => {
      let [low, high] = [0, 0];
      for (let i = Math.floor((p * n) / points); i < Math.floor(((p + 1) * n) / points); i++) {
        const v = pcm[2 * i + channel] ?? 0;
        if (v < low) low = v;
        if (v > high) high = v;
      }
      return [Math.max(-128, Math.floor(low / 256)), Math.min(127, Math.ceil(high / 256))];
    }).flat(),
  );
  return { duration_ms: Math.round((n / RATE) * 1000), points, channels };
}
