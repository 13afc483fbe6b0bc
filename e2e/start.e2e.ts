import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
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
  launcher = run({}, args, (text) => {
    shown += text;
  });
  return launcher;
}

/** The launcher on our DATA_DIR and port, unless `more` says another. */
function run(more: Record<string, string>, args: readonly string[], show: (text: string) => void): ChildProcess {
  const env = { PATH: process.env.PATH, HOME: folder, DATA_DIR: join(folder, "data"), PORT: String(port), ...more };
  const child = spawn(process.execPath, [join(import.meta.dirname, "../scripts/run.ts"), ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", show);
  return child;
}

/** A start that is refused: how it ended, and what it said. */
async function refused(more: Record<string, string>): Promise<{ code: number | null; said: string }> {
  let said = "";
  const child = run(more, ["--no-demo"], (text) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

/** `npx earshot doctor` beside the launcher, told only where the data is. */
async function doctor(...args: string[]): Promise<{ code: number | null; said: string }> {
  const env = { PATH: process.env.PATH, DATA_DIR: join(folder, "data") };
  const child = spawn(process.execPath, [join(import.meta.dirname, "../scripts/earshot.mjs"), "doctor", ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

/** Arguments of every process whose parent is `parent`, by process. */
function childrenOf(parent: number | undefined): Map<number, string> {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(
    numbers.flatMap((pid) => {
      try {
        const isChild = readFileSync(`/proc/${pid}/status`, "utf8").includes(`\nPPid:\t${parent}\n`);
        return isChild ? [[Number(pid), readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")] as const] : [];
      } catch {
        return []; // it just ended
      }
    }),
  );
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
    expect(shown.match(/^ +\+120255501\d\d /gm)).toHaveLength(6);
    expect(shown).toMatch(/\d+ more are listed in emulators\/vonage\/README\.md/);
    const [, phone] = /(http:\S+)\/phone /.exec(shown) ?? [];
    for (const shownPage of [`${phone}/`, `${phone}/phone`])
      expect((await fetch(shownPage)).headers.get("content-type")).toContain("text/html");
    expect(shown).toMatch(/Engine +the emulated one/);
    const facts = shown.split("\n").flatMap((line) => /^ +\d+:\d\d\.\d +(\w+)/.exec(line)?.[1] ?? []);
    expect(facts.filter((fact) => fact !== "agent" && fact !== "caller")).toEqual(["dialing", "ringing", "answered", "ended", "recording"]);
    expect(facts.filter((fact) => fact === "caller").length).toBeGreaterThanOrEqual(2);
    expect(facts.filter((fact) => fact === "agent").length).toBeGreaterThanOrEqual(2);
    expect(shown).toMatch(/caller .* [a-z ]+ 0\.\d\d/);
    expect(shown).toMatch(/recording +stored: \d+\.\d s, \d+ kB/);
    expect((await fetch(page as string)).headers.get("content-type")).toContain("text/html");

    // Beside it the doctor finds the emulated line, and everything of it in order.
    const line = ["key", "clock", "public address", "audio address", "signatures", "application", "number"];
    const well = await doctor();
    expect(well.code, well.said).toBe(0);
    for (const one of ["configuration", "disk", "recordings", "database", ...line])
      expect(well.said).toMatch(new RegExp(`^ok +${one}`, "m"));

    // Somebody changed the application at the carrier; the doctor sees it, and sets it right when asked.
    const { apiKey, apiSecret, applicationId } = JSON.parse(readFileSync(join(folder, "data/emulators/secrets.json"), "utf8"));
    const voice = { signed_callbacks: false, webhooks: { answer_url: { address: "https://old.example.com/answer", http_method: "GET" } } };
    const changed = await fetch(`${phone}/v2/applications/${applicationId}`, {
      method: "PUT",
      headers: {
        authorization: `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString("base64")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ name: "Earshot", capabilities: { voice } }),
    });
    expect(changed.status, await changed.text()).toBe(200);
    const ill = await doctor();
    expect(ill.code).toBe(1);
    expect(ill.said).toMatch(
      /^BAD +application +In the application the answer URL is https:\/\/old\.example\.com\/answer.* webhooks are not signed/m,
    );
    const cured = await doctor("--set-webhooks");
    expect(cured.code, cured.said).toBe(0);
    expect(cured.said).toMatch(/^ok +set webhooks[\s\S]*^ok +application/m);
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
    expect(Number(seconds)).toBeLessThan(15); // alone on a machine 1.5 s; the first time it is a minute
    await seen(/Ctrl-C/, 10_000);
    expect(shown).not.toContain("dialing");
  });

  test.runIf(process.platform === "linux")(
    "refused on the same DATA_DIR names who is there, and changes nothing",
    { timeout: 120_000 },
    async () => {
      const process = start("--no-demo");
      await seen(/Earshot is ready/, 60_000);
      const kept = ["emulators/secrets.json", "logs/server.log", "logs/phone-network.log", "postgres/data/postmaster.pid"];
      const before = kept.map((path) => readFileSync(join(folder, "data", path), "utf8"));
      const [server] = [...childrenOf(process.pid)].find(([, args]) => args.includes("server/src/main.ts")) ?? [];
      for (const more of [{}, { PORT: String(await freePort()) }]) {
        const { code, said } = await refused(more);
        expect(code).toBe(1);
        expect(said).toContain(`Another Earshot (process ${server}) is running on the database in`);
      }
      expect(kept.map((path) => readFileSync(join(folder, "data", path), "utf8"))).toEqual(before);
      expect(await answers()).toBe(true);
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    },
  );

  test.runIf(process.platform === "linux")(
    "survives the end of an emulator and says so; no secret is among the arguments of any process",
    { timeout: 60_000 },
    async () => {
      const process = start("--no-demo");
      await seen(/Earshot is ready/, 60_000);
      const children = childrenOf(process.pid);
      const secrets = JSON.parse(readFileSync(join(folder, "data/emulators/secrets.json"), "utf8")) as Record<string, string>;
      for (const secret of [secrets.signatureSecret, secrets.apiSecret, secrets.humeKey])
        expect([...children.values()].join("\n")).not.toContain(secret);
      const [network] = [...children].find(([, args]) => args.includes("emulators/vonage/main.ts")) ?? [];
      globalThis.process.kill(network as number, "SIGKILL");
      await seen(/The emulated phone network ended by itself \(SIGKILL\)\. Earshot stays up/, 30_000);
      expect(await answers()).toBe(true);
      process.kill("SIGTERM");
      expect((await once(process, "exit"))[0]).toBe(0);
    },
  );

  test.runIf(process.platform === "linux")(
    "on a port that is taken starts nothing and says by whom it is",
    { timeout: 60_000 },
    async () => {
      const other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      const taken = String((other.address() as AddressInfo).port);
      const { code, said } = await refused({ PORT: taken, DATA_DIR: join(folder, "elsewhere") });
      expect(code).toBe(1);
      expect(said).toContain(`PORT ${taken} is taken by another program (process ${process.pid})`);
      expect(readdirSync(folder)).not.toContain("elsewhere");
      other.close();
    },
  );

  test("killed with kill -9 takes its programs with it", { timeout: 60_000 }, async () => {
    const process = start("--no-demo");
    await seen(/Earshot is ready/, 60_000);
    process.kill("SIGKILL");
    await until("the server is gone", async () => !(await answers()), 30_000);
    await until("the database is gone", async () => !databaseIsUp(), 30_000);
  });

  test("right after a kill -9 waits for what is still ending", { timeout: 90_000 }, async () => {
    const process = start("--no-demo");
    await seen(/Earshot is ready/, 60_000);
    process.kill("SIGKILL");
    await once(process, "exit");
    start("--no-demo");
    await seen(/Earshot is ready/, 60_000);
    expect(await answers()).toBe(true);
  });

  test("says at the start when recordings cannot be kept where they are to be", { timeout: 120_000 }, async () => {
    writeFileSync(join(folder, "a-file"), "");
    shown = "";
    launcher = run({ STORAGE_URL: `file:${folder}/a-file` }, ["--no-demo"], (text) => {
      shown += text;
    });
    await seen(/server: recordings cannot be kept in directory .*a-file now; calls go on/, 60_000);
    await seen(/Earshot is ready/, 60_000);
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
