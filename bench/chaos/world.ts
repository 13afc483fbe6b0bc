import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { startEmbedded } from "../../server/src/db/embedded.ts";
import { migrate } from "../../server/src/db/migrate.ts";
import { openPool } from "../../server/src/db/pool.ts";
import { heapFlags } from "../../server/src/heap-flags.ts";
import { type Front, openFront } from "./front.ts";
import { callee, people } from "./people.ts";
import { type Program, startProgram } from "./program.ts";

/** The outside world, a database, and one or several server processes behind one address, each to be killed by itself. */
export interface World {
  readonly dir: string;
  readonly pool: pg.Pool;
  readonly servers: readonly Server[];
  readonly phoneUrl: string;
  readonly eviUrl: string;
  /** Asks the server through the front; throws on anything but 2xx. */
  api<T>(path: string, init?: RequestInit): Promise<T>;
  /** SIGKILL to its postmaster; a supervisor of ours starts it again. */
  killPostgres(): void;
  /** Resolves when a new connection to the database works. */
  untilDatabase(): Promise<void>;
  restartEvi(): Promise<void>;
  /** SIGKILL to the phone network, with every call it has; another, without memory, takes its place. */
  restartPhone(): Promise<void>;
  close(keep: boolean): Promise<void>;
}

export interface Server {
  readonly name: string;
  /** Null while it is being started. */
  running(): Program | null;
  start(): Promise<Program>;
}

export const dumps = { phone: "dump-phone", evi: "dump-evi" } as const;

export async function openWorld(wish: { readonly servers: number; readonly log: (text: string) => void }): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), "earshot-chaos-"));
  chmodSync(dir, 0o755); // the account that runs Postgres must get in
  for (const folder of ["logs", "data", dumps.phone, dumps.evi]) mkdirSync(join(dir, folder), { mode: 0o755 });
  const frontPort = await freePort();
  const publicUrl = `http://127.0.0.1:${frontPort}`;
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const [publicKey, privateKey] = [file("public.pem", keys.publicKey), file("private.pem", keys.privateKey)];
  const secret = randomBytes(24).toString("hex");
  const applicationId = "5f0c7c0e-0000-4000-8000-00000000e2e1";
  const humeKey = randomBytes(16).toString("hex");
  const apiKey = randomBytes(24).toString("hex");
  const peopleFile = file("people.json", JSON.stringify(people));
  const bare = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: "UTC" };

  const database = await startEmbedded({
    dataDir: join(dir, "data"),
    log: { info: () => {}, warn: wish.log, error: wish.log },
    settings: { max_connections: "200" },
  });
  const pool = openPool(database.url, 5);
  await migrate(pool);
  // The chaos is to be ours: neither our limits nor the carrier's shall hold calls back.
  await pool.query(`insert into settings (name, value) values ('call_limits', '{"max_concurrent": 5000, "max_per_day": 100000}')`);
  await pool.query(
    "insert into carrier_rates (name, most, window_ms) values ('vonage create', 500, 1000), ('vonage connect', 500, 1000), ('vonage other', 500, 1000)",
  );

  const phonePort = await freePort();
  const phoneUrl = `http://127.0.0.1:${phonePort}`;
  const startPhone = () =>
    startProgram(
      "emulators/vonage/main.ts",
      [
        ...[
          "--port",
          String(phonePort),
          "--application-id",
          applicationId,
          "--public-key",
          publicKey,
          "--signature-secret",
          secret,
          "--api-key",
          "chaos",
        ],
        ...["--answer-url", `${publicUrl}/webhooks/vonage/answer`, "--event-url", `${publicUrl}/webhooks/vonage/event`],
        ...["--fallback-url", `${publicUrl}/webhooks/vonage/fallback`, "--number", callee.ours, "--people", peopleFile],
        ...["--calls-per-second", "0", "--requests-per-second", "0", "--dump", join(dir, dumps.phone)],
      ],
      bare,
      join(dir, "logs/phone.log"),
    );
  let phone = await startPhone();
  const eviPort = await freePort();
  const startEvi = () =>
    startProgram(
      "emulators/evi/main.ts",
      ["--port", String(eviPort), "--api-key", humeKey, "--people", peopleFile, "--dump", join(dir, dumps.evi)],
      bare,
      join(dir, "logs/evi.log"),
    );
  let evi = await startEvi();

  const ports = await Promise.all(Array.from({ length: wish.servers }, freePort));
  const servers = ports.map((port, index): Server => {
    let program: Program | null = null;
    const env = {
      ...bare,
      PORT: String(port),
      PUBLIC_URL: publicUrl,
      DATABASE_URL: database.url,
      DATA_DIR: join(dir, "data"),
      VONAGE_APPLICATION_ID: applicationId,
      VONAGE_PRIVATE_KEY: privateKey,
      VONAGE_SIGNATURE_SECRET: secret,
      VONAGE_API_KEY: "chaos",
      VONAGE_NUMBER: callee.ours,
      VONAGE_API_URL: phoneUrl,
      HUME_API_KEY: humeKey,
      EVI_URL: `ws://127.0.0.1:${eviPort}/v0/evi/chat`,
      API_KEY: apiKey,
      EARSHOT_EMULATED: "1",
      EARSHOT_READY_LINE: "1",
      NODE_COMPILE_CACHE: join(import.meta.dirname, "../../.cache/compile"),
    };
    return {
      name: `server ${index + 1}`,
      running: () => (program?.isOver() ? null : program),
      async start() {
        program = null;
        // As a supervisor does: one that ends at its start (its database was killed under it) is started again.
        for (let tries = 1; program === null; tries++) {
          program = await startProgram("server/src/main.ts", [], env, join(dir, `logs/server-${index + 1}.log`), heapFlags).catch(
            (error: unknown) => {
              if (tries === 5) throw error;
              wish.log(`server ${index + 1} ended at its start, and is started again`);
              return null;
            },
          );
        }
        return program;
      },
    };
  });
  const front: Front = await openFront(frontPort, ports);
  for (const server of servers) await server.start();

  return {
    dir,
    pool,
    servers,
    phoneUrl,
    eviUrl: `http://127.0.0.1:${eviPort}`,
    async api<T>(path: string, init: RequestInit = {}) {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${apiKey}`);
      if (init.body !== undefined) headers.set("content-type", "application/json");
      const answer = await fetch(new URL(path, publicUrl), { ...init, headers, signal: AbortSignal.timeout(20_000) });
      if (!answer.ok) throw new Error(`${init.method ?? "GET"} ${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
    killPostgres() {
      const pid = Number(readFileSync(join(dir, "data/postgres/data/postmaster.pid"), "utf8").split("\n")[0]);
      process.kill(pid, "SIGKILL");
    },
    async untilDatabase() {
      for (;;) {
        const client = new pg.Client({ connectionString: database.url });
        client.on("error", () => {});
        const works = await client.connect().then(
          () =>
            client.query("select 1").then(
              () => true,
              () => false,
            ),
          () => false,
        );
        await client.end().catch(() => {});
        if (works) return;
        await sleep(20);
      }
    },
    async restartEvi() {
      await evi.kill();
      evi = await startEvi();
    },
    async restartPhone() {
      await phone.kill();
      phone = await startPhone();
    },
    async close(keep) {
      await Promise.all(servers.map((server) => server.running()?.stop()));
      await front.close();
      await Promise.all([phone.stop(), evi.stop(2_000)]);
      await pool.end();
      await database.stop();
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
}

const freePort = (): Promise<number> =>
  new Promise((settle, fail) => {
    const probe = createServer().once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
