import { rm } from "node:fs/promises";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { CallId, RecordingId } from "../ids.ts";
import type { Comparison } from "./audio/compare.ts";
import type { AudioFile } from "./audio/decode.ts";
import type { AudioFormat } from "./audio/sound.ts";
import type { Reason } from "./failures.ts";
import { inClearOf } from "./keeping/in-clear.ts";
import { doneTo } from "./keeping/redact-file.ts";
import { type Parts, workPath } from "./parts.ts";
import { readBack } from "./read-back.ts";
import { noteSpoiled, type Spoiled, spoiledBy } from "./spoiled.ts";
import { change, move, type RecordingRow, recordingsAsRead, recordingsOfCall, tell } from "./store.ts";
import { besideTones, type Verdict, verdictOf } from "./verdict.ts";

/**
 * Compares the carrier's recording of a call with ours, once both have been looked at, and writes the verdict on both: who lacks what. It also
 * tells when the carrier's recording really began: the carrier names whole seconds only, the comparison is good to about 10 ms.
 * @returns false when another process does it
 */
export async function compareSources(parts: Parts, call: CallId): Promise<boolean> {
  return parts.claims.whileMine(`recording.compare:${call}`, async () => {
    const [journal, carrier] = await inTransaction(parts.pool, async (sql) =>
      pair(await recordingsOfCall(sql, call), await inClearOf(sql, call)),
    );
    if (!journal || !carrier) return;
    const files: AudioFile[] = [];
    try {
      for (const row of [journal, carrier]) {
        const path = await workPath(parts, "compare", row.id);
        files.push({ path, format: row.format as AudioFormat });
        const because = await readWhole(parts, row, path);
        if (because !== null) return await noteSpoiled(parts, row, because); // nothing to compare until the file is back
      }
      const [a, b] = files as [AudioFile, AudioFile];
      await conclude(parts, journal, carrier, await parts.threads.ask({ name: "compare", a, b }));
    } finally {
      for (const { path } of files) await rm(path, { force: true });
    }
  });
}

/** Reads a recording's file to `path`; why that cannot be, when the file is gone or another. */
async function readWhole(parts: Parts, row: RecordingRow, path: string): Promise<Spoiled | null> {
  try {
    return (await readBack(parts, row.storageKey as string, path)) === row.sha256 ? null : "STORED_FILE_ROTTEN";
  } catch (error) {
    const because = spoiledBy(error);
    if (because === null) throw error;
    return because;
  }
}

/** The two to compare, when both can be decoded, are what is played, and have not been compared as they are. */
function pair(rows: readonly RecordingRow[], inClear: ReadonlySet<RecordingId>): [RecordingRow | null, RecordingRow | null] {
  const of = (source: RecordingRow["source"]) =>
    rows.find(
      (row) =>
        row.source === source &&
        !inClear.has(row.id) &&
        row.storageKey &&
        row.format &&
        (row.durationMs ?? 0) > 0 &&
        ["verified", "failed"].includes(row.status),
    ) ?? null;
  const [journal, carrier] = [of("journal"), of("carrier")];
  return journal && carrier && comparisonOf(journal, carrier) ? [null, null] : [journal, carrier];
}

type Kept = Comparison & { readonly with: string | null };

/** What was found when the two were compared as they are now; null: never, or one of the files is another since. */
function comparisonOf(journal: RecordingRow, carrier: RecordingRow): Kept | null {
  const [ours, theirs] = [journal.detail.comparison, carrier.detail.comparison] as (Kept | undefined)[];
  return ours && theirs && ours.with === carrier.sha256 && theirs.with === journal.sha256 ? theirs : null;
}

/**
 * Why a recording does not stand although it can be decoded: what it was found to lack beside the other of its call. Both files are the same still,
 * so a second verification, by hand or because a lost file is back, does not unsay it. Null when nothing was found, or nothing was compared.
 */
export async function standingReason(sql: Sql, row: RecordingRow): Promise<{ because: Reason; evidence: string } | null> {
  if (row.call === null || row.source === "engine") return null;
  for (const other of await recordingsAsRead(sql, row.call)) {
    if (other.source === row.source || other.source === "engine") continue;
    const found = row.source === "journal" ? comparisonOf(row, other) : comparisonOf(other, row);
    const { said, ...verdict } = found ? verdictOf(found, await wasBroken(sql, row.call)) : { said: [], journal: null, carrier: null };
    const because = verdict[row.source];
    if (because) return { because, evidence: said.join(" ") };
  }
  return null;
}

/** The call's audio was lost and came back. */
async function wasBroken(sql: Sql, call: CallId): Promise<boolean> {
  return (await sql.query("select from events where call_id = $1 and kind = 'audio.resumed' limit 1", [call])).rowCount === 1;
}

async function conclude(parts: Parts, journal: RecordingRow, carrier: RecordingRow, heard: Comparison): Promise<void> {
  const comparison = besideTones(heard, await tonesIn(parts.pool, journal, carrier));
  const verdict = verdictOf(comparison, await wasBroken(parts.pool, carrier.call as CallId));
  await inTransaction(parts.pool, async (sql) => {
    const now = parts.clock.now();
    const current = await recordingsOfCall(sql, carrier.call as CallId);
    const same = (one: RecordingRow) =>
      current.some(({ id, status, storageKey }) => id === one.id && status !== "deleted" && storageKey === one.storageKey);
    if (!same(journal) || !same(carrier)) return; // what was compared is not there any more
    const began =
      comparison.offsetMs !== null && journal.audioStartedAt ? new Date(journal.audioStartedAt.getTime() + comparison.offsetMs) : null;
    const detail = (other: RecordingRow) => ({ comparison: { ...comparison, with: other.sha256, at: now, said: verdict.said } });
    await change(sql, journal.id, { detail: detail(carrier) });
    await change(sql, carrier.id, { detail: detail(journal), ...(began ? { audioStartedAt: began } : {}) });
    await tell(sql, carrier, {
      at: now,
      kind: "compared",
      said: `was compared with ours. ${verdict.said.join(" ")}`,
      detail: {
        verdict: comparison.verdict,
        offset_ms: comparison.offsetMs,
        drift_ppm: comparison.driftPpm,
        findings: comparison.findings,
      },
    });
    for (const [row, because] of [
      [journal, verdict.journal],
      [carrier, verdict.carrier],
    ] as const) {
      if (row.status !== "verified" || !because) continue;
      if (await move(sql, row.id, "failed", { because, verifiedAt: null })) {
        await tell(sql, row, {
          at: now,
          kind: "failed",
          said: "did not stand the comparison.",
          because,
          detail: { findings: verdict.said },
        });
      }
    }
  });
  warn(parts, carrier, verdict);
}

/** Beside a tone a coder smears, and the comparison looks at whole frames. */
const BESIDE_MS = 500;

/** Where one of the two has a tone, on the journal's clock. */
async function tonesIn(sql: Sql, journal: RecordingRow, carrier: RecordingRow): Promise<{ fromMs: number; toMs: number }[]> {
  const { rows } = await sql.query<{ id: string; fromMs: number; toMs: number; answeredAt: Date }>(
    `select x.id, x.from_ms as "fromMs", x.to_ms as "toMs", c.answered_at as "answeredAt" from redactions x join calls c on c.id = x.call_id where c.id = $1`,
    [journal.call],
  );
  return rows.map(({ id, fromMs, toMs, answeredAt }) => {
    const offset = (journal.audioStartedAt ?? answeredAt).getTime() - answeredAt.getTime();
    const wider = BESIDE_MS + (doneTo(carrier).find((done) => done.id === id)?.blur_ms ?? 0);
    return { fromMs: fromMs - offset - wider, toMs: toMs - offset + wider };
  });
}

function warn({ log }: Parts, carrier: RecordingRow, { said, journal, carrier: because }: Verdict): void {
  if (journal || because) log.warn({ call: carrier.call, carrier: because, journal }, said.join(" "));
}
