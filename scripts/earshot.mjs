#!/usr/bin/env node
// npx earshot COMMAND: installs what is missing, then runs the command. `verify` needs nothing at all, not even that.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { handOver } from "./hand-over.mjs";
import { root } from "./prepare.mjs";

const [command, ...words] = process.argv.slice(2);
if (command === "verify" && !words.includes("--help") && !words.includes("-h")) {
  const { status } = spawnSync(process.execPath, [join(root, "server/src/recordings/evidence/verify.mjs"), ...words], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} else {
  // As for the server: reading the compiled code of the last time halves a command's start.
  process.env.NODE_COMPILE_CACHE ??= join(root, ".cache/compile");
  await handOver("../server/src/cli/main.ts", { dashboard: false });
}
