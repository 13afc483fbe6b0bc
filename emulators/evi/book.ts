import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linesSpoken, type Person } from "../people/person.ts";
import { openPhraseBook, type Phrase, type PhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { speak, VOICE_RATE } from "../speech/voice.ts";
import { channelOf, readWav } from "../speech/wav.ts";

/**
 * The book of what can be understood: all lines of the emulated people in their voices, and the phrases of a folder (NAME.wav, 16-bit, any
 * rate, with its words in NAME.txt).
 *
 * @throws Error naming the file when a WAV has no text beside it, or cannot be read
 */
export async function loadBook({
  people,
  folder,
  log,
}: {
  people: readonly Person[];
  folder: string | null;
  log: (text: string) => void;
}): Promise<PhraseBook> {
  const lines = linesSpoken(people);
  const phrases: Phrase[] = [];
  let toldAt = Date.now();
  for (const { text, voice } of lines) {
    phrases.push({ text, sound: await speak(text, voice) });
    if (Date.now() - toldAt < 1_000) continue;
    toldAt = Date.now();
    log(`learning phrases: ${phrases.length} of ${lines.length}`);
  }
  if (folder) phrases.push(...phrasesIn(folder));
  return openPhraseBook(phrases);
}

function phrasesIn(folder: string): Phrase[] {
  return readdirSync(folder)
    .filter((file) => file.toLowerCase().endsWith(".wav"))
    .sort()
    .map((file) => {
      const words = join(folder, `${file.slice(0, -4)}.txt`);
      if (!existsSync(words)) throw new Error(`${join(folder, file)} has no text: write its words into ${words}.`);
      try {
        const wav = readWav(readFileSync(join(folder, file)));
        return { text: readFileSync(words, "utf8").replace(/\s+/g, " ").trim(), sound: resample(channelOf(wav, 0), wav.rate, VOICE_RATE) };
      } catch (problem) {
        throw new Error(`${join(folder, file)}: ${problem instanceof Error ? problem.message : String(problem)}`, { cause: problem });
      }
    });
}
