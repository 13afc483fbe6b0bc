import { CallingLimits, CallingLimitsNow } from "@earshot/contract/calling-limits";
import { readLimits, setLimits, usedOfLimits } from "../calls/limits.ts";
import { readLegRate, setLegRate } from "../calls/pace.ts";
import { inTransaction } from "../db/pool.ts";
import { recordAudit } from "../people/audits.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";

/** What may be dialled, how much at once and how much a day. */
export function callingLimitRoutes(door: Door, { pool, clock }: DoorParts): void {
  const config = { access: { needs: "limits.manage" } } as const;

  door.get(
    "/api/settings/calling-limits",
    {
      config,
      schema: {
        summary: "The limits of placing calls, as they are in force, and how much of them is used",
        tags: ["operation"],
        response: { 200: CallingLimitsNow },
      },
    },
    async () => {
      const [limits, { open, day }, legs] = await Promise.all([readLimits(pool), usedOfLimits(pool, clock.now()), readLegRate(pool)]);
      return { ...limits, legs_per_second: legs, running: open, placed: day };
    },
  );

  door.put(
    "/api/settings/calling-limits",
    {
      config,
      schema: {
        summary: "Set the limits of placing calls; they hold from the next call on",
        tags: ["operation"],
        body: CallingLimits,
        response: { 200: CallingLimits },
      },
    },
    async (request) => {
      const { max_concurrent, max_per_day, allowed, legs_per_second: legs } = request.body;
      const faster = legs === undefined ? {} : { legs_per_second: legs };
      const detail = { max_concurrent, max_per_day, allowed: allowed?.join(" ") ?? null, ...faster };
      await inTransaction(pool, async (sql) => {
        await setLimits(sql, request.body);
        if (legs !== undefined) await setLegRate(sql, legs);
        await recordAudit(sql, { at: clock.now(), actor: credentialIn(request).actor, action: "calling_limits.set", detail });
      });
      return request.body;
    },
  );
}
