import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../server/src/config.ts";
import { whyNotListen } from "./port.ts";
import { type Program, startProgram } from "./program.ts";

/** Our number on the emulated network. */
const OUR_NUMBER = "+12025550100";

/** What stands in for the vendors' secrets. Made once and kept, so that yesterday's recordings can still be fetched. */
interface Secrets {
  readonly applicationId: string;
  readonly signatureSecret: string;
  readonly apiKey: string;
  /** With it the doctor sees the application and the number, as with a real account's. */
  readonly apiSecret: string;
  readonly humeKey: string;
  carrierPort: number;
  enginePort: number;
}

export interface EmulatedWorld {
  /** In the order they were started. Their secrets go by environment: everybody on the machine sees arguments. */
  readonly programs: readonly Program[];
  /** What the server has to be told to live in this world. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the emulated phone network is, or null when the carrier is a real one. */
  readonly carrierUrl: string | null;
  /**
   * Writes down where it listens, so that it is found there next time, and what the server was told, so that `npx earshot doctor` finds the same
   * line beside it. For when the server serves: a refused start changes nothing.
   */
  remember(): void;
}

/**
 * Starts what is not configured: the phone network when there is no Vonage, the engine when there is none. They ask the server for
 * instructions at `publicUrl`, the server's.
 */
export async function startEmulatedWorld(
  config: Config,
  publicUrl: string,
  env: NodeJS.ProcessEnv,
  logFile: (name: string) => string | null,
): Promise<EmulatedWorld> {
  const folder = join(config.dataDir, "emulators");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { secrets, privateKeyFile, publicKeyFile } = readSecrets(folder);
  const humeWebhookKey = randomBytes(24).toString("hex");
  const wantsCarrier = config.vonage === null;
  const wantsEngine = Object.keys(config.engines).length === 0;

  const [carrier, engine] = await Promise.all([
    wantsCarrier &&
      startProgram({
        name: "emulated phone network",
        file: "emulators/vonage/main.ts",
        args: [
          ...["--port", String(await freeOr(secrets.carrierPort)), "--number", OUR_NUMBER],
          ...["--application-id", secrets.applicationId, "--public-key", publicKeyFile],
          ...["--answer-url", `${publicUrl}/webhooks/vonage/answer`, "--event-url", `${publicUrl}/webhooks/vonage/event`],
          ...["--fallback-url", `${publicUrl}/webhooks/vonage/fallback`],
        ],
        env: {
          ...env,
          EARSHOT_PHONE_SIGNATURE_SECRET: secrets.signatureSecret,
          EARSHOT_PHONE_API_KEY: secrets.apiKey,
          EARSHOT_PHONE_API_SECRET: secrets.apiSecret,
        },
        logFile: logFile("phone-network"),
      }),
    wantsEngine &&
      startProgram({
        name: "emulated speech engine",
        file: "emulators/evi/main.ts",
        args: ["--port", String(await freeOr(secrets.enginePort))],
        env: { ...env, EARSHOT_ENGINE_API_KEY: secrets.humeKey, EARSHOT_ENGINE_WEBHOOK_KEY: humeWebhookKey },
        logFile: logFile("speech-engine"),
      }),
  ]);

  const told: Record<string, string> = {};
  if (carrier) {
    secrets.carrierPort = Number(new URL(String(carrier.ready.url)).port);
    Object.assign(told, {
      EARSHOT_EMULATED: "1",
      VONAGE_API_URL: String(carrier.ready.url),
      VONAGE_APPLICATION_ID: secrets.applicationId,
      VONAGE_PRIVATE_KEY: privateKeyFile,
      VONAGE_SIGNATURE_SECRET: secrets.signatureSecret,
      VONAGE_API_KEY: secrets.apiKey,
      VONAGE_API_SECRET: secrets.apiSecret,
      VONAGE_NUMBER: OUR_NUMBER,
    });
  }
  if (engine) {
    const url = new URL("/v0/evi/chat", String(engine.ready.url));
    secrets.enginePort = Number(url.port);
    url.protocol = "ws:";
    Object.assign(told, { HUME_API_KEY: secrets.humeKey, EVI_URL: url.href, HUME_WEBHOOK_SECRET: humeWebhookKey });
  }
  return {
    programs: [carrier, engine].filter((program) => program !== false),
    env: told,
    carrierUrl: carrier ? String(carrier.ready.url) : null,
    remember: () => {
      writeSecrets(folder, secrets);
      // config.ts and cli/doctor.ts read these names.
      writePrivate(join(folder, "line.json"), carrier ? { ...told, PUBLIC_URL: publicUrl } : {});
    },
  };
}

function readSecrets(folder: string): { secrets: Secrets; privateKeyFile: string; publicKeyFile: string } {
  const privateKeyFile = join(folder, "carrier-private.pem");
  const publicKeyFile = join(folder, "carrier-public.pem");
  const secretsFile = join(folder, "secrets.json");
  if (!existsSync(secretsFile)) {
    const pair = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    writeFileSync(privateKeyFile, pair.privateKey, { mode: 0o600 });
    writeFileSync(publicKeyFile, pair.publicKey, { mode: 0o600 });
    const secret = (): string => randomBytes(24).toString("hex");
    writeSecrets(folder, {
      applicationId: randomUUID(),
      signatureSecret: secret(),
      apiKey: randomBytes(4).toString("hex"),
      apiSecret: secret(),
      humeKey: secret(),
      carrierPort: 0,
      enginePort: 0,
    });
  }
  const kept = JSON.parse(readFileSync(secretsFile, "utf8")) as Secrets;
  // Made before there was an API secret: it gets one.
  return { secrets: { ...kept, apiSecret: kept.apiSecret ?? randomBytes(24).toString("hex") }, privateKeyFile, publicKeyFile };
}

const writeSecrets = (folder: string, secrets: Secrets): void => writePrivate(join(folder, "secrets.json"), secrets);

function writePrivate(file: string, what: object): void {
  writeFileSync(file, `${JSON.stringify(what, null, 2)}\n`, { mode: 0o600 });
}

/** The port when nobody listens there, else 0, which means any. */
const freeOr = async (port: number): Promise<number> => ((await whyNotListen(port, "127.0.0.1")) === null ? port : 0);
