import { parseArgs } from "node:util";
import { z } from "zod";

/** Not any URL: `localhost:3000/answer` is one, of the scheme `localhost`. */
const webUrl = z.url({ protocol: /^https?$/, message: "is no http or https URL" });

/** Everything the network can be told, in the units of the names. The defaults are Vonage's where Vonage says. */
export const Settings = z.strictObject({
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  host: z.string().default("127.0.0.1"),
  /** Where applications reach this network, when that is not where it listens: for `region_url` and recordings. */
  publicUrl: webUrl.transform((url) => url.replace(/\/+$/, "")).optional(),
  applicationId: z.uuid(),
  publicKeyPem: z.string().includes("PUBLIC KEY", { message: "is no PEM public key" }),
  signatureSecret: z.string().min(4),
  apiKey: z.string().min(1),
  /** For the Application API (key and secret); without it that API is closed. */
  apiSecret: z.string().min(1).optional(),
  /** The application's webhooks. Without an answer URL inbound calls cannot be answered. */
  answerUrl: webUrl.optional(),
  answerMethod: z.enum(["GET", "POST"]).default("GET"),
  fallbackUrl: webUrl.optional(),
  eventUrl: webUrl.optional(),
  eventMethod: z.enum(["GET", "POST"]).default("POST"),
  /** E.164: the number that is linked to the application. */
  number: z.string().regex(/^\+[1-9]\d{6,14}$/, { message: "is no E.164 number" }),
  /** New calls per rolling second, `connect` included; 0 is no limit. */
  callsPerSecond: z.coerce.number().int().min(0).default(3),
  /** Other REST requests per rolling second; 0 is no limit. */
  requestsPerSecond: z.coerce.number().int().min(0).default(15),
  /** A leg younger than this cannot be modified (400). Vonage: 1-2 s. */
  tooEarlyMs: z.coerce.number().int().min(0).default(1_000),
  /** Webhooks: time to connect, to answer, and until the second attempt. */
  connectTimeoutMs: z.coerce.number().int().min(1).default(1_000),
  answerTimeoutMs: z.coerce.number().int().min(1).default(5_000),
  eventTimeoutMs: z.coerce.number().int().min(1).default(10_000),
  retryAfterMs: z.coerce.number().int().min(0).default(1_000),
  /** How often an event is sent when it is not answered (Vonage does not say whether it tries again). */
  eventAttempts: z.coerce.number().int().min(1).max(10).default(1),
  /** Whether an own server that sends another size than 20 ms is suffered or cut off (Vonage does not say). */
  oddFrames: z.enum(["tolerate", "close"]).default("tolerate"),
  /** Whether markers still pending are dropped by `clear`, or come at once (Vonage does not say). */
  notifyAfterClear: z.enum(["drop", "send"]).default("drop"),
  /** From the end of a recording to its webhook. */
  recordAfterMs: z.coerce.number().int().min(0).default(1_200),
  /** How long a recording can be fetched. */
  fileDays: z.coerce.number().min(0).default(30),
  /** A JSON file of people, who are added to the table or replace a row of it. */
  people: z.string().optional(),
  /** A folder that gets what was said and heard in each call, and the times of the frames. */
  dump: z.string().optional(),
});
export type Settings = z.infer<typeof Settings>;

/** Every flag with a value, and the setting it gives. */
export const flags = {
  port: "port",
  host: "host",
  "public-url": "publicUrl",
  "application-id": "applicationId",
  "public-key": "publicKeyPem",
  "signature-secret": "signatureSecret",
  "api-key": "apiKey",
  "api-secret": "apiSecret",
  "answer-url": "answerUrl",
  "answer-method": "answerMethod",
  "fallback-url": "fallbackUrl",
  "event-url": "eventUrl",
  "event-method": "eventMethod",
  number: "number",
  "calls-per-second": "callsPerSecond",
  "requests-per-second": "requestsPerSecond",
  "too-early-ms": "tooEarlyMs",
  "connect-timeout-ms": "connectTimeoutMs",
  "answer-timeout-ms": "answerTimeoutMs",
  "event-timeout-ms": "eventTimeoutMs",
  "retry-after-ms": "retryAfterMs",
  "event-attempts": "eventAttempts",
  "odd-frames": "oddFrames",
  "notify-after-clear": "notifyAfterClear",
  "record-after-ms": "recordAfterMs",
  "file-days": "fileDays",
  people: "people",
  dump: "dump",
} as const satisfies Record<string, keyof Settings>;

/** Secrets may come by environment instead: a process's arguments are open to everybody on the machine. A flag wins. */
export const variables = {
  EARSHOT_PHONE_SIGNATURE_SECRET: "signature-secret",
  EARSHOT_PHONE_API_KEY: "api-key",
  EARSHOT_PHONE_API_SECRET: "api-secret",
} as const satisfies Record<string, keyof typeof flags>;

export class BadFlags extends Error {}

/** The flags that together are somebody's account. With none of them the network makes one of its own. */
const accountFlags = ["application-id", "public-key", "signature-secret", "api-key"];

export interface Flags {
  readonly settings: Settings;
  readonly withParent: boolean;
  /** The folder of the account that was made, or null when one was given. */
  readonly ownAccount: string | null;
}

/**
 * Settings from command-line flags.
 *
 * @param readText reads the file of `--public-key`
 * @param makeAccount finds or makes an account in a folder, for when none is given
 * @param env the environment, for the secrets
 * @throws BadFlags with every problem, one a line
 */
export function readFlags(
  argv: readonly string[],
  readText: (path: string) => string,
  makeAccount: (folder: string) => Partial<Settings>,
  env: Readonly<Record<string, string | undefined>> = {},
): Flags {
  const options = Object.fromEntries([
    ...Object.keys(flags).map((flag) => [flag, { type: "string" as const }]),
    ["account", { type: "string" as const }],
    ["with-parent", { type: "boolean" as const }],
  ]);
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({ args: [...argv], options, strict: true }).values as typeof values;
  } catch (problem) {
    throw new BadFlags(problem instanceof Error ? problem.message : String(problem));
  }
  for (const [variable, flag] of Object.entries(variables)) if (env[variable]) values[flag] ??= env[variable];
  const problems: string[] = [];
  const ownAccount = accountFlags.some((flag) => values[flag] !== undefined) ? null : String(values.account ?? ".data/phone-network");
  const given: Record<string, unknown> = ownAccount === null ? {} : { number: "+12025550100", ...makeAccount(ownAccount) };
  for (const [flag, name] of Object.entries(flags)) {
    const value = values[flag];
    if (value === undefined) continue;
    try {
      given[name] = flag === "public-key" ? readText(String(value)) : value;
    } catch (problem) {
      given[name] = "PUBLIC KEY";
      problems.push(`--${flag}: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }
  const parsed = Settings.safeParse(given);
  if (parsed.success && problems.length === 0) return { settings: parsed.data, withParent: values["with-parent"] === true, ownAccount };
  for (const issue of parsed.error?.issues ?? []) {
    const flag = Object.entries(flags).find(([, name]) => name === issue.path[0])?.[0] ?? String(issue.path[0]);
    problems.push(`--${flag}: ${issue.message}`);
  }
  throw new BadFlags(problems.join("\n"));
}
