import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { roleMay } from "@earshot/contract/permission";
import { RecordingSource } from "@earshot/contract/recording";
import type { Role } from "@earshot/contract/session";
import type { Sql } from "../db/pool.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { isUuid } from "../ids.ts";
import type { Actor } from "../people/audits.ts";

/** What a shared link opens, until when, and on whose word. One recording, the best of a source, or the best of all. */
export interface Share {
  readonly call: CallId;
  readonly source: RecordingSource | null;
  readonly recording: RecordingId | null;
  readonly expiresAt: Date;
  readonly maker: Actor;
}

const KEY_NAME = "recording_link_key";

/** The key links are signed with: made once, kept in `settings`, the same for every process. */
export async function linkKey(sql: Sql): Promise<Buffer> {
  const fresh = randomBytes(32).toString("base64url");
  await sql.query("insert into settings (name, value) values ($1, to_jsonb($2::text)) on conflict (name) do nothing", [KEY_NAME, fresh]);
  const { rows } = await sql.query<{ value: string }>("select value #>> '{}' as value from settings where name = $1", [KEY_NAME]);
  return Buffer.from(rows[0]?.value ?? "", "base64url");
}

/** `v1.<call>.<recording, source or any>.<expiry, seconds>.<maker>.<HMAC-SHA256 of all that>`: legible, so that a support engineer can read it. */
export function signShare(share: Share, key: Buffer): string {
  const said = ["v1", share.call, share.recording ?? share.source ?? "any", Math.floor(share.expiresAt.getTime() / 1000), share.maker].join(
    ".",
  );
  return `${said}.${mac(said, key)}`;
}

/** A token that is genuine and not expired, else null. Whether its maker may still share is asked of the database (`makerMayShare`). */
export function readShare(token: string, key: Buffer, now: Date): Share | null {
  const cut = token.lastIndexOf(".");
  const said = token.slice(0, Math.max(0, cut));
  const sent = Buffer.from(token.slice(cut + 1));
  const expected = Buffer.from(mac(said, key));
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) return null;
  const [version, call = "", what = "", expiry = "", maker = "", ...rest] = said.split(".");
  const expiresAt = new Date(Number(expiry) * 1000);
  const source = RecordingSource.safeParse(what).data ?? null;
  const recording = isUuid(what) ? (what as RecordingId) : null;
  if (version !== "v1" || rest.length > 0 || !isUuid(call) || !/^(user|key):/.test(maker)) return null;
  if (source === null && recording === null && what !== "any") return null;
  if (!(expiresAt > now)) return null;
  return { call: call as CallId, source, recording, expiresAt, maker: maker as Actor };
}

/** A link lives no longer than its maker's right to make it: a disabled user's, a revoked key's links end with them. */
export async function makerMayShare(sql: Sql, maker: Actor): Promise<boolean> {
  const [kind, id] = maker.split(":");
  if (!id || !isUuid(id)) return false;
  const { rows } = await sql.query<{ role: Role }>(
    kind === "user"
      ? "select role from users where id = $1 and disabled_at is null"
      : "select role from api_keys where id = $1 and revoked_at is null",
    [id],
  );
  return rows[0] !== undefined && roleMay(rows[0].role, "recordings.share");
}

const mac = (said: string, key: Buffer): string => createHmac("sha256", key).update(`earshot recording link ${said}`).digest("base64url");
