import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "../..");

/** A program of ours as a process, known by its line of readiness. */
export interface Program {
  readonly url: string;
  readonly pid: number;
  isOver(): boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts `node ...flags <file> ...args` and resolves when it is ready; its words go to `logFile`. Rejects when it ends before. */
export async function startProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  logFile: string,
  flags: readonly string[] = [],
): Promise<Program> {
  const child = spawn(process.execPath, [...flags, join(root, file), ...args, "--with-parent"], {
    env,
    cwd: root,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const log = createWriteStream(logFile, { flags: "a" });
  child.stderr.pipe(log);
  child.stdin.on("error", () => {});
  let isOver = false;
  const ended = new Promise<void>((settle) =>
    child.once("exit", () => {
      isOver = true;
      settle();
    }),
  );
  const ready = await new Promise<{ url: string }>((settle, fail) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{") && line.includes('"ready"')) settle(JSON.parse(line) as { url: string });
    });
    void ended.then(() => fail(new Error(`${file} ended before it was ready; see ${logFile}`)));
  });
  return {
    url: ready.url,
    pid: child.pid as number,
    isOver: () => isOver,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop(graceMs = 30_000) {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}
