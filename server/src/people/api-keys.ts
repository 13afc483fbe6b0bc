import type { ApiKey } from "@earshot/contract/api-key";
import type { Role } from "@earshot/contract/session";
import type { Clock } from "../clock.ts";
import type { Sql } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { NoSuchKey } from "./failures.ts";
import { newSecret, sha256 } from "./secrets.ts";

const SEEN_EVERY_MS = 60_000;

export interface KnownKey {
  readonly id: string;
  readonly role: Role;
}

interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  role: Role;
  from_environment: boolean;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const columns = "id, name, prefix, role, from_environment, created_at, last_used_at, revoked_at";

const asJson = (row: KeyRow): ApiKey => ({
  ...row,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at?.toISOString() ?? null,
  revoked_at: row.revoked_at?.toISOString() ?? null,
});

/** Makes a key. `key` is the only time it can be seen. */
export async function makeApiKey(sql: Sql, wish: { name: string; role: Role }, clock: Clock): Promise<{ key: string; made: ApiKey }> {
  const key = `ek_${newSecret()}`;
  const { rows } = await sql.query<KeyRow>(
    `insert into api_keys (id, name, key_hash, prefix, role, created_at) values ($1, $2, $3, $4, $5, $6) returning ${columns}`,
    [newId(), wish.name, sha256(key), key.slice(0, 9), wish.role, clock.now()],
  );
  return { key, made: asJson(rows[0] as KeyRow) };
}

/** Every key, the newest first, revoked ones too. */
export async function listApiKeys(sql: Sql): Promise<ApiKey[]> {
  const { rows } = await sql.query<KeyRow>(`select ${columns} from api_keys order by created_at desc, id desc limit 1000`);
  return rows.map(asJson);
}

/** Ends a key for good. Doing it twice changes nothing. Throws NoSuchKey. */
export async function revokeApiKey(sql: Sql, id: string, clock: Clock): Promise<ApiKey> {
  const { rows } = await sql.query<KeyRow>(`update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning ${columns}`, [
    id,
    clock.now(),
  ]);
  if (!rows[0]) throw new NoSuchKey();
  return asJson(rows[0]);
}

/** The key behind the characters somebody sent; null when unknown or revoked. Its use is written down once a minute. */
export async function apiKeyOf(sql: Sql, key: string, clock: Clock): Promise<KnownKey | null> {
  const { rows } = await sql.query<{ id: string; role: Role; last_used_at: Date | null }>(
    "select id, role, last_used_at from api_keys where key_hash = $1 and revoked_at is null",
    [sha256(key)],
  );
  const row = rows[0];
  if (!row) return null;
  const now = clock.now();
  if (!row.last_used_at || now.getTime() - row.last_used_at.getTime() > SEEN_EVERY_MS) {
    await sql.query("update api_keys set last_used_at = $2 where id = $1", [row.id, now]);
  }
  return { id: row.id, role: row.role };
}

/** Is this key still good? For streams, which outlive the request that was checked. */
export async function isApiKeyGood(sql: Sql, id: string): Promise<boolean> {
  const { rows } = await sql.query("select 1 from api_keys where id = $1 and revoked_at is null", [id]);
  return rows.length === 1;
}

/**
 * The key of the configuration: whoever sets API_KEY owns the installation, so it is an administrator's. Another value replaces the
 * one before, which ends; one revoked in the dashboard stays revoked. Inside a transaction; several processes may start at once.
 */
export async function ensureFirstApiKey(sql: Sql, key: string, clock: Clock): Promise<void> {
  await sql.query("select pg_advisory_xact_lock(hashtextextended('earshot first api key', 0))");
  await sql.query("update api_keys set revoked_at = $2 where from_environment and revoked_at is null and key_hash <> $1", [
    sha256(key),
    clock.now(),
  ]);
  await sql.query(
    `insert into api_keys (id, name, key_hash, prefix, role, from_environment, created_at)
     values ($1, 'API_KEY', $2, $3, 'admin', true, $4) on conflict (key_hash) do nothing`,
    [newId(), sha256(key), key.slice(0, Math.min(8, Math.floor(key.length / 4))), clock.now()],
  );
}
