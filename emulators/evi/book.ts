import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { people } from "../people/people.ts";
import { linesSpoken, PeopleFile, type Person } from "../people/person.ts";
import { openPhraseBook, type Phrase, type PhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { speak, VOICE_RATE } from "../speech/voice.ts";
import { channelOf, readWav } from "../speech/wav.ts";

/** People, and the folder their sound files are meant from. */
export interface Everyone {
  readonly people: readonly Person[];
  readonly folder: string;
}

/**
 * The emulated people, with those of a people file (as `emulators/vonage` takes it) added.
 *
 * @throws Error when the file cannot be read or is no people file
 */
export function everyone(file: string | null): Everyone {
  if (file === null) return { people, folder: "." };
  try {
    return { people: [...people, ...PeopleFile.parse(JSON.parse(readFileSync(file, "utf8"))).people], folder: dirname(resolve(file)) };
  } catch (problem) {
    throw new Error(`${file}: ${problem instanceof Error ? problem.message : String(problem)}`, { cause: problem });
  }
}

/**
 * The book of what can be understood: all lines of the emulated people in their voices, or out of their sound files where these have a
 * text, and the phrases of a folder (NAME.wav, 16-bit, any rate, with its words in NAME.txt).
 *
 * @throws Error naming the file when a WAV has no text beside it, or cannot be read
 */
export async function loadBook({
  people: { people: all, folder: home },
  folder,
  log,
}: {
  people: Everyone;
  folder: string | null;
  log: (text: string) => void;
}): Promise<PhraseBook> {
  const lines = linesSpoken(all);
  const phrases: Phrase[] = folder ? phrasesIn(folder) : []; // first: what is wrong there is said at once
  let toldAt = Date.now();
  for (const { text, voice } of lines) {
    phrases.push({ text, sound: await speak(text, voice) });
    if (Date.now() - toldAt < 1_000) continue;
    toldAt = Date.now();
    log(`learning phrases: ${phrases.length} of ${lines.length}`);
  }
  for (const person of all) {
    for (const step of person.script) {
      if ("say" in step && "wav" in step.say && step.say.text)
        phrases.push({ text: step.say.text, sound: soundOf(resolve(home, step.say.wav)) });
    }
  }
  return openPhraseBook(phrases);
}

function phrasesIn(folder: string): Phrase[] {
  return readdirSync(folder)
    .filter((file) => file.toLowerCase().endsWith(".wav"))
    .sort()
    .map((file) => {
      const words = join(folder, `${file.slice(0, -4)}.txt`);
      if (!existsSync(words)) throw new Error(`${join(folder, file)} has no text: write its words into ${words}.`);
      return { text: readFileSync(words, "utf8").replace(/\s+/g, " ").trim(), sound: soundOf(join(folder, file)) };
    });
}

function soundOf(file: string): Int16Array {
  try {
    const wav = readWav(readFileSync(file));
    return resample(channelOf(wav, 0), wav.rate, VOICE_RATE);
  } catch (problem) {
    throw new Error(`${file}: ${problem instanceof Error ? problem.message : String(problem)}`, { cause: problem });
  }
}
