import { page } from "@earshot/contract/call";
import { JobQueue } from "@earshot/contract/listener";
import { Waiting } from "@earshot/contract/waiting";
import { z } from "zod";
import { inTransaction } from "../db/pool.ts";
import type { RecordingId } from "../ids.ts";
import type { QueueState } from "../jobs/jobs.ts";
import { recordAudit } from "../people/audits.ts";
import { giveUp, tryAgain } from "../recordings/by-hand.ts";
import { tryWaitingAgain } from "../recordings/keeping/trouble.ts";
import { listWaiting } from "../recordings/waiting.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { ById } from "./parameters.ts";
import { onePress } from "./press.ts";

/** The background work of the recordings, as the door knows it. */
export interface BackgroundJobs {
  states(): Promise<QueueState[]>;
  /** Look for due work now. */
  wake(): void;
}

/** What waits in the background and why, and trying again or giving up by hand. */
export function jobRoutes(door: Door, { pool, clock, jobs }: DoorParts): void {
  door.get(
    "/api/jobs",
    {
      config: { access: { needs: "recordings.mend" } },
      schema: { summary: "The queues of background work", tags: ["operation"], response: { 200: page(JobQueue) } },
    },
    async () => ({
      items: (await jobs.states()).map(({ oldestDueSeconds, ...state }) => ({ ...state, oldest_due_seconds: oldestDueSeconds })),
      next: null,
    }),
  );

  door.get(
    "/api/waiting",
    {
      config: { access: { needs: "recordings.mend" } },
      schema: { summary: "What of the recordings waits: for what, why, since when", tags: ["operation"], response: { 200: page(Waiting) } },
    },
    async () => ({ items: await listWaiting(pool, clock.now()), next: null }),
  );

  door.post(
    "/api/recordings/:id/try-again",
    {
      config: { access: { needs: "recordings.mend" } },
      schema: {
        summary: "Fetch, make or verify a recording again that failed or was given up",
        tags: ["recordings"],
        params: ById,
        body: z.strictObject({}).nullish(),
        response: { 202: z.object({ again: z.enum(["fetched", "made", "verified"]).describe("What is being done to it.") }) },
      },
    },
    async (request, reply) => {
      const { actor } = credentialIn(request);
      const id = request.params.id as RecordingId;
      const at = clock.now();
      const again = await onePress(
        pool,
        (sql) => tryAgain(sql, id, { by: actor, at }),
        () => ({ at, actor, action: "recording.tried_again", detail: { recording: id } }),
      );
      jobs.wake();
      return reply.code(202).send({ again });
    },
  );

  door.post(
    "/api/waiting/:id/try-again",
    {
      config: { access: { needs: "recordings.mend" } },
      schema: {
        summary: "Try a deletion, redaction or comparison that waits again now",
        tags: ["operation"],
        params: ById,
        body: z.strictObject({}).nullish(),
        response: { 202: z.object({ again: z.enum(["deletion", "redaction", "comparison"]) }) },
      },
    },
    async (request, reply) => {
      const { actor } = credentialIn(request);
      const { id } = request.params;
      const again = await onePress(
        pool,
        (sql) => tryWaitingAgain(sql, id),
        (begun) => ({ at: clock.now(), actor, action: "recording.tried_again", detail: { [begun]: id } }),
      );
      jobs.wake();
      return reply.code(202).send({ again });
    },
  );

  door.post(
    "/api/recordings/:id/give-up",
    {
      config: { access: { needs: "recordings.mend" } },
      schema: {
        summary: "Stop asking for a recording; a late file is taken all the same",
        tags: ["recordings"],
        params: ById,
        body: z.strictObject({}).nullish(),
        response: { 200: z.object({ given_up: z.literal(true) }) },
      },
    },
    async (request) => {
      const { actor } = credentialIn(request);
      const id = request.params.id as RecordingId;
      await inTransaction(pool, async (sql) => {
        const at = clock.now();
        await giveUp(sql, id, { by: actor, at });
        await recordAudit(sql, { at, actor, action: "recording.given_up", detail: { recording: id } });
      });
      return { given_up: true as const };
    },
  );
}
