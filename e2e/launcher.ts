import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./house.ts";

/** What `npm start` does once the machine is ready: scripts/run.ts, in a folder of its own, with a port that is only its. */
export interface Place {
  readonly folder: string;
  readonly port: number;
}

export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "earshot-start-"));
  chmodSync(folder, 0o755); // as root, Postgres runs as another account
  return { folder, port: await freePort() };
}

/** A launcher that runs, and what it has shown so far. */
export interface Launcher {
  readonly process: ChildProcess;
  shown(): string;
  /** Waits until the terminal shows it. */
  sees(what: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** Its exit code, once it has ended and all it said has been read. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, then waits for the end; does nothing once it has ended. */
  stop(): Promise<void>;
}

/** Runs a program of scripts/ in `env`, and reads what it shows. */
function runScript(script: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>): Launcher {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../scripts", script), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let shown = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
    });
  // Not "close": who was killed leaves programs behind that hold its terminal for a moment.
  const ended = once(child, "exit").then(([code]) => code as number | null);
  return {
    process: child,
    shown: () => shown,
    sees: (what, withinMs = 120_000) =>
      until(`the terminal shows ${what}`, async () => what.exec(shown), withinMs).catch((error: Error) => {
        throw new Error(`${error.message}; it shows:\n${shown}`);
      }),
    ended,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The launcher in its place, unless `env` says another. */
export const launch = ({ folder, port }: Place, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Launcher =>
  runScript("run.ts", args, { HOME: folder, DATA_DIR: join(folder, "data"), PORT: String(port), ...env });

/** A start that is refused, or another program that ends by itself: how it ended, and all it said. */
export async function outcome(launcher: Launcher): Promise<{ readonly code: number | null; readonly said: string }> {
  const closed = once(launcher.process, "close");
  const code = await launcher.ended;
  await closed;
  return { code, said: launcher.shown() };
}

/** `npx earshot doctor` beside the launcher, told only where the data is. */
export const doctor = ({ folder }: Place, ...args: string[]): ReturnType<typeof outcome> =>
  outcome(runScript("earshot.mjs", ["doctor", ...args], { DATA_DIR: join(folder, "data") }));

/** A file of its DATA_DIR. */
export const kept = ({ folder }: Place, path: string): string => readFileSync(join(folder, "data", path), "utf8");
