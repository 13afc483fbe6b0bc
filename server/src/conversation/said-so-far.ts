import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";

/** What was said in a call so far, oldest first, for an engine that must be told: the last `most` utterances, agent speech only if heard. */
export async function saidSoFar(sql: Sql, call: CallId, most = 100): Promise<{ speaker: "caller" | "agent"; text: string }[]> {
  const { rows } = await sql.query<{ speaker: "caller" | "agent"; text: string }>(
    `select speaker, text from utterances
      where call_id = $1 and text <> '' and (speaker = 'caller' or heard_ms is distinct from 0)
      order by started_ms desc, id desc limit $2`,
    [call, most],
  );
  return rows.reverse();
}
