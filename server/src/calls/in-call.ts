import { setTimeout } from "node:timers/promises";
import { agentVersion } from "../agents/store.ts";
import { mayBeDone } from "../carrier/failures.ts";
import { inTransaction } from "../db/pool.ts";
import type { AgentId, CallId, LegId } from "../ids.ts";
import { wants } from "../recordings/policy.ts";
import { consentOf } from "./consent.ts";
import { RING_SECONDS } from "./deadlines.ts";
import { recordEvent } from "./events.ts";
import { CallUnknown, CarrierCannot, KeysInvalid, NoCarrier, NotInProgress, TransferUnderWay } from "./failures.ts";
import type { HangUpParts } from "./hang-up.ts";
import { readLimits, refuseForbiddenNumber } from "./limits.ts";
import { takePermit } from "./pace.ts";
import { dialable } from "./phone-number.ts";
import { failTransfer, insertTransfer } from "./transfers.ts";

/** What can be done with a call while it runs, beside ending it. All throw CallUnknown, NotInProgress, or the carrier's failure. */

export interface InCallParts extends HangUpParts {
  /** Our number, E.164 with +: a person we ring sees it. */
  readonly number: string | null;
}

interface Running {
  readonly leg: LegId;
  readonly regionUrl: string | null;
  readonly agent: AgentId | null;
  readonly version: number | null;
}

/** Sends keys to the party on the phone, as if the agent had pressed them. */
export async function pressKeys(parts: InCallParts, call: CallId, keys: string, by: string): Promise<void> {
  if (!/^[0-9*#p]{1,50}$/.test(keys)) throw new KeysInvalid();
  const { leg, regionUrl } = await running(parts, call);
  const carrier = carrierOf(parts);
  if (carrier.press === undefined) throw new CarrierCannot("send keys");
  await carrier.press(leg, keys, regionUrl);
  const said = `The keys ${keys} were sent.`;
  await recordEvent(parts.pool, { call, at: parts.clock.now(), kind: "keys.sent", actor: actorOf(by), said, detail: { keys, by } });
}

/** Makes the party on the phone unheard by everyone else, or heard again. */
export async function muteCaller(parts: InCallParts, call: CallId, on: boolean, by: string): Promise<void> {
  const { leg, regionUrl } = await running(parts, call);
  const carrier = carrierOf(parts);
  if (carrier.mute === undefined) throw new CarrierCannot("mute");
  await carrier.mute(leg, on, regionUrl);
  const kind = on ? "caller.muted" : "caller.unmuted";
  await recordEvent(parts.pool, {
    call,
    at: parts.clock.now(),
    kind,
    actor: actorOf(by),
    said: on ? "The caller was muted." : "The caller is heard again.",
    detail: { by },
  });
}

/** Beyond it the carrier is asked out of turn: what it refuses then is told as any other failure of a transfer. */
const LONGEST_TURN_MS = 5_000;

/**
 * Hands the caller to a person. With an announcement the person hears it before they are connected. Resolves when the carrier has begun to ring;
 * the result follows on the timeline and in `transfers`, and when nobody is reached the caller comes back to the agent. When the carrier's answer is lost
 * the transfer stays open, because it may be under way (mayBeDone of what is thrown). The number is checked
 * against the same limits as a call. `sorryIn`: the caller is first told, in this language, that the agent cannot go on.
 */
export async function transferCall(
  parts: InCallParts,
  call: CallId,
  to: { number: string; announcement: string | null },
  by: string,
  sorryIn?: string,
): Promise<void> {
  const { pool, clock } = parts;
  const carrier = carrierOf(parts);
  const { number: from } = parts;
  if (carrier.handOver === undefined || from === null) throw new CarrierCannot("transfer");
  const person = dialable(to.number);
  refuseForbiddenNumber(await readLimits(pool), person, from);
  const { leg, regionUrl, agent, version } = await running(parts, call);
  const settings = agent === null || version === null ? null : await agentVersion(pool, agent, version);
  await inTransaction(pool, async (sql) => {
    const at = clock.now();
    const transfer = await insertTransfer(sql, { call, to: person.number, announcement: to.announcement, by, at });
    if (transfer === null) throw new TransferUnderWay(call);
    const said = `The caller is being handed to ${person.number}.`;
    await recordEvent(sql, {
      call,
      at,
      kind: "transfer.asked",
      actor: actorOf(by),
      said,
      detail: { to: person.number, by },
      once: `transfer:${transfer}`,
    });
  });
  try {
    // The person's phone is a new leg to the carrier (vonage-voice §1.4). Until it is its turn the caller stays with the agent.
    await setTimeout((await takePermit(pool, carrier.name, "connect", LONGEST_TURN_MS)) ?? 0);
    const record = settings !== null && wants(settings.settings, await consentOf(pool, call), "carrier");
    await carrier.handOver({
      call,
      leg,
      regionUrl,
      from,
      to: person.number,
      ringSeconds: RING_SECONDS,
      announced: to.announcement !== null,
      record,
      ...(sorryIn !== undefined && { sorryIn }),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (mayBeDone(error)) {
      // It stays open: the words of the person's leg tell, or that none comes (expireTransfers).
      const said = `Whether the carrier rings the person is not known: ${why}`;
      await recordEvent(pool, { call, at: clock.now(), kind: "transfer.unknown", actor: "carrier", said });
    } else await failTransfer(pool, call, why, clock.now());
    throw error;
  }
}

async function running({ pool }: InCallParts, call: CallId): Promise<Running> {
  const { rows } = await pool.query<{
    status: string;
    leg: LegId | null;
    regionUrl: string | null;
    agent: AgentId | null;
    version: number | null;
  }>(`select status, phone_leg as leg, region_url as "regionUrl", agent_id as agent, agent_version as version from calls where id = $1`, [
    call,
  ]);
  const row = rows[0];
  if (row === undefined) throw new CallUnknown(call);
  if (row.status !== "in_progress" || row.leg === null) throw new NotInProgress(call, row.status);
  return { ...row, leg: row.leg };
}

function carrierOf({ carrier }: InCallParts): NonNullable<InCallParts["carrier"]> {
  if (carrier === null) throw new NoCarrier();
  return carrier;
}

const actorOf = (by: string): "operator" | "agent" | "us" => (by === "agent" ? "agent" : by.startsWith("us:") ? "us" : "operator");
