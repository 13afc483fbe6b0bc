import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";

/** An account for whoever starts the network without one: made once, kept in a folder, told in the words of an application's environment. */

const Account = z.strictObject({ applicationId: z.uuid(), signatureSecret: z.string(), apiKey: z.string(), apiSecret: z.string() });
export type Account = z.infer<typeof Account> & { readonly publicKeyPem: string; readonly privateKeyFile: string };

/** Reads the account of a folder, or makes one there. The private key is readable by its owner alone. */
export function ownAccount(folder: string): Account {
  const file = join(folder, "account.json");
  const privateKeyFile = resolve(folder, "private.pem");
  const publicKeyFile = join(folder, "public.pem");
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const pair = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    writeFileSync(privateKeyFile, pair.privateKey, { mode: 0o600 });
    writeFileSync(publicKeyFile, pair.publicKey);
    const made = {
      applicationId: randomUUID(),
      signatureSecret: randomBytes(24).toString("hex"),
      apiKey: randomBytes(4).toString("hex"),
      apiSecret: randomBytes(12).toString("hex"),
    };
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  }
  return { ...Account.parse(JSON.parse(readFileSync(file, "utf8"))), publicKeyPem: readFileSync(publicKeyFile, "utf8"), privateKeyFile };
}

/** What to put into an application's environment to live on this network. */
export function accountAsEnvironment(account: Account, url: string, number: string): string {
  return [
    `VONAGE_API_URL=${url}`,
    `VONAGE_APPLICATION_ID=${account.applicationId}`,
    `VONAGE_PRIVATE_KEY=${account.privateKeyFile}`,
    `VONAGE_SIGNATURE_SECRET=${account.signatureSecret}`,
    `VONAGE_API_KEY=${account.apiKey}`,
    `VONAGE_API_SECRET=${account.apiSecret}`,
    `VONAGE_NUMBER=${number}`,
  ].join("\n");
}
