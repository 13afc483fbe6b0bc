import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openPhraseBook, type Phrase, type PhraseBook } from "./phrases.ts";
import { resample } from "./resample.ts";
import { speak, voices } from "./voice.ts";
import { channelOf, readWav } from "./wav.ts";

const texts = [
  "Yes, please.", "No, thank you.", "Okay.", "Goodbye.", "Hello?", "Thanks a lot.", "What was that?", "Not today.", "Maybe next week.",
  "I would like to book a room for two nights.", "Can you tell me the price?", "What time do you open on Saturday?",
  "I need it by Tuesday.", "I need it by Wednesday.", "Please cancel my order.", "Please confirm my order.",
  "One two three four five.", "Five four three two one.", "The invoice is wrong again.", "I want to speak to a person.",
  "Just a moment, somebody is at the door.", "The package has arrived, but it is broken.", "Could you repeat it, please?",
  "I have to ask my wife.", "I have to ask my husband.", "Sorry, stop. I only want to know what it costs.",
  "Oh, that is right. Could we move my appointment to Thursday afternoon, please?", "Wonderful. Thank you very much for your help. Goodbye.",
  "Half past three would be perfect for me.", "The order number is four seven one one.", "How long does it take, and can I pay by card?",
  "I can hardly hear you, the line is very bad.",
]; // biome-ignore format: a list to be read, not a column

/** Prompts in a human voice, as Debian's asterisk-core-sounds-en-wav installs them; the tests that need them say so when they are not there. */
const HUMAN = "/usr/share/asterisk/sounds/en_US_f_Allison";

let phrases: Phrase[];
let book: PhraseBook;
beforeAll(async () => {
  phrases = [];
  for (const [at, text] of texts.entries()) {
    for (const voice of [voices[at % voices.length], voices[(at + 3) % voices.length], voices[(at + 6) % voices.length]]) {
      phrases.push({ text, sound: await speak(text, voice) });
    }
  }
  book = openPhraseBook(phrases);
}, 120_000);

/** As a call brings it: something before, and the silence after which a turn is over. */
const inACall = (sound: Int16Array, beforeMs = 300): Int16Array => {
  const all = new Int16Array(sound.length + 16 * (beforeMs + 800));
  all.set(sound, 16 * beforeMs);
  return all;
};
const telephone = (sound: Int16Array): Int16Array => resample(resample(sound, 16_000, 8_000), 8_000, 16_000);
const gain = (sound: Int16Array, db: number): Int16Array =>
  sound.map((sample) => Math.max(-32_768, Math.min(32_767, sample * 10 ** (db / 20))));
const rms = (sound: Int16Array): number => Math.sqrt(sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length);

/** White noise so far below the speech, in all of the call. The same every time. */
function noisy(sound: Int16Array, belowDb: number): Int16Array {
  const amplitude = rms(sound) * 10 ** (-belowDb / 20) * Math.sqrt(3);
  let seed = 7;
  return inACall(sound).map((sample) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.max(-32_768, Math.min(32_767, sample + amplitude * ((seed / 0x7fffffff) * 2 - 1)));
  });
}

/** Every fiftieth packet of 20 ms lost, every sixtieth doubled. */
function jittery(sound: Int16Array): Int16Array {
  const kept: number[] = [];
  for (let frame = 0; frame * 320 < sound.length; frame++) {
    const packet = sound.subarray(frame * 320, frame * 320 + 320);
    if (frame % 50 !== 25) kept.push(...packet);
    if (frame % 60 === 40) kept.push(...packet);
  }
  return Int16Array.from(kept);
}

describe("a phrase of the book is recognised", () => {
  test.each<[string, (sound: Int16Array) => Int16Array]>([
    ["as it is", (sound) => inACall(sound)],
    ["beginning in the middle of a frame", (sound) => inACall(sound, 307)],
    ["over a telephone band of 8 kHz", (sound) => inACall(telephone(sound))],
    ["12 dB quieter", (sound) => inACall(gain(sound, -12))],
    ["6 dB too loud, clipped", (sound) => inACall(gain(sound, 6))],
    ["with noise 20 dB below it", (sound) => noisy(sound, 20)],
    ["over a telephone, quieter, and with noise", (sound) => noisy(gain(telephone(sound), -12), 20)],
    ["with packets lost and doubled", (sound) => inACall(jittery(sound))],
  ])("%s", (_how, call) => {
    const wrong = phrases.map(({ text, sound }) => [text, book.recognise(call(sound)).text]).filter(([said, heard]) => said !== heard);
    expect(wrong).toEqual([]);
    expect(phrases.length).toBe(96);
  });

  test("two of them in one go are both recognised", () => {
    const wrong: string[] = [];
    for (let at = 0; at + 8 < phrases.length; at += 5) {
      const [one, other] = [phrases[at] as Phrase, phrases[at + 8] as Phrase];
      const call = new Int16Array(one.sound.length + other.sound.length + 16 * 1_500);
      call.set(one.sound, 16 * 300);
      call.set(other.sound, 16 * 700 + one.sound.length);
      const { text } = book.recognise(call);
      if (text !== `${one.text} ${other.text}`) wrong.push(`${one.text} ${other.text} -> ${text}`);
    }
    expect(wrong).toEqual([]);
  });

  test("word by word while it is said", () => {
    const said = phrases.find(({ text }) => text.startsWith("Oh, that is right")) as Phrase;
    const call = inACall(said.sound);
    const hearing = book.begin();
    const soFar: string[] = [];
    for (let ms = 1_000; ms < said.sound.length / 16; ms += 600) soFar.push(hearing.soFar(call.subarray(0, 16 * (300 + ms))));
    expect(soFar.length).toBeGreaterThan(4);
    for (const words of soFar) expect(said.text.startsWith(words)).toBe(true);
    expect([...soFar].sort((a, b) => a.length - b.length)).toEqual(soFar);
    expect(hearing.end(call)).toMatchObject({ text: said.text, known: true });
  });

  test("when only its second half was heard, by its last words", () => {
    const said = phrases.find(({ text }) => text.startsWith("Wonderful")) as Phrase;
    const { text, known } = book.recognise(inACall(said.sound.subarray(said.sound.length / 2)));
    expect(known).toBe(true);
    expect(said.text.endsWith(text)).toBe(true);
  });
});

describe("a sound that is not in the book", () => {
  test("is told as speech of so many seconds", async () => {
    const stranger = await speak("The quick brown fox jumps over the lazy dog.", "slt");
    expect(book.recognise(inACall(stranger))).toMatchObject({ text: expect.stringMatching(/^\(speech, [23]\.\d s\)$/), known: false });
    expect(book.recognise(new Int16Array(16_000))).toMatchObject({ known: false });
    expect(book.recognise(new Int16Array(0))).toMatchObject({ known: false });
  });

  test("even the same words in another voice", async () => {
    const only = openPhraseBook([{ text: "Yes, please.", sound: await speak("Yes, please.", "awb") }]);
    expect(only.recognise(inACall(await speak("Yes, please.", "slt"))).known).toBe(false);
  });

  // Nothing but arithmetic, several seconds of it: how long it takes says how busy the machine is, and nothing else.
  test.skipIf(!existsSync(HUMAN))("hundreds of prompts of a human voice: none is taken for a phrase", { timeout: 180_000 }, () => {
    const files = readdirSync(HUMAN, { recursive: true, encoding: "utf8" }).filter((file, at) => file.endsWith(".wav") && at % 2 === 0);
    expect(files.length).toBeGreaterThan(100);
    const taken = files
      .map((file) => [file, humanSound(file)] as const)
      .map(([file, sound]) => [file, book.recognise(inACall(sound))] as const)
      .filter(([, heard]) => heard.known);
    expect(taken).toEqual([]);
  });

  test.skipIf(!existsSync(HUMAN))("unless the human's words were put into the book", () => {
    const files = ["vm-login.wav", "demo-congrats.wav", "tt-weasels.wav", "pbx-invalid.wav", "conf-onlyperson.wav"].filter((file) =>
      existsSync(join(HUMAN, file)),
    );
    const humans = openPhraseBook(files.map((file) => ({ text: file, sound: humanSound(file) })));
    for (const file of files) expect(humans.recognise(noisy(telephone(humanSound(file)), 20)).text).toBe(file);
    for (const { sound } of phrases) expect(humans.recognise(inACall(sound)).known).toBe(false);
  });
});

function humanSound(file: string): Int16Array {
  const wav = readWav(readFileSync(join(HUMAN, file)));
  return resample(channelOf(wav, 0), wav.rate, 16_000);
}
