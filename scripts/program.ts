import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, statSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { say, tone } from "./terminal.ts";

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
  let onReady: (line: Record<string, unknown>) => void = () => {};
  const listen = (stream: NodeJS.ReadableStream): void => {
    createInterface({ input: stream }).on("line", (line) => {
      const ready = readyLine(line);
      if (ready !== null) return onReady(ready);
      log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      if (logFile !== null) showError(name, line);
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
      fail(new Error(`${name} was not ready after ${READY_WITHIN_MS / 1000} s. Its log ends with:\n${tail.join("\n")}`));
      void stop(0);
    }, READY_WITHIN_MS);
    onReady = (line) => {
      clearTimeout(late);
      settle(line);
    };
    void ended.then((how) => {
      clearTimeout(late);
      fail(new Error(`${name} ended (${how}) before it was ready. Its log ends with:\n${tail.join("\n")}`));
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

/** An error the program logged (pino level 50 and above) is shown even when the log goes to a file. */
function showError(name: string, line: string): void {
  if (!/^\{"level":[56]0,/.test(line)) return;
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    say(tone("bad", `${name}: ${msg ?? err?.message ?? line}`));
  } catch {
    say(tone("bad", `${name}: ${line}`));
  }
}
