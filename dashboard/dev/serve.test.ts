import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";

const program = join(import.meta.dirname, "serve.ts");

/** Runs the stand-in until `look` is done with its address. What it says before it dies is the error. */
async function during(story: string, look: (url: string) => Promise<void>): Promise<void> {
  const served = spawn(process.execPath, [program, "--port", "0", "--story", story], { stdio: ["ignore", "pipe", "pipe"] });
  const died = once(served, "close");
  let complained = "";
  served.stderr.on("data", (chunk) => {
    complained += chunk;
  });
  try {
    const line = await Promise.race([once(createInterface(served.stdout), "line"), died.then(() => Promise.reject(new Error(complained)))]);
    await look(JSON.parse(String(line)).url);
  } finally {
    served.kill();
    await died;
  }
}

describe("the stand-in server the dashboard is worked on with", () => {
  it.each(["empty", "one", "many"])(
    "starts with the story %s and answers what every page asks",
    async (story) => {
      const asked = ["session", "calls", "agents", "keys", "carrier", "jobs", "engines", "users", "listeners", "waiting", "keep-rules"];
      await during(story, async (url) => {
        for (const path of asked) expect([path, (await fetch(`${url}/api/${path}`)).status]).toEqual([path, 200]);
      });
    },
    60_000,
  );
});
