import { mayBeDone } from "../carrier/failures.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { recordEvent } from "./events.ts";
import { hangUp, noteUnable } from "./hang-up.ts";
import { type InCallParts, transferCall } from "./in-call.ts";
import { loadForBridge } from "./load.ts";

/** Why the engine is lost, as the bridge tells it. */
export interface EngineLoss {
  readonly code: string | null;
  readonly text: string;
}

/** Who asked for a transfer that nobody asked for. */
const US = "us:engine_failed";

/**
 * The engine is lost for good. Whoever is on the line hears the carrier say so, and is then connected to the agent's person, if it has one and
 * nobody has tried that in this call yet; otherwise the call ends, with the loss as its reason. Who is not on the line yet is not rung any longer.
 * Resolves when the carrier has taken it; when it does not, the call is hung up. Throws what a hang-up throws.
 */
export async function endWithoutEngine(parts: InCallParts, call: CallId, loss: EngineLoss): Promise<void> {
  const { pool, carrier, clock } = parts;
  const known = await loadForBridge(pool, call);
  const silently = (): Promise<void> => hangUp(parts, call, US, { ...loss }, loss.text);
  if (known === null || known.status !== "in_progress" || known.hangupAskedAt !== null) return silently();
  const settings = known.agent?.settings;
  const language = settings?.language ?? "en";
  const number = settings?.transfer_number ?? null;
  if (number !== null && !(await wasHandedOver(parts, call))) {
    try {
      await transferCall(parts, call, { number, announcement: null }, US, language);
      return;
    } catch (error) {
      // Whether they are rung may be not known (transfer.unknown): who waits in silence is told all the same.
      const said = `The person could not be rung: ${error instanceof Error ? error.message : String(error)}`;
      if (!mayBeDone(error)) await recordEvent(pool, { call, at: clock.now(), kind: "transfer.failed", actor: "us", said });
    }
  }
  const leg = await inTransaction(pool, async (sql) => {
    await noteUnable(sql, call, "engine_failed", loss.text, clock.now(), { ...loss });
    const { rows } = await sql.query<{ leg: LegId | null; regionUrl: string | null }>(
      `select phone_leg as leg, region_url as "regionUrl" from calls where id = $1`,
      [call],
    );
    return rows[0];
  });
  if (leg?.leg == null || carrier?.apologise === undefined) return silently();
  await carrier.apologise(leg.leg, language, leg.regionUrl).catch(silently);
}

/** Somebody waits for words that do not come: the carrier asks them for a moment. `again`: not for the first time. Throws the carrier's failure. */
export async function askToWait({ pool, carrier }: InCallParts, call: CallId, again: boolean): Promise<void> {
  const known = await loadForBridge(pool, call);
  if (known?.status !== "in_progress" || carrier?.askToWait === undefined) return;
  const { rows } = await pool.query<{ leg: LegId | null; regionUrl: string | null }>(
    `select phone_leg as leg, region_url as "regionUrl" from calls where id = $1`,
    [call],
  );
  const leg = rows[0]?.leg;
  const language = known.agent?.settings.language ?? "en";
  if (leg) await carrier.askToWait(leg, { language, again }, rows[0]?.regionUrl ?? null);
}

async function wasHandedOver({ pool }: InCallParts, call: CallId): Promise<boolean> {
  const { rows } = await pool.query<{ was: boolean }>("select exists (select from transfers where call_id = $1) as was", [call]);
  return rows[0]?.was === true;
}
