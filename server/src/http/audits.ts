import { Audit, ListAudits } from "@earshot/contract/audit";
import { page } from "@earshot/contract/call";
import { listAudits } from "../people/audits.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import type { Door, DoorParts } from "./door.ts";
import { reading } from "./reading.ts";

/** Who did what. */
export function auditRoutes(door: Door, { pool }: DoorParts): void {
  door.get(
    "/api/audits",
    {
      config: { access: { needs: "audits.read" } },
      schema: { summary: "Who did what, the latest first", tags: ["people"], querystring: ListAudits, response: { 200: page(Audit) } },
    },
    async ({ query }) => {
      const { about, by, call_id: call, from, to, limit } = query;
      const after = placeOf(query.cursor);
      const wish = { about, by, call, from: from ? new Date(from) : undefined, to: to ? new Date(to) : undefined, limit, after };
      const { items, next } = await reading(pool, (sql) => listAudits(sql, wish));
      return { items, next: cursorOf(next) };
    },
  );
}
