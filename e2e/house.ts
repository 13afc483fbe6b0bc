import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "..");

/** A running program of ours, known by its one line of readiness. */
export interface Program {
  readonly url: string;
  /** What the ready line said. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly process: ChildProcess;
  /** Everything it wrote to stderr so far. */
  log(): string;
  /** SIGTERM, then waits for the end; returns the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>;
}

/** Starts `node <file> ...args`, settles with its ready line; throws with its log when it ends before. */
export async function startProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Program> {
  const child = spawn(process.execPath, [join(root, file), ...args], { env, stdio: ["pipe", "pipe", "pipe"], cwd: root });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-200_000);
  });
  const ended = new Promise<number | null>((settle) => child.once("exit", (code) => settle(code)));
  const ready = await new Promise<Record<string, unknown>>((settle, fail) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{") && line.includes('"ready"')) settle(JSON.parse(line) as Record<string, unknown>);
    });
    void ended.then((code) => fail(new Error(`${file} ended with ${code} before it was ready:\n${log}`)));
  });
  return {
    url: String(ready.url),
    ready,
    process: child,
    log: () => log,
    stop: () => {
      child.kill("SIGTERM");
      return ended;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Of the ports the kernel never gives to a connection or to a listener on port 0 (Linux gives 32768 and up, macOS 49152 and up). */
const PORTS = { from: 12_000, count: 19_000 };
/** Ports of one of the test run's workers, of which each has a number while it lives. */
const PORTS_EACH = 2_000;
/**
 * Workers of one run have ports of their own: a port is asked for before a server listens on it, and again while it is killed and started. Two runs
 * on one machine begin elsewhere by their processes' numbers, and so do two files that a worker's number is given in turn.
 */
let nextPort =
  (process.ppid * 397 + Number(process.env.VITEST_POOL_ID ?? 0) * PORTS_EACH + ((process.pid * 40) % (PORTS_EACH - 100))) % PORTS.count;

/** A port nobody listens on, and that nobody but its asker is given. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS.count; tried++) {
    const port = PORTS.from + (nextPort++ % PORTS.count);
    if (await isFree(port)) return port;
  }
  throw new Error(`No port from ${PORTS.from} on is free.`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const probe = createServer().once("error", () => settle(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => settle(true)));
  });

export interface HouseWishes {
  /** How the phone network asks for instructions on inbound calls. */
  readonly answerMethod?: "GET" | "POST";
  /** More emulated people, as the phone network's --people file has them. */
  readonly people?: unknown;
  /** Folder of NAME.wav + NAME.txt that the emulated engine knows by sound. */
  readonly phrases?: string;
  readonly phoneArgs?: readonly string[];
  /** Starts an emulated OpenAI Realtime too, with these arguments, and configures it in this dialect. */
  readonly openai?: { readonly args?: readonly string[]; readonly dialect?: string; readonly model?: string };
  /** Starts an emulated listener for callers' feelings too. */
  readonly expression?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** The whole house: the server with a database of its own, the phone network and the engine, each a process. */
export interface House {
  readonly dir: string;
  readonly phone: Program;
  readonly evi: Program;
  readonly openai: Program | null;
  server: Program;
  readonly apiKey: string;
  /** Of the emulated engines. */
  readonly humeKey: string;
  readonly admin: { readonly email: string; readonly password: string };
  /** Calls the API with the key; throws on a status outside 2xx unless `status` is asked for. */
  api<T>(path: string, init?: RequestInit & { readonly expect?: number }): Promise<T>;
  startServer(): Promise<Program>;
  close(): Promise<void>;
}

/** The number our account owns on the emulated network. */
export const ourNumber = "+12025550100";

export async function openHouse(wishes: HouseWishes = {}): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), "earshot-e2e-"));
  chmodSync(dir, 0o755); // the account that runs Postgres must get in
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const publicKey = join(dir, "carrier-public.pem");
  const privateKey = join(dir, "carrier-private.pem");
  writeFileSync(publicKey, keys.publicKey);
  writeFileSync(privateKey, keys.privateKey, { mode: 0o600 });
  const secret = randomBytes(24).toString("hex");
  const applicationId = "5f0c7c0e-0000-4000-8000-00000000e2e0";
  const humeKey = randomBytes(16).toString("hex");
  const humeWebhookKey = randomBytes(16).toString("hex");
  mkdirSync(join(dir, "dump-phone"));
  mkdirSync(join(dir, "dump-evi"));
  const people = wishes.people === undefined ? [] : ["--people", join(dir, "people.json")];
  if (wishes.people !== undefined) writeFileSync(join(dir, "people.json"), JSON.stringify(wishes.people));

  const bare = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: "UTC" };
  const [phone, evi] = await Promise.all([
    startProgram(
      "emulators/vonage/main.ts",
      [
        ...[
          "--port",
          "0",
          "--application-id",
          applicationId,
          "--public-key",
          publicKey,
          "--signature-secret",
          secret,
          "--api-key",
          "e2ekey",
        ],
        ...["--answer-url", `${publicUrl}/webhooks/vonage/answer`, "--event-url", `${publicUrl}/webhooks/vonage/event`],
        ...["--fallback-url", `${publicUrl}/webhooks/vonage/fallback`, "--answer-method", wishes.answerMethod ?? "GET"],
        ...["--number", ourNumber, "--dump", join(dir, "dump-phone"), "--with-parent", ...people, ...(wishes.phoneArgs ?? [])],
      ],
      bare,
    ),
    startProgram(
      "emulators/evi/main.ts",
      [
        "--port",
        "0",
        "--api-key",
        humeKey,
        "--webhook-key",
        humeWebhookKey,
        "--dump",
        join(dir, "dump-evi"),
        "--with-parent",
        ...people,
        ...(wishes.phrases ? ["--phrases", wishes.phrases] : []),
      ],
      bare,
    ),
  ]);

  const openai =
    wishes.openai === undefined
      ? null
      : await startProgram(
          "emulators/openai/main.ts",
          [
            ...["--port", "0", "--api-key", humeKey, "--dump", join(dir, "dump-openai"), "--with-parent", ...people],
            ...(wishes.openai.args ?? []),
          ],
          bare,
        );

  const expression =
    wishes.expression === true ? await startProgram("emulators/expression/main.ts", ["--api-key", humeKey, "--with-parent"], bare) : null;

  const apiKey = `e2e-${randomBytes(24).toString("hex")}`;
  const admin = { email: "admin@example.com", password: randomBytes(12).toString("hex") };
  const env = {
    ...bare,
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    DATA_DIR: join(dir, "data"),
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKey,
    VONAGE_SIGNATURE_SECRET: secret,
    VONAGE_API_KEY: "e2ekey",
    VONAGE_NUMBER: ourNumber,
    VONAGE_API_URL: phone.url,
    HUME_API_KEY: humeKey,
    HUME_WEBHOOK_SECRET: humeWebhookKey,
    EVI_URL: `${evi.url.replace(/^http/, "ws")}/v0/evi/chat`,
    ...(openai !== null && {
      OPENAI_API_KEY: humeKey,
      OPENAI_REALTIME_URL: `${openai.url.replace(/^http/, "ws")}/v1/realtime`,
      ...(wishes.openai?.dialect !== undefined && { OPENAI_REALTIME_DIALECT: wishes.openai.dialect }),
      ...(wishes.openai?.model !== undefined && { OPENAI_REALTIME_MODEL: wishes.openai.model }),
    }),
    ...(expression !== null && {
      HUME_EXPRESSION_API_KEY: humeKey,
      HUME_EXPRESSION_URL: `${expression.url.replace(/^http/, "ws")}/v1/expression/audio/realtime`,
    }),
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    API_KEY: apiKey,
    EARSHOT_EMULATED: "1",
    DRAIN_SECONDS: "0",
    EARSHOT_READY_LINE: "1",
    ...wishes.env,
  };
  const startServer = () => startProgram("server/src/main.ts", ["--with-parent"], env);

  const house: House = {
    dir,
    phone,
    evi,
    openai,
    apiKey,
    humeKey,
    admin,
    server: await startServer(),
    async api<T>(path: string, init: RequestInit & { readonly expect?: number } = {}) {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${apiKey}`);
      if (init.body !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
      const answer = await fetch(new URL(path, publicUrl), { ...init, headers });
      const text = await answer.text();
      if (init.expect === undefined ? !answer.ok : answer.status !== init.expect)
        throw new Error(`${init.method ?? "GET"} ${path}: ${answer.status} ${text}`);
      return (text === "" ? undefined : JSON.parse(text)) as T;
    },
    async startServer() {
      house.server = await startServer();
      return house.server;
    },
    async close() {
      await house.server.stop();
      await Promise.all([phone.stop(), evi.stop(), openai?.stop(), expression?.stop()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return house;
}

/** Asks again until `fact` gives something, within `withinMs`; throws with what `otherwise` tells. Waits for a fact, never for a time. */
export async function until<T>(
  what: string,
  fact: () => Promise<T | undefined | null | false>,
  withinMs = 90_000,
  otherwise?: () => Promise<unknown>,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const seen = await fact();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}. ${JSON.stringify(await otherwise?.()) ?? ""}`);
    await new Promise((settle) => setTimeout(settle, 100));
  }
}
