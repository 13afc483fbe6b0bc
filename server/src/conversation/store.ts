import type pg from "pg";
import { telling, told } from "../db/notify.ts";
import { pack } from "../emotion/scores.ts";
import type { EmotionSet } from "../emotion/sets.ts";
import { newId } from "../ids.ts";
import type { Utterance } from "./utterance.ts";

/** An utterance beside the vocabulary its scores are written in. */
export interface Row {
  readonly utterance: Utterance;
  readonly set: EmotionSet | null;
}

/**
 * The same utterance told again updates its row. Feelings once known are not taken away by a version that has none. Words that come after their call's
 * transcript was deleted, as from the journal of a process that was lost, are not written; those in a redacted stretch without what they say.
 */
const upsert = `
  with written as (
  insert into utterances (id, call_id, engine_ref, speaker, text, started_ms, ended_ms, cut, heard_ms, language, emotion_set, emotions)
  select id, call_id, engine_ref, speaker, case when hidden then '[redacted]' else text end, started_ms, ended_ms, cut, heard_ms, language,
         case when not hidden then emotion_set end, case when not hidden then emotions end
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bool[], $9::int[], $10::text[],
                $11::smallint[], $12::bytea[])
      as told (id, call_id, engine_ref, speaker, text, started_ms, ended_ms, cut, heard_ms, language, emotion_set, emotions),
    lateral (select exists (select from redactions x where x.call_id = told.call_id and told.started_ms < x.to_ms and told.ended_ms > x.from_ms
                              and x.side in ('both', told.speaker)) as hidden) redacted
   where not exists (select from deletions d where d.call_id = told.call_id and d.done_at is not null and 'transcript' = any(d.what))
  on conflict (call_id, engine_ref) do update set
    text = excluded.text, started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, cut = excluded.cut, heard_ms = excluded.heard_ms,
    language = coalesce(excluded.language, utterances.language),
    emotion_set = coalesce(excluded.emotion_set, utterances.emotion_set),
    emotions = coalesce(excluded.emotions, utterances.emotions))
  ${telling("$13")}`;

/** Writes them and tells the listeners, who hear of it after the commit, in one statement. Throws what the database throws; then nothing of them is written. */
export async function storeUtterances(pool: pg.Pool, rows: readonly Row[]): Promise<void> {
  const column = <T>(value: (utterance: Utterance, set: EmotionSet | null) => T): T[] =>
    rows.map(({ utterance, set }) => value(utterance, set));
  const values = [
    column(() => newId()),
    column((u) => u.call),
    column((u) => u.ref),
    column((u) => u.speaker),
    column((u) => storable(u.text)),
    column((u) => Math.round(u.startedMs)),
    column((u) => Math.round(u.endedMs)),
    column((u) => u.cut),
    column(wholeHeardMs),
    column((u) => u.language),
    column((_, set) => set?.id ?? null),
    column((u, set) => (set === null || u.emotions === null ? null : Buffer.from(pack(set.names, u.emotions.scores)))),
    [...new Set(column((u) => u.call))].map((call) => told({ call_id: call, what: "utterance" })),
  ];
  await pool.query({ name: "utterances upsert", text: upsert, values });
}

/** Postgres text cannot hold a zero character; the visible sign for it stands in its place. */
const storable = (text: string): string => text.replaceAll("\u0000", "\u2400");

/** Whole milliseconds heard: never more than the row's own length, whichever way its two times were rounded. */
function wholeHeardMs({ heardMs, startedMs, endedMs }: Utterance): number | null {
  return heardMs === null ? null : Math.min(Math.round(heardMs), Math.round(endedMs) - Math.round(startedMs));
}
