/** What `--help` says: the README's table of flags, which a test keeps whole, as lines for a terminal. Pure. */

const WIDTH = 100;
const INDENT = 6;

/** @param readme the text of README.md */
export function helpOf(readme: string): string {
  const section = /^## Flags\n([\s\S]*?)(?=^## )/m.exec(readme)?.[1] ?? "";
  const rows = [...section.matchAll(/^\| (`.*?) \| (.*?) \| (.*?) ?\|$/gm)].map(([, flag = "", is = "", fallback = ""]) => {
    const text = fallback === "" ? is : `${is} (default: ${fallback})`;
    return `  ${plain(flag)}\n${wrapped(plain(text))}`;
  });
  return [
    "A phone network to try Vonage programs on. Everything about it: emulators/vonage/README.md",
    "",
    "npm run phone-network -- --port 4070 --answer-url http://127.0.0.1:3000/answer --event-url http://127.0.0.1:3000/event",
    "",
    ...rows,
  ].join("\n");
}

const plain = (markdown: string): string => markdown.replaceAll("`", "");

function wrapped(text: string): string {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && INDENT + line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => " ".repeat(INDENT) + line).join("\n");
}
