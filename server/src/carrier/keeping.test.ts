import { afterAll, beforeAll, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { setLineKept } from "../calls/line-kept.ts";
import { newId } from "../ids.ts";
import { trimLine } from "./keeping.ts";

let db: FreshDatabase;
const now = new Date("2026-06-01T00:00:00Z");
const daysAgo = (days: number): Date => new Date(now.getTime() - days * 86_400_000);
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function call(status: "ended" | "in_progress"): Promise<string> {
  const id = newId();
  await db.pool.query(
    "insert into calls (id, direction, status, ended_at, end_reason, deadline_at) values ($1, 'inbound', $2, $3, $4, $5)",
    [id, status, ...(status === "ended" ? [daysAgo(100), "lost", null] : [null, null, now])],
  );
  return id;
}
async function told(of: string | null, days: number, verdict = "applied"): Promise<void> {
  await db.pool.query(
    "insert into webhooks (id, received_at, carrier, door, method, url, headers, body, verdict, call_id) values ($1, $2, 'vonage', 'event', 'POST', '/', '{}', '', $3, $4)",
    [newId(), daysAgo(days), verdict, of],
  );
  if (verdict === "applied")
    await db.pool.query(
      "insert into exchanges (id, at, carrier, call_id, method, url, took_ms) values ($1, $2, 'vonage', $3, 'GET', '/', 1)",
      [newId(), daysAgo(days), of],
    );
}
const left = async () =>
  (await db.pool.query("select (select count(*)::int from webhooks) as webhooks, (select count(*)::int from exchanges) as exchanges"))
    .rows[0];

it("the carrier's requests are kept as long as the setting says; those of running and held calls, and what waits, stay", async () => {
  const [over, running, held] = [await call("ended"), await call("in_progress"), await call("ended")];
  await db.pool.query("insert into holds (id, call_id, why, placed_at, placed_by) values ($1, $2, 'A dispute.', now(), 'us')", [
    newId(),
    held,
  ]);
  for (const one of [over, running, held]) for (const days of [10, 100]) await told(one, days);
  await told(over, 100, "pending");
  await told(null, 31);
  await told(null, 29);
  expect(await trimLine(db.pool, now)).toEqual({ webhooks: 1, exchanges: 1 });
  expect(await left()).toEqual({ webhooks: 8, exchanges: 7 });
  await setLineKept(db.pool, { webhooks_days: 90, exchanges_days: null });
  expect(await trimLine(db.pool, now)).toEqual({ webhooks: 1, exchanges: 0 });
  await setLineKept(db.pool, { webhooks_days: 90, exchanges_days: 5 });
  expect(await trimLine(db.pool, now)).toEqual({ webhooks: 0, exchanges: 2 });
  expect(await left()).toEqual({ webhooks: 7, exchanges: 5 });
});
