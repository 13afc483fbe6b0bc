import type { Role } from "@earshot/contract/session";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { apiKeyOf, isApiKeyGood } from "../people/api-keys.ts";
import type { Actor } from "../people/audits.ts";
import { isSessionOpen, type Session, sessionOf } from "../people/sessions.ts";
import { CredentialMissing, CredentialRefused } from "./failures.ts";

/** Who asks: a person by session, or a program by key. */
export type Credential =
  | { readonly by: "session"; readonly actor: Actor; readonly role: Role; readonly session: Session }
  | { readonly by: "key"; readonly actor: Actor; readonly role: Role; readonly key: string };

/**
 * Reads the credential of a request. An Authorization header decides alone: a wrong key is not rescued by a cookie.
 * Throws CredentialMissing, CredentialRefused.
 */
export async function credentialOf(
  sql: Sql,
  sent: { authorization: string | undefined; token: string | null },
  clock: Clock,
): Promise<Credential> {
  if (sent.authorization !== undefined) {
    const key = /^Bearer +([\x21-\x7e]{1,500})$/i.exec(sent.authorization)?.[1];
    if (key === undefined) throw new CredentialMissing();
    const known = await apiKeyOf(sql, key, clock);
    if (!known) throw new CredentialRefused("key");
    return { by: "key", actor: `key:${known.id}`, role: known.role, key: known.id };
  }
  if (sent.token === null) throw new CredentialMissing();
  const session = await sessionOf(sql, sent.token, clock);
  if (!session) throw new CredentialRefused("session");
  return { by: "session", actor: `user:${session.user.id}`, role: session.user.role, session };
}

/** Is it still good? For streams, which outlive the request that was checked. */
export const isStillGood = (sql: Sql, credential: Credential, clock: Clock): Promise<boolean> =>
  credential.by === "key" ? isApiKeyGood(sql, credential.key) : isSessionOpen(sql, credential.session.hash, clock);
