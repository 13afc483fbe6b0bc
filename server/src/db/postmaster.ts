import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** What a running Postgres writes into postmaster.pid of its data folder. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
  /** Was it told to end? It lets nobody in any more. */
  readonly stopping: boolean;
}

/** Reads postmaster.pid: line 1 is the process, 4 the port, 8 the state (PostgreSQL's src/include/utils/pidfile.h). Null when there is none. */
export async function readPostmaster(dataFolder: string): Promise<Postmaster | null> {
  const text = await readFile(join(dataFolder, "postmaster.pid"), "utf8").catch(() => null);
  return text === null ? null : parsePostmaster(text);
}

export function parsePostmaster(text: string): Postmaster | null {
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const state = lines[7]?.trim();
  return { pid, port: Number(lines[3] ?? 0) || 0, ready: state === "ready", stopping: state === "stopping" };
}

/**
 * Is process `pid` really a Postgres on this data folder? After a crash or in a new container the number may belong to anybody.
 * Reads the command line because that is open to all; a zombie has none.
 */
export async function servesFolder(pid: number, dataFolder: string): Promise<boolean> {
  const args = await commandLine(pid);
  return args.includes("postgres") && args.includes(dataFolder);
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return promisify(execFile)("ps", ["-p", String(pid), "-o", "command="]).then(
    ({ stdout }) => stdout,
    () => "",
  );
}
