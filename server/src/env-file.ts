import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { ConfigFailure } from "./config.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * `env` with what the file at `path` sets beside it: what the process was given wins over the file. There need not be one.
 * @throws ConfigFailure when there is one that cannot be read or understood: a setting that is quietly left out is worse than no start
 */
export function withEnvFile(path: string, env: Env): Record<string, string | undefined> {
  const wrong = (messages: readonly string[]): ConfigFailure => new ConfigFailure(messages.map((message) => ({ field: path, message })));
  let text: string;
  try {
    text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { ...env };
    throw wrong([`cannot be read (${code}); let the account that runs Earshot read it, or move it away`]);
  }
  const lost = linesLost(text);
  if (lost.length > 0) throw wrong(lost.map(({ line, why }) => `line ${line}: ${why}`));
  return { ...parseEnv(text), ...env };
}

/** A line that Node's parseEnv would leave out without a word. The line itself is not told: it may hold a secret. */
export interface LostLine {
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

const assignment = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?<value>.*)$/;
const nothing = /^\s*(#.*)?$/;

/** Which lines of an env file say nothing that is understood. Values may be quoted with ", ' or `, then over several lines too. */
export function linesLost(text: string): LostLine[] {
  const lost: LostLine[] = [];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (nothing.test(line)) continue;
    const value = assignment.exec(line)?.groups?.value;
    if (value === undefined) {
      lost.push({ line: at + 1, why: "is not NAME=value; put a value of several lines in quotation marks, and # before a remark" });
      continue;
    }
    const quote = /^["'`]/.exec(value)?.[0];
    if (quote === undefined || value.indexOf(quote, 1) > 0) continue;
    const end = lines.findIndex((later, index) => index > at && later.includes(quote));
    if (end === -1) lost.push({ line: at + 1, why: `has a quotation mark ${quote} that nothing closes` });
    else at = end;
  }
  return lost;
}
