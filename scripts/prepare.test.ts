import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mustBeOurs, remedyOf, root, runNode } from "./prepare.mjs";

test("a folder in which nothing can be installed is told of before npm is asked, with what to do; a good one is left as it was", () => {
  const folder = mkdtempSync(join(tmpdir(), "prepare-"));
  try {
    mustBeOurs(folder);
    expect(readdirSync(folder)).toEqual([]);
    // Also for root: nothing can be made in a file.
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    expect(() => mustBeOurs(file)).toThrow(
      `built in ${file}, and nothing can be written there (ENOTDIR).\nStart as the user it belongs to`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  ["npm error code EAI_AGAIN\nnpm error syscall getaddrinfo", /network .* proxy/],
  ["npm error code ENOSPC", /disk is full/],
  ["npm error code EACCES\nnpm error path x", /chown/],
  ["npm error code E404", null],
])("what npm failed of comes with what to do: %j", (said, remedy) => {
  if (remedy === null) expect(remedyOf(said)).toBeNull();
  else expect(remedyOf(said)).toMatch(remedy);
});

test.each(["SIGKILL", "SIGTERM"] as const)("a start that ends by %s while npm installs takes npm with it", async (signal) => {
  const folder = mkdtempSync(join(tmpdir(), "prepare-"));
  // An npm that never comes to an end by itself; it is gone when its connection is.
  const door = createServer().listen(join(folder, "door"));
  const npm = join(folder, "npm-cli.js");
  writeFileSync(npm, `require("node:net").connect(${JSON.stringify(join(folder, "door"))}).once("close", () => process.exit());`);
  const start = join(folder, "start.mjs");
  const prepare = JSON.stringify(join(root, "scripts/prepare.mjs"));
  writeFileSync(start, `import { runNode } from ${prepare}; await runNode(process.execPath, [${JSON.stringify(npm)}], {});`);
  const launcher = spawn(process.execPath, [start], { stdio: "ignore" });
  let connection: Socket | null = null;
  try {
    [connection] = (await once(door, "connection")) as [Socket];
    const gone = once(connection.resume(), "close");
    launcher.kill(signal);
    await gone;
  } finally {
    connection?.destroy();
    launcher.kill("SIGKILL");
    door.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a program that a start waits for ends when its work is done, and what it fails of is told", async () => {
  await runNode(process.execPath, ["-e", "setTimeout(() => {}, 10)"], {});
  await expect(runNode(process.execPath, ["-e", 'console.error("no room"); process.exit(3)'], {})).rejects.toThrow(
    /^no room[\s\S]*ended with 3\.$/,
  );
});
