import { resample } from "../speech/resample.ts";
import { speak, VOICE_RATE, voices } from "../speech/voice.ts";
import { writeWav } from "../speech/wav.ts";

/** What `audio_output` is made of: 48 kHz, 16-bit, mono. */
export const OUTPUT_RATE = 48_000;

/** Hume's first chunk of a sentence is short, the others about 128 kB (1.4 s), as reported of the real service. */
const FIRST_CHUNK = 0.6 * OUTPUT_RATE;
const CHUNK = 1.4 * OUTPUT_RATE;
/** Rendered sentences kept, bytes of base64. An agent's own answers are few: far less than this. */
const CACHE_BYTES = 128 * 1024 * 1024;

export interface SpokenChunk {
  /** A whole WAV in base64, as it is put into `data`: ASCII bytes, shared by all chats that say this. Not to be changed. */
  readonly base64: Buffer;
  readonly ms: number;
}

export interface Spoken {
  readonly chunks: readonly SpokenChunk[];
  readonly ms: number;
}

export interface Mouth {
  /** Renders a sentence in a voice of `emulators/speech`. The second time it is there at once. */
  say(text: string, voice: string): Promise<Spoken>;
  /** The voice a `voice_id` means: one of `emulators/speech` by its name. Hume's own ids mean nothing here and give the usual voice. */
  voice(id: string | null, usual: string): string;
}

export function openMouth(): Mouth {
  const cache = new Map<string, { readonly spoken: Promise<Spoken>; bytes: number }>();
  let bytes = 0;

  function makeRoom(): void {
    for (const [key, { bytes: freed }] of cache) {
      if (bytes <= CACHE_BYTES) return;
      cache.delete(key);
      bytes -= freed;
    }
  }

  return {
    say(text, voice) {
      const key = `${voice}: ${text}`;
      const known = cache.get(key);
      if (known) {
        cache.delete(key); // the longest unused is thrown away first
        cache.set(key, known);
        return known.spoken;
      }
      const entry = { spoken: render(text, voice), bytes: 0 };
      cache.set(key, entry);
      entry.spoken.then(
        (spoken) => {
          if (cache.get(key) !== entry) return;
          entry.bytes = spoken.chunks.reduce((sum, chunk) => sum + chunk.base64.length, 0);
          bytes += entry.bytes;
          makeRoom();
        },
        () => cache.delete(key),
      );
      return entry.spoken;
    },
    voice: (id, usual) => voices.find((voice) => voice === id) ?? usual,
  };
}

async function render(text: string, voice: string): Promise<Spoken> {
  return cut(resample(await speak(text, voice), VOICE_RATE, OUTPUT_RATE));
}

/** Cuts a sound of 48 kHz into chunks, each a WAV of its own. */
export function cut(sound: Int16Array): Spoken {
  const chunks: SpokenChunk[] = [];
  for (let at = 0; at < sound.length; ) {
    const length = at === 0 ? FIRST_CHUNK : CHUNK;
    const part = sound.subarray(at, at + length);
    chunks.push({
      base64: Buffer.from(Buffer.from(writeWav(part, OUTPUT_RATE)).toString("base64"), "latin1"),
      ms: (part.length / OUTPUT_RATE) * 1_000,
    });
    at += part.length;
  }
  return { chunks, ms: (sound.length / OUTPUT_RATE) * 1_000 };
}
