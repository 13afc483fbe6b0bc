import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { inTransaction, type Sql } from "../../db/pool.ts";
import { enqueue } from "../../jobs/queue.ts";
import { AudioJobFailed } from "../audio/audio-threads.ts";
import type { Redacted, Stretch } from "../audio/redact.ts";
import type { AudioFormat } from "../audio/sound.ts";
import { RecordingFailure } from "../failures.ts";
import { paced } from "../pace.ts";
import { type Parts, workPath } from "../parts.ts";
import { verifyQueue } from "../queues.ts";
import { readBack } from "../read-back.ts";
import { noteSpoiled, type Spoiled, spoiledBy } from "../spoiled.ts";
import { recordingKey } from "../storage.ts";
import { change, lockRecording, move, nameToDelete, type RecordingRow, tell, unnameToDelete } from "../store.ts";

/** A stretch of a call that is not to be heard. Times on the call's clock. */
export interface Redaction {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly side: Stretch["side"];
  readonly original: "sealed" | "destroyed";
  readonly doneAt: Date | null;
}

/** What was done to the file as it is: by the redactions' ids, and so much wider at both ends ({@link blurMs}). */
export const doneTo = ({ detail }: Pick<RecordingRow, "detail">): readonly { id: string; blur_ms?: number }[] =>
  (detail.redacted as { id: string; blur_ms?: number }[] | undefined) ?? [];

/** Does to one recording what was not yet done to it. The second time does nothing. */
export async function redactFile(parts: Parts, row: RecordingRow, redactions: readonly Redaction[], answeredAt: Date): Promise<void> {
  const done = new Set(doneTo(row).map(({ id }) => id));
  const due = redactions.filter(({ id }) => !done.has(id));
  if (due.length === 0 || (!row.storageKey && !row.sealedKey)) return;
  if (!row.storageKey) return replace(parts, row, due, null);
  const [original, copy] = [await workPath(parts, "original", row.id), await workPath(parts, "redact", row.id)];
  try {
    const because = await readWhole(parts, row, row.storageKey, original);
    if (because !== null) {
      // It is not played: it may be in the clear.
      parts.log.warn({ recording: row.id, call: row.call, code: because }, "A recording that is to be redacted cannot be read back.");
      await noteSpoiled(parts, row, because);
      if (because === "STORED_FILE_ROTTEN" && due.some(destroys)) await replace(parts, row, due, null); // whatever it is now, it was to be destroyed
      return;
    }
    const stretches = due.map((stretch) => onItsClock(stretch, row, answeredAt));
    const made = row.format && (await tone(parts, { path: original, format: row.format }, stretches, copy));
    await replace(parts, row, due, made && { ...made, path: copy });
  } finally {
    await rm(original, { force: true });
    await rm(copy, { force: true });
  }
}

const destroys = ({ original }: Redaction): boolean => original === "destroyed";

/** Reads a recording's file to `path`; why that cannot be, when the file is gone or another. */
async function readWhole(parts: Parts, row: RecordingRow, key: string, path: string): Promise<Spoiled | null> {
  try {
    return (await readBack(parts, key, path)) === row.sha256 ? null : "STORED_FILE_ROTTEN";
  } catch (error) {
    const because = spoiledBy(error);
    if (because === null) throw error;
    return because;
  }
}

/** Null when it cannot be decoded. */
async function tone(
  { threads }: Parts,
  source: { path: string; format: AudioFormat },
  stretches: readonly Stretch[],
  path: string,
): Promise<Redacted | null> {
  return threads.ask({ name: "redact", source, stretches, path }).catch((error: unknown) => {
    if (error instanceof AudioJobFailed && error.unreadable) return null;
    throw error;
  });
}

/**
 * Where a stretch of the call lies in a recording, and so much more as the recording's beginning is unknown: the carrier and the engines name it to
 * the second, and only the comparison with ours tells it better.
 */
export function onItsClock(
  { fromMs, toMs, side }: Stretch,
  row: Pick<RecordingRow, "source" | "audioStartedAt" | "detail">,
  answeredAt: Date,
): Stretch {
  const offset = (row.audioStartedAt ?? answeredAt).getTime() - answeredAt.getTime();
  const blur = blurMs(row);
  return { fromMs: fromMs - offset - blur, toMs: toMs - offset + blur, side };
}

const TOLD_TO_A_SECOND_MS = 1500;
const NOT_TOLD_MS = 5000;

function blurMs({ source, audioStartedAt, detail }: Pick<RecordingRow, "source" | "audioStartedAt" | "detail">): number {
  const compared = typeof (detail.comparison as { offsetMs?: number | null } | undefined)?.offsetMs === "number";
  if (source === "journal" || compared) return 0;
  return audioStartedAt ? TOLD_TO_A_SECOND_MS : NOT_TOLD_MS;
}

/**
 * Puts a copy in the place of a recording's file, and seals the original or names it to be deleted. Without a copy (it cannot be decoded) the whole
 * file goes where nothing plays it, or goes. The copy is named to go before it is put, so that a crash before the row changes leaves none behind.
 */
async function replace(
  parts: Parts,
  row: RecordingRow,
  due: readonly Redaction[],
  copy: (Redacted & { path: string }) | null,
): Promise<void> {
  const key = copy && recordingKey(row.id, `r${doneTo(row).length + due.length}.${copy.format}`);
  if (copy && key) {
    await nameToDelete(parts.pool, row.id, [key]);
    const stored = await parts.storage.put(key, paced(createReadStream(copy.path), parts.pace));
    if (stored.sha256 !== copy.sha256)
      throw new RecordingFailure("STORAGE_UNWRITABLE", `It took ${stored.sizeBytes} of ${copy.sizeBytes} bytes.`);
  }
  await inTransaction(parts.pool, async (sql) => {
    const current = await lockRecording(sql, row.id);
    if (!current || current.status === "deleted" || current.storageKey !== row.storageKey || current.sealedKey !== row.sealedKey) return;
    // What came from its source is sealed once; a copy that is redacted again is no original.
    const destroy = due.some(destroys);
    const seal = !destroy && !row.sealedKey && row.storageKey;
    await nameToDelete(sql, row.id, [
      ...(seal || !row.storageKey ? [] : [row.storageKey]),
      ...(destroy && row.sealedKey ? [row.sealedKey] : []),
    ]);
    const changes = {
      ...(seal ? { sealedKey: row.storageKey, sealedSha256: row.sha256 } : destroy ? { sealedKey: null, sealedSha256: null } : {}),
      detail: { redacted: [...doneTo(row), ...due.map(({ id }) => ({ id, blur_ms: blurMs(row) }))] },
    };
    if (copy && key) {
      await unnameToDelete(sql, row.id, [key]);
      await change(sql, row.id, { ...changes, storageKey: key, format: copy.format, sizeBytes: copy.sizeBytes, sha256: copy.sha256 });
      await verifyAnew(sql, current);
    } else {
      const withheld = { ...changes, storageKey: null, peaks: null, because: "RECORDING_WITHHELD", verifiedAt: null } as const;
      if (!(await move(sql, row.id, "failed", withheld))) await change(sql, row.id, withheld);
      if (!row.storageKey) return; // it was withheld before, and now its original goes
    }
    await tell(sql, row, {
      at: parts.clock.now(),
      kind: "redacted",
      said: copy ? "has a tone where it was redacted." : "is not played any more: it cannot be decoded to be redacted.",
      ...(copy ? {} : { because: "RECORDING_WITHHELD" as const }),
      detail: { stretches: due.length, original: destroy ? "destroyed" : "sealed" },
    });
  });
}

/** Peaks and measurements must be those of what is played. */
async function verifyAnew(sql: Sql, { id, status }: RecordingRow): Promise<void> {
  if (status === "verified") await move(sql, id, "failed", { because: null });
  await move(sql, id, "stored", { because: null, verifiedAt: null });
  await enqueue(sql, verifyQueue, id, { recording: id });
}
