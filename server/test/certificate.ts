import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A key and a certificate it has signed itself, as PEM, for one server in one test: good for a day, trusted by nobody. No key lies in the repository. */
export function ownCertificate(name = "localhost"): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
  const commonName = der(0x06, Buffer.from("550403", "hex"));
  const who = der(0x30, der(0x31, der(0x30, commonName, der(0x0c, Buffer.from(name)))));
  const day = 24 * 60 * 60 * 1000;
  const signed = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    who,
    der(0x30, utcTime(Date.now() - day), utcTime(Date.now() + day)),
    who,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const certificate = der(0x30, signed, ecdsaWithSha256, der(0x03, Buffer.from([0]), sign("sha256", signed, privateKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
  };
}

/** One value of ASN.1 in its distinguished encoding (X.690 §8.1): tag, length, content. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 0x80 ? [body.length] : body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** YYMMDDHHMMSSZ. */
const utcTime = (ms: number): Buffer => der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
