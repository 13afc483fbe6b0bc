import type { CallEvent } from "@earshot/contract/call";
import { type RecordingSource, type RecordingStatus, recordingLeadsTo } from "@earshot/contract/recording";
import { recordEvent } from "../calls/events.ts";
import { notify } from "../db/notify.ts";
import type { Sql } from "../db/pool.ts";
import { type CallId, type ConversationId, newId, type RecordingId } from "../ids.ts";
import type { AudioFormat } from "./audio/sound.ts";
import { explain, type Reason } from "./failures.ts";

/** The only writer of `recordings`. A status changes by {@link move} alone, along the contract's table. */

export type StoredStatus = Exclude<RecordingStatus, "none">;

export interface RecordingRow {
  readonly id: RecordingId;
  readonly call: CallId | null;
  readonly source: RecordingSource;
  readonly status: StoredStatus;
  readonly because: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly carrierRecording: string | null;
  readonly conversation: string | null;
  readonly announcedUrl: string | null;
  readonly announcedBytes: number | null;
  readonly announcedAt: Date | null;
  readonly audioStartedAt: Date | null;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly format: AudioFormat | null;
  readonly storageKey: string | null;
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
  readonly durationMs: number | null;
  readonly channels: number | null;
  readonly storedAt: Date | null;
  /** The original of a redacted recording. */
  readonly sealedKey: string | null;
  readonly sealedSha256: string | null;
  /** Objects in the storage that are to go: see {@link nameToDelete}. */
  readonly toDelete: readonly string[];
}

/** Column by field: what {@link change} may set beside the status. */
const column = {
  call: "call_id",
  because: "because",
  carrierRecording: "carrier_recording",
  conversation: "conversation",
  announcedUrl: "announced_url",
  announcedBytes: "announced_bytes",
  announcedAt: "announced_at",
  audioStartedAt: "audio_started_at",
  attempts: "attempts",
  nextAttemptAt: "next_attempt_at",
  deadlineAt: "deadline_at",
  format: "format",
  storageKey: "storage_key",
  sizeBytes: "size_bytes",
  sha256: "sha256",
  durationMs: "duration_ms",
  channels: "channels",
  sampleRate: "sample_rate",
  peaks: "peaks",
  storedAt: "stored_at",
  verifiedAt: "verified_at",
  sealedKey: "sealed_key",
  sealedSha256: "sealed_sha256",
  auditedAt: "audited_at",
} as const;

export type Changes = Partial<Record<Exclude<keyof typeof column, "because">, unknown>> & {
  readonly because?: Reason | null;
  /** Keys are merged into the row's detail. */
  readonly detail?: Readonly<Record<string, unknown>>;
};

const selected = `id, call_id as call, source, status, because, detail, carrier_recording as "carrierRecording", conversation,
  announced_url as "announcedUrl", announced_bytes as "announcedBytes", announced_at as "announcedAt", audio_started_at as "audioStartedAt",
  attempts, next_attempt_at as "nextAttemptAt", format, storage_key as "storageKey", size_bytes as "sizeBytes", sha256,
  duration_ms as "durationMs", channels, stored_at as "storedAt", sealed_key as "sealedKey", sealed_sha256 as "sealedSha256", to_delete as "toDelete"`;

export async function recordingById(sql: Sql, id: RecordingId): Promise<RecordingRow | null> {
  const { rows } = await sql.query<RecordingRow>(`select ${selected} from recordings where id = $1`, [id]);
  return rows[0] ?? null;
}

/**
 * Lets one transaction at a time decide what recordings a call (or a carrier's recording without one) has: rows that are not there yet cannot
 * be locked. Held until the transaction ends. Take the call's before the recording's.
 */
export async function oneAtATime(sql: Sql, what: CallId | string): Promise<void> {
  await sql.query("select pg_advisory_xact_lock(hashtextextended('recordings of ' || $1, 0))", [what]);
}

/** Locks the row until the caller's transaction ends, so that deciding and moving are one. */
export async function lockRecording(sql: Sql, id: RecordingId): Promise<RecordingRow | null> {
  const { rows } = await sql.query<RecordingRow>(`select ${selected} from recordings where id = $1 for update`, [id]);
  return rows[0] ?? null;
}

/** Locked, oldest first. */
export async function recordingsOfCall(sql: Sql, call: CallId): Promise<RecordingRow[]> {
  const { rows } = await sql.query<RecordingRow>(
    `select ${selected} from recordings where call_id = $1 order by created_at, id for update`,
    [call],
  );
  return rows;
}

/** The same, not locked: for who only reads, in a snapshot of its own. */
export async function recordingsAsRead(sql: Sql, call: CallId): Promise<RecordingRow[]> {
  const { rows } = await sql.query<RecordingRow>(`select ${selected} from recordings where call_id = $1 order by created_at, id`, [call]);
  return rows;
}

/** By the carrier's own id of it. Locked. */
export async function carrierRecording(sql: Sql, recording: string): Promise<RecordingRow | null> {
  const { rows } = await sql.query<RecordingRow>(
    `select ${selected} from recordings where source = 'carrier' and carrier_recording = $1 for update`,
    [recording],
  );
  return rows[0] ?? null;
}

/** A new row in the status where its walk begins; null when the unique keys say it is there already. */
export async function insertRecording(
  sql: Sql,
  {
    source,
    status,
    at,
    ...changes
  }: { source: RecordingSource; status: "expected" | "announced" | "missing" | "deleted"; at: Date } & Changes,
): Promise<RecordingId | null> {
  const id = newId<RecordingId>(at.getTime());
  const { names, values } = columnsOf(changes);
  const { rows } = await sql.query<{ id: RecordingId }>(
    `insert into recordings (id, source, status, created_at, status_at${names.map((name) => `, ${name}`).join("")})
     values ($1, $2, $3, $4, $4${names.map((_, i) => `, $${i + 5}`).join("")}) on conflict do nothing returning id`,
    [id, source, status, at, ...values],
  );
  return rows[0]?.id ?? null;
}

/** Statuses from which the table leads to `to`. */
export const leadingTo = (to: StoredStatus): StoredStatus[] =>
  (Object.keys(recordingLeadsTo) as RecordingStatus[]).filter(
    (from): from is StoredStatus => from !== "none" && (recordingLeadsTo[from] as readonly RecordingStatus[]).includes(to),
  );

/**
 * Moves a recording to `to` if its status may lead there, with other columns, in the caller's transaction; the listeners are told.
 * False when the table does not allow it: whoever came second moves nothing.
 */
export async function move(sql: Sql, id: RecordingId, to: StoredStatus, changes: Changes = {}): Promise<boolean> {
  return write(sql, id, changes, to);
}

/** Changes columns and leaves the status. */
export async function change(sql: Sql, id: RecordingId, changes: Changes): Promise<boolean> {
  return write(sql, id, changes, null);
}

async function write(sql: Sql, id: RecordingId, changes: Changes, to: StoredStatus | null): Promise<boolean> {
  const { names, values } = columnsOf(changes);
  const sets = names.map((name, i) => `${name} = ${name === "detail" ? `detail || $${i + 4}::jsonb` : `$${i + 4}`}`);
  const { rows } = await sql.query<{ call_id: CallId | null }>(
    `update recordings set ${["status = coalesce($2, status)", "status_at = case when $2 is distinct from status and $2 is not null then now() else status_at end", "trouble = case when $2 is distinct from status and $2 is not null then null else trouble end", ...sets].join(", ")}
      where id = $1 and ($2::text is null or status = any($3)) returning call_id`,
    [id, to, to === null ? [] : leadingTo(to), ...values],
  );
  const call = rows[0]?.call_id;
  if (call) await notify(sql, { call_id: call, what: "recording" });
  return rows.length > 0;
}

function columnsOf({ detail, ...changes }: Changes): { names: string[]; values: unknown[] } {
  const fields = Object.entries(changes).filter(([, value]) => value !== undefined);
  const names = fields.map(([field]) => column[field as keyof typeof column] as string);
  const values = fields.map(([, value]) => value);
  if (detail) {
    names.push("detail");
    values.push(JSON.stringify(detail));
  }
  return { names, values };
}

/** Takes out of a row's detail what tells of its sound. */
export async function forgetDetail(sql: Sql, id: RecordingId): Promise<void> {
  await sql.query("update recordings set detail = detail - array['comparison', 'sound', 'evidence'] where id = $1", [id]);
}

/** Names objects of a recording that are to go, in the caller's transaction; they stay named until they are gone, whatever breaks off before. */
export async function nameToDelete(sql: Sql, id: RecordingId, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await sql.query("update recordings set to_delete = to_delete || $2::text[] where id = $1", [id, keys]);
}

/** What of a call's recordings is to go. `kept`: what a row names as its file or its original, which stays whatever else is said. */
export async function toDeleteOf(
  sql: Sql,
  call: CallId,
): Promise<{ id: RecordingId; deleted: boolean; keys: string[]; kept: (string | null)[] }[]> {
  const { rows } = await sql.query<{ id: RecordingId; deleted: boolean; keys: string[]; kept: (string | null)[] }>(
    `select id, status = 'deleted' as deleted, to_delete as keys, case when status = 'deleted' then '{}' else array[storage_key, sealed_key] end as kept
       from recordings where call_id = $1 and to_delete <> '{}'`,
    [call],
  );
  return rows;
}

/** What is gone, or is to stay after all, is no longer to go. */
export async function unnameToDelete(sql: Sql, id: RecordingId, keys: readonly string[]): Promise<void> {
  await sql.query("update recordings set to_delete = array(select k from unnest(to_delete) k where k <> all($2::text[])) where id = $1", [
    id,
    keys,
  ]);
}

/** Were recordings of this conversation announced before its call was known? */
export async function hasOrphans(sql: Sql, conversation: ConversationId): Promise<boolean> {
  return (
    ((await sql.query("select from recordings where call_id is null and conversation = $1 limit 1", [conversation])).rowCount ?? 0) > 0
  );
}

/** Locked: recordings of a conversation that was not known when they were announced. */
export async function orphansOf(sql: Sql, conversation: ConversationId): Promise<RecordingId[]> {
  const { rows } = await sql.query<{ id: RecordingId }>(
    "select id from recordings where call_id is null and conversation = $1 for update",
    [conversation],
  );
  return rows.map(({ id }) => id);
}

/** Removes the row that only said that a carrier's recording was to come: one that came takes its place. */
export async function dropExpected(sql: Sql, call: CallId): Promise<void> {
  await sql.query(
    "delete from recordings where call_id = $1 and source = 'carrier' and carrier_recording is null and status in ('expected', 'missing')",
    [call],
  );
}

/** Of which recording, as a sentence begins. */
const whose = {
  carrier: "The carrier's recording",
  journal: "Our own recording",
  engine: "The engine's recording",
} as const satisfies Record<RecordingSource, string>;

/** Writes what happened to a recording on its call's timeline; nowhere while the call is not known. `once` is made the recording's own. */
export async function tell(
  sql: Sql,
  recording: { id: RecordingId; call: CallId | null; source: RecordingSource },
  event: {
    at: Date;
    kind: string;
    said: string;
    actor?: CallEvent["actor"];
    because?: Reason;
    detail?: Record<string, unknown>;
    once?: string;
  },
): Promise<void> {
  if (!recording.call) return;
  const reason = event.because ? explain(event.because) : null;
  await recordEvent(sql, {
    call: recording.call,
    at: event.at,
    kind: `recording.${event.kind}`,
    actor: event.actor ?? "us",
    said: `${whose[recording.source]} ${event.said}`,
    detail: {
      recording: recording.id,
      source: recording.source,
      ...(reason ? { code: reason.code, remedy: reason.remedy } : {}),
      ...event.detail,
    },
    ...(event.once ? { once: `recording:${recording.id}:${event.once}` } : {}),
  });
}

/** What the room knows of a call when it judges a recording. */
export interface CallFacts {
  readonly id: CallId;
  readonly answeredAt: Date | null;
  readonly endedAt: Date | null;
  readonly conversation: ConversationId | null;
  /**
   * When it first left the conversation its recordings are of: to a person, or to hear an apology. An apology counts from when we asked for it: the
   * carrier tells of the move once, and whoever it told may be dead.
   */
  readonly movedAt: Date | null;
}

export async function callFacts(sql: Sql, call: CallId): Promise<CallFacts | null> {
  const { rows } = await sql.query<CallFacts>(
    `select c.id, c.answered_at as "answeredAt", c.ended_at as "endedAt", c.conversation,
       least((select min(e.at) from events e where e.call_id = c.id and e.kind = 'call.moved'),
         case when c.hangup_asked_by = 'us:engine_failed' then c.hangup_asked_at end) as "movedAt"
     from calls c where c.id = $1`,
    [call],
  );
  return rows[0] ?? null;
}
