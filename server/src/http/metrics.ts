import { Gauge, Registry } from "prom-client";
import { z } from "zod";
import type { Sql } from "../db/pool.ts";
import type { Door, DoorParts } from "./door.ts";
import { reading } from "./reading.ts";

/**
 * What another room counts: of each row every number becomes a gauge `earshot_<room>_<name>`, and its texts become the labels.
 * `{ room: "jobs", read: () => [{ queue: "fetch", oldestDueSeconds: 3 }] }` is `earshot_jobs_oldest_due_seconds{queue="fetch"} 3`.
 */
export interface RoomMetrics {
  readonly room: string;
  read(): object | readonly object[] | Promise<object | readonly object[]>;
}

/** Several scrapers, or an impatient one, share one reading. */
const FRESH_MS = 5_000;
const DAY_MS = 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

/** /metrics in Prometheus' text format: what the database says, and what the other rooms count. */
export function metricsRoutes(door: Door, parts: DoorParts): void {
  const own = new Registry();
  const read = readings(own);
  let freshUntilMs = 0;
  let underway: Promise<void> | null = null;

  const rooms = (parts.metrics ?? []).map((room) => roomReadings(room, own));

  const refresh = (): Promise<void> => {
    if (parts.clock.monotonicMs() < freshUntilMs) return Promise.resolve();
    underway ??= Promise.all([reading(parts.pool, (sql) => read(sql, parts.clock.now())), ...rooms.map((readRoom) => readRoom())])
      .then(() => {
        freshUntilMs = parts.clock.monotonicMs() + FRESH_MS;
      })
      .finally(() => {
        underway = null;
      });
    return underway;
  };

  door.get(
    "/metrics",
    {
      config: { access: { needs: "metrics.read", orLoopback: true }, quiet: true },
      schema: {
        summary: "Prometheus metrics",
        tags: ["operation"],
        response: { 200: { description: "Text exposition format.", content: { "text/plain": { schema: z.string() } } } },
      },
    },
    async (_request, reply) => {
      await refresh();
      return reply.type(own.contentType).send(await own.metrics());
    },
  );
}

/** Every gauge, and how it is read. Windows of time are cut by UUIDv7, whose first 48 bits are the millisecond: the primary key is the index. */
function readings(registry: Registry): (sql: Sql, now: Date) => Promise<void> {
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const open = gauge("earshot_calls_open", "Calls not ended, by status", ["status"]);
  const ended = gauge("earshot_calls_ended_24h", "Calls made in the last 24 hours that ended, by reason", ["reason"]);
  const webhooks = gauge("earshot_webhooks_1h", "Requests of the carrier in the last hour, by verdict", ["verdict"]);
  const webhookAge = gauge("earshot_webhooks_pending_age_seconds", "Age of the oldest request of the carrier not yet understood");
  const recordings = gauge("earshot_recordings", "Recordings, by source and status", ["source", "status"]);
  const recordingAge = gauge("earshot_recordings_waiting_age_seconds", "Age of the oldest recording not yet there and not given up");
  const overdue = gauge("earshot_calls_overdue", "Open calls past their deadline: the watchdog is late");

  const fill = async (sql: Sql, into: Gauge<string>, text: string, values: unknown[] = []): Promise<void> => {
    const { rows } = await sql.query<{ labels: Record<string, string>; value: number }>(text, values);
    into.reset();
    for (const { labels, value } of rows) into.set(labels, value);
  };

  return async (sql, now) => {
    const since = (ms: number) => firstIdOf(now.getTime() - ms);
    await fill(
      sql,
      open,
      "select json_build_object('status', status) as labels, count(*)::int as value from calls where status <> 'ended' group by status",
    );
    await fill(
      sql,
      overdue,
      "select '{}'::json as labels, count(*)::int as value from calls where status <> 'ended' and deadline_at < $1",
      [now],
    );
    await fill(
      sql,
      ended,
      "select json_build_object('reason', end_reason) as labels, count(*)::int as value from calls where created_at > $1 and status = 'ended' group by end_reason",
      [new Date(now.getTime() - DAY_MS)],
    );
    await fill(
      sql,
      webhooks,
      "select json_build_object('verdict', verdict) as labels, count(*)::int as value from webhooks where id > $1 group by verdict",
      [since(HOUR_MS)],
    );
    await fill(
      sql,
      webhookAge,
      "select '{}'::json as labels, coalesce(extract(epoch from $1::timestamptz - min(received_at)), 0)::float8 as value from webhooks where verdict = 'pending'",
      [now],
    );
    await fill(
      sql,
      recordings,
      "select json_build_object('source', source, 'status', status) as labels, count(*)::int as value from recordings group by source, status",
    );
    await fill(
      sql,
      recordingAge,
      `select '{}'::json as labels, coalesce(extract(epoch from $1::timestamptz - min(created_at)), 0)::float8 as value
       from recordings where status in ('expected', 'announced', 'fetching')`,
      [now],
    );
  };
}

function roomReadings({ room, read }: RoomMetrics, registry: Registry): () => Promise<void> {
  const gauges = new Map<string, Gauge<string>>();
  return async () => {
    for (const gauge of gauges.values()) gauge.reset();
    for (const row of [await read()].flat()) {
      const labels = Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value === "string"));
      for (const [key, value] of Object.entries(row)) {
        if (typeof value !== "number") continue;
        const name = `earshot_${room}_${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
        const gauge =
          gauges.get(name) ?? new Gauge({ name, help: `${room}: ${key}`, labelNames: Object.keys(labels), registers: [registry] });
        gauges.set(name, gauge);
        gauge.set(labels, value);
      }
    }
  };
}

/** The smallest UUIDv7 of a millisecond. */
function firstIdOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
