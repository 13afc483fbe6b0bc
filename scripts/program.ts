import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, statSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { coloured, say, tone } from "./terminal.ts";

export const root = dirname(import.meta.dirname);

/** One of our programs, running as a process of its own. */
export interface Program {
  readonly name: string;
  /** What its ready line said. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves when it ended, with how. */
  readonly ended: Promise<string>;
  /** SIGTERM, and SIGKILL when it has not ended after `graceMs`; resolves when it ended. */
  stop(graceMs: number): Promise<string>;
}

export interface ProgramWish {
  readonly name: string;
  /** Path of its main.ts, from the root. */
  readonly file: string;
  readonly args: readonly string[];
  /** For Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where its log goes: a file, or null for our stderr. */
  readonly logFile: string | null;
}

const READY_WITHIN_MS = 180_000;
const LOG_LIMIT_BYTES = 20_000_000;
const TAIL_LINES = 15;

/**
 * Starts a program and resolves with its ready line; throws with the end of its log when it ends before. The program runs in a
 * process group of its own, so that Ctrl-C reaches only us and we stop things in order, and ends when its stdin closes, so that it does
 * not outlive us.
 */
export async function startProgram({ name, file, args, nodeArgs = [], env, logFile }: ProgramWish): Promise<Program> {
  const child = spawn(process.execPath, [...nodeArgs, join(root, file), ...args, "--with-parent"], {
    cwd: root,
    env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // it ended first
  const log = openLog(logFile);
  const tail: string[] = [];
  let isReady = false;
  let onReady: (line: Record<string, unknown>) => void = () => {};
  const listen = (stream: NodeJS.ReadableStream): void => {
    createInterface({ input: stream }).on("line", (line) => {
      const ready = readyLine(line);
      if (ready !== null) return onReady(ready);
      log.write(`${line}\n`);
      const logged = inWords(line);
      tail.push(logged.text);
      if (tail.length > TAIL_LINES) tail.shift();
      // A start that takes long says what it waits for.
      if (logFile !== null && logged.level >= (isReady ? LEVEL.error : LEVEL.warn)) {
        say(`${coloured ? "\r\x1b[2K" : ""}${tone("bad", `${name}: ${logged.text}`)}`);
      }
    });
  };
  listen(child.stdout);
  listen(child.stderr);

  let isOver = false;
  const ended = new Promise<string>((over) => {
    child.once("error", (error) => over(error.message));
    child.once("close", (code, signal) => over(signal ?? `exit code ${code}`));
  }).then((how) => {
    isOver = true;
    log.end();
    return how;
  });
  const stop = async (graceMs: number): Promise<string> => {
    if (!isOver) child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    const how = await ended;
    clearTimeout(killer);
    return how;
  };
  const ready = await new Promise<Record<string, unknown>>((settle, fail) => {
    const late = setTimeout(() => {
      fail(new Error(`${name} was not ready after ${READY_WITHIN_MS / 1000} s. Its last words:\n${tail.join("\n")}`));
      void stop(0);
    }, READY_WITHIN_MS);
    onReady = (line) => {
      isReady = true;
      clearTimeout(late);
      settle(line);
    };
    void ended.then((how) => {
      clearTimeout(late);
      fail(new Error(`${name} ended (${how}) before it was ready. Its last words:\n${tail.join("\n")}`));
    });
  });
  return { name, ready, ended, stop };
}

function readyLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{") || !line.includes('"ready"')) return null;
  try {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    return parsed.ready === true ? parsed : null;
  } catch {
    return null;
  }
}

function openLog(file: string | null): { write(text: string): void; end(): void } {
  if (file === null) return { write: (text) => void process.stderr.write(text), end: () => {} };
  mkdirSync(dirname(file), { recursive: true });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES) truncateSync(file);
  const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
  return { write: (text) => void stream.write(text), end: () => void stream.end() };
}

/** As pino numbers them. */
const LEVEL = { warn: 40, error: 50 } as const;

/** A line of a log as a person reads it: of one in pino's JSON what it says and how serious it is; any other as it is, and not serious. */
export function inWords(line: string): { readonly level: number; readonly text: string } {
  if (/^\{"level":\d/.test(line)) {
    try {
      const { level, msg, err } = JSON.parse(line) as { level: number; msg?: string; err?: { message?: string } };
      const text = [msg, err?.message].filter((part, nth, all) => part && all.indexOf(part) === nth).join(": ");
      return { level, text: text || line };
    } catch {
      // Cut off, or no log of ours.
    }
  }
  return { level: 0, text: line };
}
