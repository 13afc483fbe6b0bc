import type { CallEvent } from "@earshot/contract/call";
import { notify } from "../db/notify.ts";
import type { Sql } from "../db/pool.ts";
import { type CallId, newId, type WebhookId } from "../ids.ts";

/** One row of a call's timeline. */
export interface NewEvent {
  readonly call: CallId;
  readonly at: Date;
  /** Past tense, dotted: call.answered, audio.lost ... */
  readonly kind: string;
  readonly actor: CallEvent["actor"];
  /** One plain sentence. */
  readonly said: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  /** The webhook that told us. */
  readonly webhook?: WebhookId | null;
  /** A name that makes the same fact of this call land once. */
  readonly once?: string;
}

/** Writes an event and tells the listeners; false when its `once` was there already. Part of the caller's transaction. */
export async function recordEvent(sql: Sql, event: NewEvent): Promise<boolean> {
  const { rowCount } = await sql.query(
    `insert into events (id, call_id, at, kind, actor, said, detail, webhook_id, once)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (call_id, once) do nothing`,
    [
      newId(),
      event.call,
      event.at,
      event.kind,
      event.actor,
      event.said,
      JSON.stringify(event.detail ?? {}),
      event.webhook ?? null,
      event.once ?? null,
    ],
  );
  if (rowCount === 0) return false;
  await notify(sql, { call_id: event.call, what: "event" });
  return true;
}
