import type { AgentSettings } from "@earshot/contract/agent";
import type { Direction } from "@earshot/contract/call";
import type { CallStatus } from "@earshot/contract/status";
import type pg from "pg";
import { agentGreeting, agentPrompt, type Variables } from "../agents/prompt.ts";
import { agentVersion } from "../agents/store.ts";
import { notify } from "../db/notify.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { AgentId, CallId } from "../ids.ts";
import { noteAnswer } from "./apply.ts";
import { after, deadlineOf, ENDING_S } from "./deadlines.ts";
import { recordEvent } from "./events.ts";
import { settle } from "./hear.ts";
import { isDead, takeLease } from "./leases.ts";
import { lockCall, lookBy, saveCall } from "./store.ts";

/** Everything the bridge needs of a call. */
export interface BridgedCall {
  readonly call: CallId;
  readonly direction: Direction;
  readonly status: CallStatus;
  /** The other party's number, E.164 with +; null when withheld. */
  readonly customer: string | null;
  readonly customerName: string | null;
  readonly createdAt: Date;
  /** Zero of the call's clock: null until the answer is known. */
  readonly answeredAt: Date | null;
  readonly socketStartedAt: Date | null;
  readonly hangupAskedAt: Date | null;
  /** Null when no agent could be found: then there is nobody to talk. */
  readonly agent: { readonly id: AgentId; readonly version: number; readonly settings: AgentSettings } | null;
  /** The agent's prompt and first words with the variables filled in; the truth about being an AI is in the prompt already. */
  readonly prompt: string;
  readonly greeting: string | null;
  readonly variables: Variables;
  /** Name of the engine: the one the call already talks with, else its agent's. */
  readonly engine: string;
  readonly engineSession: string | null;
  readonly engineResume: string | null;
  /** Longest talk, ms. */
  readonly maxMs: number;
}

interface Row {
  direction: Direction;
  status: CallStatus;
  from_number: string | null;
  to_number: string | null;
  customer_name: string | null;
  variables: Variables;
  created_at: Date;
  answered_at: Date | null;
  socket_started_at: Date | null;
  hangup_asked_at: Date | null;
  agent_id: AgentId | null;
  agent_version: number | null;
  engine: string | null;
  engine_session: string | null;
  engine_resume: string | null;
}

/** A call as the bridge needs it; null when there is no such call. The other party is `from` of an inbound and `to` of an outbound call. */
export async function loadForBridge(sql: Sql, call: CallId): Promise<BridgedCall | null> {
  const { rows } = await sql.query<Row>(
    `select direction, status, from_number, to_number, customer_name, variables, created_at, answered_at, socket_started_at, hangup_asked_at,
       agent_id, agent_version, engine, engine_session, engine_resume from calls where id = $1`,
    [call],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const agent = row.agent_id === null || row.agent_version === null ? null : await agentVersion(sql, row.agent_id, row.agent_version);
  const customer = row.direction === "inbound" ? row.from_number : row.to_number;
  const variables: Variables = {
    ...(row.customer_name === null ? {} : { customer_name: row.customer_name }),
    ...(customer === null ? {} : { customer_number: customer }),
    direction: row.direction,
    ...(agent === null ? {} : { agent_name: agent.settings.name }),
    ...row.variables,
  };
  return {
    call,
    direction: row.direction,
    status: row.status,
    customer,
    customerName: row.customer_name,
    createdAt: row.created_at,
    answeredAt: row.answered_at,
    socketStartedAt: row.socket_started_at,
    hangupAskedAt: row.hangup_asked_at,
    agent,
    prompt: agent === null ? "" : agentPrompt(agent.settings, variables),
    greeting: agent === null ? null : agentGreeting(agent.settings, variables),
    variables,
    engine: row.engine ?? agent?.settings.engine ?? "evi",
    engineSession: row.engine_session,
    engineResume: row.engine_resume,
    maxMs: (agent?.settings.max_minutes ?? 10) * 60_000,
  };
}

/**
 * May this process open the call's engine before its audio comes? The first living one that asks may, and no other: each session is billed, and
 * the audio comes to one of them at most. Once there was audio, whoever has that opens the engine.
 */
export async function mayPrepare(sql: Sql, call: CallId, owner: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update calls c set prepared_by = $2 where id = $1 and socket_started_at is null
       and (prepared_by is null or prepared_by = $2 or ${isDead("c.prepared_by")})`,
    [call, owner],
  );
  return rowCount === 1;
}

/**
 * The first audio frame came, at `at`: it is the zero of the caller-audio clock and stays the first one's through reconnects. Audio flows only
 * in an answered call, so an answer whose webhook is late or lost is known now. Returns the call's answer time, which from now on stays
 * (hear.ts), because the transcript counts from it; null when there is no such call.
 */
export async function audioStarted(pool: pg.Pool, call: CallId, owner: string, at: Date): Promise<Date | null> {
  return inTransaction(pool, (sql) => heard(sql, call, owner, at));
}

/** The same of a process that has died: its first frame came at `at`, unless another's came before. It takes nothing over any more. */
export async function audioHeard(pool: pg.Pool, call: CallId, at: Date): Promise<void> {
  await inTransaction(pool, async (sql) => {
    const known = await lockCall(sql, call);
    if (known !== null && known.call.socketStartedAt === null) await heard(sql, call, null, at);
  });
}

async function heard(sql: Sql, call: CallId, owner: string | null, at: Date): Promise<Date | null> {
  const known = await lockCall(sql, call);
  if (known === null) return null;
  let { answeredAt } = known.call;
  if (known.call.status !== "ended" && answeredAt === null) {
    const settled = settle({ ...known, call: { ...known.call, answeredAt: at } }, at);
    await saveCall(sql, known, settled.known);
    await noteAnswer(sql, known, settled.known);
    answeredAt = settled.known.call.answeredAt;
  }
  await sql.query("update calls set socket_started_at = coalesce(socket_started_at, $2), owner = coalesce($3, owner) where id = $1", [
    call,
    at,
    owner,
  ]);
  if (owner !== null) await takeLease(sql, call, owner);
  const first = known.call.socketStartedAt === null;
  const running = first ? await lockCall(sql, call) : null;
  // Until now its deadline was that of a call whose audio does not come.
  if (running !== null && running.call.hangupAskedAt === null)
    await saveCall(sql, running, { ...running, call: { ...running.call, deadlineAt: deadlineOf(running.call.status, running.call) } });
  const said = first ? "The first sound of the call arrived." : "The sound of the call is back.";
  const kind = first ? "audio.started" : "audio.resumed";
  await recordEvent(sql, { call, at, kind, actor: "us", said, ...(first ? { once: kind } : {}) });
  return answeredAt;
}

/**
 * The call's audio is gone. Mostly the call is over, and the carrier's word of it comes within seconds; when that word is lost, the watchdog asks
 * soon, and not only when the longest allowed length of the call has passed.
 */
export async function audioStopped(sql: Sql, call: CallId, at: Date): Promise<void> {
  await lookBy(sql, call, after(at, ENDING_S));
}

/**
 * Which engine speaks for the call, and the tokens to go on with its session. Several processes may have opened one while it rang: the session
 * of `owner` counts, where the audio came to, and before that any.
 */
export async function engineOpened(
  sql: Sql,
  call: CallId,
  owner: string,
  engine: { readonly name: string; readonly session: string | null; readonly resume: string | null },
): Promise<void> {
  await sql.query(
    `update calls set engine = $2, engine_session = coalesce($3, engine_session), engine_resume = coalesce($4, engine_resume)
      where id = $1 and (socket_started_at is null or owner = $5)`,
    [call, engine.name, engine.session, engine.resume, owner],
  );
  await notify(sql, { call_id: call, what: "call" });
}
