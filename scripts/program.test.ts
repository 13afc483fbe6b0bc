import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { inWords, root, startProgram } from "./program.ts";

afterEach(() => vi.restoreAllMocks());

test.each([
  ['{"level":40,"time":1,"msg":"waiting for it"}', 40, "waiting for it"],
  ['{"level":50,"time":1,"err":{"message":"no space"},"msg":"not kept"}', 50, "not kept: no space"],
  ['{"level":50,"err":{"message":"same"},"msg":"same"}', 50, "same"],
  ['{"level":30,"time":1}', 30, '{"level":30,"time":1}'],
  ['{"level":50,"msg":"cut o', 0, '{"level":50,"msg":"cut o'],
  ["plain words", 0, "plain words"],
])("a line of a log is read as a person reads it: %s", (line, level, text) => {
  expect(inWords(line)).toEqual({ level, text });
});

/** Starts a program that logs `lines`, tells that it is ready when `ready`, and ends; with what was shown meanwhile. */
async function shownBy(lines: readonly string[], ready: boolean): Promise<{ shown: string; failed: string }> {
  const folder = mkdtempSync(join(tmpdir(), "program-"));
  let shown = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    shown += text;
    return true;
  });
  try {
    const file = join(folder, "main.mjs");
    const [before, after] = ready ? [[], lines] : [lines, []];
    const say = (texts: readonly string[]): string =>
      texts.map((text) => `process.stderr.write(${JSON.stringify(`${text}\n`)});`).join("\n");
    // What it says once it is ready it says when it is told to end: only then has the ready line certainly been read.
    const rest = ready
      ? `process.on("SIGTERM", () => { ${say(after)} process.exit(0); }); process.stdin.resume(); process.stdout.write('{"ready":true}\\n');`
      : "";
    writeFileSync(file, `${say(before)}\n${rest}`);
    const logFile = join(folder, "log");
    const wish = { name: "server", file: relative(root, file), args: [], env: {}, logFile };
    const failed = await startProgram(wish).then(
      async (program) => {
        await program.stop(30_000);
        return "";
      },
      (error: Error) => error.message,
    );
    return { shown, failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const waits = '{"level":40,"time":1,"msg":"the database does not answer yet; waiting for it"}';

test("a start that takes long says what it waits for, and one that fails says so in words", async () => {
  const { shown, failed } = await shownBy([waits, "The database does not answer.", "Check DATABASE_URL."], false);
  expect(shown).toContain("server: the database does not answer yet; waiting for it\n");
  expect(failed).toContain("server ended (exit code 0) before it was ready");
  expect(failed).toMatch(/\nthe database does not answer yet; waiting for it\nThe database does not answer\.\nCheck DATABASE_URL\.$/);
});

test("once it serves only errors are shown; the rest is in its log", async () => {
  const { shown } = await shownBy([waits, '{"level":50,"time":1,"msg":"not kept"}'], true);
  expect(shown).toBe("server: not kept\n");
});
