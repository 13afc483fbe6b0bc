import type { Sql } from "../db/pool.ts";
import { type CallId, type ConversationId, type LegId, newId, type WebhookId } from "../ids.ts";

/** The only place that writes `webhooks`: every request of a carrier, stored before it is answered, and what became of it. */

export type Door = "answer" | "event" | "recording" | "fallback";

export interface StoredWebhook {
  readonly id: WebhookId;
  readonly receivedAt: Date;
  readonly door: Door;
  readonly method: string;
  readonly url: string;
  readonly body: Buffer;
}

export interface NewWebhook {
  readonly carrier: string;
  readonly door: Door;
  readonly method: string;
  /** Path and query, tokens taken out. */
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
  readonly jti: string | null;
  readonly receivedAt: Date;
}

/** Stores a request that proved to be the carrier's. `signedBefore`: the URL its signature came with the first time, if it came before. */
export async function storeWebhook(
  sql: Sql,
  webhook: NewWebhook,
): Promise<{ readonly id: WebhookId; readonly signedBefore: string | null }> {
  const id = newId<WebhookId>(webhook.receivedAt.getTime());
  const { rows } = await sql.query<{ before: string | null }>({
    name: "store webhook",
    text: `insert into webhooks (id, received_at, carrier, door, method, url, headers, body, jti) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      returning (select url from webhooks where jti = $9 and verdict <> 'bad_signature' order by received_at limit 1) as before`,
    values: [
      id,
      webhook.receivedAt,
      webhook.carrier,
      webhook.door,
      webhook.method,
      webhook.url,
      JSON.stringify(webhook.headers),
      webhook.body,
      webhook.jti,
    ],
  });
  return { id, signedBefore: rows[0]?.before ?? null };
}

/** Keeps a request that was refused, for whoever wonders why; its body is cut. */
export async function storeRefused(sql: Sql, webhook: NewWebhook, because: string): Promise<void> {
  await sql.query(
    `insert into webhooks (id, received_at, carrier, door, method, url, headers, body, verdict, because)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'bad_signature', $9)`,
    [
      newId(webhook.receivedAt.getTime()),
      webhook.receivedAt,
      webhook.carrier,
      webhook.door,
      webhook.method,
      webhook.url.slice(0, 2000),
      JSON.stringify(webhook.headers),
      webhook.body.subarray(0, 2048),
      because,
    ],
  );
}

/** A stored request that turned out to be somebody's replay: it is not applied. */
export async function refuseStored(sql: Sql, id: WebhookId, because: string): Promise<void> {
  await sql.query("update webhooks set verdict = 'bad_signature', because = $2 where id = $1 and verdict = 'pending'", [id, because]);
}

/** Refused requests kept at most: strangers may send as many as they like. */
const REFUSED_KEPT = 1000;

export async function trimRefused(sql: Sql): Promise<void> {
  await sql.query(
    `delete from webhooks where verdict = 'bad_signature' and received_at <
       (select received_at from webhooks where verdict = 'bad_signature' order by received_at desc offset ${REFUSED_KEPT} limit 1)`,
  );
}

/** A pending webhook for applying, locked until the transaction ends; null when it is done already or another process has it. */
export async function takePending(sql: Sql, id: WebhookId): Promise<StoredWebhook | null> {
  const { rows } = await sql.query<StoredWebhook>({
    name: "take webhook",
    text: `select id, received_at as "receivedAt", door, method, url, body from webhooks where id = $1 and verdict = 'pending' for update skip locked`,
    values: [id],
  });
  return rows[0] ?? null;
}

/** Was the same fact delivered before, in whatever form? Serialises deliveries of one fact until the transaction ends. */
export async function isDuplicate(sql: Sql, carrier: string, identity: string): Promise<boolean> {
  await sql.query({
    name: "lock identity",
    text: "select pg_advisory_xact_lock(hashtextextended($1, 0))",
    values: [`${carrier} ${identity}`],
  });
  const { rows } = await sql.query<{ before: boolean }>({
    name: "seen identity",
    text: `select exists (select from webhooks where carrier = $1 and identity = $2 and verdict in ('applied', 'kept', 'late')) as before`,
    values: [carrier, identity],
  });
  return rows[0]?.before === true;
}

export interface Judged {
  readonly verdict: "applied" | "kept" | "duplicate" | "late" | "unknown_call" | "unreadable";
  readonly because: string | null;
  readonly identity: string | null;
  readonly call: CallId | null;
  readonly leg: LegId | null;
  readonly conversation: ConversationId | null;
}

export async function judgeWebhook(sql: Sql, id: WebhookId, judged: Judged): Promise<void> {
  await sql.query({
    name: "judge webhook",
    text: "update webhooks set verdict = $2, because = $3, identity = $4, call_id = $5, leg = $6, conversation = $7 where id = $1",
    values: [id, judged.verdict, judged.because, judged.identity, judged.call, judged.leg, judged.conversation],
  });
}

/** Applying failed for a reason of ours. After too many times it is set aside, so that one bad request cannot hold up the rest. */
export async function noteAttempt(sql: Sql, id: WebhookId, because: string): Promise<void> {
  await sql.query(
    `update webhooks set attempts = attempts + 1, because = $2, verdict = case when attempts + 1 >= ${MOST_ATTEMPTS} then 'unreadable' else verdict end
     where id = $1 and verdict = 'pending'`,
    [id, because.slice(0, 500)],
  );
}
const MOST_ATTEMPTS = 10;

/** What waits to be applied, oldest first: left by a crash or a failure. `before` leaves the freshest to the process that received them. */
export async function listPending(sql: Sql, before: Date, limit: number): Promise<{ readonly id: WebhookId; readonly url: string }[]> {
  const { rows } = await sql.query<{ id: WebhookId; url: string }>(
    "select id, url from webhooks where verdict = 'pending' and received_at <= $1 order by received_at, id limit $2",
    [before, limit],
  );
  return rows;
}

/** Webhooks that came before their call was known, and whose call is known now, wait to be applied again. Returns how many. */
export async function wakeUnknown(sql: Sql, since: Date): Promise<number> {
  const { rowCount } = await sql.query(
    `update webhooks w set verdict = 'pending', attempts = attempts + 1
     where w.verdict = 'unknown_call' and w.received_at >= $1 and w.attempts < ${MOST_ATTEMPTS - 1}
       and exists (select from calls c where c.conversation = w.conversation or c.phone_leg = w.leg)`,
    [since],
  );
  return rowCount ?? 0;
}
