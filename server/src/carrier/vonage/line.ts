import type { FastifyPluginCallback } from "fastify";
import type pg from "pg";
import type { Logger } from "pino";
import { hangUpLeg } from "../../calls/hang-up.ts";
import { recoverCalls, startWatchdog } from "../../calls/watchdog.ts";
import type { Clock } from "../../clock.ts";
import type { VonageConfig } from "../../config.ts";
import type { CallId } from "../../ids.ts";
import type { Carrier } from "../port.ts";
import { type VonageClient, vonageCarrier } from "./client.ts";
import { vonageDoor } from "./door.ts";
import { type CallHooks, openInbox } from "./inbox.ts";

export interface LineParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: VonageConfig;
  /** Where Vonage reaches us, no slash at the end. */
  readonly publicUrl: string;
  /** The sample rates each engine takes caller audio in, best first. */
  readonly engineRates: Readonly<Record<string, readonly number[]>>;
  readonly hooks: CallHooks;
  /** Does this process hear the call's audio right now? */
  readonly carries: (call: CallId) => boolean;
}

/** A phone line at Vonage: what we ask of it, its door, and who looks after the calls. */
export interface Line {
  readonly carrier: Carrier;
  readonly client: VonageClient;
  readonly door: FastifyPluginCallback;
  /** Applies what a dead process left pending and has every open call looked at soon. Resolves with how many calls are open. */
  recover(): Promise<number>;
  /** Stops looking; waits for what is under way. Webhooks that come later stay pending for the next start. */
  close(): Promise<void>;
}

/** Puts the parts of the line together. The door must be registered before listening; `recover` may run at any time. */
export function openLine(parts: LineParts): Line {
  const { pool, clock, log, config, publicUrl, engineRates, carries } = parts;
  const client = vonageCarrier({
    applicationId: config.applicationId,
    privateKeyPem: config.privateKeyPem,
    apiUrl: config.apiUrl,
    publicUrl,
  });
  const hooks: CallHooks = {
    onHangUpDue: (call, leg) => {
      hangUpLeg(pool, client, call, leg, clock.now()).catch((error: unknown) =>
        log.warn({ call, err: error }, "a hang-up that had waited failed"),
      );
    },
    ...parts.hooks,
  };
  const inbox = openInbox({ pool, clock, log, hooks });
  const watchdog = startWatchdog({ pool, carrier: client, clock, log, carries, ...(hooks.onEnded ? { onEnded: hooks.onEnded } : {}) });
  return {
    carrier: client,
    client,
    door: vonageDoor({
      pool,
      clock,
      log,
      inbox,
      hooks,
      publicUrl,
      engineRates,
      number: config.number,
      apiUrl: config.apiUrl,
      keys: { secret: config.signatureSecret, apiKey: config.apiKey, applicationId: config.applicationId },
    }),
    async recover() {
      await inbox.sweep(true);
      return recoverCalls(pool, clock.now());
    },
    async close() {
      await inbox.close();
      await watchdog.close();
    },
  };
}
