import { PageQuery, page } from "@earshot/contract/call";
import { Exchange } from "@earshot/contract/carrier";
import { listExchanges } from "../calls/read.ts";
import type { Door, DoorParts } from "./door.ts";
import { pageOfCall } from "./page-of-call.ts";
import { OfCall } from "./parameters.ts";

/** What we asked of the carrier about a call, raw. */
export function exchangeRoutes(door: Door, { pool }: DoorParts): void {
  door.get(
    "/api/calls/:id/exchanges",
    {
      config: { access: { needs: "webhooks.read" } },
      schema: {
        summary: "Our requests to the carrier and its answers",
        tags: ["calls"],
        params: OfCall,
        querystring: PageQuery,
        response: { 200: page(Exchange) },
      },
    },
    ({ params: { id }, query: { limit, cursor } }) => pageOfCall(pool, id, cursor, (sql, after) => listExchanges(sql, id, limit, after)),
  );
}
