import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort, until } from "./house.ts";
import { kept, type Launcher, launch, openPlace, outcome, type Place } from "./launcher.ts";

/** `npm start` where it was started before, each time without a call: how it starts, is refused, and ends. The first start is first-start.e2e.ts. */

let place: Place;

beforeAll(async () => {
  place = await openPlace();
  const first = launch(place, ["--no-demo"]);
  await first.sees(/Earshot is ready/).finally(() => first.stop());
});
afterAll(() => rmSync(place.folder, { recursive: true, force: true }));

/** In our place; stopped at the end of the test, should it run still. */
function start(args: readonly string[] = ["--no-demo"], env: Readonly<Record<string, string>> = {}): Launcher {
  const launcher = launch(place, args, env);
  onTestFinished(() => launcher.stop());
  return launcher;
}

async function started(): Promise<Launcher> {
  const launcher = start();
  await launcher.sees(/Earshot is ready/);
  return launcher;
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

const answers = (): Promise<boolean> =>
  fetch(`http://127.0.0.1:${place.port}/healthz`).then(
    (answer) => answer.ok,
    () => false,
  );

const databaseIsUp = (): boolean => existsSync(join(place.folder, "data/postgres/data/postmaster.pid"));

describe("npm start", () => {
  test("stops everything on one signal, database included", async () => {
    const launcher = await started();
    await launcher.stop();
    expect(await launcher.ended).toBe(0);
    expect(await answers()).toBe(false);
    expect(databaseIsUp()).toBe(false);
  });

  test("is ready within moments the second time", async () => {
    const [, seconds] = await start().sees(/Earshot is ready after (\d+\.\d) s/);
    expect(Number(seconds)).toBeLessThan(15); // alone on a machine 1.5 s; the first time it is a minute
  });

  test.runIf(process.platform === "linux")("refused on the same DATA_DIR names who is there, and changes nothing", async () => {
    const launcher = await started();
    const files = ["emulators/secrets.json", "postgres/data/postmaster.pid"];
    const logs = ["logs/server.log", "logs/phone-network.log"];
    const [before, logged] = [files, logs].map((paths) => paths.map((path) => kept(place, path))) as [string[], string[]];
    const [server] = [...childrenOf(launcher.process.pid)].find(([, args]) => args.includes("server/src/main.ts")) ?? [];
    const elsewhere = { PORT: String(await freePort()) };
    for (const { code, said } of await Promise.all([{}, elsewhere].map((env) => outcome(start(["--no-demo"], env))))) {
      expect(code).toBe(1);
      expect(said).toContain(`Another Earshot (process ${server}) is running on the database in`);
    }
    expect(files.map((path) => kept(place, path))).toEqual(before);
    // Who runs may have gone on logging; nobody else has.
    for (const [at, path] of logs.entries()) {
      const now = kept(place, path);
      expect(now.startsWith(logged[at] as string), path).toBe(true);
      expect(now.slice(logged[at]?.length)).not.toMatch(/Earshot serves|database/);
    }
    expect(await answers()).toBe(true);
    expect((await fetch(`http://127.0.0.1:${place.port}/readyz`)).status).toBe(200);
  });

  test.runIf(process.platform === "linux")(
    "survives the end of an emulator and says so; no secret is among the arguments of any process",
    async () => {
      const launcher = await started();
      const children = childrenOf(launcher.process.pid);
      const secrets = JSON.parse(kept(place, "emulators/secrets.json")) as Record<string, string>;
      for (const secret of [secrets.signatureSecret, secrets.apiSecret, secrets.humeKey])
        expect([...children.values()].join("\n")).not.toContain(secret);
      const [network] = [...children].find(([, args]) => args.includes("emulators/vonage/main.ts")) ?? [];
      process.kill(network as number, "SIGKILL");
      await launcher.sees(/The emulated phone network ended by itself \(SIGKILL\)\. Earshot stays up/);
      expect(await answers()).toBe(true);
      await launcher.stop();
      expect(await launcher.ended).toBe(0);
    },
  );

  test("killed with kill -9 takes its programs with it", async () => {
    const launcher = await started();
    launcher.process.kill("SIGKILL");
    await until("the server is gone", async () => !(await answers()));
    await until("the database is gone", async () => !databaseIsUp());
  });

  test("right after a kill -9 waits for what is still ending", async () => {
    const launcher = await started();
    launcher.process.kill("SIGKILL");
    await launcher.ended;
    await started();
    expect(await answers()).toBe(true);
  });

  test("says at the start when recordings cannot be kept where they are to be", async () => {
    writeFileSync(join(place.folder, "a-file"), "");
    const launcher = start(["--no-demo"], { STORAGE_URL: `file:${place.folder}/a-file` });
    await launcher.sees(/server: recordings cannot be kept in directory .*a-file now; calls go on/);
    await launcher.sees(/Earshot is ready/);
  });

  test("tells every mistake in the configuration before anything is started", async () => {
    const { code, said } = await outcome(start([], { PORT: "many", VONAGE_NUMBER: "12025550100" }));
    expect(code).toBe(1);
    expect(said).toMatch(/PORT is not a port/);
    expect(said).toMatch(/VONAGE_PRIVATE_KEY is missing/);
  });
});
