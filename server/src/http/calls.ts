import { Call, ListCalls, PlaceCall, page } from "@earshot/contract/call";
import { may } from "@earshot/contract/status";
import { z } from "zod";
import { CallOver, CallUnknown } from "../calls/failures.ts";
import { listCalls, readCall, readCallBriefly } from "../calls/read.ts";
import { recordAudit } from "../people/audits.ts";
import { credentialIn } from "./access.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import type { Door, DoorParts } from "./door.ts";
import { InvalidRequest } from "./failures.ts";
import { OfCall } from "./parameters.ts";
import { auditPress } from "./press.ts";
import { reading } from "./reading.ts";

const IdempotencyKey = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional()
    .describe("The same key and body again answers with the call placed the first time. 1 to 200 visible ASCII characters."),
});

/** Placing, listing, reading and ending calls. */
export function callRoutes(door: Door, parts: DoorParts): void {
  const { pool, clock } = parts;

  door.post(
    "/api/calls",
    {
      config: { access: { needs: "calls.place" } },
      schema: {
        summary: "Place a call",
        tags: ["calls"],
        headers: IdempotencyKey,
        body: PlaceCall,
        response: {
          201: Call.describe("Placed. Location has its address."),
          200: Call.describe("Placed before by the same Idempotency-Key."),
        },
      },
    },
    async (request, reply) => {
      const { actor } = credentialIn(request);
      const idempotencyKey = request.headers["idempotency-key"] ?? null;
      let made = false;
      const call = await parts.placeCall(request.body, {
        actor,
        idempotencyKey,
        async onPlaced(sql, placed) {
          await recordAudit(sql, { at: clock.now(), actor, action: "call.placed", call: placed });
          made = true;
        },
      });
      const placed = await readCall(pool, call);
      if (!placed) throw new CallUnknown(call);
      return reply
        .code(made ? 201 : 200)
        .header("location", `/api/calls/${call}`)
        .send(placed);
    },
  );

  door.get(
    "/api/calls",
    {
      config: { access: { needs: "calls.read" } },
      schema: { summary: "List calls, newest first", tags: ["calls"], querystring: ListCalls, response: { 200: page(Call) } },
    },
    async ({ query }) => {
      const after = placeOf(query.cursor);
      if (query.number !== undefined && !/\d/.test(query.number)) {
        throw new InvalidRequest([{ field: "number", message: "must have at least one digit" }]);
      }
      const { items, next } = await reading(pool, (sql) => listCalls(sql, query, after));
      return { items, next: cursorOf(next) };
    },
  );

  door.get(
    "/api/calls/:id",
    {
      config: { access: { needs: "calls.read" } },
      schema: { summary: "Read a call", tags: ["calls"], params: OfCall, response: { 200: Call } },
    },
    async ({ params }) => {
      const call = await readCall(pool, params.id);
      if (!call) throw new CallUnknown(params.id);
      return call;
    },
  );

  door.post(
    "/api/calls/:id/hangup",
    {
      config: { access: { needs: "calls.hang_up" } },
      schema: {
        summary: "Hang up",
        tags: ["calls"],
        params: OfCall,
        body: z.strictObject({}).nullish(),
        response: { 202: Call.describe("Asked for; the call ends in a moment.") },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { actor } = credentialIn(request);
      const call = await readCallBriefly(pool, id);
      if (!call) throw new CallUnknown(id);
      if (!may("hang_up", call.status)) throw new CallOver(id);
      await parts.hangUp(id, actor);
      await auditPress(pool, { at: clock.now(), actor, action: "call.hung_up", call: id });
      const after = await readCall(pool, id);
      if (!after) throw new CallUnknown(id);
      return reply.code(202).send(after);
    },
  );
}
