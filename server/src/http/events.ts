import { CallEvent, PageQuery, page } from "@earshot/contract/call";
import { CallUnknown } from "../calls/failures.ts";
import { listEvents, readCallBriefly } from "../calls/read.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";
import { reading } from "./reading.ts";

/** The timeline of a call. */
export function eventRoutes(door: Door, { pool }: DoorParts): void {
  door.get(
    "/api/calls/:id/events",
    {
      config: { access: { needs: "calls.read" } },
      schema: {
        summary: "What happened, in order",
        tags: ["calls"],
        params: OfCall,
        querystring: PageQuery,
        response: { 200: page(CallEvent) },
      },
    },
    async ({ params, query }) => {
      const after = placeOf(query.cursor);
      const { items, next } = await reading(pool, async (sql) => {
        const call = await readCallBriefly(sql, params.id);
        if (!call) throw new CallUnknown(params.id);
        return listEvents(sql, params.id, call.answeredAt, query.limit, after);
      });
      return { items, next: cursorOf(next) };
    },
  );
}
