import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Logger } from "pino";
import { takePermit } from "../../calls/pace.ts";
import { whileAway } from "../../db/away.ts";
import { storeExchange } from "../exchanges.ts";
import { CarrierQueueFull } from "../failures.ts";
import type { VonageClientConfig } from "./client.ts";

/** So long a request waits for a database that is away, ms: somebody on the line may wait for it. */
const AWAY_MS = 3_500;

/** What makes a client keep the account's rates and leave every exchange in the calls' black boxes. For `vonageCarrier({ ..., ...accounted(pool, log) })`. */
export function accounted(pool: pg.Pool, log: Logger): Required<Pick<VonageClientConfig, "permit" | "onExchange">> {
  return {
    async permit() {
      const waitMs = await whileAway(() => takePermit(pool, "vonage", "other"), AWAY_MS);
      if (waitMs === null) throw new CarrierQueueFull();
      if (waitMs > 0) await setTimeout(waitMs);
    },
    onExchange(exchange) {
      storeExchange(pool, "vonage", exchange).catch((error: unknown) =>
        log.warn({ err: error }, "an exchange with the carrier could not be kept"),
      );
    },
  };
}
