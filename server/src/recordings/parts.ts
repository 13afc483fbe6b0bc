import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import type { Logger } from "pino";
import type { Carrier } from "../carrier/port.ts";
import type { Clock } from "../clock.ts";
import type { Reconstructions } from "../engine/port.ts";
import type { RecordingId } from "../ids.ts";
import type { AudioThreads } from "./audio/audio-threads.ts";
import type { Claims } from "./claims.ts";
import { StorageUnwritable } from "./failures.ts";
import type { Pace } from "./pace.ts";
import type { Storage } from "./storage.ts";

/** What the room's jobs work with. */
export interface Parts {
  readonly pool: pg.Pool;
  /** Null while no carrier is configured: what was announced waits. */
  readonly carrier: Pick<Carrier, "openRecording" | "mayFetch"> | null;
  /** By the engine's name: those whose vendor makes recordings of its own. */
  readonly reconstructions: Readonly<Record<string, Reconstructions | undefined>>;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** This process, as it is named in leases. */
  readonly process: string;
  readonly journalDir: string;
  /** Half-fetched and half-made files; on a disk that survives a restart, or they are begun anew. */
  readonly workDir: string;
  readonly threads: AudioThreads;
  readonly claims: Claims;
  /** Before the attempt that follows so many failed ones. */
  readonly pauseMs: (attempts: number) => number;
  /** From the end of the call to the announcement of its recording. */
  readonly announceWithinMs: number;
  readonly pace: Pace;
  /** Look for due jobs now. */
  wake(): void;
}

export const workPurposes = ["fetch", "render", "verify", "compare", "redact", "original", "wav"] as const;

/** The one file of a recording in the making. `purpose`: which job makes it. */
export async function workPath(
  { workDir }: Pick<Parts, "workDir">,
  purpose: (typeof workPurposes)[number],
  recording: RecordingId,
): Promise<string> {
  await mkdir(workDir, { recursive: true, mode: 0o750 }).catch((cause: unknown) => {
    throw new StorageUnwritable("The folder of half-fetched files", cause);
  });
  return join(workDir, `${purpose}-${recording}.part`);
}
