import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort, until } from "./house.ts";

/** What `npm start` does once the machine is ready: scripts/run.ts, in an empty DATA_DIR. */

let folder: string;
let port: number;
let launcher: ChildProcess | null = null;
let shown = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "earshot-start-"));
  chmodSync(folder, 0o755); // as root, Postgres runs as another account
  port = await freePort();
});

afterEach(async () => {
  if (launcher !== null && launcher.exitCode === null && launcher.signalCode === null) {
    launcher.kill("SIGTERM");
    await once(launcher, "exit");
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]): ChildProcess {
  shown = "";
  const env = { PATH: process.env.PATH, HOME: folder, DATA_DIR: join(folder, "data"), PORT: String(port) };
  launcher = spawn(process.execPath, [join(import.meta.dirname, "../scripts/run.ts"), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [launcher.stdout, launcher.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
    });
  }
  return launcher;
}

const seen = (what: RegExp, withinMs: number): Promise<RegExpExecArray> =>
  until(`the terminal shows ${what}`, async () => what.exec(shown), withinMs).catch((error: Error) => {
    throw new Error(`${error.message}; it shows:\n${shown}`);
  });

const answers = (): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/healthz`).then(
    (answer) => answer.ok,
    () => false,
  );

describe("npm start", () => {
  test("in an empty folder makes everything, and shows a whole first call with its recording", { timeout: 180_000 }, async () => {
    start();
    const [, page] = await seen(/Hear it, read it: +(\S+)/, 150_000);
    expect(shown).toContain(`http://localhost:${port}`);
    expect(shown).toMatch(/\+12025550101 .*polite/i);
    const facts = shown.split("\n").flatMap((line) => /^ +\d+:\d\d\.\d +(\w+)/.exec(line)?.[1] ?? []);
    expect(facts.filter((fact) => fact !== "agent" && fact !== "caller")).toEqual(["dialing", "ringing", "answered", "ended", "recording"]);
    expect(facts.filter((fact) => fact === "caller").length).toBeGreaterThanOrEqual(2);
    expect(facts.filter((fact) => fact === "agent").length).toBeGreaterThanOrEqual(2);
    expect(shown).toMatch(/caller .* [a-z ]+ 0\.\d\d/);
    expect(shown).toMatch(/recording +stored: \d+\.\d s, \d+ kB/);
    expect((await fetch(page as string)).headers.get("content-type")).toContain("text/html");
  });

  test("stops everything on one signal, database included", { timeout: 60_000 }, async () => {
    const process = start("--no-demo");
    await seen(/Earshot is ready/, 60_000);
    process.kill("SIGTERM");
    expect((await once(process, "exit"))[0]).toBe(0);
    expect(await answers()).toBe(false);
    expect(databaseIsUp()).toBe(false);
  });

  test("is ready within moments the second time, and calls nobody again", { timeout: 60_000 }, async () => {
    start();
    const [, seconds] = await seen(/Earshot is ready after (\d+\.\d) s/, 60_000);
    expect(Number(seconds)).toBeLessThan(5); // alone on a machine 1.5 s
    await seen(/Ctrl-C/, 1_000);
    expect(shown).not.toContain("dialing");
  });

  test("killed with kill -9 takes its programs with it", { timeout: 60_000 }, async () => {
    const process = start("--no-demo");
    await seen(/Earshot is ready/, 60_000);
    process.kill("SIGKILL");
    await until("the server is gone", async () => !(await answers()), 30_000);
    await until("the database is gone", async () => !databaseIsUp(), 30_000);
  });

  test("tells every mistake in the configuration before anything is started", { timeout: 60_000 }, async () => {
    launcher = spawn(globalThis.process.execPath, [join(import.meta.dirname, "../scripts/run.ts")], {
      env: { PATH: process.env.PATH, DATA_DIR: join(folder, "data"), PORT: "many", VONAGE_NUMBER: "12025550100" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    shown = "";
    launcher.stderr?.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
    });
    expect((await once(launcher, "exit"))[0]).toBe(1);
    expect(shown).toMatch(/PORT is not a port/);
    expect(shown).toMatch(/VONAGE_PRIVATE_KEY is missing/);
  });
});

function databaseIsUp(): boolean {
  try {
    readFileSync(join(folder, "data/postgres/data/postmaster.pid"));
    return true;
  } catch {
    return false;
  }
}
