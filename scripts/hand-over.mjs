// @ts-check
// From the plain JavaScript that prepares the machine to the TypeScript that does the work, on the Node that was found.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { CannotGoOn, prepare, root } from "./prepare.mjs";

/**
 * Prepares, then runs a script with this process's arguments and ends as it ends. The script hears our end on its IPC channel,
 * also when we are killed.
 * @param {string} script
 * @param {{ dashboard: boolean, lastWord?: string }} wish `lastWord`: what to end with when the machine cannot be made ready
 */
export async function handOver(script, { dashboard, lastWord }) {
  try {
    const { node, env } = await prepare({ dashboard });
    const child = spawn(node, [join(root, "scripts", script), ...process.argv.slice(2)], {
      env,
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
    child.once("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
  } catch (error) {
    process.stderr.write(`${error instanceof CannotGoOn ? error.message : /** @type {Error} */ (error).stack}\n`);
    if (lastWord) process.stdout.write(`${lastWord}\n`);
    process.exitCode = 1;
  }
}
