import { PageQuery, page } from "@earshot/contract/call";
import { Exchange } from "@earshot/contract/carrier";
import { CallUnknown } from "../calls/failures.ts";
import { listExchanges, readCallBriefly } from "../calls/read.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";
import { reading } from "./reading.ts";

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
    async ({ params, query }) => {
      const after = placeOf(query.cursor);
      const { items, next } = await reading(pool, async (sql) => {
        if (!(await readCallBriefly(sql, params.id))) throw new CallUnknown(params.id);
        return listExchanges(sql, params.id, query.limit, after);
      });
      return { items, next: cursorOf(next) };
    },
  );
}
