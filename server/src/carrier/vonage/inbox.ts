import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Logger } from "pino";
import { applyCarrierEvents, type Moved, type Verdict, type Word } from "../../calls/apply.ts";
import { receiveCall } from "../../calls/receive.ts";
import type { Clock } from "../../clock.ts";
import { isPassing, metAnother } from "../../db/away.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import type { CallId, ConversationId, LegId, WebhookId } from "../../ids.ts";
import { trimLine } from "../keeping.ts";
import {
  type Judged,
  judgeWebhooks,
  listPending,
  type NewWebhook,
  noteAttempt,
  openStoring,
  type Stored,
  type StoredWebhook,
  seenIdentities,
  takePending,
  trimRefused,
  wakeUnknown,
  wakeUnknownOf,
} from "../webhooks.ts";
import { pickedUp } from "./instructions.ts";
import { marksFor, marksOf, type Question, type Reading, readJson, readQuery, readQuestion, readWebhook } from "./wire.ts";

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
 * Understands and applies what the door stored. Each webhook once, apart from the request that brought it: a crash between the two leaves it pending,
 * and the next sweep (of any process) applies it. Alone it waits for nothing; what comes in a storm is applied several in one transaction.
 */
export interface Inbox {
  /** Puts a request on disk; it stays pending until it is applied. */
  store(webhook: NewWebhook): Promise<Stored>;
  /** Applies it soon; `url` is the one it came to. Never throws. */
  apply(id: WebhookId, url: string): void;
  /** A call was made of this leg just now: applies soon what was told of it before. Never throws. */
  applyEarly(leg: LegId, conversation: ConversationId | null): Promise<void>;
  /** Applies everything pending, and resolves when it is done. */
  sweep(all?: boolean): Promise<void>;
  close(): Promise<void>;
}

const EVERY_MS = 5_000;
/** Younger pending webhooks are on their way in the process that received them. */
const FRESH_MS = 5_000;
/** One call's webhooks are applied one after the other, in the order received; so many calls' at once. More would only wait for connections. */
const LANES = 2;
/** So many in one transaction at most: it holds their calls, and whoever wants one of them meanwhile waits. (bench/webhooks) */
const MOST_AT_ONCE = 50;
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
    while (queue.length > 0) {
      // Storing goes first: the carrier waits for it, and for applying nobody does.
      for (let waits = 0; storing.waiting > 0 && waits < MOST_WAITS && !closed; waits++) await setTimeout(WAIT_MS);
      await applyAll(parts, queue.splice(0, MOST_AT_ONCE));
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
    async applyEarly(leg, conversation) {
      try {
        for (const { id, url } of await wakeUnknownOf(parts.pool, leg, conversation)) add(id, url);
      } catch (error) {
        parts.log.warn({ err: error }, "early webhooks wait for the next sweep");
      }
    },
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
  const own = marksOf(webhook.url);
  const marks = webhook.door === "fallback" ? marksFor(payload, own) : own;
  const digest = createHash("sha256")
    .update(webhook.method === "GET" ? query : webhook.body)
    .digest("hex")
    .slice(0, 32);
  const asks = webhook.door === "answer" || webhook.door === "fallback";
  return { question: asks ? readQuestion(payload, marks) : null, reading: readWebhook(payload, marks, webhook.receivedAt, digest) };
}

/** Several in one transaction; when that breaks, each by itself, so that one bad webhook holds up no other. Never throws. */
async function applyAll(parts: InboxParts, ids: readonly WebhookId[]): Promise<void> {
  if (ids.length > 1) {
    try {
      const done = await inTransaction(parts.pool, (sql) => applyStored(sql, ids, parts.clock.now()));
      for (const one of done) tellHooks(parts.hooks, parts.log, one);
      return;
    } catch (error) {
      parts.log.debug({ webhooks: ids.length, err: error }, "webhooks could not be applied together; each is applied by itself");
    }
  }
  for (const id of ids) await applyOne(parts, id);
}

async function applyOne(parts: InboxParts, id: WebhookId): Promise<void> {
  const apply = (tries: number): Promise<Done[]> =>
    inTransaction(parts.pool, (sql) => applyStored(sql, [id], parts.clock.now())).catch((error: unknown) => {
      if (tries > 0 && metAnother(error)) return apply(tries - 1);
      throw error;
    });
  try {
    for (const done of await apply(MOST_TRIES)) tellHooks(parts.hooks, parts.log, done);
  } catch (error) {
    parts.log.error({ webhook: id, err: error }, "a webhook could not be applied; it stays pending");
    // However long the database cannot: that is no reason to set a webhook aside.
    if (isPassing(error)) return;
    await noteAttempt(parts.pool, id, error instanceof Error ? error.message : String(error)).catch(() => {});
  }
}

/** What a webhook moved, for the hooks. */
export interface Done {
  readonly call: CallId | null;
  readonly leg: LegId | null;
  readonly moved: readonly Moved[];
}

type Opinion = Omit<Judged, "id">;
/** A stored webhook understood: what is known of it at once, or the word that is to be applied and what follows from its verdict. */
type Understood =
  | { readonly is: "judged"; readonly judged: Opinion }
  | { readonly is: "arrival"; readonly question: Question; readonly judged: Opinion }
  | { readonly is: "word"; readonly word: Word; readonly lateIsApplied: boolean; readonly judged: Opinion };

async function applyStored(sql: Sql, ids: readonly WebhookId[], now: Date): Promise<Done[]> {
  const taken = (await takePending(sql, ids)).map((webhook) => ({ webhook, read: understand(webhook) }));
  if (taken.length === 0) return [];
  const identities = taken.flatMap(({ read }) => read.judged.identity ?? []);
  const before = identities.length === 0 ? new Set<string>() : await seenIdentities(sql, CARRIER, identities);
  const first = new Map<string, WebhookId>();
  const judged = new Map<WebhookId, Judged>();
  const moved = new Map<WebhookId, Done>();
  const words: (Understood & { readonly is: "word"; readonly id: WebhookId })[] = [];
  const twins: { readonly id: WebhookId; readonly of: WebhookId; readonly judged: Opinion }[] = [];
  for (const { webhook, read } of taken) {
    const { id } = webhook;
    const { identity } = read.judged;
    const twin = identity === null ? undefined : first.get(identity);
    if (identity !== null && before.has(identity)) {
      judged.set(id, { ...read.judged, id, ...duplicate });
      continue;
    }
    if (twin !== undefined) {
      twins.push({ id, of: twin, judged: read.judged });
      continue;
    }
    if (identity !== null) first.set(identity, id);
    if (read.is === "word") words.push({ ...read, id });
    else if (read.is === "judged") judged.set(id, { ...read.judged, id });
    else {
      // The door answered it at once; the row is made here if the door could not.
      const { call } = await receiveCall(sql, read.question, webhook.receivedAt);
      judged.set(id, { ...read.judged, id, call });
      moved.set(id, { call, leg: read.question.leg, moved: [] });
    }
  }
  const verdicts =
    words.length === 0
      ? []
      : await applyCarrierEvents(
          sql,
          words.map(({ word }) => word),
          now,
        );
  words.forEach(({ id, lateIsApplied, judged: opinion }, i) => {
    const told = verdicts[i] as Verdict;
    const { verdict, because } = lateIsApplied && told.verdict === "late" ? ({ verdict: "applied", because: null } as const) : told;
    judged.set(id, { ...opinion, id, verdict, because, call: told.call });
    moved.set(id, { call: told.call, leg: opinion.leg, moved: told.moved });
  });
  // Not known when it came the first time is not known the second time.
  for (const { id, of, judged: opinion } of twins) {
    const told = judged.get(of) as Judged;
    judged.set(id, told.verdict === "unknown_call" ? { ...told, id } : { ...opinion, id, ...duplicate });
  }
  await judgeWebhooks(sql, [...judged.values()]);
  return [...moved.values()];
}

const duplicate = { verdict: "duplicate", because: "It came before." } as const;

/**
 * Is it an event that nobody took at our event URL? Then the fallback is the only one to bring it, and it says what any event says. One of the phone's
 * own leg is not among them: there the carrier asks what to do with a call that was answered.
 */
const isFailedEvent = ({ about, failed }: Question): boolean => about !== null && failed === "event";

/** What a stored webhook is to us, before anything is looked up. */
function understand(webhook: StoredWebhook): Understood {
  const { question, reading } = readStored(webhook);
  if (question !== null && !isFailedEvent(question)) return understoodQuestion(webhook, question);
  if (!reading.understood) {
    const nobody = { identity: null, call: marksOf(webhook.url).call, leg: null, conversation: null };
    return { is: "judged", judged: { ...nobody, verdict: "unreadable", because: reading.because } };
  }
  const { event, identity } = reading;
  const { call, leg, conversation } = event;
  const judged = { call, leg, conversation, identity, verdict: "unknown_call", because: null } as const;
  return { is: "word", word: { event, webhook: webhook.id }, lateIsApplied: false, judged };
}

/**
 * A question for instructions was answered by the door at once. Here it is taken as the fact it is: an inbound call came (its row is made if the
 * door could not), or the callee of an outbound one picked up.
 */
function understoodQuestion(webhook: StoredWebhook, question: Question): Understood {
  const { leg, conversation, call } = question;
  const judged = { leg, conversation, call, identity: `${webhook.door}|${leg}`, because: null } as const;
  // Of another leg than the phone's: that one did not pick up by being asked about.
  if (question.about !== null) return { is: "judged", judged: { ...judged, verdict: "kept" } };
  if (call === null) return { is: "arrival", question, judged: { ...judged, verdict: "applied", because: question.because } };
  // Late only because the door wrote it at once, or the event of the same fact came first: it was answered with instructions all the same.
  const word = { event: pickedUp(question, webhook.receivedAt), webhook: webhook.id };
  return { is: "word", word, lateIsApplied: true, judged: { ...judged, verdict: "applied" } };
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
