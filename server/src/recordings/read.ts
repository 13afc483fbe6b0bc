import type { Peaks, Recording, RecordingSource, RecordingStatus } from "@earshot/contract/recording";
import type { Sql } from "../db/pool.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { unpackPeaks } from "./audio/peaks.ts";
import type { AudioFormat } from "./audio/sound.ts";
import { bestFirstSql, bestOf, better, isWithoutFile } from "./best.ts";
import { comparisonAsJson, type StoredComparison } from "./comparison-json.ts";
import { explain, type Reason } from "./failures.ts";
import { inClearSql } from "./keeping/in-clear.ts";
import type { ConsentState } from "./policy.ts";

interface RecordingRow {
  id: RecordingId;
  call_id: CallId;
  source: RecordingSource;
  status: Exclude<RecordingStatus, "none">;
  because: string | null;
  announced_at: Date | null;
  audio_started_at: Date | null;
  format: AudioFormat | null;
  storage_key: string | null;
  size_bytes: number | null;
  sha256: string | null;
  duration_ms: number | null;
  channels: number | null;
  has_peaks: boolean;
  in_clear: boolean;
  status_at: Date | null;
  comparison: StoredComparison | null;
  created_at: Date;
  stored_at: Date | null;
  verified_at: Date | null;
}

const columns = `r.id, r.call_id, r.source, r.status, r.because, r.announced_at, r.audio_started_at, r.format, r.storage_key, r.size_bytes, r.sha256,
  r.duration_ms, r.channels, r.peaks is not null as has_peaks, r.created_at, r.stored_at, r.verified_at, r.status_at,
  r.detail->'comparison' as comparison, ${inClearSql} as in_clear`;

/** A call's clock begins at its answer. */
type CallClock = { readonly id: CallId; readonly answeredAt: Date | null };

/** The recordings of many calls in one statement: a function from a call to what stands as its `recording`. */
export async function recordingsOf(sql: Sql, calls: readonly CallClock[]): Promise<(call: CallId) => Recording> {
  const answered = new Map(calls.map(({ id, answeredAt }) => [id, answeredAt]));
  const { rows } = await sql.query<RecordingRow>(`select ${columns} from recordings r where call_id = any($1) order by created_at, id`, [
    [...answered.keys()],
  ]);
  const byCall = Map.groupBy(rows, ({ call_id }) => call_id);
  const whyNone = await whyNoneOf(
    sql,
    [...answered.keys()].filter((call) => !byCall.has(call)),
  );
  return (call) => {
    const best = bestOf(byCall.get(call) ?? []);
    return best
      ? asJson(best, { answeredAt: answered.get(call) ?? null, all: byCall.get(call) ?? [] }, "")
      : { ...none, because: whyNone.get(call) ?? null };
  };
}

/** Why calls that were answered by an agent have no recording of any source: nobody agreed, or the agent does not record. */
async function whyNoneOf(sql: Sql, calls: readonly CallId[]): Promise<Map<CallId, ReturnType<typeof explain>>> {
  if (calls.length === 0) return new Map();
  const { rows } = await sql.query<{ id: CallId; record: boolean; asks: boolean; consent: ConsentState }>(
    `select c.id, (v.settings->>'record')::boolean as record, coalesce(v.settings->'recording'->>'consent' = 'ask', false) as asks,
            c.recording_consent as consent
       from calls c join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
      where c.id = any($1) and c.answered_at is not null and c.closed_at is null`,
    [calls],
  );
  return new Map(
    rows.flatMap(({ id, record, asks, consent }) => {
      if (!record) return [[id, explain("RECORDING_NOT_WANTED" satisfies Reason)] as const];
      return asks && consent !== "given" ? [[id, explain("RECORDING_NOT_CONSENTED" satisfies Reason)] as const] : [];
    }),
  );
}

/** All recordings of a call, the best first, each with the address of its own sound: two may be of one source. */
export async function listRecordings(sql: Sql, call: CallClock): Promise<Recording[]> {
  const rows = await rowsOf(sql, call.id);
  return rows.sort(better).map((row) => asJson(row, { answeredAt: call.answeredAt, all: rows }, `?recording=${row.id}`));
}

/** Which of a call's recordings is meant: one by its id, the best of a source, or the best of all. */
export interface Choice {
  readonly recording?: RecordingId | undefined;
  readonly source?: RecordingSource | undefined;
}

/** A recording as a door needs it to play it. */
export interface Playable {
  readonly id: RecordingId;
  readonly source: RecordingSource;
  readonly status: RecordingStatus;
  readonly because: { code: string; message: string; remedy: string } | null;
  /** Null when there is nothing to play. */
  readonly file: {
    readonly key: string;
    readonly format: AudioFormat;
    readonly sizeBytes: number;
    readonly sha256: string;
  } | null;
}

/** The best of the recordings of a call that are meant. Null when none is expected. */
export async function playableOf(sql: Sql, call: CallId, { recording, source }: Choice): Promise<Playable | null> {
  const rows = await rowsOf(sql, call);
  const best = bestOf(rows.filter((row) => (recording ?? row.id) === row.id && (source ?? row.source) === row.source));
  if (!best) return null;
  const { format, storage_key: key, size_bytes: sizeBytes, sha256 } = best;
  const file = isThere(best) && format && key && sizeBytes !== null && sha256 ? { key, format, sizeBytes, sha256 } : null;
  return {
    id: best.id,
    source: best.source,
    status: best.status,
    because: whyNot(best),
    file,
  };
}

/** The waveform of a recording in at most so many points; null when it has none. */
export async function peaksOf(sql: Sql, recording: RecordingId, points: number): Promise<Peaks | null> {
  const { rows } = await sql.query<{ peaks: Buffer | null; channels: number | null; duration_ms: number | null }>(
    "select peaks, channels, duration_ms from recordings where id = $1",
    [recording],
  );
  const { peaks = null, channels = null, duration_ms = null } = rows[0] ?? {};
  return peaks && channels && duration_ms !== null ? { duration_ms, ...unpackPeaks(peaks, channels, points) } : null;
}

async function rowsOf(sql: Sql, call: CallId): Promise<RecordingRow[]> {
  const { rows } = await sql.query<RecordingRow>(`select ${columns} from recordings r where call_id = $1 order by created_at, id`, [call]);
  return rows;
}

const none: Recording = {
  id: null,
  status: "none",
  source: null,
  url: null,
  format: null,
  duration_ms: null,
  offset_ms: null,
  size_bytes: null,
  sha256: null,
  channels: null,
  peaks_url: null,
  because: null,
  comparison: null,
  since: null,
  announced_at: null,
  stored_at: null,
  verified_at: null,
};

/** `all`: the call's recordings, this one among them. */
function asJson(
  row: RecordingRow,
  { answeredAt, all }: { readonly answeredAt: Date | null; readonly all: readonly RecordingRow[] },
  query: string,
): Recording {
  const url = `/api/calls/${row.call_id}/recording`;
  return {
    id: row.id,
    status: row.status,
    source: row.source,
    url: isThere(row) ? `${url}${query}` : null,
    format: row.format,
    duration_ms: row.duration_ms,
    offset_ms: offsetOf(row, answeredAt),
    size_bytes: row.size_bytes,
    sha256: row.sha256,
    channels: row.channels,
    peaks_url: row.has_peaks && isThere(row) ? `${url}/peaks${query}` : null,
    because: whyNot(row),
    comparison: row.comparison && comparisonAsJson(row.comparison, ownZero(all, answeredAt)),
    since: row.status_at?.toISOString() ?? null,
    announced_at: row.announced_at?.toISOString() ?? null,
    stored_at: row.stored_at?.toISOString() ?? null,
    verified_at: row.verified_at?.toISOString() ?? null,
  };
}

const offsetOf = ({ audio_started_at: at }: RecordingRow, answeredAt: Date | null): number | null =>
  at && answeredAt ? at.getTime() - answeredAt.getTime() : null;

/** Where our own recording, on whose clock the comparison was made, begins on the call's. */
function ownZero(all: readonly RecordingRow[], answeredAt: Date | null): number {
  const own = all.find(({ source }) => source === "journal");
  return (own && offsetOf(own, answeredAt)) ?? 0;
}

/** For a list's filter, on `calls c`: does the recording that stands for the call have this status? `none`: there is none. */
export const hasBestStatus = (status: string): string =>
  status === "none"
    ? "not exists (select 1 from recordings r where r.call_id = c.id)"
    : `exists (select 1 from recordings r where r.call_id = c.id and r.status = '${status}')
       and (select r.status from recordings r where r.call_id = c.id order by ${bestFirstSql}, created_at, id limit 1) = '${status}'`;

/** Is there sound to play? A file that failed its checks is still the file that came; one that is lost, or yet to be redacted, is not played. */
const isThere = (row: RecordingRow): boolean =>
  !isWithoutFile(row) && !row.in_clear && ["stored", "verified", "failed"].includes(row.status);

function whyNot({ in_clear, because }: RecordingRow): ReturnType<typeof explain> | null {
  if (in_clear) return explain("RECORDING_TO_BE_REDACTED" satisfies Reason);
  return because ? explain(because) : null;
}
