import type { Utterance } from "@earshot/contract/call";
import type { Sql } from "../db/pool.ts";
import { unpack } from "../emotion/scores.ts";
import type { CallId } from "../ids.ts";

type Place = { readonly at: number; readonly id: string };

interface UtteranceRow {
  id: string;
  speaker: Utterance["speaker"];
  text: string;
  started_ms: number;
  ended_ms: number;
  cut: boolean;
  heard_ms: number | null;
  language: string | null;
  emotions: Buffer | null;
  emotion_set: number | null;
  source: Utterance["source"];
}

type Sets = ReadonlyMap<number, { readonly name: string; readonly names: readonly string[] }>;

/** What was said in a call, in order, each with its emotions, strongest first. */
export async function listUtterances(
  sql: Sql,
  call: CallId,
  limit: number,
  after: Place | null,
): Promise<{ items: Utterance[]; next: Place | null }> {
  const { rows } = await sql.query<UtteranceRow>(
    `select id, speaker, text, started_ms, ended_ms, cut, heard_ms, language, emotions, emotion_set, source from utterances
     where call_id = $1 and ($2::bigint is null or (started_ms, id) > ($2::bigint, $3::uuid))
     order by started_ms, id limit $4`,
    [call, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const sets = await emotionSets(sql, rows);
  const items = rows.slice(0, limit).map((row) => asJson(row, sets));
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? { at: last.started_ms, id: last.id } : null };
}

/** The vocabularies these rows are written in: one or two, so their names are not sent with every row. */
async function emotionSets(sql: Sql, rows: readonly UtteranceRow[]): Promise<Sets> {
  const used = [...new Set(rows.flatMap(({ emotion_set }) => emotion_set ?? []))];
  if (used.length === 0) return new Map();
  const sets = await sql.query<{ id: number; name: string; names: string[] }>(
    "select id, name, names from emotion_sets where id = any($1)",
    [used],
  );
  return new Map(sets.rows.map((set) => [set.id, set]));
}

function asJson(row: UtteranceRow, sets: Sets): Utterance {
  const set = row.emotion_set === null ? undefined : sets.get(row.emotion_set);
  return {
    id: row.id,
    speaker: row.speaker,
    text: row.text,
    started_ms: row.started_ms,
    ended_ms: row.ended_ms,
    emotions: row.emotions && set ? scoresOf(row.emotions, set.names) : {},
    emotion_set: set?.name ?? null,
    cut: row.cut,
    heard_ms: row.heard_ms,
    language: row.language,
    source: row.source,
  };
}

/** A row whose scores cannot be read keeps its words readable, and with it the whole transcript. */
function scoresOf(bytes: Buffer, names: readonly string[]): Record<string, number> {
  try {
    return unpack(bytes, names);
  } catch {
    return {};
  }
}
