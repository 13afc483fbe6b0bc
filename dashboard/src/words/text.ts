/** Facts about written text that decide how it is set. */

/** Is most of it in the Arabic script? Then it is set in the Nastaliq face with its own line height. */
export function isArabicScript(text: string): boolean {
  const letters = text.match(/\p{L}/gu) ?? [];
  const arabic = text.match(/\p{Script=Arabic}/gu) ?? [];
  return arabic.length > 0 && arabic.length * 2 >= letters.length;
}

/** `1 call`, `2 calls`, `1,204 calls`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** A size as people read it: `812 kB`, `3.4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A machine's word as a person's: `in_progress` and `recording.stored` as `in progress`, `recording stored`. */
export const plain = (word: string): string => word.replaceAll(/[_.]/g, " ");

/** A sentence with its moments (`0:41`, `12:05`) apart from its words, each with its seconds. */
export const inMoments = (text: string): (string | { said: string; seconds: number })[] =>
  text
    .split(/(?<![\d:.])(\d{1,4}:[0-5]\d)(?![\d:])/)
    .map((piece, i) => (i % 2 === 0 ? piece : { said: piece, seconds: Number(piece.split(":")[0]) * 60 + Number(piece.split(":")[1]) }))
    .filter((piece) => piece !== "");
