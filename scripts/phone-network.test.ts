import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { npmProgram, root } from "./prepare.mjs";

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

test("the phone network starts by the script of its npm command, answers, and is gone when that is killed", {
  timeout: 180_000,
}, async () => {
  const [, script] = /^exec node (\S+)$/.exec(scripts["phone-network"] ?? "") ?? [];
  expect(script).toBe("scripts/phone-network.mjs");

  const folder = mkdtempSync(join(tmpdir(), "phone-network-"));
  const launcher = spawn(process.execPath, [join(root, String(script)), "--port", "0", "--account", folder], {
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const [line] = (await once(createInterface({ input: launcher.stdout }), "line")) as [string];
    const { ready, url } = JSON.parse(line) as { ready: boolean; url: string };
    expect(ready).toBe(true);
    expect((await fetch(`${url}/emulator/people`)).status).toBe(200);
    launcher.kill("SIGKILL");
    await vi.waitUntil(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
  } finally {
    launcher.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

test("who ends npm ends what it runs: no shell stands between that dies alone", { timeout: 60_000 }, async () => {
  expect(scripts.start).toMatch(/^exec node /);
  const folder = mkdtempSync(join(tmpdir(), "phone-network-"));
  const npm = spawn(process.execPath, [npmProgram(), "run", "--silent", "phone-network", "--", "--port", "0", "--account", folder], {
    cwd: root,
    detached: true,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(createInterface({ input: npm.stdout }), "line")) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const closed = once(npm, "close", { signal: AbortSignal.timeout(30_000) }); // its stdout is all of theirs
    npm.kill("SIGTERM");
    await closed;
    await expect(fetch(url)).rejects.toThrow();
  } finally {
    try {
      process.kill(-Number(npm.pid), "SIGKILL");
    } catch {} // nobody is left, as it should be
    rmSync(folder, { recursive: true, force: true });
  }
});
