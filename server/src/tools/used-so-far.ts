import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { notKnown, type ToolResult } from "./result.ts";
import type { ToolUse } from "./use.ts";

/** The tools used in a call so far, by whichever process, oldest first, for an engine that must be told: the last `most`. */
export async function usedSoFar(sql: Sql, call: CallId, most = 20): Promise<{ readonly use: ToolUse; readonly result: ToolResult }[]> {
  const { rows } = await sql.query<{ id: string; name: string; args: unknown; ok: boolean | null; result: string | null }>(
    `select called.detail->>'use' as id, called.detail->>'tool' as name, called.detail->'arguments' as args,
        (answered.detail->>'ok')::boolean as ok, answered.detail->>'result' as result
      from events called
      left join lateral (select detail from events where call_id = called.call_id and kind = 'tool.answered' and detail->>'use' = called.detail->>'use'
        order by at limit 1) answered on true
      where called.call_id = $1 and called.kind = 'tool.called'
      order by called.at desc, called.id desc limit $2`,
    [call, most],
  );
  return rows.reverse().map(({ id, name, args, ok, result }) => ({
    use: { id, name, args: typeof args === "string" ? args : JSON.stringify(args ?? {}) },
    result: result === null ? notKnown : { ok: ok === true, text: result },
  }));
}
