import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Program {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts one of the repository's programs and waits until it says where it listens. It ends with this process, whatever happens. */
export async function startProgram(file: string, args: readonly string[]): Promise<Program> {
  const child = spawn(process.execPath, [file, "--port", "0", "--with-parent", ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const complaints: string[] = [];
  child.stderr.on("data", (text: Buffer) => complaints.push(String(text)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once("line", (line) => resolve((JSON.parse(line) as { url: string }).url));
    void ended.then(() => reject(new Error(`${file} ended before it was ready: ${complaints.join("")}`)));
  });
  return {
    url,
    process: child,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
