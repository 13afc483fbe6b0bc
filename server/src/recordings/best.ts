import type { RecordingSource, RecordingStatus } from "@earshot/contract/recording";
import { inClearSql } from "./keeping/in-clear.ts";

/** What the rule looks at: columns of `recordings`. */
export interface Candidate {
  readonly source: RecordingSource;
  readonly status: Exclude<RecordingStatus, "none">;
  readonly because: string | null;
  readonly storage_key: string | null;
  readonly channels: number | null;
  /** Its file still holds what is to be taken out of it (keeping/in-clear.ts): it is not played yet. */
  readonly in_clear: boolean;
}

/**
 * How far each status is from being played, best first. A file that failed its checks is still sound; among those without a file
 * the one that may yet come stands for the call.
 */
const statusRank: Record<Candidate["status"], number> = {
  verified: 0,
  stored: 1,
  failed: 2,
  fetching: 3,
  announced: 4,
  expected: 5,
  refused: 6,
  missing: 7,
  deleted: 8,
};
/** `failed` without a file (it never came whole, or is lost from the storage) ranks behind whatever may still come. */
const FAILED_WITHOUT_FILE = 5.5;
/** A file that is another than was stored may not be heard at all; one that failed its checks is. */
const FAILED_ROTTEN = 2.75;
/** What waits for its redaction will be heard sooner than what is not there yet. */
const IN_CLEAR = 2.5;

/** The carrier heard the call independently of us; the journal is ours; the engine only reconstructs. */
const sourceRank: Record<RecordingSource, number> = { carrier: 0, journal: 1, engine: 2 };

/**
 * Orders a call's recordings, the best first: verified before the rest, two separate sides before a mix, then by source.
 * The same in SQL: {@link bestFirstSql}.
 */
export function better(a: Candidate, b: Candidate): number {
  return rank(a) - rank(b) || mixed(a) - mixed(b) || sourceRank[a.source] - sourceRank[b.source];
}

/** The recording that stands for the call; null when none was ever expected. The first of equals. */
export function bestOf<R extends Candidate>(recordings: readonly R[]): R | null {
  return recordings.reduce<R | null>((best, next) => (best === null || better(next, best) < 0 ? next : best), null);
}

/** Is there no file, as far as the row knows? */
export const isWithoutFile = ({ storage_key, because }: Pick<Candidate, "storage_key" | "because">): boolean =>
  storage_key === null || because === "STORED_FILE_LOST";

function rank(candidate: Candidate): number {
  const { status, because, in_clear } = candidate;
  if (status === "failed" && isWithoutFile(candidate)) return FAILED_WITHOUT_FILE;
  if (status === "failed" && because === "STORED_FILE_ROTTEN") return FAILED_ROTTEN;
  return in_clear && statusRank[status] < IN_CLEAR ? IN_CLEAR : statusRank[status];
}

const mixed = ({ storage_key, channels }: Candidate): number => (storage_key !== null && channels === 1 ? 1 : 0);

const cases = (column: string, ranks: Record<string, number>): string =>
  `case ${column} ${Object.entries(ranks)
    .map(([value, place]) => `when '${value}' then ${place}`)
    .join(" ")} end`;

const playedFirst = Object.entries(statusRank).filter(([, place]) => place < IN_CLEAR);

/** {@link better} as an `order by` for rows `r` of `recordings`, to be followed by created_at, id. */
export const bestFirstSql = `case when r.status = 'failed' and (r.storage_key is null or r.because = 'STORED_FILE_LOST') then ${FAILED_WITHOUT_FILE}
    when r.status = 'failed' and r.because = 'STORED_FILE_ROTTEN' then ${FAILED_ROTTEN}
    when r.status in (${playedFirst.map(([status]) => `'${status}'`).join(", ")}) and ${inClearSql} then ${IN_CLEAR} else ${cases("r.status", statusRank)} end,
  case when r.storage_key is not null and r.channels = 1 then 1 else 0 end, ${cases("r.source", sourceRank)}`;
