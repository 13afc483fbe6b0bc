import type { Waiting } from "@earshot/contract/waiting";
import type { Sql } from "../db/pool.ts";
import { explain } from "./failures.ts";

interface Row {
  readonly what: Waiting["what"];
  readonly id: string;
  readonly call_id: string | null;
  readonly source: Waiting["source"];
  readonly because: string | null;
  readonly attempts: number;
  readonly since: Date;
  readonly next_attempt_at: Date | null;
}

/** As many as a person looks at; the oldest are the ones that matter. */
const MOST = 200;

/** What a status waits for. */
const whatSql = `case when r.status = 'stored' then 'verification' when r.status <> 'expected' then 'file'
  when r.source = 'carrier' then 'announcement' when r.source = 'engine' then 'engine' else 'rendering' end`;

/** All that is under way or waits: for what, why not yet, since when and until when; the oldest first. Recordings of running calls are not late, and not here. */
export async function listWaiting(sql: Sql): Promise<Waiting[]> {
  const { rows } = await sql.query<Row>(
    `select * from (
       select ${whatSql} as what, r.id, r.call_id, r.source, r.because, r.attempts,
              coalesce(r.stored_at, r.announced_at, c.ended_at, r.created_at) as since, r.next_attempt_at
         from recordings r left join calls c on c.id = r.call_id
        where r.status in ('expected', 'announced', 'fetching', 'stored') and (c.id is null or c.status = 'ended')
       union all
       select 'deletion', d.id, d.call_id, null, case when h.id is null then null else 'CALL_HELD' end, 0, d.asked_at, null
         from deletions d left join holds h on h.call_id = d.call_id and h.lifted_at is null where d.done_at is null
       union all
       select 'redaction', x.id, x.call_id, null, null, 0, x.asked_at, null from redactions x where x.done_at is null
     ) waiting order by since, id limit $1`,
    [MOST],
  );
  return rows.map(({ because, since, next_attempt_at, ...row }) => ({
    ...row,
    because: because === null ? null : because === "CALL_HELD" ? held : explain(because),
    since: since.toISOString(),
    next_attempt_at: next_attempt_at?.toISOString() ?? null,
  }));
}

const held = {
  code: "CALL_HELD",
  message: "A hold is on the call: nothing of it is deleted.",
  remedy: "Lift the hold; the deletion then goes on by itself.",
};
