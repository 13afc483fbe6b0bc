import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(argon2);

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, 2 passes, 1 lane. 35 ms here. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 };
const TAG_BYTES = 32;
const SALT_BYTES = 16;

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
/** The same word typed on two keyboards is one password (RFC 8265 §4.2 asks for a normal form; NFKC as in NIST 800-63B). */
const message = (password: string) => password.normalize("NFKC");

/** A password's argon2id hash in PHC format: `$argon2id$v=19$m=...,t=...,p=...$salt$tag`. Works off the event loop. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const tag = await derive("argon2id", { message: message(password), nonce, tagLength: TAG_BYTES, ...COST });
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
}

/** Is `password` the one behind `hash`? False for a hash that cannot be read. The costs are the hash's own. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const parts = phc.exec(hash);
  if (!parts) return false;
  const [, memory, passes, parallelism, salt, tag] = parts as unknown as [string, string, string, string, string, string];
  const expected = Buffer.from(tag, "base64");
  const found = await derive("argon2id", {
    message: message(password),
    nonce: Buffer.from(salt, "base64"),
    tagLength: expected.length,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  }).catch(refuseCosts);
  return found !== null && timingSafeEqual(found, expected);
}

/** Salt, tag or cost outside what argon2 allows: no hash of ours, nor of anybody. */
function refuseCosts(error: unknown): null {
  if (error instanceof RangeError) return null;
  throw error;
}

/** Was `hash` made at another cost than today's? Then it is made anew at the next sign-in. */
export const isOutdated = (hash: string): boolean =>
  !hash.startsWith(`$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$`);
