import { expect, it } from "vitest";
import { BadFlags, readFlags } from "./settings.ts";

const pem = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n";
const good = [
  "--application-id",
  "6f1b0c5e-8a44-4c59-9d0b-3b1f0e7a9c21",
  "--public-key",
  "key.pem",
  "--signature-secret",
  "secret",
  "--api-key",
  "abcd",
  "--number",
  "+12025550100",
];

const noAccount = (): never => {
  throw new Error("an account was given");
};

it("reads the flags, with Vonage's own limits as defaults", () => {
  const { settings, withParent } = readFlags(
    [...good, "--port", "0", "--answer-url", "http://app.test/answer", "--with-parent"],
    () => pem,
    noAccount,
  );
  expect(settings).toMatchObject({
    port: 0,
    publicKeyPem: pem,
    answerUrl: "http://app.test/answer",
    callsPerSecond: 3,
    requestsPerSecond: 15,
    tooEarlyMs: 1_000,
    answerMethod: "GET",
  });
  expect(withParent).toBe(true);
});

it("tells every problem at once, by the flag's name", () => {
  const read = (): unknown =>
    readFlags(
      ["--application-id", "no", "--public-key", "gone.pem", "--number", "123", "--signature-secret", "secret"],
      () => {
        throw new Error("ENOENT: gone.pem");
      },
      noAccount,
    );
  expect(read).toThrow(BadFlags);
  expect(read).toThrow(/--public-key: ENOENT: gone.pem/);
  expect(read).toThrow(/--application-id: /);
  expect(read).toThrow(/--number: is no E.164 number/);
  expect(read).toThrow(/--api-key: /);
});

it("takes the address applications reach it at, without a slash at its end", () => {
  const read = (url: string) => readFlags([...good, "--public-url", url], () => pem, noAccount).settings.publicUrl;
  expect(read("https://phone.test/")).toBe("https://phone.test");
  expect(() => read("phone.test")).toThrow(/--public-url: is no http or https URL/);
});

it.each(["answer-url", "event-url", "fallback-url"])("takes --%s only with http or https in front", (flag) => {
  expect(() => readFlags([...good, `--${flag}`, "localhost:3000/answer"], () => pem, noAccount)).toThrow(
    new RegExp(`--${flag}: is no http or https URL`),
  );
});

it("refuses a flag it does not know", () => {
  expect(() => readFlags([...good, "--ports", "1"], () => pem, noAccount)).toThrow(/--ports/);
});

it("takes an account of its own when none is given", () => {
  const account = {
    applicationId: "6f1b0c5e-8a44-4c59-9d0b-3b1f0e7a9c21",
    publicKeyPem: pem,
    signatureSecret: "secret",
    apiKey: "abcd",
    apiSecret: "more",
  };
  const { settings, ownAccount } = readFlags(
    ["--account", "kept/here"],
    () => pem,
    () => account,
  );
  expect(ownAccount).toBe("kept/here");
  expect(settings).toMatchObject({ ...account, number: "+12025550100" });
});

it("takes secrets by environment, where arguments would show them to everybody on the machine; a flag wins", () => {
  const env = { EARSHOT_PHONE_SIGNATURE_SECRET: "unseen", EARSHOT_PHONE_API_KEY: "unseen too", EARSHOT_PHONE_API_SECRET: "" };
  const open = ["--application-id", good[1] as string, "--public-key", "public.pem", "--number", "+12025550100"];
  const { settings, ownAccount } = readFlags(open, () => pem, noAccount, env);
  expect(settings).toMatchObject({ signatureSecret: "unseen", apiKey: "unseen too" });
  expect(settings.apiSecret).toBeUndefined();
  expect(ownAccount).toBeNull();
  expect(readFlags([...open, "--api-key", "seen"], () => pem, noAccount, env).settings).toMatchObject({ apiKey: "seen" });
});
