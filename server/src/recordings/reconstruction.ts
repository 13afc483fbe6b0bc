import { sessionsOf } from "../calls/engine-sessions.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import { EngineFailure, EngineHasNot, EngineUnauthorized } from "../engine/failures.ts";
import type { ReconstructedPart, Reconstruction } from "../engine/port.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { enqueue } from "../jobs/queue.ts";
import { type Reason, reasons } from "./failures.ts";
import type { Parts } from "./parts.ts";
import { fetchQueue, lookQueue } from "./queues.ts";
import { callFacts, change, insertRecording, lockRecording, move, oneAtATime, type RecordingRow, recordingsOfCall, tell } from "./store.ts";

/**
 * The engine's own recording of a call, where its vendor makes one: it is not announced, it is looked for. When it is there it goes the way of a
 * carrier's file: announced, fetched, checked, stored, verified.
 */

/** The vendor makes it within seconds to minutes of the end; after this it is missing, until somebody asks again by hand. */
const GIVE_UP_MS = 6 * 3600 * 1000;

/** What a look came to. */
type Found =
  | { readonly is: "there"; readonly parts: readonly ReconstructedPart[] }
  | { readonly is: "not yet" | "never"; readonly because: Reason; readonly evidence: string };

/**
 * Looks once, and again later while there may be something to come. Does nothing when the engine's recording is not awaited.
 * @returns false when another process does it
 */
export async function lookForReconstruction(parts: Parts, call: CallId, signal: AbortSignal): Promise<boolean> {
  return parts.claims.whileMine(`recording.look:${call}`, async () => {
    const row = awaited(await inTransaction(parts.pool, (sql) => recordingsOfCall(sql, call)));
    if (row === null) return;
    const found = await look(parts, call, signal);
    if (signal.aborted) return;
    await inTransaction(parts.pool, async (sql) => {
      await oneAtATime(sql, call);
      const still = await lockRecording(sql, row.id);
      if (still === null || awaited([still]) === null) return;
      if (found.is === "there") await announceParts(sql, still, found.parts, parts.clock.now());
      else await wait(parts, sql, still, found);
    });
    parts.wake();
  });
}

/** The row that waits for the engine's recording; one that was given up is looked for again when somebody asks. */
function awaited(rows: readonly RecordingRow[]): RecordingRow | null {
  return (
    rows.find(
      ({ source, status, announcedUrl }) =>
        source === "engine" && announcedUrl === null && ["expected", "missing", "failed"].includes(status),
    ) ?? null
  );
}

async function look({ pool, reconstructions }: Parts, call: CallId, signal: AbortSignal): Promise<Found> {
  const sessions = await sessionsOf(pool, call);
  const engine = sessions.at(-1)?.engine;
  const asked = engine === undefined ? undefined : reconstructions[engine];
  if (engine === undefined || asked === undefined) {
    const evidence = engine === undefined ? "It never had an engine's session." : `The engine ${engine} offers none.`;
    return { is: "never", because: "RECONSTRUCTION_ABSENT", evidence };
  }
  try {
    return foundBy(
      await asked.look(
        sessions.filter((one) => one.engine === engine),
        signal,
      ),
    );
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    return { is: "not yet", because: reasonOfEngine(error), evidence: error.message };
  }
}

function foundBy(told: Reconstruction): Found {
  switch (told.state) {
    case "ready":
      return { is: "there", parts: told.parts };
    case "making":
      return { is: "not yet", because: "RECONSTRUCTION_LATE", evidence: "The engine is still making it." };
    case "none":
      return {
        is: "never",
        because: told.because === "not_kept" ? "RECONSTRUCTION_NOT_KEPT" : "RECONSTRUCTION_FAILED",
        evidence: told.text,
      };
  }
}

/** What an engine's vendor did to us, as a reason on the row. */
export function reasonOfEngine(error: EngineFailure): Reason {
  if (error instanceof EngineUnauthorized) return "RECONSTRUCTION_FORBIDDEN";
  if (error.code === "ENGINE_HOST_FORBIDDEN") return "RECORDING_REFUSED_HOST";
  return error instanceof EngineHasNot ? "RECONSTRUCTION_LATE" : "RECONSTRUCTION_UNREACHABLE";
}

/** Our own name for an engine's file. Its real address is asked for anew at each fetch: it is signed, and good for an hour. */
export const sessionAddress = (session: string): string => `engine:${session}`;
export const sessionOf = (address: string): string => address.slice("engine:".length);

/** A call may have had several sessions; each has a file of its own. The first takes the place of the awaited row. */
async function announceParts(sql: Sql, row: RecordingRow, parts: readonly ReconstructedPart[], now: Date): Promise<void> {
  for (const [nth, { session, startedAt }] of parts.entries()) {
    const id: RecordingId | null =
      nth === 0
        ? row.id
        : await insertRecording(sql, { source: "engine", status: "expected", at: now, call: row.call, carrierRecording: session });
    if (id === null) continue;
    const moved = await move(sql, id, "announced", {
      carrierRecording: session,
      announcedUrl: sessionAddress(session),
      announcedBytes: 0,
      announcedAt: now,
      audioStartedAt: startedAt,
      attempts: 0,
      nextAttemptAt: now,
      because: null,
      detail: { session },
    });
    if (!moved) continue;
    await enqueue(sql, fetchQueue, id, { recording: id });
    await tell(
      sql,
      { id, call: row.call, source: "engine" },
      { at: now, kind: "announced", actor: "engine", said: "is to be had.", detail: { session } },
    );
  }
}

async function wait({ pauseMs, clock, log }: Parts, sql: Sql, row: RecordingRow, found: Exclude<Found, { is: "there" }>): Promise<void> {
  const now = clock.now();
  const call = row.call as CallId;
  const since = (await callFacts(sql, call))?.endedAt ?? now;
  const { because, evidence } = found;
  if (found.is === "not yet" && row.status === "expected" && now.getTime() - since.getTime() < GIVE_UP_MS) {
    const inMs = pauseMs(row.attempts + 1);
    await change(sql, row.id, { attempts: row.attempts + 1, nextAttemptAt: new Date(now.getTime() + inMs), because, detail: { evidence } });
    await enqueue(sql, lookQueue, call, { call }, inMs);
    return;
  }
  log[reasons[because].blame === "us" ? "error" : "warn"]({ recording: row.id, call, code: because }, evidence);
  if (row.status === "expected") {
    if (!(await move(sql, row.id, "missing", { because, nextAttemptAt: null, detail: { evidence } }))) return;
  } else await change(sql, row.id, { because, detail: { evidence } });
  await tell(sql, row, { at: now, kind: "missing", said: "is missing.", because, detail: { evidence } });
}
