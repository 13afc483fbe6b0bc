import { createHash } from "node:crypto";
import type { PlaceCall } from "@earshot/contract/call";
import { requireEngine } from "../agents/engines.ts";
import { agentForCall } from "../agents/store.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import { type AgentId, type CallId, newId } from "../ids.ts";
import { deadlineOf } from "./deadlines.ts";
import { type DialingParts, startDialing } from "./dial.ts";
import { recordEvent } from "./events.ts";
import { IdempotencyKeyReused, IdempotencyKeyUnusable, NoCarrier } from "./failures.ts";
import { readLimits, refuseForbiddenNumber, refuseTooMany } from "./limits.ts";
import { dialable } from "./phone-number.ts";
import { insertCall } from "./store.ts";

export interface PlacingParts extends DialingParts {
  /** Our number, E.164 with +. */
  readonly number: string | null;
  /** Names of the engines that are configured; absent: whether an agent can talk is not looked at. */
  readonly engines?: readonly string[];
}

/** Who asks, and under which key. */
export interface PlacedBy {
  /** user:<id> or key:<id>. */
  readonly actor: string;
  readonly idempotencyKey: string | null;
  /** Told in the transaction that makes the row, and only then: not of a call that its key placed before. */
  readonly onPlaced?: (sql: Sql, call: CallId) => Promise<void>;
}

/**
 * Places a call: the row first, committed, then the carrier is asked (no phone rings that we have no row for). Resolves with the call's id as
 * soon as the row is there; the dialling goes on behind it and its outcome is on the row. The same idempotency key with the same request is
 * the same call, whatever has become of it. Throws the failures of calls/failures.ts and agents/failures.ts; then there is no row.
 */
export async function placeCall(parts: PlacingParts, request: PlaceCall, by: PlacedBy): Promise<CallId> {
  const { pool, carrier, number, clock } = parts;
  if (by.idempotencyKey !== null && !/^[\x21-\x7e]{1,200}$/.test(by.idempotencyKey)) throw new IdempotencyKeyUnusable();
  const requestHash = hashOf(request);
  const to = dialable(request.to);
  const call = newId<CallId>(clock.now().getTime());
  const placed = await inTransaction(pool, async (sql) => {
    // One placing at a time, in all processes: keys and limits are looked up and used under the same lock. It is held for a few milliseconds.
    await sql.query("select pg_advisory_xact_lock(hashtext('earshot placing'))");
    const earlier = by.idempotencyKey === null ? null : await placedBefore(sql, by.actor, by.idempotencyKey, requestHash);
    if (earlier !== null) return { call: earlier, waiting: null };
    if (carrier === null || number === null) throw new NoCarrier();
    const limits = await readLimits(sql);
    refuseForbiddenNumber(limits, to, number);
    const agent = await agentForCall(sql, (request.agent_id as AgentId | undefined) ?? null);
    if (parts.engines !== undefined) requireEngine(agent.settings.engine, parts.engines, "agent_id");
    const now = clock.now();
    await refuseTooMany(sql, limits, now);
    await insertCall(sql, {
      id: call,
      direction: "outbound",
      status: "queued",
      from: number,
      to: to.number,
      customerName: request.customer_name ?? null,
      variables: request.variables ?? {},
      metadata: request.metadata ?? {},
      agent,
      placedBy: by.actor,
      idempotencyKey: by.idempotencyKey,
      requestHash,
      createdAt: now,
      deadlineAt: deadlineOf("queued", { createdAt: now, dialedAt: null, ringingAt: null, answeredAt: null, maxMinutes: null }) as Date,
      phoneLeg: null,
      conversation: null,
      regionUrl: null,
    });
    await sql.query("update calls set owner = $2 where id = $1", [call, parts.owner]);
    await recordEvent(sql, {
      call,
      at: now,
      kind: "call.placed",
      actor: "operator",
      said: `A call to ${to.number} was asked for.`,
      detail: { by: by.actor },
      once: "placed",
    });
    await by.onPlaced?.(sql, call);
    return { call, waiting: { call, from: number, to: to.number, settings: agent.settings } };
  });
  if (placed.waiting !== null && carrier !== null) startDialing(parts, carrier, placed.waiting);
  return placed.call;
}

async function placedBefore(sql: Sql, actor: string, key: string, requestHash: Buffer): Promise<CallId | null> {
  const { rows } = await sql.query<{ id: CallId; request_hash: Buffer }>(
    "select id, request_hash from calls where placed_by = $1 and idempotency_key = $2",
    [actor, key],
  );
  if (rows[0] === undefined) return null;
  if (!rows[0].request_hash.equals(requestHash)) throw new IdempotencyKeyReused(key);
  return rows[0].id;
}

/** The request whatever the order of its fields: the same meaning is the same request. */
function hashOf(request: PlaceCall): Buffer {
  return createHash("sha256").update(canonical(request)).digest();
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
    .join(",")}}`;
}
