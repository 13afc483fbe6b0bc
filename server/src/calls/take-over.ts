import { access } from "node:fs/promises";
import type pg from "pg";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { restoreUtterances } from "../conversation/restore.ts";
import type { CallId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { endOf, readKept } from "../journal/kept.ts";
import type { Prices } from "../prices.ts";
import { recordEvent } from "./events.ts";
import { restoreFacts } from "./facts.ts";
import { endLease, type OrphanedLease, orphanedLeases } from "./leases.ts";

export interface TakeOverParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  readonly owner: string;
  readonly journalDir: string;
  /** What engines charge; absent: nobody knows. */
  readonly prices?: Prices;
  /** Calls whose journal could not be finished: said once, and not with every beat. */
  readonly warned?: Set<CallId>;
  /** How far the last look came: those that cannot be finished here do not keep the others waiting. Absent: each look begins with the oldest. */
  readonly walk?: { last: OrphanedLease | null };
  /** The words of a call are complete now. */
  readonly onFinished?: (call: CallId) => void;
}

/** Looked at with one beat, the next ones with the next; those that lie elsewhere are among them. */
const AT_ONCE = 500;
/** A journal that no process has found for so long is nowhere: its disk is gone, or it was never written. */
const GIVEN_UP_MS = 24 * 3_600_000;

/**
 * Brings what `process` knew of a call and had not written from the call's journal into the rows: facts first, since words are counted from the
 * first sound. Done twice, the second changes nothing. Rejects when the journal cannot be read or the database does not answer.
 */
export async function restoreCall(
  parts: { readonly pool: pg.Pool; readonly journalDir: string; readonly prices?: Prices },
  call: CallId,
  process: string,
): Promise<{ readonly utterances: number; readonly endsAt: Date | null }> {
  const kept = await readKept(journalPath(parts.journalDir, call));
  await restoreFacts({ pool: parts.pool, prices: parts.prices ?? {} }, call, process, kept);
  return { utterances: await restoreUtterances(parts.pool, call, kept), endsAt: endOf(kept) };
}

/**
 * Finishes the journals of dead processes: what they had heard and not yet written comes into the rows, and their leases end. A journal that
 * lies on another machine is left to a process there. Several processes may do the same one at once: the words are there once all the same.
 * Returns how many leases were ended.
 */
export async function finishJournals(parts: TakeOverParts): Promise<number> {
  const { pool, clock, log, owner } = parts;
  let finished = 0;
  const found = await orphanedLeases(pool, AT_ONCE, parts.walk?.last);
  if (parts.walk) parts.walk.last = found.length < AT_ONCE ? null : (found.at(-1) ?? null);
  for (const { call, process, since } of found) {
    const journal = journalPath(parts.journalDir, call);
    const here = await access(journal).then(
      () => true,
      () => false,
    );
    if (!here) {
      if (clock.now().getTime() - since.getTime() > GIVEN_UP_MS) await endLease(pool, call, process, owner);
      continue;
    }
    let restored: Awaited<ReturnType<typeof restoreCall>>;
    try {
      restored = await restoreCall(parts, call, process);
    } catch (error) {
      if (!parts.warned?.has(call))
        log.warn({ call, process, err: error }, "The journal of a lost process could not be finished; the next look tries again.");
      parts.warned?.add(call);
      continue;
    }
    await endLease(pool, call, process, owner);
    const { utterances, endsAt } = restored;
    const said =
      utterances === 0
        ? "The process that carried the call was lost; everything said was stored already."
        : `The process that carried the call was lost; ${utterances} ${utterances === 1 ? "utterance" : "utterances"} came from its journal.`;
    const detail = { process, utterances, until: endsAt?.toISOString() ?? null };
    await recordEvent(pool, { call, at: clock.now(), kind: "journal.finished", actor: "us", said, detail, once: `journal ${process}` });
    parts.onFinished?.(call);
    finished++;
  }
  return finished;
}
