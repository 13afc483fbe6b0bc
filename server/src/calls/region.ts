import { CarrierRegionUnknown } from "../carrier/failures.ts";
import type { Carrier, LegState } from "../carrier/port.ts";
import type { Sql } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";

/**
 * A call lives in one region of the carrier, and the other regions do not have it (vonage-voice §1.1). Which one is told with the answer at the
 * earliest: before, a carrier that does not have the call has said nothing of it.
 */
export interface Region {
  readonly url: string | null;
  /** Has the answer come, with which a region would have been told? Then a call without one is where we ask. */
  readonly isTold: boolean;
}

/** The region of a call; of one we do not have, nothing is told. */
export async function regionOf(sql: Sql, call: CallId): Promise<Region> {
  const { rows } = await sql.query<{ url: string | null; isTold: boolean }>(
    `select region_url as url, region_url is not null or answered_at is not null as "isTold" from calls where id = $1`,
    [call],
  );
  return rows[0] ?? { url: null, isTold: false };
}

/** Asks the carrier to end a leg. Throws its failure; that it does not have the leg is none only where that proves something. */
export async function endLeg(carrier: Carrier, leg: LegId, { url, isTold }: Region): Promise<void> {
  try {
    await carrier.hangUp(leg, url);
  } catch (error) {
    if (!(error instanceof CarrierRegionUnknown && isTold)) throw error;
  }
}

/** Asks how a leg stands; null when the carrier, where it would have it, does not have it. Throws its failure. */
export async function askLeg(carrier: Carrier, leg: LegId, { url, isTold }: Region): Promise<LegState | null> {
  try {
    return await carrier.legState(leg, url);
  } catch (error) {
    if (error instanceof CarrierRegionUnknown && isTold) return null;
    throw error;
  }
}
