import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OTHER_CALLS, type Talk } from "./test-damage.ts";
import { randomFrom } from "./test-sounds.ts";

/** Human speech: 8 kHz telephone prompts of Debian's asterisk-core-sounds-en-wav, installed by npm test, never shipped. */
const folder = "/usr/share/asterisk/sounds/en_US_f_Allison";

/** Two who take turns, each turn a prompt spoken by a human; null where the prompts are not installed. At 8 kHz only. */
export function humanTalk(): Talk | null {
  if (!existsSync(folder)) return null;
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".wav"))
    .sort();
  const all = names.map((name) => samplesOf(readFileSync(join(folder, name)))).filter((prompt) => prompt.length > 8000);
  return (seconds, seed, rateHz) => {
    if (rateHz !== 8000) throw new Error("The prompts are at 8 kHz.");
    const random = randomFrom(seed ^ 0x40a17);
    // Another call has none of the same prompts in it: that would be the same sound.
    const prompts = all.filter((_, i) => i % 2 === (seed >= OTHER_CALLS ? 1 : 0));
    const sides: [Float32Array, Float32Array] = [new Float32Array(seconds * rateHz), new Float32Array(seconds * rateHz)];
    for (let at = Math.round((0.3 + random()) * rateHz), who = 1; at < sides[0].length; who = 1 - who) {
      const prompt = prompts[Math.floor(random() * prompts.length)] as Float32Array;
      const side = sides[who] as Float32Array;
      side.set(prompt.subarray(0, side.length - at), at);
      at += prompt.length + Math.round((0.2 + random()) * rateHz);
    }
    return sides;
  };
}

/** Of a 16-bit mono WAV: from its data chunk on. */
function samplesOf(file: Buffer): Float32Array {
  const data = file.indexOf("data", 12, "latin1");
  const bytes = Math.min(file.readUInt32LE(data + 4), file.length - data - 8);
  return Float32Array.from({ length: bytes >> 1 }, (_, i) => file.readInt16LE(data + 8 + 2 * i) / 32768);
}
