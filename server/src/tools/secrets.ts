import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { AgentTool, HttpTool } from "@earshot/contract/tool";
import type { Sql } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { SecretUnknown } from "./failures.ts";

/**
 * The only place that writes and reads `tool_secrets`: values of headers that nobody may see again. An agent's settings hold their ids. A secret
 * goes to the origin it was given for and in the header it was given for, and nowhere else: whoever may change an agent cannot have it sent to a
 * server of their own. With a key (STORAGE_KEY) values are sealed with AES-256-GCM; without one they lie in the database as they are.
 */

/** Who saves, when, and the key of the house, 32 bytes; null: it has none. */
export interface Keeping {
  readonly by: string;
  readonly at: Date;
  readonly key: Buffer | null;
}

/** Puts new secrets away: the same tools with ids in their place. In a transaction. @throws SecretUnknown naming each id that is not for its place */
export async function withSecretsKept(sql: Sql, tools: readonly AgentTool[], keeping: Keeping): Promise<AgentTool[]> {
  const wrong: string[] = [];
  const kept: AgentTool[] = [];
  for (const [at, tool] of tools.entries()) {
    if (tool.kind !== "http") {
      kept.push(tool);
      continue;
    }
    const headers: HttpTool["secret_headers"] = [];
    for (const [place, header] of tool.secret_headers.entries()) {
      const origin = originOf(tool.url);
      if ("value" in header) headers.push({ name: header.name, secret: await keep(sql, origin, header, keeping) });
      else if (await isFor(sql, header.secret, origin, header.name)) headers.push(header);
      else wrong.push(`tools.${at}.secret_headers.${place}`);
    }
    kept.push({ ...tool, secret_headers: headers });
  }
  if (wrong.length > 0) throw new SecretUnknown(wrong);
  return kept;
}

/** The values for a request to the tool's address, by lower-case name; or why they cannot be had, for the engine. */
export async function openSecrets(
  sql: Sql,
  tool: Pick<HttpTool, "url" | "secret_headers">,
  key: Buffer | null,
): Promise<{ readonly are: Record<string, string> } | { readonly wrong: string }> {
  const are: Record<string, string> = {};
  for (const header of tool.secret_headers) {
    const id = "secret" in header ? header.secret : null;
    const { rows } = await sql.query<{ value: Buffer; sealed: boolean }>(
      "select value, sealed from tool_secrets where id = $1 and origin = $2 and header = lower($3)",
      [id, originOf(tool.url), header.name],
    );
    const row = rows[0];
    const value = row === undefined ? null : row.sealed ? unseal(row.value, key, id as string) : row.value.toString("utf8");
    if (value === null) return { wrong: "A secret of this tool cannot be read; its operator must give it again." };
    are[header.name.toLowerCase()] = value;
  }
  return { are };
}

async function keep(sql: Sql, origin: string, { name, value }: { name: string; value: string }, { by, at, key }: Keeping): Promise<string> {
  const id = newId();
  await sql.query(
    "insert into tool_secrets (id, origin, header, value, sealed, made_at, made_by) values ($1, $2, lower($3), $4, $5, $6, $7)",
    [id, origin, name, key === null ? Buffer.from(value, "utf8") : seal(value, key, id), key !== null, at, by],
  );
  return id;
}

async function isFor(sql: Sql, id: string, origin: string, header: string): Promise<boolean> {
  const { rowCount } = await sql.query("select from tool_secrets where id = $1 and origin = $2 and header = lower($3)", [
    id,
    origin,
    header,
  ]);
  return rowCount === 1;
}

const originOf = (url: string): string => URL.parse(url)?.origin ?? "";

// ---- nonce (12)  tag (16)  text; the id is bound to it, so that no row can hold another's value --------------------------------

const keyOf = (key: Buffer): Buffer => Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), "earshot tool secrets v1", 32));

function seal(value: string, key: Buffer, id: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", keyOf(key), nonce).setAAD(Buffer.from(id));
  const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** Null when there is no key, or another one sealed it. */
function unseal(sealed: Buffer, key: Buffer | null, id: string): string | null {
  if (key === null || sealed.length < 28) return null;
  try {
    const decipher = createDecipheriv("aes-256-gcm", keyOf(key), sealed.subarray(0, 12)).setAAD(Buffer.from(id));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString("utf8");
  } catch {
    return null;
  }
}
