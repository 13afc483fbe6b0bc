import { resample } from "../speech/resample.ts";
import { speak, VOICE_RATE, voices } from "../speech/voice.ts";

/** Bytes of the first delta of a sentence, and of the others, as seen of the real service: 100 and 250 ms at 24 kHz. */
const FIRST_DELTA = 4_800;
const DELTA = 12_000;
/** Rendered sentences kept, bytes of base64. */
const CACHE_BYTES = 96 * 1024 * 1024;

export interface SpokenDelta {
  readonly base64: string;
  readonly ms: number;
}

export interface Spoken {
  readonly deltas: readonly SpokenDelta[];
  readonly ms: number;
  /** All of it, s16le. */
  readonly pcm: Buffer;
}

export interface Mouth {
  /** Renders a sentence in a voice of `emulators/speech` at a rate. The second time it is there at once. */
  say(text: string, voice: string, rate: number): Promise<Spoken>;
}

/** OpenAI's voices as those of the emulated world; the agent's own for a voice that is not here. */
const likes: Readonly<Record<string, string>> = { ash: "rms", echo: "rms", cedar: "rms", verse: "awb", ballad: "awb" };
export const voiceOf = (wish: string | { id: string }, usual: string): string => {
  const name = typeof wish === "string" ? wish : wish.id;
  return voices.find((voice) => voice === name) ?? likes[name] ?? usual;
};

export function openMouth(): Mouth {
  const cache = new Map<string, { readonly spoken: Promise<Spoken>; bytes: number }>();
  let bytes = 0;

  return {
    say(text, voice, rate) {
      const key = `${rate} ${voice}: ${text}`;
      const known = cache.get(key);
      if (known) {
        cache.delete(key); // the longest unused is thrown away first
        cache.set(key, known);
        return known.spoken;
      }
      const entry = { spoken: render(text, voice, rate), bytes: 0 };
      cache.set(key, entry);
      entry.spoken.then(
        ({ pcm }) => {
          entry.bytes = pcm.length * 3;
          bytes += entry.bytes;
          for (const [old, { bytes: freed }] of cache) {
            if (bytes <= CACHE_BYTES) break;
            cache.delete(old);
            bytes -= freed;
          }
        },
        () => cache.delete(key),
      );
      return entry.spoken;
    },
  };
}

async function render(text: string, voice: string, rate: number): Promise<Spoken> {
  const sound = resample(await speak(text, voice), VOICE_RATE, rate);
  const pcm = Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength);
  const bytesPerMs = (rate * 2) / 1_000;
  const deltas: SpokenDelta[] = [];
  for (let at = 0; at < pcm.length; ) {
    const part = pcm.subarray(at, at + (at === 0 ? FIRST_DELTA : DELTA));
    deltas.push({ base64: part.toString("base64"), ms: part.length / bytesPerMs });
    at += part.length;
  }
  return { deltas, ms: pcm.length / bytesPerMs, pcm };
}
