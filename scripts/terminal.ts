/** What the terminal looks like: few colours, none where nobody wants them (no-color.org). */
export const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;

const codes = { dim: "2", bold: "1", good: "32", bad: "31", caller: "38;5;214", agent: "38;5;43" } as const;
export type Tone = keyof typeof codes;

export const tone = (name: Tone, text: string): string => (coloured && text !== "" ? `\x1b[${codes[name]}m${text}\x1b[0m` : text);

export const say = (text = ""): void => {
  process.stdout.write(`${text}\n`);
};

/** Columns to write in: the terminal's, within reason. */
export const width = (): number => Math.max(60, Math.min(process.stdout.columns ?? 110, 130));

/** Breaks a text at spaces into lines of at most `columns`; a longer word stays whole. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}
