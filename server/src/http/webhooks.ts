import { PageQuery, page } from "@earshot/contract/call";
import { Webhook } from "@earshot/contract/webhook";
import { CallUnknown } from "../calls/failures.ts";
import { listWebhooks, readCallBriefly } from "../calls/read.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";
import { reading } from "./reading.ts";

/** What the carrier sent us about a call, raw. */
export function webhookRoutes(door: Door, { pool }: DoorParts): void {
  door.get(
    "/api/calls/:id/webhooks",
    {
      config: { access: { needs: "webhooks.read" } },
      schema: {
        summary: "The carrier's requests as they came, with what became of each",
        tags: ["calls"],
        params: OfCall,
        querystring: PageQuery,
        response: { 200: page(Webhook) },
      },
    },
    async ({ params, query }) => {
      const after = placeOf(query.cursor);
      const { items, next } = await reading(pool, async (sql) => {
        if (!(await readCallBriefly(sql, params.id))) throw new CallUnknown(params.id);
        return listWebhooks(sql, params.id, query.limit, after);
      });
      return { items, next: cursorOf(next) };
    },
  );
}
