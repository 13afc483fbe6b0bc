import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Logger } from "pino";
import { applyCarrierEvent, type Moved, type Verdict } from "../../calls/apply.ts";
import { receiveCall } from "../../calls/receive.ts";
import type { Clock } from "../../clock.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import type { CallId, ConversationId, LegId, WebhookId } from "../../ids.ts";
import { trimLine } from "../keeping.ts";
import {
  isDuplicate,
  type Judged,
  judgeWebhook,
  listPending,
  metAnother,
  type NewWebhook,
  noteAttempt,
  openStoring,
  type Stored,
  type StoredWebhook,
  takePending,
  trimRefused,
  wakeUnknown,
} from "../webhooks.ts";
import { pickedUp } from "./instructions.ts";
import { marksOf, type Question, type Reading, readJson, readQuery, readQuestion, readWebhook } from "./wire.ts";

/** What the rest of the house is told, after the commit. None may throw. */
export interface CallHooks {
  /** It rings, or comes in: time to open the engine. */
  readonly onDialing?: (call: CallId) => void;
  readonly onAnswered?: (call: CallId) => void;
  /** A machine answered, or its beep was heard: the agent's rule is to be followed. */
  readonly onMachine?: (call: CallId) => void;
  /** The caller speaks with a person now: our part ended. */
  readonly onTransferred?: (call: CallId) => void;
  readonly onEnded?: (call: CallId) => void;
  /** A recording was announced. */
  readonly onRecorded?: () => void;
  /** A hang-up was asked for before the carrier had named the leg; it has now. */
  readonly onHangUpDue?: (call: CallId, leg: LegId) => void;
}

export interface InboxParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hooks: CallHooks;
  /** How often what is left over is looked for; tests call `sweep` themselves. */
  readonly everyMs?: number;
}

/**
 * Understands and applies what the door stored. Each webhook once, in a transaction of its own, apart from the request that brought it: a crash
 * between the two leaves it pending, and the next sweep (of any process) applies it.
 */
export interface Inbox {
  /** Puts a request on disk; it stays pending until it is applied. */
  store(webhook: NewWebhook): Promise<Stored>;
  /** Applies it soon; `url` is the one it came to. Never throws. */
  apply(id: WebhookId, url: string): void;
  /** Applies everything pending, and resolves when it is done. */
  sweep(all?: boolean): Promise<void>;
  close(): Promise<void>;
}

const EVERY_MS = 5_000;
/** Younger pending webhooks are on their way in the process that received them. */
const FRESH_MS = 5_000;
/** One call's webhooks are applied one after the other, in the order received; so many calls' at once. More would only wait for connections. */
const LANES = 4;
/** In a storm of requests each application gives way for this long, no longer: both must get on. */
const WAIT_MS = 5;
const MOST_WAITS = 4;
/** A webhook that breaks against another's transaction is tried again at once so many times, before the sweep does it. */
const MOST_TRIES = 3;
/** What waits in memory at most; beyond it the sweep finds it in the table. */
const MOST_WAITING = 20_000;
const UNKNOWN_KEPT_MS = 24 * 3_600_000;
const CARRIER = "vonage";
/** How often what is too old is looked for; a batch an hour is 120,000 rows a day. */
const TRIM_EVERY_MS = 3_600_000;

export function openInbox(parts: InboxParts): Inbox {
  const storing = openStoring(parts.pool);
  const waiting = Array.from({ length: LANES }, (): WebhookId[] => []);
  const running = new Map<number, Promise<void>>();
  let closed = false;

  const work = async (lane: number): Promise<void> => {
    const queue = waiting[lane] as WebhookId[];
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      // Storing goes first: the carrier waits for it, and for applying nobody does.
      for (let waits = 0; storing.waiting > 0 && waits < MOST_WAITS && !closed; waits++) await setTimeout(WAIT_MS);
      await applyOne(parts, id);
    }
    running.delete(lane);
  };
  const add = (id: WebhookId, url: string): void => {
    if (closed || waiting.reduce((sum, { length }) => sum + length, 0) >= MOST_WAITING) return;
    const lane = laneOf(url);
    waiting[lane]?.push(id);
    if (!running.has(lane)) running.set(lane, work(lane));
  };
  let trimmedAt = 0;
  const sweep = async (all = false): Promise<void> => {
    const now = parts.clock.now().getTime();
    if (now - trimmedAt > TRIM_EVERY_MS) {
      trimmedAt = now;
      await trimLine(parts.pool, new Date(now));
    }
    await wakeUnknown(parts.pool, new Date(now - UNKNOWN_KEPT_MS));
    await trimRefused(parts.pool);
    // Before the process that received them could have applied them, only who asks for all takes the fresh ones too.
    const left = await listPending(parts.pool, new Date(all ? now + FRESH_MS : now - FRESH_MS), MOST_WAITING);
    const already = new Set(waiting.flat());
    for (const { id, url } of left) if (!already.has(id)) add(id, url);
    await Promise.all(running.values());
  };
  let sweeping: Promise<void> | null = null;
  const timer = setInterval(() => {
    sweeping ??= sweep()
      .catch((error: unknown) => parts.log.error({ err: error }, "stored webhooks could not be looked at"))
      .finally(() => {
        sweeping = null;
      });
  }, parts.everyMs ?? EVERY_MS);

  return {
    store: storing.store,
    apply: add,
    sweep,
    async close() {
      closed = true;
      clearInterval(timer);
      for (const queue of waiting) queue.length = 0;
      await sweeping;
      await Promise.all(running.values());
    },
  };
}

/** Webhooks with our mark keep their call's order; those without one (the phone leg of an inbound call) all share a lane. */
function laneOf(url: string): number {
  const call = marksOf(url).call;
  return call === null ? 0 : Number.parseInt(call.slice(-4), 16) % LANES;
}

/** What a stored webhook says. The URL counts too: our marks, and by GET everything, are in it. */
export function readStored(webhook: StoredWebhook): { question: Question | null; reading: Reading } {
  const query = webhook.url.includes("?") ? webhook.url.slice(webhook.url.indexOf("?") + 1) : "";
  const payload = webhook.method === "GET" ? readQuery(query) : readJson(webhook.body);
  const marks = marksOf(webhook.url);
  const digest = createHash("sha256")
    .update(webhook.method === "GET" ? query : webhook.body)
    .digest("hex")
    .slice(0, 32);
  const asks = webhook.door === "answer" || webhook.door === "fallback";
  return { question: asks ? readQuestion(payload, marks) : null, reading: readWebhook(payload, marks, webhook.receivedAt, digest) };
}

async function applyOne(parts: InboxParts, id: WebhookId): Promise<void> {
  const apply = (tries: number): Promise<Done | null> =>
    inTransaction(parts.pool, (sql) => applyStored(sql, id, parts.clock.now())).catch((error: unknown) => {
      if (tries > 0 && metAnother(error)) return apply(tries - 1);
      throw error;
    });
  try {
    const done = await apply(MOST_TRIES);
    if (done !== null) tellHooks(parts.hooks, parts.log, done);
  } catch (error) {
    parts.log.error({ webhook: id, err: error }, "a webhook could not be applied; it stays pending");
    await noteAttempt(parts.pool, id, error instanceof Error ? error.message : String(error)).catch(() => {});
  }
}

/** What a webhook moved, for the hooks. */
export interface Done {
  readonly call: CallId | null;
  readonly leg: LegId | null;
  readonly moved: readonly Moved[];
}

async function applyStored(sql: Sql, id: WebhookId, now: Date): Promise<Done | null> {
  const webhook = await takePending(sql, id);
  if (webhook === null) return null;
  const { question, reading } = readStored(webhook);
  if (question !== null) return applyQuestion(sql, webhook, question, now);
  if (!reading.understood) {
    await judgeWebhook(sql, id, {
      verdict: "unreadable",
      because: reading.because,
      identity: null,
      call: null,
      leg: null,
      conversation: null,
    });
    return null;
  }
  const { event, identity } = reading;
  if (await isDuplicate(sql, CARRIER, identity)) {
    const known = { call: event.call, leg: event.leg, conversation: event.conversation };
    await judgeWebhook(sql, id, { ...known, verdict: "duplicate", because: "It came before.", identity });
    return null;
  }
  return conclude(sql, webhook, event, identity, await applyCarrierEvent(sql, event, id, now));
}

/**
 * A question for instructions was answered by the door at once. Here it is taken as the fact it is: an inbound call came (its row is made if the
 * door could not), or the callee of an outbound one picked up.
 */
async function applyQuestion(sql: Sql, webhook: StoredWebhook, question: Question, now: Date): Promise<Done> {
  const seen = { leg: question.leg, conversation: question.conversation };
  const identity = `${webhook.door}|${question.leg}`;
  if (await isDuplicate(sql, CARRIER, identity)) {
    await judgeWebhook(sql, webhook.id, { ...seen, verdict: "duplicate", because: "It was asked before.", identity, call: question.call });
    return { call: null, leg: null, moved: [] };
  }
  // Of another leg than the phone's: that one did not pick up by being asked about.
  if (question.about !== null) {
    await judgeWebhook(sql, webhook.id, { ...seen, verdict: "kept", because: null, identity, call: question.call });
    return { call: null, leg: null, moved: [] };
  }
  if (question.call === null) {
    const { call } = await receiveCall(sql, question, webhook.receivedAt);
    await judgeWebhook(sql, webhook.id, { ...seen, verdict: "applied", because: question.because, identity, call });
    return { call, leg: question.leg, moved: [] };
  }
  const verdict = await applyCarrierEvent(sql, pickedUp(question, webhook.receivedAt), webhook.id, now);
  // Late only because the door wrote it at once, or the event of the same fact came first: it was answered with instructions all the same.
  return conclude(
    sql,
    webhook,
    question,
    identity,
    verdict.verdict === "late" ? { ...verdict, verdict: "applied", because: null } : verdict,
  );
}

async function conclude(
  sql: Sql,
  webhook: StoredWebhook,
  event: { readonly leg: LegId | null; readonly conversation: ConversationId | null },
  identity: string,
  verdict: Verdict,
): Promise<Done> {
  const judged: Judged = {
    verdict: verdict.verdict,
    because: verdict.because,
    identity,
    call: verdict.call,
    leg: event.leg,
    conversation: event.conversation,
  };
  await judgeWebhook(sql, webhook.id, judged);
  return { call: verdict.call, leg: event.leg, moved: verdict.moved };
}

/** Tells the house what moved, after the commit. */
export function tellHooks(hooks: CallHooks, log: Logger, { call, leg, moved }: Done): void {
  for (const what of moved) {
    try {
      if (what === "recorded") hooks.onRecorded?.();
      if (call === null) continue;
      if (what === "ringing") hooks.onDialing?.(call);
      if (what === "answered") hooks.onAnswered?.(call);
      if (what === "machine") hooks.onMachine?.(call);
      if (what === "transferred") hooks.onTransferred?.(call);
      if (what === "ended") hooks.onEnded?.(call);
      if (what === "hang up" && leg !== null) hooks.onHangUpDue?.(call, leg);
    } catch (error) {
      log.error({ call, err: error }, "a listener of calls failed");
    }
  }
}
