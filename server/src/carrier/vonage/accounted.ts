import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Logger } from "pino";
import { takePermit } from "../../calls/pace.ts";
import { storeExchange } from "../exchanges.ts";
import { CarrierLimited } from "../failures.ts";
import type { VonageClientConfig } from "./client.ts";

/** What makes a client keep the account's rates and leave every exchange in the calls' black boxes. For `vonageCarrier({ ..., ...accounted(pool, log) })`. */
export function accounted(pool: pg.Pool, log: Logger): Required<Pick<VonageClientConfig, "permit" | "onExchange">> {
  return {
    async permit() {
      const waitMs = await takePermit(pool, "vonage", "other");
      if (waitMs === null) throw new CarrierLimited("the queue before it");
      if (waitMs > 0) await setTimeout(waitMs);
    },
    onExchange(exchange) {
      storeExchange(pool, "vonage", exchange).catch((error: unknown) =>
        log.warn({ err: error }, "an exchange with the carrier could not be kept"),
      );
    },
  };
}
