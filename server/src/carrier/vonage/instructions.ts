import type { AgentSettings } from "@earshot/contract/agent";
import type { CallStatus } from "@earshot/contract/status";
import type pg from "pg";
import { engineMissing } from "../../agents/engines.ts";
import { fill } from "../../agents/prompt.ts";
import { applyCarrierEvent, type Moved } from "../../calls/apply.ts";
import { noteAnnounced, noteAnswered } from "../../calls/consent.ts";
import { RING_SECONDS } from "../../calls/deadlines.ts";
import { recordEvent } from "../../calls/events.ts";
import { noteUnable } from "../../calls/hang-up.ts";
import { readLimits, refuseForbiddenNumber } from "../../calls/limits.ts";
import { loadForBridge } from "../../calls/load.ts";
import { dialable } from "../../calls/phone-number.ts";
import { receiveCall } from "../../calls/receive.ts";
import { countSocketTokens, makeSocketToken } from "../../calls/socket-token.ts";
import { insertTransfer, latestAnnouncement } from "../../calls/transfers.ts";
import { messageTold } from "../../calls/voicemail.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import type { CallId, LegId, WebhookId } from "../../ids.ts";
import { asksFirst, type ConsentState, wants } from "../../recordings/policy.ts";
import type { CarrierEvent } from "../port.ts";
import { hostRefusal } from "./hosts.ts";
import {
  announceNcco,
  askNcco,
  backNcco,
  chooseRate,
  handOverNcco,
  messageNcco,
  type Ncco,
  reconnectNcco,
  sayNcco,
  sorryNcco,
  type Talk,
  talkNcco,
} from "./ncco.ts";
import type { Question } from "./wire.ts";
import { wordsIn } from "./words.ts";

export interface InstructionParts {
  readonly pool: pg.Pool;
  /** https address we are reached at, without a last slash. */
  readonly publicUrl: string;
  /** Our number, E.164 with +. */
  readonly number: string | null;
  readonly apiUrl: string;
  /** The sample rates each configured engine takes caller audio in, best first. */
  readonly engineRates: Readonly<Record<string, readonly number[]>>;
}

export interface Instructions {
  readonly call: CallId | null;
  readonly ncco: Ncco;
  /** Do they connect the call with an agent? */
  readonly talks: boolean;
  /** The agent's, BCP 47. */
  readonly language?: string;
  readonly moved: readonly Moved[];
  /** Was the call made just now? Then events that came before it wait to be applied. */
  readonly isNew: boolean;
}

/** A call whose audio breaks again and again is given up: each connect takes two tokens, so four connects a minute and fifty in all. */
const TOKENS_A_MINUTE = 8;
const TOKENS_IN_ALL = 100;

interface Live {
  id: CallId;
  answered_by: "human" | "machine" | null;
  beep_at: Date | null;
  status: CallStatus;
  phone_leg: LegId | null;
  hangup_asked_at: Date | null;
  engine: string | null;
  closed_at: Date | null;
  /** When our message was to be left with a machine. */
  message_at: Date | null;
  /** Is the caller with another person, or on the way there? */
  handed_over: boolean;
  consent: ConsentState;
  settings: Pick<AgentSettings, "engine" | "record" | "recording" | "max_minutes" | "line" | "language"> | null;
}

const STOPPING = "The server was being stopped, and no other one was there to take the call.";

/**
 * What Vonage shall do with a leg that waits for us. Inbound calls have no mark of ours and get their row here, before the answer. Outbound calls
 * are known by their mark; the question says that the callee picked up, which is written at once, so that the call's clock is right before its
 * audio comes. Asking again gives new tokens for the same call, unless its audio was opened already: then the question is a replay.
 */
export async function instructionsFor(
  parts: InstructionParts,
  question: Question,
  asked: {
    readonly webhook: WebhookId;
    readonly at: Date;
    readonly seenBefore: boolean;
    /** Are calls that begin now turned away, because this server is being stopped and no other takes them? */
    readonly turnsAway: boolean;
  },
): Promise<Instructions | "replayed"> {
  return inTransaction(parts.pool, async (sql) => {
    const moved = question.call === null ? [] : (await applyCarrierEvent(sql, pickedUp(question, asked.at), asked.webhook, asked.at)).moved;
    const { call, isNew } = question.call === null ? await receiveCall(sql, question, asked.at) : { call: question.call, isNew: false };
    const live = await readLive(sql, call);
    const sorry = { ncco: sorryNcco(live?.settings?.language), talks: false, moved, isNew };
    if (live === null || (live.phone_leg !== null && live.phone_leg !== question.leg)) return { call: null, ...sorry };
    // Also of a call that somebody wants ended: now it can be reached.
    if (question.regionUrl !== null && hostRefusal(question.regionUrl, parts.apiUrl) === null)
      await sql.query("update calls set region_url = $2 where id = $1 and region_url is distinct from $2", [call, question.regionUrl]);
    if (!mayTalk(live)) return { call: null, ...sorry };
    const tokens = asked.seenBefore || asked.turnsAway ? await countSocketTokens(sql, call) : null;
    if (asked.seenBefore && tokens !== null && tokens.used > 0) return "replayed";
    // One that was given its instructions before is no new call: it goes on to its end.
    if (asked.turnsAway && tokens?.all === 0) {
      await noteUnable(sql, call, "turned_away", STOPPING, asked.at);
      return { call: null, ...sorry };
    }
    if (live.settings === null) return { call, ...sorry };
    if (live.closed_at !== null) return { call: null, ncco: await closed(sql, parts, live, asked.at), talks: false, moved, isNew };
    const message = await voicemailMessage(sql, parts, live, asked.at);
    if (message !== null) return { call: null, ncco: message, talks: false, moved, isNew };
    const engine = live.engine ?? live.settings.engine;
    if (parts.engineRates[engine] === undefined) {
      await noteUnable(sql, call, "engine_failed", engineMissing(engine), asked.at);
      return { call: null, ...sorry };
    }
    return {
      call,
      ncco: await opening(sql, parts, live, live.settings, asked.at),
      talks: true,
      language: live.settings.language,
      moved,
      isNew,
    };
  });
}

/** What an agent begins with: the question of an agent that asks before it records, else its notice, and the talk. What is said goes into the ledger. */
async function opening(sql: Sql, parts: InstructionParts, live: Live, settings: NonNullable<Live["settings"]>, at: Date): Promise<Ncco> {
  const talk = await talkOf(sql, parts, live);
  const words = announcementOf(settings);
  if (asksFirst(settings) && (live.consent === null || live.consent === "asked")) {
    await noteAnnounced(sql, live.id, words as string, true, at);
    return askNcco(words as string, talk);
  }
  const record = wants(settings, live.consent, "carrier");
  const notice = words === null || asksFirst(settings) ? null : { text: words, recorded: settings.line?.notice_recorded ?? false };
  if (notice !== null) await noteAnnounced(sql, live.id, notice.text, false, at);
  return talkNcco({ ...talk, record, notice });
}

/** The words about recording: the agent's own, else ours where its policy wants some. Null: nothing is said. */
function announcementOf({ line, language, record, recording }: NonNullable<Live["settings"]>): string | null {
  if (line?.notice) return line.notice;
  const { recorded, mayWeRecord } = wordsIn(language);
  return { none: null, notice: recorded, ask: mayWeRecord }[record ? (recording?.consent ?? "none") : "none"];
}

/**
 * The answer to the question whether the call may be recorded. A yes: record, and connect anew. Null lets Vonage walk on: the instructions it has go
 * on without recording.
 */
export async function instructionsAfterConsent(
  parts: InstructionParts,
  call: CallId,
  digits: string | null,
  at: Date,
): Promise<Ncco | null> {
  return inTransaction(parts.pool, async (sql) => {
    const live = await readLive(sql, call);
    if (live?.settings == null || !asksFirst(live.settings)) return null;
    const words = announcementOf(live.settings) as string;
    const consent = await noteAnswered(sql, call, live.settings, { words, digits, at });
    if (consent !== "given" || !mayTalk(live)) return null;
    return talkNcco({ ...(await talkOf(sql, parts, live)), record: wants(live.settings, consent, "carrier"), notice: null });
  });
}

/** The question about an outbound call as the fact it is: the callee answered. */
export function pickedUp(question: Question, at: Date): CarrierEvent {
  const { leg, conversation, call, from, to } = question;
  return { happened: "answered", kind: "phone", leg, conversation, call, from, to, at };
}

/**
 * The audio of a call is gone, or could not be opened: connect it anew while the call lives and nobody wants it ended. Null lets Vonage walk on to
 * what stands after the connect: at last the apology.
 */
export async function instructionsForLostAudio(parts: InstructionParts, call: CallId): Promise<Ncco | null> {
  return inTransaction(parts.pool, async (sql) => {
    const live = await readLive(sql, call);
    // Who is handed over left the audio for good; a way back to the agent would tear them from the person, or cut our message off.
    if (live === null || live.settings === null || !mayTalk(live) || live.handed_over || live.message_at !== null) return null;
    const tokens = await countSocketTokens(sql, call);
    if (tokens.lastMinute >= TOKENS_A_MINUTE || tokens.all >= TOKENS_IN_ALL) return null;
    return reconnectNcco(await talkOf(sql, parts, live));
  });
}

/** The person a caller was to be handed to was not reached: back to the agent, while the call lives. */
export async function instructionsAfterTransfer(parts: InstructionParts, call: CallId): Promise<Ncco | null> {
  return inTransaction(parts.pool, async (sql) => {
    const live = await readLive(sql, call);
    if (live === null || live.settings === null || !mayTalk(live)) return null;
    if ((await countSocketTokens(sql, call)).all >= TOKENS_IN_ALL) return null;
    const otherwise = live.closed_at === null ? undefined : live.settings.line?.hours?.otherwise;
    if (otherwise?.do === "number") return sayNcco(otherwise.text, live.settings.language);
    return backNcco(await talkOf(sql, parts, live));
  });
}

/** What a person hears who picked up for a caller, before they are connected. */
export async function instructionsForPerson(parts: InstructionParts, call: CallId): Promise<Ncco> {
  const live = await readLive(parts.pool, call);
  return announceNcco(await latestAnnouncement(parts.pool, call), live?.settings?.language ?? "en");
}

/** Nobody is there at this hour: a sentence, or another number, whose person is rung once; the limits of dialling hold for it. */
async function closed(sql: Sql, parts: InstructionParts, live: Live, now: Date): Promise<Ncco> {
  const { line, language = "en" } = live.settings ?? {};
  const otherwise = line?.hours?.otherwise;
  if (otherwise === undefined || otherwise.do === "agent") return sorryNcco(language);
  if (otherwise.do === "say" || parts.number === null || live.phone_leg === null) return sayNcco(otherwise.text, language);
  let to: string;
  try {
    const person = dialable(otherwise.number);
    refuseForbiddenNumber(await readLimits(sql), person, parts.number);
    to = person.number;
  } catch (error) {
    const said = `The number for other hours was not rung: ${error instanceof Error ? error.message : String(error)}`;
    await recordEvent(sql, { call: live.id, at: now, kind: "transfer.failed", actor: "us", said, once: "transfer.refused" });
    return sayNcco(otherwise.text, language);
  }
  await insertTransfer(sql, { call: live.id, to, announcement: null, by: "us", at: now });
  const { id: call, phone_leg: leg } = live;
  return handOverNcco(
    { call, leg, regionUrl: null, from: parts.number, to, ringSeconds: RING_SECONDS, announced: false, record: false },
    parts.publicUrl,
  );
}

/**
 * When the agent's rule is to leave a message, the carrier asks for instructions only after it has heard who answers, and a machine's beep. Then
 * the message is all there is to do; null when an agent shall talk.
 */
async function voicemailMessage(sql: Sql, parts: InstructionParts, live: Live, now: Date): Promise<Ncco | null> {
  const text = live.settings?.line?.voicemail_message ?? null;
  if (live.answered_by !== "machine" || live.settings?.line?.voicemail !== "leave_message" || text === null) return null;
  const loaded = await loadForBridge(sql, live.id);
  await sql.query("update calls set message_at = coalesce(message_at, $2) where id = $1", [live.id, now]);
  await recordEvent(sql, messageTold(live.id, now));
  return messageNcco({
    call: live.id,
    publicUrl: parts.publicUrl,
    text: fill(text, loaded?.variables ?? {}),
    language: live.settings.language,
    record: wants(live.settings, live.consent, "carrier"),
  });
}

async function talkOf(sql: Sql, parts: InstructionParts, live: Live): Promise<Omit<Talk, "record" | "notice">> {
  const engine = live.engine ?? live.settings?.engine ?? "";
  const maxS = (live.settings?.max_minutes ?? 0) * 60 + 120;
  return {
    call: live.id,
    publicUrl: parts.publicUrl,
    from: parts.number,
    rate: chooseRate(parts.engineRates[engine] ?? []),
    language: live.settings?.language ?? "en",
    tokens: [await makeSocketToken(sql, live.id), await makeSocketToken(sql, live.id, maxS)],
  };
}

async function readLive(sql: Sql, call: CallId): Promise<Live | null> {
  const { rows } = await sql.query<Live>(
    `select c.id, c.answered_by, c.beep_at, c.status, c.phone_leg, c.hangup_asked_at, c.closed_at, c.message_at, c.engine, c.recording_consent as consent, v.settings,
       exists (select from transfers t where t.call_id = c.id and (t.result is null or t.result = 'connected')) as handed_over
     from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version where c.id = $1`,
    [call],
  );
  return rows[0] ?? null;
}

const mayTalk = (live: Live): boolean => live.status !== "ended" && live.hangup_asked_at === null;
