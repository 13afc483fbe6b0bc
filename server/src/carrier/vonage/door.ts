import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import type pg from "pg";
import type { Logger } from "pino";
import { takePermit } from "../../calls/pace.ts";
import { wasOpenedSince } from "../../calls/socket-token.ts";
import type { Clock } from "../../clock.ts";
import { whileAway } from "../../db/away.ts";
import type { CallId, WebhookId } from "../../ids.ts";
import { ProofUnreadable, WebhookRefused, WebhookUnanswered } from "../failures.ts";
import type { CarrierEvent } from "../port.ts";
import { type Door, firstReceived, type NewWebhook, refuseStored, storeRefused } from "../webhooks.ts";
import { selfProof } from "./doctor.ts";
import type { CallHooks, Inbox } from "./inbox.ts";
import { readStored, tellHooks } from "./inbox.ts";
import {
  type InstructionParts,
  instructionsAfterConsent,
  instructionsAfterTransfer,
  instructionsFor,
  instructionsForLostAudio,
  instructionsForPerson,
} from "./instructions.ts";
import { type Ncco, oneMomentNcco, sorryNcco, waitBeforeConnect } from "./ncco.ts";
import { keptHeaders, withoutTokens } from "./redact.ts";
import { type Refusal, refusals, type SignatureKeys, tokenIdOf, verifyWebhook } from "./signature.ts";
import { marksOf } from "./wire.ts";

export interface DoorParts extends InstructionParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keys: SignatureKeys;
  readonly inbox: Inbox;
  readonly hooks: CallHooks;
  /** Are calls that come in now to be sent away? */
  readonly refusesNew?: () => Promise<boolean>;
  /** How long a request waits for a database that is away. */
  readonly patience?: typeof PATIENCE;
}

/**
 * A database that is restarted is away for some seconds, and what the carrier then gets is final: a call that is answered with an apology is over, an
 * event that is refused may never come again. So a request waits for it, ms. The carrier gives an answer 5 s and an event 10 s (vonage-voice §3), but
 * somebody may hang on the line meanwhile, in silence: then there must be time left for what else is in the call's instructions.
 */
const PATIENCE: { readonly somebodyWaits: number; readonly nobodyWaits: number } = { somebodyWaits: 3_500, nobodyWaits: 8_000 };

/** Every address Vonage may have been given for each door: ours, and those of the system before (lessons C), with and without the last slash. */
export const doors: Readonly<Record<Door, readonly string[]>> = {
  answer: ["/webhooks/vonage/answer", "/api/hume-twilio/vonage-outgoing-answer", "/api/hume-twilio/vonage-voice-webhook"],
  event: ["/webhooks/vonage/event", "/api/hume-twilio/vonage-event", "/api/hume-twilio/vonage-event-callback"],
  recording: ["/webhooks/vonage/recording", "/api/hume-twilio/vonage-recording"],
  fallback: ["/webhooks/vonage/fallback", "/api/hume-twilio/vonage-fallback"],
};

/** Vonage's webhooks are a few hundred bytes to a few KB; transcriptions are fetched, not sent. */
const BODY_LIMIT = 256 * 1024;
/** Refused requests stored per minute at most: strangers must not fill the disk. */
const REFUSED_PER_MINUTE = 60;

/**
 * Vonage's door. Every request: signature checked over the raw bytes, stored, answered; understood and applied afterwards (inbox.ts). Only what
 * needs an answer with content is looked at first: where to connect a call (answer, fallback), and what to do when its audio is gone.
 */
export function vonageDoor(parts: DoorParts): FastifyPluginCallback {
  return (app, _options, done) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_LIMIT }, (_request, body, ready) => ready(null, body));
    const refused = refusedStore(parts);
    // The doctor asks PUBLIC_URL for this, to see whether it leads here (doctor.ts). It tells nothing to who does not know the answer already.
    app.get("/webhooks/vonage/self", { exposeHeadRoute: false }, (request, reply) => {
      const nonce = new URLSearchParams((request.raw.url ?? "").split("?")[1]).get("nonce") ?? "";
      if (!/^[0-9a-f]{32}$/.test(nonce)) throw new ProofUnreadable();
      return reply
        .header("content-type", "text/plain; charset=utf-8")
        .header("cache-control", "no-store")
        .send(selfProof(parts.keys.secret, nonce));
    });
    for (const [door, paths] of Object.entries(doors) as [Door, readonly string[]][]) {
      for (const path of paths.flatMap((one) => [one, `${one}/`])) route(app, door, path, parts, refused);
    }
    done();
  };
}

function route(
  app: FastifyInstance,
  door: Door,
  url: string,
  parts: DoorParts,
  refused: (webhook: NewWebhook, because: Refusal) => Promise<void>,
): void {
  app.route({
    method: ["GET", "POST"],
    url,
    exposeHeadRoute: false,
    bodyLimit: BODY_LIMIT,
    handler: async (request, reply) => {
      const webhook = received(request, door, parts.clock.now());
      const query = (request.raw.url ?? "").split("?").slice(1).join("?");
      const signed = verifyWebhook(
        { method: request.method, authorization: request.headers.authorization, body: webhook.body, rawQuery: query },
        parts.keys,
        webhook.receivedAt,
      );
      if (!signed.good) {
        await refused(webhook, signed.because);
        throw new WebhookRefused(refusals[signed.because]);
      }
      return answer(webhook, reply, parts);
    },
  });
}

async function answer(webhook: NewWebhook, reply: FastifyReply, parts: DoorParts): Promise<FastifyReply> {
  const { pool, inbox, patience = PATIENCE } = parts;
  const withinMs = mayBeHeld(webhook) ? patience.somebodyWaits : patience.nobodyWaits;
  const since = performance.now();
  try {
    const { id, signedBefore } = await whileAway(() => inbox.store(webhook), withinMs);
    // A token proves one payload, but not the URL around it: the same token at another URL is somebody's replay.
    const elsewhere = signedBefore !== null && signedBefore !== webhook.url;
    const leftMs = withinMs - (performance.now() - since);
    const instructions = elsewhere
      ? "replayed"
      : await whileAway(async () => inTurn(pool, await instruct(webhook, id, signedBefore !== null, parts)), leftMs);
    if (instructions === "replayed") {
      await refuseStored(pool, id, refusals.replayed, marksOf(webhook.url).call);
      throw new WebhookRefused(refusals.replayed);
    }
    // After the reply is on its way: the carrier's time is not spent on our housekeeping.
    setImmediate(() => inbox.apply(id, webhook.url));
    if (instructions === null) return reply.code(204).send();
    return reply.code(200).header("content-type", "application/json").send(JSON.stringify(instructions));
  } catch (error) {
    if (error instanceof WebhookRefused) throw error;
    // The fallback is the last that is asked: polite words are better than a dropped line. In the middle of a call they would take the place of
    // what still stands in its instructions (further connects, ncco.ts); without an answer the call flow goes on with those (vonage-voice §3).
    if (webhook.door === "fallback" && !isMidCall(webhook)) {
      parts.log.error({ err: error }, "the fallback was answered with an apology only");
      return reply.code(200).header("content-type", "application/json").send(JSON.stringify(sorryNcco()));
    }
    throw new WebhookUnanswered(error);
  }
}

/** Does somebody on the line hear nothing until this is answered? Of all events only those that may be answered with instructions hold a leg. */
function mayBeHeld({ door, url }: NewWebhook): boolean {
  const { leg, asked } = marksOf(url);
  return door === "answer" || door === "fallback" || (door === "event" && (leg !== null || asked !== undefined));
}

/** Does the fallback stand in for an event of a call under way, and not for the question how to begin one? */
function isMidCall(webhook: NewWebhook): boolean {
  try {
    const { question } = readStored({ ...webhook, id: "" as WebhookId, body: Buffer.from(webhook.body) });
    return (question?.about ?? null) !== null;
  } catch {
    return false;
  }
}

/** Longer than this nobody is kept in silence: then the connect is tried out of turn, and once more by the instructions themselves. */
const LONGEST_TURN_MS = 5_000;

/** The carrier counts a connect as a new leg (vonage-voice §1.4), and refuses one that is too many: it waits for its turn in the carrier's hands. */
async function inTurn<Instructions extends Ncco | null | "replayed">(
  pool: pg.Pool,
  instructions: Instructions,
): Promise<Ncco | Instructions> {
  if (instructions === null || instructions === "replayed") return instructions;
  if (!instructions.some(({ action }) => action === "connect")) return instructions;
  return waitBeforeConnect(instructions, (await takePermit(pool, "vonage", "connect", LONGEST_TURN_MS)) ?? 0);
}

/** What Vonage shall do now; null when the request asks for nothing. Never an array by accident: it would replace what runs (§6.1). */
async function instruct(webhook: NewWebhook, id: WebhookId, seenBefore: boolean, parts: DoorParts): Promise<Ncco | null | "replayed"> {
  const { question, reading } = readStored({ ...webhook, id, body: Buffer.from(webhook.body) });
  if (webhook.door === "answer" || webhook.door === "fallback") {
    if (question === null) return sorryNcco();
    // The person a caller is handed to picked up: they hear for whom they are needed. The call itself is not concerned.
    if (question.call !== null && question.about === "transfer" && question.failed !== "event")
      return instructionsForPerson(parts, question.call);
    // An event of another leg than the phone's, or a key that was asked for, told to our event URL first, where nobody answered.
    if (webhook.door === "fallback" && question.call !== null && question.about !== null) {
      if (!reading.understood) return null;
      if (question.about === "consent") return afterConsent(parts, question.call, reading.event, webhook, seenBefore);
      if (!isGone(reading.event)) return null;
      if (seenBefore && (await wasAnswerTaken(parts.pool, question.call, webhook))) return null;
      const made = question.about === "ws" ? instructionsForLostAudio : instructionsAfterTransfer;
      return made(parts, question.call);
    }
    // A call that comes in while we stop, and no other process lives: polite words are all there is.
    const turnsAway = question.call === null && ((await parts.refusesNew?.()) ?? false);
    const made = await instructionsFor(parts, question, { webhook: id, at: webhook.receivedAt, seenBefore, turnsAway });
    if (made === "replayed") return made;
    const dialing = made.call === null ? [] : (["ringing"] as const);
    setImmediate(() => {
      tellHooks(parts.hooks, parts.log, { call: made.call, leg: question.leg, moved: [...dialing, ...made.moved] });
      // Events of an inbound call may come before its question (§6.4): they can be applied now.
      if (made.isNew) void parts.inbox.applyEarly(question.leg, question.conversation);
    });
    // Something went wrong on the way here, and the caller has waited in silence: a word first, then the call goes on.
    return webhook.door === "fallback" && made.talks ? [...oneMomentNcco(made.language), ...made.ncco] : made.ncco;
  }
  if (!reading.understood || reading.event.call === null) return null;
  const { event } = reading;
  if (marksOf(webhook.url).asked === "consent") return afterConsent(parts, reading.event.call, event, webhook, seenBefore);
  // Our answer may have been lost on its way: it is given again, until the call's audio was opened with it.
  if (seenBefore && (await wasAnswerTaken(parts.pool, reading.event.call, webhook))) return null;
  if (event.kind === "transfer")
    return event.happened === "ended" && isGone(event) ? instructionsAfterTransfer(parts, reading.event.call) : null;
  return event.kind === "socket" && isGone(event) ? instructionsForLostAudio(parts, reading.event.call) : null;
}

/** A key, or none, is the answer to the question whether the call may be recorded; told again it gets the same answer, as any other does. */
async function afterConsent(
  parts: DoorParts,
  call: CallId,
  event: CarrierEvent,
  webhook: NewWebhook,
  seenBefore: boolean,
): Promise<Ncco | null> {
  if (event.happened !== "input" || (seenBefore && (await wasAnswerTaken(parts.pool, call, webhook)))) return null;
  return instructionsAfterConsent(parts, call, event.digits, webhook.receivedAt);
}

/** Was the call's audio opened since this webhook came for the first time? */
async function wasAnswerTaken(pool: pg.Pool, call: CallId, { carrier, jti }: NewWebhook): Promise<boolean> {
  const since = jti === null ? null : await firstReceived(pool, carrier, jti);
  return since === null || (await wasOpenedSince(pool, call, since));
}

/** Could a leg not be made, or was it lost? */
const isGone = (event: CarrierEvent): boolean =>
  event.happened === "disconnected" || (event.happened === "ended" && event.end !== "completed");

function received(request: FastifyRequest, door: Door, receivedAt: Date): NewWebhook {
  return {
    carrier: "vonage",
    door,
    method: request.method,
    url: withoutTokens(request.raw.url ?? ""),
    headers: keptHeaders(request.headers),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    jti: tokenIdOf(request.headers.authorization),
    receivedAt,
  };
}

/** Stores refused requests, as many a minute as there is room for; the rest is only counted in the log. */
function refusedStore({ pool, log }: DoorParts): (webhook: NewWebhook, because: Refusal) => Promise<void> {
  let minute = 0;
  let stored = 0;
  return async (webhook, because) => {
    const now = Math.floor(webhook.receivedAt.getTime() / 60_000);
    if (now !== minute) [minute, stored] = [now, 0];
    stored++;
    log.warn({ door: webhook.door, because }, "a request at the carrier's door was refused");
    if (stored <= REFUSED_PER_MINUTE) await storeRefused(pool, webhook, refusals[because], marksOf(webhook.url).call).catch(() => {});
  };
}
