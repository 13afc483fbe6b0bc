import { RecordingSource } from "@earshot/contract/recording";
import type pg from "pg";
import type { Clock } from "../clock.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { countStrays, type FilesFound, lookUpFiles } from "./audit-files.ts";
import { wantsSql } from "./policy.ts";
import type { Storage } from "./storage.ts";
import type { StoredStatus } from "./store.ts";
import { countUnclaimed } from "./unclaimed.ts";

export interface AuditParts {
  readonly pool: pg.Pool;
  readonly storage: Storage;
  readonly clock: Clock;
}

export interface AuditWish {
  /** How many files are read back whole and hashed, those not read for longest first; the others are only looked up with their size. */
  readonly hash: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** A call or a recording nobody can account for. */
export interface Unexplained {
  readonly call: CallId | null;
  readonly recording: RecordingId | null;
  readonly why: string;
}

export interface AuditReport extends FilesFound {
  /** Calls that have ended, and how many of them are accounted for: each recording is there, on its way, or says why not. */
  readonly calls: number;
  readonly accounted: number;
  /** Recordings by status, and the reasons of those that are not there. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  /** Objects in the storage that no recording names. */
  readonly strays: number;
  /** Recordings that were announced and whose call never appeared (unclaimed.ts). */
  readonly unclaimed: number;
  readonly unexplained: readonly Unexplained[];
}

/** So long after its end a call may have recordings on their way without a word. */
const UNDERWAY_MS = 30 * 60_000;

/**
 * Accounts for every call that has ended and every file that is kept. A file that is lost or no longer the one that was stored is written on its
 * recording, which then says so; one that is back is whole again. Safe beside a running server. A file or a disk that gives errors is told of, and
 * ends nothing.
 */
export async function auditRecordings(parts: AuditParts, wish: AuditWish): Promise<AuditReport> {
  const unexplained: Unexplained[] = [];
  const calls = await accountForCalls(parts, unexplained);
  const files = await lookUpFiles(parts, wish, unexplained);
  const { statuses, reasons } = await counts(parts.pool);
  const spoiled = new Set(unexplained.map(({ call }) => call).filter((call) => call !== null));
  return {
    calls,
    accounted: calls - spoiled.size,
    statuses,
    reasons,
    ...files,
    strays: await countStrays(parts, unexplained),
    unclaimed: await countUnclaimed(parts.pool),
    unexplained,
  };
}

const wanted = { carrier: "The carrier's recording", journal: "Our own recording", engine: "The engine's recording" } as const;

/** An answered call has a row for each source its agent's policy wants, and every row that is not there has a reason or is on its way. */
async function accountForCalls({ pool, clock }: AuditParts, unexplained: Unexplained[]): Promise<number> {
  const since = new Date(clock.now().getTime() - UNDERWAY_MS);
  const { rows: ended } = await pool.query<{ n: number }>("select count(*)::int as n from calls where status = 'ended'");
  for (const source of RecordingSource.options) {
    const { rows: without } = await pool.query<{ call: CallId }>(
      `select c.id as call from calls c join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version
        where c.status = 'ended' and c.answered_at is not null and ${wantsSql(source)} and c.ended_at < $1
          and not exists (select from recordings r where r.call_id = c.id and r.source = $2)`,
      [since, source],
    );
    const why = `${wanted[source]} was to be made, and there is none, not even a missing one.`;
    for (const { call } of without) unexplained.push({ call, recording: null, why });
  }
  const { rows: stuck } = await pool.query<{ call: CallId | null; recording: RecordingId; status: StoredStatus; because: string | null }>(
    `select r.call_id as call, r.id as recording, r.status, r.because from recordings r left join calls c on c.id = r.call_id
      where (r.status in ('missing', 'failed', 'refused') and r.because is null)
         or (r.status in ('expected', 'announced', 'fetching') and (c.id is null or c.status = 'ended') and greatest(c.ended_at, r.created_at) < $1
             and (r.next_attempt_at is null or r.next_attempt_at < $1))
         or (r.status in ('stored', 'verified') and (r.storage_key is null or r.sha256 is null))
         or (r.status = 'stored' and r.stored_at < $1)`,
    [since],
  );
  for (const { call, recording, status, because } of stuck) {
    unexplained.push({
      call,
      recording,
      why: because
        ? `It is ${status} (${because}) and nothing is about to happen.`
        : `It is ${status}, and nothing says why or is about to happen.`,
    });
  }
  return ended[0]?.n ?? 0;
}

async function counts(pool: pg.Pool) {
  const { rows } = await pool.query<{ status: string; because: string | null; n: number }>(
    "select status, because, count(*)::int as n from recordings group by status, because order by status, because",
  );
  const statuses: Record<string, number> = {};
  const reasons: Record<string, number> = {};
  for (const { status, because, n } of rows) {
    statuses[status] = (statuses[status] ?? 0) + n;
    if (because && status !== "announced") reasons[because] = (reasons[because] ?? 0) + n;
  }
  return { statuses, reasons };
}
