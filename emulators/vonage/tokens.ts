import { createHash, type KeyObject, randomUUID } from "node:crypto";
import { errors, importSPKI, jwtVerify, SignJWT } from "jose";

/** The longest a token may live, in seconds (Vonage: 24 h), and how long one without `exp` does (15 min). */
const LONGEST_S = 24 * 3600;
const DEFAULT_S = 15 * 60;

export type TokenVerdict = { readonly good: true } | { readonly good: false; readonly because: string };

/**
 * Checks the bearer token of a REST request: RS256 by the application's key, `application_id`, `iat`, `jti`, and not expired.
 * See https://developer.vonage.com/en/getting-started/concepts/authentication.
 */
export async function openTokenCheck(
  applicationId: string,
  publicKeyPem: string,
): Promise<(authorization: string | undefined) => Promise<TokenVerdict>> {
  const key = await importSPKI(publicKeyPem, "RS256");
  return async (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (!token) return { good: false, because: "no bearer token" };
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["RS256"],
        clockTolerance: 5,
        requiredClaims: ["iat", "jti", "application_id"],
      });
      if (payload.application_id !== applicationId) return { good: false, because: "another application's token" };
      const age = Date.now() / 1000 - (payload.iat ?? 0);
      if (payload.exp === undefined && age > DEFAULT_S) return { good: false, because: "older than 15 minutes and without exp" };
      if (payload.exp !== undefined && payload.exp - (payload.iat ?? 0) > LONGEST_S)
        return { good: false, because: "lives longer than 24 hours" };
      return { good: true };
    } catch (problem) {
      return { good: false, because: problem instanceof errors.JOSEError ? problem.message : String(problem) };
    }
  };
}

export interface Signer {
  readonly applicationId: string;
  readonly apiKey: string;
  readonly secret: KeyObject;
}

/**
 * The bearer token of a webhook: HS256 by the account's signature secret over `iat jti iss payload_hash api_key application_id`.
 * See https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks.
 *
 * @param payload what is hashed: the raw body of a POST; of a GET the query parameters as compact JSON, in the order sent
 */
export function signWebhook(signer: Signer, payload: string): Promise<string> {
  return new SignJWT({
    payload_hash: createHash("sha256").update(payload).digest("hex"),
    api_key: signer.apiKey,
    application_id: signer.applicationId,
  })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuer("Vonage")
    .setIssuedAt()
    .setJti(randomUUID())
    .sign(signer.secret);
}

/** A query string as the object that is hashed for a GET: every parameter, in order, as text. */
export function queryAsPayload(url: URL): string {
  return JSON.stringify(Object.fromEntries(url.searchParams));
}
