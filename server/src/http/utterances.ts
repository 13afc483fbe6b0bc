import { PageQuery, page, Utterance } from "@earshot/contract/call";
import { listUtterances } from "../conversation/read.ts";
import type { Door, DoorParts } from "./door.ts";
import { pageOfCall } from "./page-of-call.ts";
import { OfCall } from "./parameters.ts";

/** What was said in a call. */
export function utteranceRoutes(door: Door, { pool }: DoorParts): void {
  door.get(
    "/api/calls/:id/utterances",
    {
      config: { access: { needs: "calls.read" } },
      schema: {
        summary: "What was said, in order",
        tags: ["calls"],
        params: OfCall,
        querystring: PageQuery,
        response: { 200: page(Utterance) },
      },
    },
    ({ params: { id }, query: { limit, cursor } }) => pageOfCall(pool, id, cursor, (sql, after) => listUtterances(sql, id, limit, after)),
  );
}
