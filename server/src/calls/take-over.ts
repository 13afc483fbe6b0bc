import { access } from "node:fs/promises";
import type pg from "pg";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { type Restored, restoreUtterances } from "../conversation/restore.ts";
import type { CallId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { recordEvent } from "./events.ts";
import { endLease, orphanedLeases } from "./leases.ts";

export interface TakeOverParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  readonly owner: string;
  readonly journalDir: string;
  /** The words of a call are complete now. */
  readonly onFinished?: (call: CallId) => void;
}

/** Looked at with one beat; those that lie elsewhere are among them. */
const AT_ONCE = 500;
/** A journal that no process has found for so long is nowhere: its disk is gone, or it was never written. */
const GIVEN_UP_MS = 24 * 3_600_000;

/**
 * Finishes the journals of dead processes: what they had heard and not yet written comes into the rows, and their leases end. A journal that
 * lies on another machine is left to a process there. Several processes may do the same one at once: the words are there once all the same.
 * Returns how many leases were ended.
 */
export async function finishJournals(parts: TakeOverParts): Promise<number> {
  const { pool, clock, log, owner } = parts;
  let finished = 0;
  for (const { call, process, since } of await orphanedLeases(pool, AT_ONCE)) {
    const journal = journalPath(parts.journalDir, call);
    const here = await access(journal).then(
      () => true,
      () => false,
    );
    if (!here) {
      if (clock.now().getTime() - since.getTime() > GIVEN_UP_MS) await endLease(pool, call, process, owner);
      continue;
    }
    let found: Restored;
    try {
      found = await restoreUtterances(pool, call, journal);
    } catch (error) {
      log.warn({ call, process, err: error }, "The journal of a lost process could not be finished; the next look tries again.");
      continue;
    }
    await endLease(pool, call, process, owner);
    const { restored, endsAt } = found;
    const said =
      restored === 0
        ? "The process that carried the call was lost; everything said was stored already."
        : `The process that carried the call was lost; ${restored} ${restored === 1 ? "utterance" : "utterances"} came from its journal.`;
    const detail = { process, utterances: restored, until: endsAt?.toISOString() ?? null };
    await recordEvent(pool, { call, at: clock.now(), kind: "journal.finished", actor: "us", said, detail, once: `journal ${process}` });
    parts.onFinished?.(call);
    finished++;
  }
  return finished;
}
