import type { AgentSettings } from "@earshot/contract/agent";
import type { CallStatus } from "@earshot/contract/status";
import type pg from "pg";
import { applyCarrierEvent, type Moved } from "../../calls/apply.ts";
import { receiveCall } from "../../calls/receive.ts";
import { countSocketTokens, makeSocketToken } from "../../calls/socket-token.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import type { CallId, LegId, WebhookId } from "../../ids.ts";
import type { CarrierEvent } from "../port.ts";
import { hostRefusal } from "./hosts.ts";
import { chooseRate, type Ncco, reconnectNcco, sorryNcco, type Talk, talkNcco } from "./ncco.ts";
import type { Question } from "./wire.ts";

export interface InstructionParts {
  readonly pool: pg.Pool;
  /** https address we are reached at, without a last slash. */
  readonly publicUrl: string;
  /** Our number, E.164 with +. */
  readonly number: string | null;
  readonly apiUrl: string;
  /** The sample rates each engine takes caller audio in, best first. */
  readonly engineRates: Readonly<Record<string, readonly number[]>>;
}

export interface Instructions {
  readonly call: CallId | null;
  readonly ncco: Ncco;
  /** Do they connect the call with an agent? */
  readonly talks: boolean;
  readonly moved: readonly Moved[];
}

/** A call whose audio breaks again and again is given up: each connect takes two tokens, so four connects a minute and fifty in all. */
const TOKENS_A_MINUTE = 8;
const TOKENS_IN_ALL = 100;

interface Live {
  id: CallId;
  status: CallStatus;
  phone_leg: LegId | null;
  hangup_asked_at: Date | null;
  engine: string | null;
  settings: Pick<AgentSettings, "engine" | "record" | "max_minutes"> | null;
}

/**
 * What Vonage shall do with a leg that waits for us. Inbound calls have no mark of ours and get their row here, before the answer. Outbound calls
 * are known by their mark; the question says that the callee picked up, which is written at once, so that the call's clock is right before its
 * audio comes. Asking again gives new tokens for the same call, unless its audio was opened already: then the question is a replay.
 */
export async function instructionsFor(
  parts: InstructionParts,
  question: Question,
  asked: { readonly webhook: WebhookId; readonly at: Date; readonly seenBefore: boolean },
): Promise<Instructions | "replayed"> {
  return inTransaction(parts.pool, async (sql) => {
    const moved = question.call === null ? [] : (await applyCarrierEvent(sql, pickedUp(question, asked.at), asked.webhook, asked.at)).moved;
    const call = question.call ?? (await receiveCall(sql, question, asked.at)).call;
    const live = await readLive(sql, call);
    const sorry = { ncco: sorryNcco(), talks: false, moved };
    if (live === null || !mayTalk(live) || (live.phone_leg !== null && live.phone_leg !== question.leg)) return { call: null, ...sorry };
    if (asked.seenBefore && (await countSocketTokens(sql, call)).used > 0) return "replayed";
    if (question.regionUrl !== null && hostRefusal(question.regionUrl, parts.apiUrl) === null) {
      await sql.query("update calls set region_url = $2 where id = $1 and region_url is distinct from $2", [call, question.regionUrl]);
    }
    if (live.settings === null) return { call, ...sorry };
    return { call, ncco: talkNcco({ ...(await talkOf(sql, parts, live)), record: live.settings.record }), talks: true, moved };
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
export async function instructionsForLostAudio(parts: InstructionParts, event: CarrierEvent): Promise<Ncco | null> {
  const { call } = event;
  if (call === null) return null;
  return inTransaction(parts.pool, async (sql) => {
    const live = await readLive(sql, call);
    if (live === null || live.settings === null || !mayTalk(live)) return null;
    const tokens = await countSocketTokens(sql, call);
    if (tokens.lastMinute >= TOKENS_A_MINUTE || tokens.all >= TOKENS_IN_ALL) return null;
    return reconnectNcco(await talkOf(sql, parts, live));
  });
}

async function talkOf(sql: Sql, parts: InstructionParts, live: Live): Promise<Omit<Talk, "record">> {
  const engine = live.engine ?? live.settings?.engine ?? "";
  const maxS = (live.settings?.max_minutes ?? 0) * 60 + 120;
  return {
    call: live.id,
    publicUrl: parts.publicUrl,
    from: parts.number,
    rate: chooseRate(parts.engineRates[engine] ?? []),
    tokens: [await makeSocketToken(sql, live.id), await makeSocketToken(sql, live.id, maxS)],
  };
}

async function readLive(sql: Sql, call: CallId): Promise<Live | null> {
  const { rows } = await sql.query<Live>(
    `select c.id, c.status, c.phone_leg, c.hangup_asked_at, c.engine, v.settings
     from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version where c.id = $1`,
    [call],
  );
  return rows[0] ?? null;
}

const mayTalk = (live: Live): boolean => live.status !== "ended" && live.hangup_asked_at === null;
