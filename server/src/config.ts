import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmdirSync, type Stats, statSync } from "node:fs";
import { isIP } from "node:net";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { EngineKind } from "./engine/kind.ts";
import { engineKinds } from "./engine/kinds.ts";
import { Failure } from "./failure.ts";
import { misspelt } from "./misspelt.ts";
import { EnginePrice, type Prices, publishedPrices } from "./prices.ts";
import { address, loopback } from "./web-address.ts";

/** The environment, parsed once. Whatever is not set is null, never half there. */
export interface Config {
  /** Where we listen; 0 picks a free port. */
  readonly port: number;
  /** Do other server processes of this machine listen there too? The kernel then spreads the connections over them. */
  readonly sharePort: boolean;
  /** Origin under which carrier and browsers reach us; no slash at the end. */
  readonly publicUrl: string;
  /** Null: the embedded database. */
  readonly databaseUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly vonage: VonageConfig | null;
  /** Of each engine that is configured its settings, by its name (engine/kinds.ts). */
  readonly engines: Readonly<Record<string, unknown>>;
  /** Hume's listener for callers' feelings, beside engines that measure none. */
  readonly expression: { readonly apiKey: string; readonly url: string } | null;
  readonly admin: { readonly email: string; readonly password: string } | null;
  /** A first key for programs. */
  readonly apiKey: string | null;
  /** Addresses and CIDR ranges of proxies, beside this machine's own, that are believed about who asks. */
  readonly trustedProxies: readonly string[];
  /** `file:` or `s3://`. */
  readonly storageUrl: string;
  /** Encrypts what is stored; as the operator gave it. */
  readonly storageKey: string | null;
  /** How long a server that is asked to stop waits for the ends of its calls, s. */
  readonly drainSeconds: number;
  /** What engines charge: the published prices, and what the operator says. */
  readonly prices: Prices;
  readonly logLevel: LogLevel;
  /** Does whoever started us wait for one line of JSON on stdout? The launcher says so (EARSHOT_READY_LINE=1). */
  readonly readyLine: boolean;
  /** To be told at start: older names in use, and names that are nearly ours. */
  readonly warnings: readonly string[];
}

export interface VonageConfig {
  readonly applicationId: string;
  readonly privateKeyPem: string;
  readonly signatureSecret: string;
  readonly apiKey: string;
  /** The account's API secret: only the doctor needs it, to look at (and set) the application's webhooks. */
  readonly apiSecret: string | null;
  /** Our number, E.164 with +. */
  readonly number: string;
  /** REST host, no slash at the end. */
  readonly apiUrl: string;
  /** Is the phone network the emulated one? The launcher says so (EARSHOT_EMULATED=1). */
  readonly emulated: boolean;
}

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

type Env = Readonly<Record<string, string | undefined>>;
type Problem = { readonly field: string; readonly message: string };

/** All that is wrong with the configuration, at once; each field's message says what to put there. */
export class ConfigFailure extends Failure {
  readonly code = "CONFIG_WRONG";
  readonly blame = "operator";
  readonly status = 500;
  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ field, message }) => `  ${field} ${message}`);
    super(`The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${lines.join("\n")}`, {
      remedy: 'Mend each in .env or the environment (README, "With a real carrier and engine"), then start again.',
      fields: problems,
    });
  }
}

/** Older name -> ours; the value may be left where it is. Engines bring their own. */
const olderNames: Readonly<Record<string, string>> = {
  VONAGE_PRIVATE_KEY_PATH: "VONAGE_PRIVATE_KEY",
  VONAGE_PHONE_NUMBER: "VONAGE_NUMBER",
  BASE_URL: "PUBLIC_URL",
  SERVER_URL: "PUBLIC_URL",
};

/** Names that only make sense together: one set means all are wanted. Engines bring their own. */
const together: readonly { readonly names: readonly string[]; readonly also: readonly string[]; readonly what: string }[] = [
  {
    names: ["VONAGE_APPLICATION_ID", "VONAGE_PRIVATE_KEY", "VONAGE_SIGNATURE_SECRET", "VONAGE_API_KEY", "VONAGE_NUMBER"],
    also: ["VONAGE_API_URL", "VONAGE_API_SECRET"],
    what: "a phone line at Vonage",
  },
  { names: ["HUME_EXPRESSION_API_KEY"], also: ["HUME_EXPRESSION_URL"], what: "Hume's expression measurement" },
  { names: ["ADMIN_EMAIL", "ADMIN_PASSWORD"], also: [], what: "a first administrator" },
];

// ---- one variable at a time ----------------------------------------------------------------------------------------------------

const origin = address("https", "http", "https://calls.example.com").refine(
  (text) => URL.parse(text)?.pathname === "/" && !text.includes("?"),
  {
    message: "must be an origin without a path; give one such as https://calls.example.com",
  },
);

/** PEM, also with \n spelled out as env files do, or the path of a PEM file; comes as PEM of an RSA key. */
const privateKey = z.string().transform((text, context) => {
  const said = (message: string): typeof z.NEVER => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  let pem = text.replaceAll("\\n", "\n");
  if (!pem.includes("-----BEGIN")) {
    try {
      pem = readFileSync(text, "utf8");
    } catch (error) {
      return said(
        `is neither a PEM key nor a file that can be read (${(error as NodeJS.ErrnoException).code}); give the path of private.key`,
      );
    }
  }
  try {
    if (createPrivateKey(pem).asymmetricKeyType === "rsa") return pem;
    return said("is not an RSA key; give the private key that Vonage made for the application");
  } catch {
    return said("is not a whole private key in PEM; give the private key that Vonage made for the application");
  }
});

const number = z.string().transform((text, context) => {
  const digits = text.replace(/[\s().-]/g, "").replace(/^(\+|00)/, "");
  if (/^[1-9]\d{6,14}$/.test(digits)) return `+${digits}`;
  context.addIssue({ code: "custom", message: "is not a phone number with its country code; give one such as +12025550100" });
  return z.NEVER;
});

const notAPort = "is not a port; give a number from 1 to 65535, or leave it out for 4000";
const port = z
  .string()
  .regex(/^\d{1,5}$/, notAPort)
  .transform(Number)
  .refine((port) => port <= 65_535, notAPort);

const proxies = z.string().transform((text, context) => {
  const given = text.split(/[\s,]+/).filter((one) => one !== "");
  const wrong = given.filter((one) => !isAddressOrRange(one));
  if (wrong.length === 0) return given;
  const message = `holds ${wrong.join(", ")}, which is no address or CIDR range; give such as 10.0.0.5,172.16.0.0/12,fd00::/8`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** "10.0.0.5", "10.0.0.0/8", "fd00::/8"; all of the internet (/0) is no proxy. */
function isAddressOrRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128));
}

const prices = z.string().transform((text, context): Prices => {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = null;
  }
  const read = z.record(z.string(), EnginePrice).safeParse(given);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "" : ` (${issue.path.join(".")}: ${issue.message})`;
  const message = `is no table of prices${where}; give JSON such as {"evi":{"currency":"USD","per_minute":0.07}}`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const Variables = z.object({
  PORT: port.default(4000),
  SHARE_PORT: z.enum(["0", "1"], "is neither 1 (several processes of this machine serve one port) nor 0; leave it out for 0").default("0"),
  PUBLIC_URL: origin.optional(),
  DATABASE_URL: z
    .string()
    .refine((text) => /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? ""), {
      message: "is not a Postgres address; give postgres://user:password@host:5432/name, or leave it out for the embedded database",
    })
    .optional(),
  DATA_DIR: z.string().default(".data"),
  VONAGE_APPLICATION_ID: z.uuid("is not an application id; copy it from the Vonage dashboard (8-4-4-4-12 hex digits)").optional(),
  VONAGE_PRIVATE_KEY: privateKey.optional(),
  VONAGE_SIGNATURE_SECRET: z.string().optional(),
  VONAGE_API_KEY: z.string().optional(),
  VONAGE_API_SECRET: z.string().optional(),
  VONAGE_NUMBER: number.optional(),
  VONAGE_API_URL: address("https", "http", "https://api.nexmo.com").default("https://api.nexmo.com"),
  HUME_EXPRESSION_API_KEY: z.string().optional(),
  HUME_EXPRESSION_URL: address("wss", "ws", "wss://api.cloud.hume.ai/v1/expression/audio/realtime").default(
    "wss://api.cloud.hume.ai/v1/expression/audio/realtime",
  ),
  ADMIN_EMAIL: z.email("is not an e-mail address").optional(),
  ADMIN_PASSWORD: z.string().min(10, "is too short; give at least 10 characters").optional(),
  API_KEY: z
    .string()
    .min(20, "is too short to be a secret; give at least 20 characters, for example from `openssl rand -hex 24`")
    .optional(),
  TRUSTED_PROXIES: proxies.default([]),
  STORAGE_URL: z
    .string()
    .regex(
      /^(file:.+|s3:\/\/([^@/?#]+@)?[a-z0-9.-]{3,63}([/?].*)?)$/,
      "is no place for recordings; give file:/some/folder or s3://bucket/folder?region=eu-central-1",
    )
    .optional(),
  STORAGE_KEY: z
    .string()
    .regex(/^([0-9a-f]{64}|[A-Za-z0-9+/]{43}=)$/i, "is no key of 32 bytes; give 64 hex digits, for example from `openssl rand -hex 32`")
    .optional(),
  DRAIN_SECONDS: z
    .string()
    .regex(/^\d{1,5}$/, "is no number of seconds; give 0 to end calls at once, or leave it out for 300")
    .transform(Number)
    .default(300),
  ENGINE_PRICES: prices.default({}),
  LOG_LEVEL: z.enum(logLevels, `is not a level; give one of ${logLevels.join(", ")}`).default("info"),
  EARSHOT_EMULATED: z.string().optional(),
  EARSHOT_READY_LINE: z.string().optional(),
});

/** What opens a door; an address may hold a password. Engines bring their own. */
const secrets = [
  ...["ADMIN_PASSWORD", "API_KEY", "DATABASE_URL", "STORAGE_URL", "STORAGE_KEY"],
  ...["VONAGE_PRIVATE_KEY", "VONAGE_SIGNATURE_SECRET", "VONAGE_API_KEY", "VONAGE_API_SECRET"],
  "HUME_EXPRESSION_API_KEY",
] as const;

/** Takes the secrets out of `env` once they are read: what a later part starts, prints or reports cannot give them away. */
export function forgetSecrets(env: Record<string, string | undefined>, kinds: readonly EngineKind[] = engineKinds): void {
  for (const name of secrets) delete env[name];
  for (const kind of kinds) {
    for (const name of kind.secrets) delete env[name];
    for (const [older, ours] of Object.entries(kind.olderNames ?? {})) if (kind.secrets.includes(ours)) delete env[older];
  }
}

// ---- all of them ---------------------------------------------------------------------------------------------------------------

/**
 * Reads the configuration out of `env` (design: "The outside of the house"); an empty value counts as not set.
 * Throws one ConfigFailure that lists every problem. Older names are understood and named in `warnings`.
 */
export function readConfig(env: Env, kinds: readonly EngineKind[] = engineKinds): Config {
  const { set, warnings } = withOurNames(env, Object.assign({}, olderNames, ...kinds.map((kind) => kind.olderNames)));
  const known = [...Object.keys(Variables.shape), ...kinds.flatMap((kind) => Object.keys(kind.variables))];
  for (const { name, meant } of misspelt(Object.keys(set), known)) warnings.push(`${name} is no setting of Earshot: is ${meant} meant?`);
  const parsed = Variables.safeParse(set);
  const problems: Problem[] = [];
  for (const issue of parsed.error?.issues ?? []) problems.push({ field: String(issue.path[0]), message: issue.message });
  const engines = enginesIn(set, kinds, problems);
  const ofEngines = kinds.map(({ needs, variables, title }) => ({ names: needs, also: Object.keys(variables), what: title }));
  for (const { names, also, what } of [...together, ...ofEngines]) {
    if (![...names, ...also].some((name) => set[name] !== undefined)) continue;
    for (const name of names.filter((name) => set[name] === undefined))
      problems.push({ field: name, message: `is missing: ${what} needs it` });
  }
  const emulated = set.EARSHOT_EMULATED === "1";
  const carrierIsElsewhere = set.VONAGE_APPLICATION_ID !== undefined && !isHere(set.VONAGE_API_URL ?? "");
  if (carrierIsElsewhere && (set.PUBLIC_URL === undefined || isHere(set.PUBLIC_URL))) {
    problems.push({ field: "PUBLIC_URL", message: "must be an https:// address that Vonage can reach, such as https://calls.example.com" });
  }
  const [one = "", ...others] = kinds.map(({ needs: [key] }) => key);
  if (carrierIsElsewhere && kinds.every(({ needs: [key] }) => set[key] === undefined)) {
    problems.push({
      field: one,
      message: `or ${others.join(" or ")} is needed: people who are really called must meet a real engine, not the emulated one with its script`,
    });
  }
  const unusable = whyUnusable(resolve(set.DATA_DIR ?? ".data"));
  if (unusable !== null) problems.push({ field: "DATA_DIR", message: unusable });
  if (!parsed.success || problems.length > 0) throw new ConfigFailure(problems);

  const is = parsed.data;
  const dataDir = resolve(is.DATA_DIR);
  return {
    port: is.PORT,
    sharePort: is.SHARE_PORT === "1",
    publicUrl: is.PUBLIC_URL ?? `http://localhost:${is.PORT}`,
    databaseUrl: is.DATABASE_URL ?? null,
    dataDir,
    vonage:
      is.VONAGE_APPLICATION_ID && is.VONAGE_PRIVATE_KEY && is.VONAGE_SIGNATURE_SECRET && is.VONAGE_API_KEY && is.VONAGE_NUMBER
        ? {
            applicationId: is.VONAGE_APPLICATION_ID,
            privateKeyPem: is.VONAGE_PRIVATE_KEY,
            signatureSecret: is.VONAGE_SIGNATURE_SECRET,
            apiKey: is.VONAGE_API_KEY,
            apiSecret: is.VONAGE_API_SECRET ?? null,
            number: is.VONAGE_NUMBER,
            apiUrl: is.VONAGE_API_URL,
            emulated,
          }
        : null,
    engines,
    expression: is.HUME_EXPRESSION_API_KEY ? { apiKey: is.HUME_EXPRESSION_API_KEY, url: is.HUME_EXPRESSION_URL } : null,
    admin: is.ADMIN_EMAIL && is.ADMIN_PASSWORD ? { email: is.ADMIN_EMAIL, password: is.ADMIN_PASSWORD } : null,
    apiKey: is.API_KEY ?? null,
    trustedProxies: is.TRUSTED_PROXIES,
    storageUrl: is.STORAGE_URL ?? `file:${join(dataDir, "recordings")}`,
    storageKey: is.STORAGE_KEY ?? null,
    drainSeconds: is.DRAIN_SECONDS,
    prices: { ...publishedPrices, ...is.ENGINE_PRICES },
    logLevel: is.LOG_LEVEL,
    readyLine: is.EARSHOT_READY_LINE === "1",
    warnings,
  };
}

/** The settings of the engines that are configured; what is wrong with them is put into `problems`. */
function enginesIn(set: Readonly<Record<string, string>>, kinds: readonly EngineKind[], problems: Problem[]): Record<string, unknown> {
  const settings: [string, unknown][] = [];
  for (const kind of kinds) {
    const read = z.object(kind.variables).safeParse(set);
    for (const issue of read.error?.issues ?? []) problems.push({ field: String(issue.path[0]), message: issue.message });
    if (read.success && kind.needs.every((name) => set[name] !== undefined)) settings.push([kind.name, kind.settings(read.data)]);
  }
  return Object.fromEntries(settings);
}

/** Drops empty values, and moves older names to ours unless ours is set too. */
function withOurNames(env: Env, olderNames: Readonly<Record<string, string>>): { set: Record<string, string>; warnings: string[] } {
  const set: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(env)) if (value?.trim()) set[name] = value.trim();
  for (const [older, ours] of Object.entries(olderNames)) {
    const value = set[older];
    if (value === undefined) continue;
    const taken = set[ours] === undefined;
    warnings.push(taken ? `${older} is an older name of ${ours}; please rename it` : `${older} is ignored: ${ours} is set`);
    if (taken) set[ours] = value;
  }
  return { set, warnings };
}

/** Is this an address of the machine itself? */
function isHere(url: string): boolean {
  return loopback.test(URL.parse(url)?.hostname ?? "");
}

/**
 * Why nothing can be kept in `folder`, which need not exist yet; null when something can. Tries it in the nearest folder there is, because root is
 * told that it may write anywhere. A recursive mkdir would be no trial: under /proc Node 24 never comes back from it.
 */
function whyUnusable(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    let found: Stats;
    try {
      found = statSync(at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code === "ENOENT" || code === "ENOTDIR") && dirname(at) !== at) continue;
      return `${folder} cannot be looked at (${code}); give a folder of the account that runs Earshot`;
    }
    if (!found.isDirectory()) return `${folder} cannot be a folder: ${at} is a file; give another place, or leave it out for .data`;
    try {
      rmdirSync(mkdtempSync(join(at, ".earshot-")));
      return null;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return `${folder} cannot be written: nothing can be made in ${at} (${code}); give a folder of the account that runs Earshot`;
    }
  }
}

/** An address of this machine alone is served to this machine alone. */
export function listenOn(publicUrl: string): string {
  const { hostname } = new URL(publicUrl);
  if (hostname === "[::1]") return "::1";
  return ["localhost", "127.0.0.1"].includes(hostname) ? "127.0.0.1" : "0.0.0.0";
}
