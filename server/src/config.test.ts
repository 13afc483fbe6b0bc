import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Config, ConfigFailure, forgetSecrets, listenOn, readConfig } from "./config.ts";
import { publishedPrices } from "./prices.ts";

const pem = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
}).privateKey.trim();
const folder = mkdtempSync(join(tmpdir(), "earshot-config-"));
const pemFile = join(folder, "private.key");
writeFileSync(pemFile, `${pem}\n`);
afterAll(() => rmSync(folder, { recursive: true }));

const vonage = {
  VONAGE_APPLICATION_ID: "5f0c7c0e-1111-4222-8333-444455556666",
  VONAGE_PRIVATE_KEY: pem,
  VONAGE_SIGNATURE_SECRET: "signed",
  VONAGE_API_KEY: "abcd1234",
  VONAGE_NUMBER: "12025550100",
  PUBLIC_URL: "https://calls.example.com/",
};
const line = { ...vonage, HUME_API_KEY: "k" };

/** Field -> message of everything that is wrong. */
function problems(env: Record<string, string>): Record<string, string> {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigFailure) return Object.fromEntries(error.fields.map(({ field, message }) => [field, message]));
    throw error;
  }
  return {};
}

describe("the configuration", () => {
  test("may be empty: embedded database, no carrier, no engine", () => {
    expect(readConfig({})).toEqual({
      port: 4000,
      sharePort: false,
      publicUrl: "http://localhost:4000",
      databaseUrl: null,
      dataDir: resolve(".data"),
      vonage: null,
      engines: {},
      expression: null,
      admin: null,
      apiKey: null,
      trustedProxies: [],
      storageUrl: `file:${resolve(".data/recordings")}`,
      storageKey: null,
      drainSeconds: 300,
      prices: publishedPrices,
      logLevel: "info",
      readyLine: false,
      warnings: [],
    } satisfies Config);
  });

  test("an empty value is one that is not set", () => {
    expect(readConfig({ PORT: "", VONAGE_NUMBER: " ", DATABASE_URL: "" })).toEqual(readConfig({}));
  });

  test("proxies that are believed are addresses and ranges; each that is none is named", () => {
    const given = "10.0.0.5, 172.16.0.0/12 fd00::/8,2001:db8::1";
    expect(readConfig({ TRUSTED_PROXIES: given }).trustedProxies).toEqual(["10.0.0.5", "172.16.0.0/12", "fd00::/8", "2001:db8::1"]);
    const wrong = problems({ TRUSTED_PROXIES: "10.0.0.5,proxy.example.com,10.0.0.0/33,0.0.0.0/0,fd00::/129,true" }).TRUSTED_PROXIES;
    expect(wrong).toMatch(/^holds proxy\.example\.com, 10\.0\.0\.0\/33, 0\.0\.0\.0\/0, fd00::\/129, true, which is no address/);
  });

  test("prices of engines are added to those published; a table that is none says where", () => {
    const evi = { currency: "EUR", per_minute: 0.06 };
    expect(readConfig({ ENGINE_PRICES: JSON.stringify({ evi }) }).prices).toEqual({ ...publishedPrices, evi });
    expect(problems({ ENGINE_PRICES: '{"evi":{"currency":"EUR","per_minute":"much"}}' }).ENGINE_PRICES).toContain("evi.per_minute");
    expect(problems({ ENGINE_PRICES: "cheap" }).ENGINE_PRICES).toMatch(/^is no table of prices; give JSON/);
  });

  test("recordings lie under DATA_DIR unless told otherwise", () => {
    expect(readConfig({ DATA_DIR: folder }).storageUrl).toBe(`file:${folder}/recordings`);
    expect(readConfig({ STORAGE_URL: "s3://our-calls/earshot" }).storageUrl).toBe("s3://our-calls/earshot");
    const far = "s3://key:secret@our-calls?region=eu-central-1&endpoint=https://s3.example.com";
    expect(readConfig({ STORAGE_URL: far, STORAGE_KEY: "0f".repeat(32) })).toMatchObject({ storageUrl: far, storageKey: "0f".repeat(32) });
    expect(() => readConfig({ STORAGE_KEY: "0f" })).toThrow("STORAGE_KEY is no key of 32 bytes");
  });

  test("a whole phone line is read, the number in E.164, the addresses without a last slash", () => {
    const config = readConfig({ ...line, VONAGE_API_URL: "https://api-eu.vonage.com/" });
    expect(config.publicUrl).toBe("https://calls.example.com");
    expect(config.vonage).toEqual({
      applicationId: vonage.VONAGE_APPLICATION_ID,
      privateKeyPem: pem,
      signatureSecret: "signed",
      apiSecret: null,
      apiKey: "abcd1234",
      number: "+12025550100",
      apiUrl: "https://api-eu.vonage.com",
      emulated: false,
    });
  });

  test.each([
    ["a path", pemFile],
    ["a PEM with its line ends spelled out", pem.replaceAll("\n", "\\n")],
  ])("the private key may be %s", (_what, value) => {
    expect(readConfig({ ...line, VONAGE_PRIVATE_KEY: value }).vonage?.privateKeyPem.trim()).toBe(pem);
  });

  test("a half phone line names everything that is missing", () => {
    expect(problems({ VONAGE_NUMBER: "12025550100", PUBLIC_URL: vonage.PUBLIC_URL })).toEqual({
      VONAGE_APPLICATION_ID: expect.stringContaining("missing"),
      VONAGE_PRIVATE_KEY: expect.stringContaining("missing"),
      VONAGE_SIGNATURE_SECRET: expect.stringContaining("missing"),
      VONAGE_API_KEY: expect.stringContaining("missing"),
    });
  });

  test("every problem is told at once, with what to put there", () => {
    const failure = (() => {
      try {
        return readConfig({
          PORT: "many",
          DATABASE_URL: "mysql://x",
          PUBLIC_URL: "calls",
          LOG_LEVEL: "loud",
          ADMIN_EMAIL: "admin@example.com",
        });
      } catch (error) {
        return error;
      }
    })() as ConfigFailure;
    expect(failure).toMatchObject({ code: "CONFIG_WRONG", blame: "operator" });
    expect(failure.fields.map(({ field }) => field).sort()).toEqual(["ADMIN_PASSWORD", "DATABASE_URL", "LOG_LEVEL", "PORT", "PUBLIC_URL"]);
    for (const { field, message } of failure.fields) expect(failure.message).toContain(`${field} ${message}`);
  });

  test.each([
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PUBLIC_URL", "http://calls.example.com"],
    ["PUBLIC_URL", "https://calls.example.com/earshot"],
    ["PUBLIC_URL", "https://user:password@calls.example.com"],
    ["PUBLIC_URL", "ftp://calls.example.com"],
    ["STORAGE_URL", "https://bucket"],
    ["STORAGE_URL", "/some/folder"],
    ["API_KEY", "short"],
  ])("%s=%s is refused by name", (name, value) => {
    expect(Object.keys(problems({ [name]: value }))).toEqual([name]);
  });

  test.each([
    ["VONAGE_APPLICATION_ID", "my-app"],
    ["VONAGE_PRIVATE_KEY", "/nowhere/private.key"],
    ["VONAGE_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----"],
    ["VONAGE_NUMBER", "0100"],
    ["VONAGE_API_URL", "http://api.nexmo.com"],
    ["PUBLIC_URL", "http://localhost:4000"],
  ])("a phone line with %s=%s is refused by name", (name, value) => {
    expect(Object.keys(problems({ ...line, [name]: value }))).toEqual([name]);
  });

  test("a phone line at the vendor's needs an address the vendor can reach; the emulated one does not", () => {
    const { PUBLIC_URL: _, ...nowhere } = line;
    expect(problems(nowhere)).toEqual({ PUBLIC_URL: expect.stringContaining("https://") });
    expect(readConfig({ ...nowhere, VONAGE_API_URL: "http://127.0.0.1:4010", EARSHOT_EMULATED: "1" }).vonage).toMatchObject({
      emulated: true,
      apiUrl: "http://127.0.0.1:4010",
    });
  });

  test("a phone line at the vendor's needs an engine: people who are really called never meet the emulated one by mistake", () => {
    expect(problems(vonage)).toEqual({ HUME_API_KEY: expect.stringContaining("or OPENAI_API_KEY is needed") });
    expect(readConfig({ ...vonage, OPENAI_API_KEY: "k" }).engines.openai).toMatchObject({ apiKey: "k" });
    expect(readConfig({ ...line, EVI_URL: "ws://127.0.0.1:8701/v0/evi/chat" }).engines.evi).toMatchObject({
      eviUrl: "ws://127.0.0.1:8701/v0/evi/chat",
    });
    expect(readConfig({ ...vonage, VONAGE_API_URL: "http://127.0.0.1:4010" }).engines).toEqual({});
  });

  test.each<[what: string, place: string, why: string]>([
    ["a file", pemFile, "is a file"],
    ["under a file", join(pemFile, "data"), "is a file"],
    ...(process.platform === "linux"
      ? [["under /proc", "/proc/earshot/data", "cannot be written"] satisfies [string, string, string]]
      : []),
  ])("a DATA_DIR that is %s is refused at once", (_what, place, why) => {
    expect(problems({ DATA_DIR: place })).toEqual({ DATA_DIR: expect.stringContaining(why) });
  });

  test("trying DATA_DIR leaves nothing behind", () => {
    const before = readdirSync(folder);
    expect(readConfig({ DATA_DIR: join(folder, "later/data") }).dataDir).toBe(join(folder, "later/data"));
    expect(readdirSync(folder)).toEqual(before);
  });

  test.each([
    ["http://localhost:4000", "127.0.0.1"],
    ["http://127.0.0.1:4000", "127.0.0.1"],
    ["http://[::1]:4000", "::1"],
    ["https://calls.example.com", "0.0.0.0"],
  ])("served as %s we listen on %s", (publicUrl, host) => expect(listenOn(publicUrl)).toBe(host));

  test("the remedy points to a heading of the README", () => {
    const heading = /README, "(.+)"/.exec(new ConfigFailure([]).remedy)?.[1];
    expect(readFileSync(join(import.meta.dirname, "../../README.md"), "utf8")).toContain(`\n## ${heading}\n`);
  });

  test("its secrets are gone from the environment once it is read; what is no secret stays", () => {
    const env: Record<string, string | undefined> = { ...line, ADMIN_EMAIL: "admin@example.com", ADMIN_PASSWORD: "long enough" };
    readConfig(env);
    forgetSecrets(env);
    expect(Object.keys(env).sort()).toEqual(["ADMIN_EMAIL", "PUBLIC_URL", "VONAGE_APPLICATION_ID", "VONAGE_NUMBER"]);
  });

  test("an engine without its key is refused, one with it has the vendor's address", () => {
    expect(problems({ HUME_CONFIG_ID: vonage.VONAGE_APPLICATION_ID })).toEqual({ HUME_API_KEY: expect.stringContaining("missing") });
    expect(readConfig({ HUME_API_KEY: "k" }).engines.evi).toEqual({
      apiKey: "k",
      configId: null,
      eviUrl: "wss://api.hume.ai/v0/evi/chat",
      webhookSecret: null,
    });
    expect(readConfig({ OPENAI_API_KEY: "k" }).engines.openai).toEqual({
      apiKey: "k",
      realtimeUrl: "wss://api.openai.com/v1/realtime",
      model: "gpt-realtime-2.1",
      dialect: "openai",
    });
  });

  test("older names are understood and named, ours win", () => {
    const { VONAGE_PRIVATE_KEY: _key, VONAGE_NUMBER: _number, PUBLIC_URL: _url, ...rest } = vonage;
    const config = readConfig({
      ...rest,
      VONAGE_PRIVATE_KEY_PATH: pemFile,
      VONAGE_PHONE_NUMBER: "+1 (202) 555-0100",
      BASE_URL: "https://calls.example.com",
      HUME_AI_API_KEY: "older",
      HUME_API_KEY: "ours",
    });
    expect(config.vonage).toMatchObject({ number: "+12025550100", privateKeyPem: `${pem}\n` });
    expect(config.publicUrl).toBe("https://calls.example.com");
    expect(config.engines.evi).toMatchObject({ apiKey: "ours" });
    expect(config.warnings).toHaveLength(4);
    expect(config.warnings).toContainEqual(expect.stringMatching(/^HUME_AI_API_KEY is ignored/));
  });

  test("a name that is nearly one of ours, of ours or of an engine's, is told of; what is set as it should be is not", () => {
    expect(readConfig({ DATABSE_URL: "x", HUME_API_KEYS: "x", PATH: "/bin" }).warnings).toEqual([
      "DATABSE_URL is no setting of Earshot: is DATABASE_URL meant?",
      "HUME_API_KEYS is no setting of Earshot: is HUME_API_KEY meant?",
    ]);
    expect(readConfig({ HUME_API_KEY: "k", HUME_API_KEYS: "x" }).warnings).toEqual([]);
  });
});
