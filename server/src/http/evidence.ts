import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import { CallUnknown } from "../calls/failures.ts";
import { recordAudit } from "../people/audits.ts";
import { evidenceOf } from "../recordings/evidence/evidence.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";
import { logOf } from "./problem.ts";

/** Each file is read twice: once for its hash, once while it is sent. An hour of both sources at 10 MB/s is seconds; the receiver may be slow. */
const LONGEST_SENDING_MS = 60 * 60_000;

/** Everything that is kept of a call in one signed file. */
export function evidenceRoutes(door: Door, parts: DoorParts): void {
  const { pool, storage, clock } = parts;
  door.get(
    "/api/calls/:id/evidence",
    {
      exposeHeadRoute: false,
      handlerTimeout: LONGEST_SENDING_MS,
      config: { access: { needs: "recordings.export" } },
      schema: {
        summary: "All evidence of a call in one signed zip; `npx earshot verify FILE` checks it",
        tags: ["recordings"],
        params: OfCall,
        response: { 200: { description: "The zip.", content: { "application/zip": { schema: z.string() } } } },
      },
    },
    async (request, reply) => {
      const call = request.params.id;
      const { actor } = credentialIn(request);
      const evidence = await evidenceOf({ pool, storage, clock }, call, actor);
      if (evidence === null) throw new CallUnknown(call);
      await recordAudit(pool, { at: clock.now(), actor, action: "evidence.taken", call });
      const bytes = Readable.from(evidence.bytes, { objectMode: false });
      bytes.on("error", (error) => request.log.error({ call, ...logOf(error) }, "an evidence file broke off while it was sent"));
      reply.headers({ "content-type": "application/zip", "content-disposition": `attachment; filename="${evidence.name}"` });
      return (reply as FastifyReply).send(bytes);
    },
  );
}
