import type { CallEvent } from "@earshot/contract/call";
import { notifyAll } from "../db/notify.ts";
import type { Sql } from "../db/pool.ts";
import { recordset } from "../db/recordset.ts";
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
  return (await recordEvents(sql, [event])) === 1;
}

/** The same for several events, of several calls, in one statement. Returns how many were not there already. */
export async function recordEvents(sql: Sql, events: readonly NewEvent[]): Promise<number> {
  if (events.length === 0) return 0;
  const { rows } = await sql.query<{ call: CallId }>({
    name: "record events",
    text: `insert into events (id, call_id, at, kind, actor, said, detail, webhook_id, once)
      select id, call_id, at, kind, actor, said, detail, webhook_id, once from jsonb_to_recordset($1)
        as e (id uuid, call_id uuid, at timestamptz, kind text, actor text, said text, detail jsonb, webhook_id uuid, once text)
      on conflict (call_id, once) do nothing returning call_id as call`,
    values: [
      recordset(
        events.map(({ call, webhook, detail, ...event }) => ({
          ...event,
          id: newId(),
          call_id: call,
          detail: detail ?? {},
          webhook_id: webhook ?? null,
        })),
      ),
    ],
  });
  await notifyAll(
    sql,
    rows.map(({ call }) => ({ call_id: call, what: "event" })),
  );
  return rows.length;
}
