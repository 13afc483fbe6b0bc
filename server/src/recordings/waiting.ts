import type { Waiting } from "@earshot/contract/waiting";
import type { Sql } from "../db/pool.ts";
import { explain } from "./failures.ts";
import { recordingFirstSql } from "./keeping/deletion.ts";
import { inClearSql } from "./keeping/in-clear.ts";
import { uncomparedSql } from "./uncompared.ts";

interface Row {
  readonly what: Waiting["what"];
  readonly id: string;
  readonly call_id: string | null;
  readonly source: Waiting["source"];
  readonly because: string | null;
  /** What the last attempt met, where that is no reason of the recording's own. */
  readonly trouble: Waiting["because"];
  readonly attempts: number;
  readonly since: Date;
  readonly next_attempt_at: Date | null;
  readonly passed: number | null;
  readonly of: number | null;
}

/** As many as a person looks at; the oldest are the ones that matter. */
const MOST = 200;

/** What a status waits for. */
const whatSql = `case when r.status = 'stored' then 'verification' when r.status <> 'expected' then 'file'
  when r.source = 'carrier' then 'announcement' when r.source = 'engine' then 'engine' else 'rendering' end`;

/** An announced file that is due and not begun waits for other files (fetch-in-turn.ts). */
const becauseSql = `case when r.status = 'announced' and r.because is null and r.attempts = 0 and r.next_attempt_at < $2::timestamptz - interval '10 seconds'
  then 'FETCH_IN_TURN' else r.because end`;

/** All that is under way or waits: for what, why not yet, since when and until when; the oldest first. Recordings of running calls are not late, and not here. */
export async function listWaiting(sql: Sql, now: Date): Promise<Waiting[]> {
  const { rows } = await sql.query<Row>(
    `select * from (
       select ${whatSql} as what, r.id, r.call_id, r.source, ${becauseSql} as because, r.attempts,
              coalesce(r.stored_at, r.announced_at, c.ended_at, r.created_at) as since, r.next_attempt_at, r.trouble,
              case when r.status = 'fetching' then (r.detail->>'passed_bytes')::bigint end as passed, r.announced_bytes as of
         from recordings r left join calls c on c.id = r.call_id
        where r.status in ('expected', 'announced', 'fetching', 'stored') and (c.id is null or c.status = 'ended')
       union all
       select 'comparison', k.id, k.call_id, null, case when bool_or(${inClearSql}) then 'RECORDING_TO_BE_REDACTED' end, 0, max(coalesce(r.status_at, r.stored_at, r.created_at)), null,
              (array_agg(r.trouble) filter (where r.trouble is not null))[1], null, null
         from (select call_id, min(id::text) filter (where source = 'carrier')::uuid as id from recordings where ${uncomparedSql}
                group by call_id having count(distinct source) > 1) k join recordings r on r.call_id = k.call_id and r.source in ('carrier', 'journal')
        group by k.id, k.call_id
       union all
       select 'deletion', d.id, d.call_id, null, case when h.id is not null then 'CALL_HELD' when ${recordingFirstSql} then 'RECORDING_FIRST' end, d.attempts, d.asked_at, null, d.trouble, null, null
         from deletions d left join holds h on h.call_id = d.call_id and h.lifted_at is null where d.done_at is null
       union all
       select 'redaction', x.id, x.call_id, null, case when h.id is not null then 'CALL_HELD' end, x.attempts, x.asked_at, null, x.trouble, null, null
         from redactions x left join holds h on h.call_id = x.call_id and h.lifted_at is null where x.done_at is null
     ) waiting order by since, id limit $1`,
    [MOST, now],
  );
  return rows.map(({ because, since, next_attempt_at, trouble, passed, of, ...row }) => ({
    ...row,
    because: because === null ? trouble : (here[because] ?? explain(because)),
    progress: passed === null || !of ? null : { bytes: Math.min(passed, of), of },
    since: since.toISOString(),
    next_attempt_at: next_attempt_at?.toISOString() ?? null,
  }));
}

/** Reasons to wait that are on no recording. */
const here: Readonly<Record<string, NonNullable<Waiting["because"]>>> = {
  CALL_HELD: {
    code: "CALL_HELD",
    message: "A hold is on the call: nothing of it is deleted or redacted.",
    remedy: "Lift the hold; the deletion or redaction then goes on by itself.",
  },
  RECORDING_FIRST: {
    code: "RECORDING_FIRST",
    message: "Our own recording of the call is made first: it comes from the journal, which holds the words, too.",
    remedy: "Nothing to do: it takes moments. If it stays so, see why the recording is not made.",
  },
  FETCH_IN_TURN: {
    code: "FETCH_IN_TURN",
    message: "Other files are being fetched; this one waits for its turn.",
    remedy: "Nothing to do: 1.5 GB are fetched at once, and slow files go on beside. While no carrier is configured, nothing is fetched.",
  },
};
