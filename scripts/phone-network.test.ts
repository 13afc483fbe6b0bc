import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { root } from "./prepare.mjs";

test("the phone network starts by the script of its npm command, answers, and is gone when that is killed", {
  timeout: 180_000,
}, async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
  const [, script] = /^node (\S+)$/.exec(scripts["phone-network"] ?? "") ?? [];
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
