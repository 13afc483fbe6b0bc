import { PageQuery, page } from "@earshot/contract/call";
import { Webhook } from "@earshot/contract/webhook";
import { listWebhooks } from "../calls/read.ts";
import type { Door, DoorParts } from "./door.ts";
import { pageOfCall } from "./page-of-call.ts";
import { OfCall } from "./parameters.ts";

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
    ({ params: { id }, query: { limit, cursor } }) => pageOfCall(pool, id, cursor, (sql, after) => listWebhooks(sql, id, limit, after)),
  );
}
