import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Sql } from "../../db/pool.ts";

const KEY_NAME = "evidence_key";

/** The installation's signing key (Ed25519), made with the first evidence file and kept in `settings`. */
export interface EvidenceKey {
  /** 64 hex digits: what whoever receives an evidence file compares. */
  readonly publicHex: string;
  /** Hex. */
  sign(bytes: Uint8Array): string;
}

export async function evidenceKey(sql: Sql): Promise<EvidenceKey> {
  const { rows: known } = await sql.query<{ pem: string }>("select value->>'private' as pem from settings where name = $1", [KEY_NAME]);
  const pem = known[0]?.pem ?? (await makeKey(sql));
  const secret = createPrivateKey(pem);
  return { publicHex: publicHexOf(secret), sign: (bytes) => sign(null, bytes, secret).toString("hex") };
}

/** Two processes at once end with the same one. */
async function makeKey(sql: Sql): Promise<string> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const made = { private: privateKey.export({ type: "pkcs8", format: "pem" }), public: publicHexOf(privateKey) };
  await sql.query("insert into settings (name, value) values ($1, $2) on conflict (name) do nothing", [KEY_NAME, made]);
  const { rows } = await sql.query<{ pem: string }>("select value->>'private' as pem from settings where name = $1", [KEY_NAME]);
  return rows[0]?.pem ?? "";
}

function publicHexOf(key: KeyObject): string {
  const { x } = key.export({ format: "jwk" });
  return Buffer.from(x ?? "", "base64url").toString("hex");
}
