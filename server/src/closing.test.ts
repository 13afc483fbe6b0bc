import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterEach, expect, test } from "vitest";

const module = join(import.meta.dirname, "closing.ts");
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

/** A process that builds parts and says what happens, a line each. `start` is what it does between two of them, `drain` what before it closes. */
function house(start: string, drain = "async () => {}", withinMs = 20_000) {
  const program = `
    const { openClosing } = await import(${JSON.stringify(module)});
    const say = (text) => console.log(text);
    const closing = openClosing({ parent: true, withinMs: ${withinMs} });
    closing.tellTo({ info: (_, text) => say(text), error: (_, text) => say(text) }, async () => say("log written"));
    const until = (signal) => new Promise((resolve) => signal.aborted ? resolve() : signal.addEventListener("abort", resolve));
    const never = new Promise(() => setInterval(() => {}, 1000));
    try {
      closing.part("first", () => say("first closed"));
      ${start}
      closing.part("second", () => say("second closed"));
      say("built all");
      closing.serves(${drain});
      say("serves");
      await never;
    } catch (error) {
      await closing.failed("failed: " + error.message, 78);
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  running.push(child);
  const lines: string[] = [];
  const out: Interface = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  out.on("line", (line) => lines.push(line));
  return {
    child,
    lines,
    async says(text: string) {
      while (!lines.includes(text)) await once(out, "line");
    },
    over: once(child, "close").then(([code]) => code as number),
  };
}

test("parts are closed newest first, once the calls are over", async () => {
  const { child, lines, says, over } = house("", `async () => say("drained")`);
  await says("serves");
  child.kill("SIGTERM");
  expect(await over).toBe(0);
  expect(lines.slice(2)).toEqual(["stopping", "drained", "second closed", "first closed", "log written"]);
});

test("a second signal does not wait for the calls", async () => {
  const { child, says, over } = house("", "(enough) => until(enough)");
  await says("serves");
  child.kill("SIGTERM");
  await says("stopping");
  child.kill("SIGTERM");
  expect(await over).toBe(0);
});

test("a signal in the middle of a start closes what is built by then, and nothing more is built", async () => {
  const { child, lines, says, over } = house(`say("starting"); await until(closing.stopping);`);
  await says("starting");
  child.kill("SIGTERM");
  expect(await over).toBe(0);
  expect(lines).toEqual(["starting", "stopping", "second closed", "first closed", "log written"]);
});

test("a start that waits for something that never comes ends in time all the same", async () => {
  const { child, lines, says, over } = house(`say("starting"); await never;`, undefined, 200);
  await says("starting");
  child.kill("SIGTERM");
  expect(await over).toBe(1);
  expect(lines.at(-1)).toBe("the process did not close in time; the rest is left to the next start");
});

test("a part that never closes keeps no other from closing", async () => {
  const { child, lines, says, over } = house(`closing.part("stuck", () => never, 100);`);
  await says("serves");
  child.kill("SIGTERM");
  expect(await over).toBe(1);
  expect(lines.slice(-4)).toEqual([
    "second closed",
    "a part did not close in time; what it had left is done at the next start",
    "first closed",
    "log written",
  ]);
});

test("parts that all never close end the process in time", async () => {
  const { child, says, over } = house(`closing.part("stuck", () => never);`, undefined, 200);
  await says("serves");
  child.kill("SIGTERM");
  expect(await over).toBe(1);
});

test("a start that fails closes what it built, and says why", async () => {
  const { lines, over } = house(`throw new Error("no such thing");`);
  expect(await over).toBe(78);
  expect(lines).toEqual(["first closed", "log written"]);
});

test("without a parent nobody is left to wait for", async () => {
  const { child, says, over } = house("", "(enough) => until(enough)");
  await says("serves");
  child.stdin?.end();
  expect(await over).toBe(0);
});
