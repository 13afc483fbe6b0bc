import type { Sql } from "../../db/pool.ts";
import { inTransaction } from "../../db/pool.ts";
import { type AgentId, type CallId, newId } from "../../ids.ts";
import { askDeletion, type KeepingParts } from "./deletion.ts";
import { CallHeld } from "./failures.ts";

/** How long audio, transcripts or journals (journals.ts) are kept. */
export interface KeepRule {
  readonly id: string;
  /** Null: every agent without a rule of its own. */
  readonly agent: AgentId | null;
  readonly what: "audio" | "transcript" | "journal";
  readonly days: number;
}

/** Sets the rule for one agent or for all; null days: the rule goes, and audio and transcripts are kept for ever, journals their usual days. In the caller's transaction. */
export async function setKeepRule(
  sql: Sql,
  rule: { agent: AgentId | null; what: KeepRule["what"]; days: number | null },
  by: string,
  at: Date,
): Promise<void> {
  await sql.query("delete from keep_rules where what = $1 and agent_id is not distinct from $2", [rule.what, rule.agent]);
  if (rule.days === null) return;
  await sql.query("insert into keep_rules (id, agent_id, what, days, made_at, made_by) values ($1, $2, $3, $4, $5, $6)", [
    newId(),
    rule.agent,
    rule.what,
    rule.days,
    at,
    by,
  ]);
}

export async function keepRules(sql: Sql): Promise<KeepRule[]> {
  const { rows } = await sql.query<KeepRule>(
    "select id, agent_id as agent, what, days from keep_rules order by agent_id nulls first, what",
  );
  return rows;
}

/** At most so many calls in one go; the next sweep goes on. */
const BATCH = 200;

/** Asks for the deletion of what the rules no longer keep, calls on hold excepted. @returns how many calls */
export async function applyKeepRules({ pool, clock }: Pick<KeepingParts, "pool" | "clock">): Promise<number> {
  const now = clock.now();
  const { rows } = await pool.query<{ call: CallId; what: Exclude<KeepRule["what"], "journal">; rule: string }>(
    `select c.id as call, r.what, r.id as rule
       from calls c
       join keep_rules r on r.agent_id = c.agent_id
         or (r.agent_id is null and not exists (select from keep_rules o where o.agent_id = c.agent_id and o.what = r.what))
      where r.what in ('audio', 'transcript') and c.status = 'ended' and c.ended_at < $1::timestamptz - r.days * interval '1 day'
        and not exists (select from holds h where h.call_id = c.id and h.lifted_at is null)
        and not exists (select from deletions d where d.call_id = c.id and r.what = any(d.what))
        and case r.what when 'audio' then exists (select from recordings x where x.call_id = c.id and x.status <> 'deleted')
                        else exists (select from utterances u where u.call_id = c.id) end
      order by c.ended_at limit $2`,
    [now, BATCH],
  );
  for (const { call, what, rule } of rows) {
    await inTransaction(pool, (sql) => askDeletion(sql, call, { what: [what], because: `rule:${rule}`, by: "us", at: now })).catch(
      (error: unknown) => {
        if (!(error instanceof CallHeld)) throw error; // placed between the look and now
      },
    );
  }
  return rows.length;
}
