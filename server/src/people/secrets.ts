import { createHash, randomBytes } from "node:crypto";

/** 256 random bits that fit in a URL: session tokens, sign-in links, API keys. */
export const newSecret = (): string => randomBytes(32).toString("base64url");

/** What is stored of a secret of that kind. They are random, so one fast hash is enough. */
export const sha256 = (secret: string): Buffer => createHash("sha256").update(secret).digest();
