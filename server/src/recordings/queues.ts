import type { CallId, RecordingId } from "../ids.ts";
import { queue } from "../jobs/queue.ts";

/** The room's kinds of work. Each reads its row first and does nothing when there is nothing to do. */

/** Ask the carrier for a file. As many workers as files of 60 MB fit into what may be in flight, and some; how much that is decides fetch-in-turn.ts. */
export const fetchQueue = queue<{ recording: RecordingId }>("recording.fetch", { concurrency: 32, expireSeconds: 3 * 3600 });

/** Decode what is stored and judge it. */
export const verifyQueue = queue<{ recording: RecordingId }>("recording.verify", { concurrency: 2, expireSeconds: 1800 });

/** Look whether the engine has made its recording of a call that ended. */
export const lookQueue = queue<{ call: CallId }>("recording.look", { concurrency: 2 });

/** Make our own recording from the journal of a call that ended. */
export const renderQueue = queue<{ call: CallId }>("recording.render", { concurrency: 2, expireSeconds: 1800 });

/** Hold two recordings of one call against each other. */
export const compareQueue = queue<{ call: CallId }>("recording.compare", { concurrency: 1, expireSeconds: 1800 });

/** Delete what was asked to be deleted. */
export const deleteQueue = queue<{ deletion: string }>("recording.delete", { concurrency: 1 });

/** Put a tone over what is not to be heard. */
export const redactQueue = queue<{ call: CallId }>("recording.redact", { concurrency: 1, expireSeconds: 1800 });

/** Once a day: delete what the rules no longer keep, account for everything, and read a sample of the files back. */
export const auditQueue = queue<Record<never, never>>("recording.audit", { concurrency: 1, expireSeconds: 6 * 3600 });
