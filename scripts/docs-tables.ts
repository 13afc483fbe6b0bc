import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endReasons } from "../contract/src/status.ts";
import { root } from "./program.ts";

/**
 * The tables of docs/ that repeat what the code says: `node scripts/docs-tables.ts` writes them, a test holds them against the code.
 */

interface FailureRow {
  readonly code: string;
  readonly blame: string;
  readonly status: string;
  readonly happens: string;
  readonly remedy: string;
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ").replaceAll("|", "\\|").trim();

/** The text of a string or template at the start of `source`; what is filled in at run time becomes an ellipsis. */
function textAt(source: string): string {
  const literals = /^\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/.exec(source);
  if (literals === null) return "";
  return oneLine(
    (literals[1] ?? literals[2] ?? "")
      .replace(/\$\{(?:[^{}]|\{[^{}]*\}|`[^`]*`)*\}/g, "…")
      .replace(/\$\{.*$/, "…")
      .replace(/\\(["`])/g, "$1"),
  );
}

/** Every Failure class of the server, read from its source. */
export function failureRows(): FailureRow[] {
  const rows: FailureRow[] = [];
  for (const file of globSync("server/src/**/*.ts", { cwd: root, exclude: (name) => name.toString().endsWith(".test.ts") })) {
    const source = readFileSync(join(root, file), "utf8");
    for (const part of source.split(/^export class /m).slice(1)) {
      const code = /readonly code(?:: string)? = "([A-Z0-9_]+)"/.exec(part)?.[1];
      if (code === undefined) continue;
      const remedy = /remedy:\s*/.exec(part);
      const message = /super\(\s*/.exec(part);
      rows.push({
        code,
        blame: /readonly blame(?:: Blame)? = "(\w+)"/.exec(part)?.[1] ?? "",
        status: /readonly status(?:: number)? = (\d+)/.exec(part)?.[1] ?? "",
        happens: message ? textAt(part.slice(message.index + message[0].length)) : "",
        remedy: remedy ? textAt(part.slice(remedy.index + remedy[0].length)) : "",
      });
    }
  }
  return rows.sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** The closed list of recordings/failures.ts, read from its source. */
function recordingRows(): { code: string; blame: string; said: string; remedy: string }[] {
  const source = readFileSync(join(root, "server/src/recordings/failures.ts"), "utf8");
  return [...source.matchAll(/^ {2}([A-Z0-9_]+): \{\s*blame: "(\w+)",\s*said:([\s\S]*?)remedy:([\s\S]*?)^ {2}\},/gm)].map(
    ([, code = "", blame = "", said = "", remedy = ""]) => ({ code, blame, said: textAt(said), remedy: textAt(remedy) }),
  );
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [`| ${head.join(" | ")} |`, `| ${head.map(() => "---").join(" | ")} |`, ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");

const say = (text: string): string => (text === "" ? "the answer says it, with what it is about" : text);

export const tables = (): Readonly<Record<string, string>> => ({
  "docs/failures.md": `# Failures and their remedies

Every error of the API is problem+json with a stable \`code\`, one sentence of what happened, and what to do now. *Blame* says where to look first: the caller of the
API, the operator's configuration, the carrier, the engine, or us. Codes are never reused. An ellipsis stands for what is filled in at run time.

${table(
  ["code", "status", "blame", "what happened", "remedy"],
  failureRows().map((row) => [`\`${row.code}\``, row.status, row.blame, say(row.happens), say(row.remedy)]),
)}

## Recordings

A recording that is not there, or not whole, says why on its row, on the call's page and in the API (\`recording.because\`).

${table(
  ["code", "blame", "what happened", "remedy"],
  recordingRows().map((row) => [`\`${row.code}\``, row.blame, row.said, row.remedy]),
)}
`,
  "docs/end-reasons.md": `# Why a call ended

The closed list of \`end_reason\`. Quiet ones are ordinary ends; the others want a look. A failure is never overwritten by the \`completed\` that follows it, and
\`end_detail\` holds the evidence in one sentence.

${table(
  ["end_reason", "shown as", "means", "wants a look"],
  Object.entries(endReasons).map(([name, reason]) => [`\`${name}\``, reason.said, oneLine(reason.line), reason.quiet ? "" : "yes"]),
)}
`,
});

if (import.meta.main) for (const [file, text] of Object.entries(tables())) writeFileSync(join(root, file), text);
