import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/**
 * Signed webhooks (vonage-voice §8): `Authorization: Bearer <JWT>`, HS256 with the account's signature secret. The claims name who
 * sent it and the SHA-256 of what was sent. Checked here by hand, synchronously, because there is exactly one algorithm to accept.
 */
export interface SignatureKeys {
  readonly secret: string;
  /** Ours, when configured: another account's signature is then refused. */
  readonly apiKey: string | null;
  readonly applicationId: string | null;
}

export interface Claims {
  readonly jti: string | null;
  readonly iat: number;
  readonly iss: string | null;
  readonly apiKey: string | null;
  readonly applicationId: string | null;
  readonly payloadHash: string | null;
}

/** Why a signature was refused: a closed list, each with its sentence. */
export const refusals = {
  absent: "No Authorization header with a Bearer token.",
  malformed: "The token is not a JWT.",
  algorithm: "The token is not signed with HS256.",
  signature: "The signature does not match our signature secret.",
  claims: "The token's claims are not what Vonage sends.",
  issuer: "The token was not issued by Vonage.",
  account: "The token names another account's API key.",
  application: "The token names another application.",
  stale: "The token is older than five minutes, or the clocks differ by that much.",
  early: "The token is dated more than five minutes ahead; one of the clocks is wrong.",
  expired: "The token has expired.",
  unhashed: "The token does not say what payload it signs.",
  payload: "The payload is not the one that was signed.",
  replayed: "The token was used before, for another address or to open a second conversation.",
} as const;
export type Refusal = keyof typeof refusals;

export type Signed =
  | { readonly good: true; readonly claims: Claims }
  | { readonly good: false; readonly because: Refusal; readonly claims: Claims | null };

/** Vonage names no tolerance; five minutes is common and survives a clock that is a little wrong. */
export const TOLERANCE_S = 300;
const LONGEST_TOKEN = 8192;

/** What was sent, as it arrived: raw bytes for POST, the raw query (without "?") for GET. */
export interface Received {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly body: Uint8Array;
  readonly rawQuery: string;
}

/** Is this webhook Vonage's own, whole and fresh? Never throws. */
export function verifyWebhook(received: Received, keys: SignatureKeys, now: Date): Signed {
  const signed = verifyToken(received.authorization, keys, now);
  if (!signed.good) return signed;
  const refuse = (because: Refusal): Signed => ({ good: false, because, claims: signed.claims });
  if (signed.claims.payloadHash === null) return refuse("unhashed");
  const wanted = received.method === "GET" ? queryHashes(received.rawQuery) : [sha256(received.body)];
  return wanted.some((hash) => sameText(hash, (signed.claims.payloadHash as string).toLowerCase())) ? signed : refuse("payload");
}

/**
 * The opening handshake of an audio socket with `authorization: {type: "vonage"}` (§5.8). What `payload_hash` covers there is unknown,
 * so it is not asked for: the one-time token in the path says which call it is.
 */
export function verifyHandshake(authorization: string | undefined, keys: SignatureKeys, now: Date): Signed {
  return verifyToken(authorization, keys, now);
}

/**
 * The hashes a GET webhook may have: all parameters in the order received as one compact JSON object, and the same without ours, because
 * it is not known whether parameters of our own take part (§8).
 */
export function queryHashes(rawQuery: string): string[] {
  const all = [...new URLSearchParams(rawQuery)];
  const theirs = all.filter(([name]) => name !== "call" && name !== "leg");
  return [compact(all), compact(theirs)].map((json) => sha256(Buffer.from(json, "utf8")));
}

/** The claims of a token, unproven: for the record of what was refused. */
export function claimsOf(authorization: string | undefined): Claims | null {
  const payload = bearer(authorization)?.split(".")[1];
  return payload === undefined ? null : readClaims(decode(payload));
}

/**
 * What tells one token from all others: its jti, which Vonage's have (§8); of a token without one the token itself, so that a replay is known as one in
 * any case. Null without a token. Unproven.
 */
export function tokenIdOf(authorization: string | undefined): string | null {
  const token = bearer(authorization);
  if (token === null) return null;
  return claimsOf(authorization)?.jti ?? `token ${sha256(Buffer.from(token))}`;
}

function verifyToken(authorization: string | undefined, keys: SignatureKeys, now: Date): Signed {
  const token = bearer(authorization);
  if (token === null) return { good: false, because: "absent", claims: null };
  const parts = token.split(".");
  const [head, payload, signature] = parts;
  if (parts.length !== 3 || head === undefined || payload === undefined || signature === undefined || token.length > LONGEST_TOKEN) {
    return { good: false, because: "malformed", claims: null };
  }
  const header = decode(head);
  const claims = readClaims(decode(payload));
  const refuse = (because: Refusal): Signed => ({ good: false, because, claims });
  if (header === null) return refuse("malformed");
  if (header.alg !== "HS256") return refuse("algorithm");
  const right = createHmac("sha256", keys.secret).update(`${head}.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== right.length || !timingSafeEqual(given, right)) return refuse("signature");
  if (claims === null) return { good: false, because: "claims", claims };
  if (claims.iss !== "Vonage") return refuse("issuer");
  if (keys.apiKey !== null && claims.apiKey !== keys.apiKey) return refuse("account");
  // Not every product's token names the application; where it does it must be ours.
  if (keys.applicationId !== null && claims.applicationId !== null && claims.applicationId !== keys.applicationId)
    return refuse("application");
  const nowS = now.getTime() / 1000;
  if (claims.iat < nowS - TOLERANCE_S) return refuse("stale");
  if (claims.iat > nowS + TOLERANCE_S) return refuse("early");
  const exp = decode(payload)?.exp;
  if (typeof exp === "number" && exp < nowS - TOLERANCE_S) return refuse("expired");
  return { good: true, claims };
}

function bearer(authorization: string | undefined): string | null {
  return /^Bearer +([A-Za-z0-9_=.-]+)$/i.exec(authorization ?? "")?.[1] ?? null;
}

function readClaims(payload: Record<string, unknown> | null): Claims | null {
  if (payload === null || typeof payload.iat !== "number" || !Number.isFinite(payload.iat)) return null;
  const told = (name: string): string | null => {
    const value = payload[name];
    return typeof value === "string" ? value.replaceAll("\0", "").toWellFormed().slice(0, 200) : null;
  };
  return {
    jti: told("jti"),
    iat: payload.iat,
    iss: told("iss"),
    apiKey: told("api_key"),
    applicationId: told("application_id"),
    payloadHash: told("payload_hash"),
  };
}

function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** One object in the order given, whatever the names: JSON.stringify would put number-like names first. Doubles: the last value, at the first place. */
function compact(parameters: readonly (readonly [string, string])[]): string {
  const fields = new Map(parameters);
  return `{${[...fields].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
