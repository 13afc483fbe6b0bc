import type pg from "pg";
import { z } from "zod";
import { isAway } from "../db/away.ts";
import { openEmotionSets } from "../emotion/sets.ts";
import type { CallId } from "../ids.ts";
import type { Kept } from "../journal/kept.ts";
import { type Row, storeUtterances } from "./store.ts";
import type { Utterance } from "./utterance.ts";

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
type Told = z.infer<typeof Journaled> & { readonly part: number };

/** An utterance as its row has it, and whether its feelings are known. */
type Stored = Omit<Utterance, "call" | "emotions"> & { readonly felt: boolean };

/**
 * Brings what was said but had not reached the database when its process died from the call's journal into the rows. What is there already
 * keeps its times, and gets feelings that came later; a sentence that was being spoken is marked as cut where the journal ends. Done twice, the
 * second changes nothing. Returns how many utterances were missing. Rejects when the database does not answer.
 */
export async function restoreUtterances(pool: pg.Pool, call: CallId, kept: Kept): Promise<number> {
  const { rows } = await pool.query<{ zero: Date | null }>(
    "select coalesce(answered_at, socket_started_at) as zero from calls where id = $1",
    [call],
  );
  const zero = rows[0]?.zero?.getTime();
  if (zero === undefined) return 0;
  const { rows: stored } = await pool.query<Stored>(
    `select engine_ref as ref, speaker, text, started_ms as "startedMs", ended_ms as "endedMs", cut, heard_ms as "heardMs", language,
       emotions is not null as felt from utterances where call_id = $1`,
    [call],
  );
  const known = new Map(stored.map((row) => [row.ref, row]));
  const sets = openEmotionSets(pool);
  const missing: Row[] = [];
  let restored = 0;
  for (const told of latestOf(kept).values()) {
    const row = known.get(told.ref);
    if (row === undefined) restored++;
    const utterance = asItStands(told, row, zero, kept.ends[told.part]);
    if (utterance === null) continue;
    const { emotions } = utterance;
    const set = emotions === null ? null : await sets.having(emotions.set, Object.keys(emotions.scores));
    missing.push({ utterance: { ...utterance, call }, set });
  }
  await storeAll(pool, missing);
  return restored;
}

/** All in one statement; if the database refuses it, each by itself, so that one it cannot take costs no other. */
async function storeAll(pool: pg.Pool, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  try {
    await storeUtterances(pool, rows);
  } catch (error) {
    if (isAway(error)) throw error;
    if (rows.length > 1) for (const row of rows) await storeAll(pool, [row]);
  }
}

/** What is to be written of an utterance the journal tells of, where `row` is known; null: nothing. `endMs` is where its part of the journal ends. */
function asItStands(told: Told, row: Stored | undefined, zero: number, endMs = told.endedAtMs): Omit<Utterance, "call"> | null {
  const { part: _, startedAtMs, endedAtMs, ...said } = told;
  if (row !== undefined && (row.speaker === "caller" || row.heardMs !== null)) {
    const { felt, ...complete } = row;
    return felt || said.emotions === null ? null : { ...complete, emotions: said.emotions };
  }
  const startedMs = startedAtMs - zero;
  if (said.speaker === "caller" || said.heardMs !== null) return { ...said, startedMs, endedMs: endedAtMs - zero };
  const endedMs = Math.max(startedMs, Math.min(endedAtMs, endMs) - zero);
  return { ...said, startedMs, endedMs, cut: endedAtMs > endMs, heardMs: endedMs - startedMs };
}

/** The last version of each utterance. */
function latestOf({ utterances }: Kept): Map<string, Told> {
  const latest = new Map<string, Told>();
  for (const { json, part } of utterances) {
    const told = Journaled.safeParse(json);
    if (told.success) latest.set(told.data.ref, { ...told.data, part });
  }
  return latest;
}
