import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const module = join(import.meta.dirname, "log.ts");

/**
 * A process that logs `lines` lines of 200 bytes, in bursts with a breath of its loop between, tells how long a burst took at worst, and ends
 * when it is told how many ms its log may take to be written.
 */
function logging(lines: number, stderr: "pipe" | number, atEnd = ""): ChildProcess {
  const program = `
    const { openLog } = await import(${JSON.stringify(module)});
    const { log, written } = openLog("info");
    let worst = 0;
    for (let i = 0; i < ${lines}; i += 100) {
      const began = performance.now();
      for (let j = i; j < i + 100; j++) log.info({ n: j, pad: "x".repeat(150) }, "answered");
      await new Promise(setImmediate);
      worst = Math.max(worst, performance.now() - began);
    }
    console.log(JSON.stringify({ worst }));
    process.stdin.once("data", async (ms) => { await written(Number(ms)); log.info("once more"); ${atEnd} process.exit(7); });`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", stderr] });
}

async function toldBy(child: ChildProcess): Promise<{ worst: number }> {
  const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line");
  return JSON.parse(line);
}
const parsed = (lines: string) =>
  lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a server whose log nobody takes goes on, and says later how many lines were left out", async () => {
  const child = logging(20_000, "pipe");
  // Nothing of the pipe is read until the process has written all: with a write that waits it would never come so far.
  const { worst } = await toldBy(child);
  expect(worst).toBeLessThan(5_000);
  const reading = text(child.stderr as NodeJS.ReadableStream);
  child.stdin?.write("20000");
  const lines = parsed(await reading);
  const numbered = lines.filter(({ n }) => n !== undefined);
  const leftOut = lines.filter(({ left_out }) => left_out > 0).reduce((sum, { left_out }) => sum + left_out, 0);
  expect(numbered.length).toBeLessThan(20_000);
  expect(numbered.length + leftOut).toBe(20_000);
  expect(lines.at(-1).msg).toBe("once more");
});

test("a process whose log nobody takes can end", async () => {
  const child = logging(20_000, "pipe");
  await toldBy(child);
  child.stdin?.write("500");
  const [code] = await once(child, "exit");
  expect(code).toBe(7);
});

test("a log in a file has every line, in order, also when the process ends in the same breath", async () => {
  const dir = mkdtempSync(join(tmpdir(), "earshot-log-"));
  const path = join(dir, "log");
  const child = logging(2_000, openSync(path, "w"), `for (let n = 2_000; n < 2_100; n++) log.info({ n }, "last words");`);
  await toldBy(child);
  child.stdin?.write("500");
  await once(child, "exit");
  const lines = parsed(readFileSync(path, "utf8"));
  expect(lines.flatMap(({ n }) => n ?? [])).toEqual(Array.from({ length: 2_100 }, (_, n) => n));
  rmSync(dir, { recursive: true });
});
