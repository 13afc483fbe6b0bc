import type { FastifyPluginCallback } from "fastify";
import type pg from "pg";
import type { Logger } from "pino";
import { toldOfEnd, unnoticedEnds } from "../../calls/engine-sessions.ts";
import { recordEvent } from "../../calls/events.ts";
import { readLineKept } from "../../calls/line-kept.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { EngineWebhookRefused, EngineWebhooksOff } from "../failures.ts";
import { refusalOfWebhook, refusals } from "./webhook-signature.ts";
import { readWebhook, type ToldOfChat } from "./webhook-wire.ts";

export interface HumeWebhooksParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn" | "error">;
  /** HUME_WEBHOOK_SECRET: without it nobody is believed. */
  readonly secret: string | null;
  /** Hume says that a chat has ended which, as far as we know, still runs. */
  readonly onUnnoticedEnd: (call: CallId, session: string) => void;
  readonly sweepMs?: number;
}

export interface HumeWebhooks {
  readonly door: FastifyPluginCallback;
  /** Applies what is left, and looks for ends that nobody here noticed. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export const HUME_WEBHOOKS_PATH = "/webhooks/hume";
/** A tool call's arguments are the largest thing in one. */
const BODY_LIMIT = 256 * 1024;
const SWEEP_MS = 5_000;
/** Our own socket mostly closes in the same breath; only then a chat that ended there and runs here is a matter. */
const NOTICED_WITHIN_S = 5;
/** Tried so often, one that cannot be applied is left as it is. */
const MOST_ATTEMPTS = 20;
/** Between two looks for what is not to be kept any longer. */
const TRIM_MS = 3_600_000;
/** What belongs to no call of ours tells nothing after this long. */
const STRAY_DAYS = 30;
/** Refused requests are told in the log at most so often: strangers may knock. */
const REFUSALS_TOLD_MS = 60_000;

/**
 * Hume's door: signature over the raw bytes, stored, answered, then applied. The only place that writes `engine_webhooks`. Nothing of a call
 * depends on these: they say who is who when our own process could not write it down, and that a chat is over when our connection hides it.
 */
export function openHumeWebhooks(parts: HumeWebhooksParts): HumeWebhooks {
  const { pool, clock, log, secret } = parts;
  const applying = new Set<Promise<void>>();
  let toldAt = Number.NEGATIVE_INFINITY;
  const apply = (id: string): void => {
    const one = applyStored(parts, id)
      .catch((error: unknown) =>
        log.warn({ webhook: id, err: error }, "A webhook of Hume's could not be applied; the next look tries again."),
      )
      .finally(() => applying.delete(one));
    applying.add(one);
  };
  let trimmedAt = Number.NEGATIVE_INFINITY;
  const sweep = async (): Promise<void> => {
    if (clock.monotonicMs() - trimmedAt > TRIM_MS) {
      trimmedAt = clock.monotonicMs();
      await trim(pool, clock.now());
    }
    const { rows } = await pool.query<{ id: string }>(
      `select id from engine_webhooks where verdict = 'pending' and engine = 'evi' and attempts < ${MOST_ATTEMPTS} order by received_at limit 200`,
    );
    for (const { id } of rows) apply(id);
    await Promise.all(applying);
    for (const { call, session } of await unnoticedEnds(pool, "evi", NOTICED_WITHIN_S)) await tellUnnoticed(parts, call, session);
  };
  let sweeping: Promise<void> = Promise.resolve();
  let failed = false;
  const timer = setInterval(() => {
    sweeping = sweep().then(
      () => {
        failed = false;
      },
      (error: unknown) => {
        if (!failed) log.warn({ err: error }, "The look at Hume's webhooks failed; the next one follows.");
        failed = true;
      },
    );
  }, parts.sweepMs ?? SWEEP_MS);
  timer.unref();

  return {
    sweep,
    door(app, _options, done) {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_LIMIT }, (_request, body, ready) => ready(null, body));
      for (const url of [HUME_WEBHOOKS_PATH, `${HUME_WEBHOOKS_PATH}/`]) {
        app.post(url, { bodyLimit: BODY_LIMIT }, async (request, reply) => {
          if (secret === null) throw new EngineWebhooksOff();
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const now = clock.now();
          const signature = one(request.headers["x-hume-ai-webhook-signature"]);
          const refusal = refusalOfWebhook(
            { signature, timestamp: one(request.headers["x-hume-ai-webhook-timestamp"]), body },
            secret,
            now,
          );
          if (refusal !== null) {
            if (clock.monotonicMs() - toldAt > REFUSALS_TOLD_MS) {
              toldAt = clock.monotonicMs();
              log.warn({ because: refusal }, "A webhook was refused as not Hume's.");
            }
            throw new EngineWebhookRefused(refusals[refusal]);
          }
          const id = await store(pool, body, now);
          // After the reply is on its way: Hume's time is not spent on our housekeeping.
          setImmediate(() => apply(id));
          return reply.code(200).send();
        });
      }
      done();
    },
    async close() {
      clearInterval(timer);
      await sweeping;
      await Promise.all(applying);
    },
  };
}

const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header);

/** Deletes what is older than the operator keeps raw requests: of calls that ended and are not on hold, and strays. */
async function trim(sql: Sql, now: Date): Promise<void> {
  const { webhooks_days } = await readLineKept(sql);
  await sql.query(
    `delete from engine_webhooks w where w.verdict <> 'pending' and case when w.call_id is null
        then w.received_at < $1::timestamptz - ${STRAY_DAYS} * interval '1 day'
        else w.received_at < $1::timestamptz - $2::int * interval '1 day'
          and exists (select from calls c where c.id = w.call_id and c.status = 'ended')
          and not exists (select from holds h where h.call_id = w.call_id and h.lifted_at is null) end`,
    [now, webhooks_days],
  );
}

/** Before it is answered. The same one again only counts. */
async function store(sql: Sql, body: Buffer, at: Date): Promise<string> {
  const { identity, told } = readWebhook(body);
  const event = told === null ? null : told.event === "other" ? told.name : told.event;
  const { rows } = await sql.query<{ id: string }>(
    `insert into engine_webhooks (id, received_at, engine, identity, event, session, body) values ($1, $2, 'evi', $3, $4, $5, $6)
     on conflict (engine, identity) do update set times = engine_webhooks.times + 1 returning id`,
    [newId(), at, identity, event, told?.session ?? null, body],
  );
  return (rows[0] as { id: string }).id;
}

async function applyStored({ pool, clock }: HumeWebhooksParts, id: string): Promise<void> {
  await pool.query("update engine_webhooks set attempts = attempts + 1 where id = $1 and verdict = 'pending'", [id]);
  await inTransaction(pool, async (sql) => {
    const { rows } = await sql.query<{ body: Buffer; receivedAt: Date }>(
      `select body, received_at as "receivedAt" from engine_webhooks where id = $1 and verdict = 'pending' for update`,
      [id],
    );
    const row = rows[0];
    if (row === undefined) return;
    const { told } = readWebhook(row.body);
    const call = told === null ? null : await callOf(sql, told);
    const verdict = told === null ? "unreadable" : call === null ? "unknown_call" : "applied";
    await sql.query("update engine_webhooks set verdict = $2, call_id = $3 where id = $1", [id, verdict, call]);
    if (told === null || call === null) return;
    if (told.event === "chat_ended") await ended(sql, call, told, row.receivedAt, clock);
  });
}

/** Whose chat it is: our call id is the custom session id of every chat; else a chat or a group we know. */
async function callOf(sql: Sql, { session, resume, call }: ToldOfChat): Promise<CallId | null> {
  const { rows } = await sql.query<{ id: CallId }>(
    `select id from calls where id::text = $1
     union all select call_id from engine_sessions where engine = 'evi' and session = $2
     union all (select call_id from engine_sessions where engine = 'evi' and resume = $3 limit 1) limit 1`,
    [call?.toLowerCase() ?? "", session, resume],
  );
  return rows[0]?.id ?? null;
}

async function ended(
  sql: Sql,
  call: CallId,
  { session, resume, why, seconds, at }: Extract<ToldOfChat, { event: "chat_ended" }>,
  receivedAt: Date,
  clock: Clock,
): Promise<void> {
  const endedAt = at ?? receivedAt;
  await toldOfEnd(sql, call, { engine: "evi", session, resume, at: endedAt, why, now: clock.now() });
  await recordEvent(sql, {
    call,
    at: endedAt,
    kind: "engine.session_ended",
    actor: "engine",
    said: `EVI says that its chat ended${seconds === null ? "" : ` after ${seconds} s`}: ${why}.`,
    detail: { session, why, seconds },
    once: `engine session ended ${session}`,
  });
}

/** Told once; then whoever carries the call looks after it. */
async function tellUnnoticed({ pool, clock, log, onUnnoticedEnd }: HumeWebhooksParts, call: CallId, session: string): Promise<void> {
  const first = await recordEvent(pool, {
    call,
    at: clock.now(),
    kind: "engine.end_unnoticed",
    actor: "engine",
    said: "EVI says that the chat is over, and our connection to it has not noticed: it is opened anew.",
    detail: { session },
    once: `engine end unnoticed ${session}`,
  });
  if (!first) return;
  log.warn({ call }, "A chat that Hume says is over was still taken to be running.");
  onUnnoticedEnd(call, session);
}
