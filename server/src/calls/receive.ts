import { AgentUnknown } from "../agents/failures.ts";
import { agentForCall, agentForNumber, type LoadedAgent } from "../agents/store.ts";
import type { Sql } from "../db/pool.ts";
import { type AgentId, type CallId, type ConversationId, type LegId, newId } from "../ids.ts";
import { matchOrphans } from "../recordings/announce.ts";
import { deadlineOf } from "./deadlines.ts";
import { recordEvent } from "./events.ts";
import { isOpen } from "./hours.ts";
import { toldNumber } from "./phone-number.ts";
import { insertCall } from "./store.ts";

/** Somebody calls one of our numbers, in the carrier's words. */
export interface Arrival {
  readonly leg: LegId;
  readonly conversation: ConversationId | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly regionUrl: string | null;
}

/**
 * The row of an inbound call, made before the carrier gets its instructions. The same leg is the same call: the carrier asks twice when our
 * first answer was slow. The agent is the one of the called number, else the default; without any the caller hears an apology.
 * In the caller's transaction.
 */
export async function receiveCall(sql: Sql, arrival: Arrival, now: Date): Promise<{ readonly call: CallId; readonly isNew: boolean }> {
  await sql.query("select pg_advisory_xact_lock(hashtext($1))", [`earshot leg ${arrival.leg}`]);
  const { rows } = await sql.query<{ id: CallId }>("select id from calls where phone_leg = $1", [arrival.leg]);
  if (rows[0] !== undefined) return { call: rows[0].id, isNew: false };
  const call = newId<CallId>(now.getTime());
  const to = toldNumber(arrival.to);
  const from = toldNumber(arrival.from);
  const { agent, closed, taker } = await whoTakes(sql, to, now);
  await insertCall(sql, {
    id: call,
    direction: "inbound",
    status: "ringing",
    from,
    to,
    customerName: null,
    variables: {},
    metadata: {},
    agent,
    placedBy: "carrier",
    idempotencyKey: null,
    requestHash: null,
    createdAt: now,
    deadlineAt: deadlineOf("ringing", { createdAt: now, dialedAt: null, ringingAt: now, answeredAt: null, maxMinutes: null }) as Date,
    phoneLeg: arrival.leg,
    conversation: arrival.conversation,
    regionUrl: arrival.regionUrl,
    closedAt: closed ? now : null,
  });
  const who = from ?? (arrival.from === null ? "a withheld number" : `"${arrival.from}"`);
  await recordEvent(sql, {
    call,
    at: now,
    kind: "call.received",
    actor: "carrier",
    said: `A call from ${who} to ${to ?? arrival.to ?? "us"}. ${taker}`,
    detail: { from: arrival.from, to: arrival.to },
    once: "received",
  });
  if (arrival.conversation !== null) await matchOrphans(sql, call, arrival.conversation, now);
  return { call, isNew: true };
}

/**
 * The agent of the called number, or who takes its place outside its opening hours: another agent, or none (`closed`): then the caller meets what
 * its rule says, in the words of the agent that is not there.
 */
async function whoTakes(sql: Sql, to: string | null, now: Date): Promise<{ agent: LoadedAgent | null; closed: boolean; taker: string }> {
  const agent = await agentForNumber(sql, to);
  if (agent === null) return { agent, closed: false, taker: "There is no agent to take it." };
  const hours = agent.settings.line?.hours ?? null;
  const takes = { agent, closed: false, taker: `${agent.settings.name} takes it.` };
  if (hours === null || isOpen(hours, now)) return takes;
  const outside = "It comes outside the opening hours:";
  if (hours.otherwise.do === "say") return { agent, closed: true, taker: `${outside} the caller hears so.` };
  if (hours.otherwise.do === "number") return { agent, closed: true, taker: `${outside} it goes to ${hours.otherwise.number}.` };
  const other = await agentForCall(sql, hours.otherwise.agent_id as AgentId).catch((error: unknown) => {
    if (error instanceof AgentUnknown) return null;
    throw error;
  });
  // The other agent is gone: an agent at an odd hour is better than nobody.
  return other === null ? takes : { agent: other, closed: false, taker: `${outside} ${other.settings.name} takes it.` };
}
