import { CarrierState, type DoctorCheck, DoctorReport, LineKept, SetWebhooks } from "@earshot/contract/carrier";
import { NoCarrier } from "../calls/failures.ts";
import { readLineKept, setLineKept } from "../calls/line-kept.ts";
import { readPace } from "../calls/pace.ts";
import { countQueued } from "../calls/read.ts";
import { recordAudit } from "../people/audits.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { ApiSecretNeeded, WebhooksNotSet } from "./failures.ts";
import { auditPress } from "./press.ts";

/** The phone line as the door knows it; null when none is configured. */
export interface Line {
  readonly carrier: string;
  readonly number: string;
  readonly emulated: boolean;
  readonly doctor: {
    /** Looks at everything, with the secret given or the configured one, and never throws. */
    examine(apiSecret: string | null): Promise<readonly DoctorCheck[]>;
    /** Is an API secret configured? */
    readonly hasApiSecret: boolean;
    /** Sets the application's webhooks to ours, with the secret given or the configured one. Throws with the carrier's words. */
    setWebhooks(apiSecret: string | null): Promise<void>;
  };
}

/** The state of the line, and the doctor who looks at it. */
export function carrierRoutes(door: Door, { pool, clock, line }: DoorParts): void {
  door.get(
    "/api/carrier",
    {
      config: { access: { needs: "carrier.read" } },
      schema: { summary: "The line, and how fast it may be asked", tags: ["operation"], response: { 200: CarrierState } },
    },
    async () => ({
      carrier: line?.carrier ?? null,
      number: line?.number ?? null,
      emulated: line?.emulated ?? false,
      calls_queued: await countQueued(pool),
      limits: (await readPace(pool)).map((pace) => ({
        name: pace.name,
        most: pace.most,
        window_ms: pace.windowMs,
        free: pace.free,
        waiting: pace.waiting,
        wait_ms: pace.waitMs,
        refused: pace.refused,
        refused_at: pace.refusedAt?.toISOString() ?? null,
      })),
    }),
  );

  door.get(
    "/api/carrier/keeping",
    {
      config: { access: { needs: "carrier.read" } },
      schema: { summary: "How long raw requests are kept", tags: ["keeping"], response: { 200: LineKept } },
    },
    () => readLineKept(pool),
  );

  door.put(
    "/api/carrier/keeping",
    {
      config: { access: { needs: "keeping.manage" } },
      schema: { summary: "Set how long raw requests are kept", tags: ["keeping"], body: LineKept, response: { 200: LineKept } },
    },
    async (request) => {
      const { body } = request;
      await setLineKept(pool, body);
      await recordAudit(pool, { at: clock.now(), actor: credentialIn(request).actor, action: "keep_rule.set", detail: { ...body } });
      return body;
    },
  );

  door.get(
    "/api/doctor",
    {
      exposeHeadRoute: false,
      config: { access: { needs: "doctor.run" } },
      schema: {
        summary: "Is the line in order? Looks now; takes up to some seconds",
        tags: ["operation"],
        response: { 200: DoctorReport },
      },
    },
    async () => {
      if (line === null) throw new NoCarrier();
      return { at: clock.now().toISOString(), checks: [...(await line.doctor.examine(null))] };
    },
  );

  door.post(
    "/api/doctor/webhooks",
    {
      config: { access: { needs: "doctor.run" } },
      schema: {
        summary: "Set the application's webhooks at the carrier to ours, signed",
        tags: ["operation"],
        body: SetWebhooks.nullish(),
        response: { 200: DoctorReport.describe("Set; what the doctor sees now.") },
      },
    },
    async (request) => {
      if (line === null) throw new NoCarrier();
      const apiSecret = request.body?.api_secret ?? null;
      if (apiSecret === null && !line.doctor.hasApiSecret) throw new ApiSecretNeeded();
      try {
        await line.doctor.setWebhooks(apiSecret);
      } catch (error) {
        throw new WebhooksNotSet(error instanceof Error ? error.message : String(error), error);
      }
      await auditPress(pool, { at: clock.now(), actor: credentialIn(request).actor, action: "doctor.webhooks_set" });
      return { at: clock.now().toISOString(), checks: [...(await line.doctor.examine(apiSecret))] };
    },
  );
}
