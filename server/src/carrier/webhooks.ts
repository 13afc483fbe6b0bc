import type { Sql } from "../db/pool.ts";
import { recordset } from "../db/recordset.ts";
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

export interface Stored {
  readonly id: WebhookId;
  /** The URL its signature came with the first time, if it came before. */
  readonly signedBefore: string | null;
}

/** Stores requests that proved to be the carrier's: several that come together in one statement. */
export interface Storing {
  /** Resolves when it is on disk. Rejects when the database does not take it. */
  store(webhook: NewWebhook): Promise<Stored>;
  /** How many wait to be stored. */
  readonly waiting: number;
}

/** In one statement at most: about 1 MB of bodies as Vonage sends them. */
const MOST_AT_ONCE = 200;

/**
 * One statement is under way at a time, and takes all that have come meanwhile: alone a request waits for nothing, in a storm many share one
 * commit. (bench: 1000 a second would otherwise be 1000 commits, on the connections that apply them too.)
 */
export function openStoring(sql: Sql): Storing {
  type Waiting = { readonly webhook: NewWebhook; readonly done: (stored: Stored) => void; readonly failed: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_AT_ONCE);
      waiting = waiting.slice(MOST_AT_ONCE);
      try {
        const stored = await storeWebhooks(
          sql,
          batch.map(({ webhook }) => webhook),
        );
        batch.forEach(({ done }, i) => {
          done(stored[i] as Stored);
        });
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    running = false;
  };
  return {
    store: (webhook) =>
      new Promise((done, failed) => {
        waiting.push({ webhook, done, failed });
        if (!running) void run();
      }),
    get waiting() {
      return waiting.length;
    },
  };
}

async function storeWebhooks(sql: Sql, webhooks: readonly NewWebhook[]): Promise<Stored[]> {
  const ids = webhooks.map(({ receivedAt }) => newId<WebhookId>(receivedAt.getTime()));
  const column = <K extends keyof NewWebhook>(name: K): NewWebhook[K][] => webhooks.map((webhook) => webhook[name]);
  const { rows } = await sql.query<{ id: WebhookId; before: string | null }>({
    name: "store webhooks",
    text: `insert into webhooks (id, received_at, carrier, door, method, url, headers, body, jti)
      select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::bytea[], $9::text[])
      returning id, (select w.url from webhooks w where w.jti = webhooks.jti and w.verdict <> 'bad_signature' order by w.received_at limit 1) as before`,
    values: [
      ids,
      column("receivedAt"),
      column("carrier"),
      column("door"),
      column("method"),
      column("url"),
      webhooks.map(({ headers }) => JSON.stringify(headers)),
      webhooks.map(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.byteLength)),
      column("jti"),
    ],
  });
  const before = new Map(rows.map((row) => [row.id, row.before]));
  // The statement does not see its own rows: the same signature twice in one batch is found here.
  const first = new Map<string, string>();
  return webhooks.map(({ jti, url }, i) => {
    const id = ids[i] as WebhookId;
    const earlier = before.get(id) ?? (jti === null ? null : (first.get(jti) ?? null));
    if (jti !== null && !first.has(jti)) first.set(jti, url);
    return { id, signedBefore: earlier };
  });
}

/** Keeps a request that was refused, for whoever wonders why; its body is cut. `call`: of which it claims to be, shown there when it is one of ours. */
export async function storeRefused(sql: Sql, webhook: NewWebhook, because: string, call: CallId | null = null): Promise<void> {
  await sql.query(
    `insert into webhooks (id, received_at, carrier, door, method, url, headers, body, verdict, because, call_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'bad_signature', $9, (select id from calls where id = $10))`,
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
      call,
    ],
  );
}

/** A stored request that turned out to be somebody's replay: it is not applied. */
export async function refuseStored(sql: Sql, id: WebhookId, because: string, call: CallId | null): Promise<void> {
  await sql.query(
    `update webhooks set verdict = 'bad_signature', because = $2, call_id = (select c.id from calls c where c.id = $3)
     where id = $1 and verdict = 'pending'`,
    [id, because, call],
  );
}

/** Refused requests kept at most: strangers may send as many as they like. */
const REFUSED_KEPT = 1000;

export async function trimRefused(sql: Sql): Promise<void> {
  await sql.query(
    `delete from webhooks where verdict = 'bad_signature' and received_at <
       (select received_at from webhooks where verdict = 'bad_signature' order by received_at desc offset ${REFUSED_KEPT} limit 1)`,
  );
}

/** Pending webhooks for applying, in the order asked for, locked until the transaction ends; without those that are done already or that another process has. */
export async function takePending(sql: Sql, ids: readonly WebhookId[]): Promise<StoredWebhook[]> {
  const { rows } = await sql.query<StoredWebhook>({
    name: "take webhooks",
    text: `select id, received_at as "receivedAt", door, method, url, body from webhooks where id = any($1::uuid[]) and verdict = 'pending' for update skip locked`,
    values: [ids],
  });
  const taken = new Map(rows.map((row) => [row.id, row]));
  return [...new Set(ids)].flatMap((id) => taken.get(id) ?? []);
}

/**
 * Which of these facts were delivered before, in whatever form? Two deliveries at once may both be told "no": then the second to commit breaks against
 * the unique index on identities and is applied again, as the duplicate it is.
 */
export async function seenIdentities(sql: Sql, carrier: string, identities: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ identity: string }>({
    name: "seen identities",
    text: `select identity from webhooks where carrier = $1 and identity = any($2::text[]) and verdict in ('applied', 'kept', 'late')`,
    values: [carrier, identities],
  });
  return new Set(rows.map(({ identity }) => identity));
}

/** When a request with this token came for the first time; null when none did. */
export async function firstReceived(sql: Sql, carrier: string, jti: string): Promise<Date | null> {
  const { rows } = await sql.query<{ at: Date | null }>("select min(received_at) as at from webhooks where carrier = $1 and jti = $2", [
    carrier,
    jti,
  ]);
  return rows[0]?.at ?? null;
}

/** What became of one webhook. */
export interface Judged {
  readonly id: WebhookId;
  readonly verdict: "applied" | "kept" | "duplicate" | "late" | "unknown_call" | "unreadable";
  readonly because: string | null;
  readonly identity: string | null;
  readonly call: CallId | null;
  readonly leg: LegId | null;
  readonly conversation: ConversationId | null;
}

export async function judgeWebhooks(sql: Sql, judged: readonly Judged[]): Promise<void> {
  await sql.query({
    name: "judge webhooks",
    text: `update webhooks w set verdict = x.verdict, because = x.because, identity = x.identity, call_id = x.call, leg = x.leg, conversation = x.conversation
      from jsonb_to_recordset($1) as x (id uuid, verdict text, because text, identity text, call uuid, leg text, conversation text) where w.id = x.id`,
    values: [recordset(judged)],
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

/** The same of one leg and its conversation, whose call was made just now. Returns what is to be applied, oldest first. */
export async function wakeUnknownOf(
  sql: Sql,
  leg: LegId,
  conversation: ConversationId | null,
): Promise<{ readonly id: WebhookId; readonly url: string }[]> {
  const { rows } = await sql.query<{ id: WebhookId; url: string; received: Date }>({
    name: "wake of leg",
    text: `update webhooks set verdict = 'pending', attempts = attempts + 1
      where verdict = 'unknown_call' and attempts < ${MOST_ATTEMPTS - 1} and (leg = $1 or conversation = $2) returning id, url, received_at as received`,
    values: [leg, conversation],
  });
  return rows.sort((a, b) => a.received.getTime() - b.received.getTime());
}
