import { PageQuery, page, Utterance } from "@earshot/contract/call";
import { CallUnknown } from "../calls/failures.ts";
import { readCallBriefly } from "../calls/read.ts";
import { listUtterances } from "../conversation/read.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";
import { reading } from "./reading.ts";

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
    async ({ params, query }) => {
      const after = placeOf(query.cursor);
      const { items, next } = await reading(pool, async (sql) => {
        if (!(await readCallBriefly(sql, params.id))) throw new CallUnknown(params.id);
        return listUtterances(sql, params.id, query.limit, after);
      });
      return { items, next: cursorOf(next) };
    },
  );
}
