import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { npmProgram, root } from "./prepare.mjs";

/** The oldest Node the README names. npm holds it against "engines", and .npmrc makes a mismatch an error. */
const OLDEST = "20.20.2";

test(`npx runs our commands on a machine whose Node is ${OLDEST}`, { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "npx-"));
  try {
    const older = join(folder, "older.cjs");
    writeFileSync(
      older,
      `Object.defineProperty(process, "version", { value: "v${OLDEST}" });
       Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${OLDEST}" } });`,
    );
    // No network is needed for it: the command is the repository's own.
    const words = ["--require", older, npmProgram(), "exec", "--offline", "earshot", "help", "doctor"];
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: root, env: { PATH: process.env.PATH, HOME: folder } });
    expect(stdout).toContain("earshot doctor [--set-webhooks]");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
