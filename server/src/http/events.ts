import { CallEvent, PageQuery, page } from "@earshot/contract/call";
import { listEvents } from "../calls/read.ts";
import type { Door, DoorParts } from "./door.ts";
import { pageOfCall } from "./page-of-call.ts";
import { OfCall } from "./parameters.ts";

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
    ({ params: { id }, query: { limit, cursor } }) =>
      pageOfCall(pool, id, cursor, (sql, after, call) => listEvents(sql, id, call.answeredAt, limit, after)),
  );
}
