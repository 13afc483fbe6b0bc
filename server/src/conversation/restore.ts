import type pg from "pg";
import { z } from "zod";
import { openEmotionSets } from "../emotion/sets.ts";
import type { CallId } from "../ids.ts";
import { readJournal } from "../journal/read.ts";
import { type Row, storeUtterances } from "./store.ts";

/** An utterance as the bridge writes it into the journal: its times are wall clock. */
const Journaled = z.object({
  ref: z.string(),
  speaker: z.enum(["caller", "agent"]),
  text: z.string(),
  startedAtMs: z.number(),
  endedAtMs: z.number(),
  cut: z.boolean(),
  heardMs: z.number().nullable(),
  language: z.string().nullable(),
  emotions: z.object({ set: z.string(), scores: z.record(z.string(), z.number()) }).nullable(),
});

export interface Restored {
  readonly restored: number;
  readonly endsAt: Date | null;
}

/**
 * Brings what was said but had not reached the database when its process died from the call's journal into the rows. What is there already
 * keeps its times; a sentence that was being spoken is marked as cut where the journal ends. Done twice, the second changes nothing.
 * Returns how many utterances were missing, and when the journal ends (null: it is empty). Rejects when the journal cannot be read or the database does not answer.
 */
export async function restoreUtterances(pool: pg.Pool, call: CallId, journal: string): Promise<Restored> {
  const { rows } = await pool.query<{ zero: Date | null }>(
    "select coalesce(answered_at, socket_started_at) as zero from calls where id = $1",
    [call],
  );
  const zero = rows[0]?.zero?.getTime();
  const { latest, ends } = await readUtterances(journal);
  const endsAt = ends.length === 0 ? null : new Date(Math.max(...ends.filter((end) => end !== undefined)));
  if (zero === undefined) return { restored: 0, endsAt };
  const stored = await pool.query<{ engine_ref: string; heard_ms: number | null; speaker: string }>(
    "select engine_ref, heard_ms, speaker from utterances where call_id = $1",
    [call],
  );
  const known = new Map(stored.rows.map((row) => [row.engine_ref, row]));
  const sets = openEmotionSets(pool);
  const missing: Row[] = [];
  let restored = 0;
  for (const utterance of latest.values()) {
    const row = known.get(utterance.ref);
    const unfinished = utterance.speaker === "agent" && utterance.heardMs === null;
    if (row !== undefined && (row.speaker === "caller" || row.heard_ms !== null)) continue;
    if (row === undefined) restored++;
    const startedMs = utterance.startedAtMs - zero;
    const endMs = ends[utterance.part] ?? utterance.endedAtMs;
    const endedMs = unfinished ? Math.max(startedMs, Math.min(utterance.endedAtMs, endMs) - zero) : utterance.endedAtMs - zero;
    missing.push({
      utterance: {
        ...utterance,
        call,
        startedMs,
        endedMs,
        ...(unfinished && { cut: utterance.endedAtMs > endMs, heardMs: endedMs - startedMs }),
      },
      set: utterance.emotions === null ? null : await sets.having(utterance.emotions.set, Object.keys(utterance.emotions.scores)),
    });
  }
  if (missing.length > 0) await storeUtterances(pool, missing);
  return { restored, endsAt };
}

/** The last version of each utterance, and when each process' part ends: another process may have gone on in the same file. */
async function readUtterances(
  journal: string,
): Promise<{ latest: Map<string, z.infer<typeof Journaled> & { part: number }>; ends: readonly number[] }> {
  const latest = new Map<string, z.infer<typeof Journaled> & { part: number }>();
  const ends: number[] = [];
  for await (const { kind, atMs, part, payload } of readJournal(journal).records) {
    ends[part] = Math.max(ends[part] ?? 0, atMs);
    if (kind !== "utterance") continue;
    const utterance = Journaled.safeParse(JSON.parse(payload.toString()));
    if (utterance.success) latest.set(utterance.data.ref, { ...utterance.data, part });
  }
  return { latest, ends };
}
