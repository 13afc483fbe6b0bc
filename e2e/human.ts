import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Real human speech, 8 kHz telephone prompts of Debian's asterisk-core-sounds-en-wav; installed by npm test, never shipped. */
const folder = "/usr/share/asterisk/sounds/en_US_f_Allison";

const lines = [
  { name: "conf-onlyperson", text: "You are currently the only person in this conference." },
  { name: "queue-thankyou", text: "Thank you for your patience." },
  { name: "demo-thanks", text: "Goodbye. Thank you for trying out the Asterisk open source PBX." },
] as const;

export const humanNumber = "+12025550190";
export const humanTexts: readonly string[] = lines.map((line) => line.text);

/** A phrase book (NAME.wav, NAME.txt) of the human lines in `dir`, for the emulated engine's ears. */
export function humanPhrases(dir: string): string {
  if (!existsSync(folder)) throw new Error("asterisk-core-sounds-en-wav is missing: apt-get install asterisk-core-sounds-en-wav");
  const book = join(dir, "phrases");
  mkdirSync(book, { recursive: true });
  for (const line of lines) {
    copyFileSync(join(folder, `${line.name}.wav`), join(book, `${line.name}.wav`));
    writeFileSync(join(book, `${line.name}.txt`), line.text);
  }
  return book;
}

/** A people file with one person who speaks with a human voice. */
export const humanPeople = {
  people: [
    {
      number: humanNumber,
      habit: "Speaks with a human voice, three lines, then hangs up.",
      script: [
        ...lines.map((line) => ({
          after: { silenceMs: 900, atMostMs: 8_000 },
          say: { wav: join(folder, `${line.name}.wav`), text: line.text },
        })),
        { after: { silenceMs: 700, atMostMs: 4_000 }, hangUp: true },
      ],
    },
  ],
};
