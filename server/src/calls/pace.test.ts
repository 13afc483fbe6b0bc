import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { openPool } from "../db/pool.ts";
import { notePaceRefused, readPace, takePermit } from "./pace.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  // The turns as the database gave them: how late a busy machine hears of one says nothing about them.
  await db.pool.query(`
    create table turns (at timestamptz not null);
    create function note_turn() returns trigger language plpgsql as
      $$ begin insert into turns values (new.granted[cardinality(new.granted)]); return null; end $$;
    create trigger note_turn after update on carrier_rates for each row execute function note_turn()`);
});
afterEach(() => db.pool.query("truncate carrier_rates, turns"));
afterAll(() => db.drop());

/** When each permit may be used, ms since the first one's turn. */
async function permits(asked: readonly ("create" | "connect")[], pools = [db.pool]): Promise<number[]> {
  const waits = await Promise.all(asked.map((asking, i) => takePermit(pools[i % pools.length] ?? db.pool, "vonage", asking)));
  expect(waits.every((ms) => Number.isFinite(ms))).toBe(true);
  const { rows } = await db.pool.query<{ at: number }>(
    "select 1000 * extract(epoch from at - min(at) over ())::float8 as at from turns order by at",
  );
  expect(rows).toHaveLength(asked.length);
  return rows.map(({ at }) => at);
}

/** Makes the windows so long that the time a busy machine needs for a few questions is nothing in them. */
const LONG_MS = 600_000;
const windowsAreLong = () => db.pool.query("update carrier_rates set window_ms = $1", [LONG_MS]);

/** Most of them within any window of `ms`. */
function busiest(at: readonly number[], ms: number): number {
  return Math.max(...at.map((from) => at.filter((one) => one >= from && one < from + ms).length));
}

describe("permits to ask the carrier", () => {
  it("three may be used at once, the others wait: never more than three new legs in any second, whoever asks", async () => {
    const other = openPool(db.url, 4);
    const at = await permits([...Array(8).fill("create"), ...Array(14).fill("connect")], [db.pool, other]);
    await other.end();
    expect(busiest(at, 1_000)).toBe(3);
    // 8 calls, one in 1.2 s: none is wasted.
    expect(at.at(-1)).toBeLessThan(7 * 1_200 + 1_000);
  });

  it("are refused when the wait would be too long, and the refused take none", async () => {
    expect(await takePermit(db.pool, "vonage", "connect", 0)).toBe(0);
    await windowsAreLong();
    expect(await takePermit(db.pool, "vonage", "connect", 0)).toBe(0);
    expect(await takePermit(db.pool, "vonage", "connect", 0)).toBeNull();
    expect(await takePermit(db.pool, "vonage", "connect", 0)).toBeNull();
    const next = await takePermit(db.pool, "vonage", "connect", LONG_MS);
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThanOrEqual(LONG_MS);
  });

  it("of one kind do not hold up another kind, nor another carrier: who has picked up does not wait for calls to come", async () => {
    await permits(["create", "create", "create"]);
    expect(await takePermit(db.pool, "vonage", "connect", 0)).toBe(0);
    expect(await takePermit(db.pool, "vonage", "other", 0)).toBe(0);
    expect(await takePermit(db.pool, "another", "create", 0)).toBe(0);
  });

  it("after the carrier said too many, nobody asks before a whole window has passed", async () => {
    await takePermit(db.pool, "vonage", "create");
    await notePaceRefused(db.pool, "vonage", "create");
    await takePermit(db.pool, "vonage", "create");
    const { rows } = await db.pool.query<{ ms: number }>(
      "select 1000 * extract(epoch from granted[cardinality(granted)] - refused_at)::float8 as ms from carrier_rates",
    );
    expect(rows[0]?.ms).toBeGreaterThan(1_190);
    expect(await readPace(db.pool)).toMatchObject([
      { name: "vonage create", most: 1, windowMs: 1_200, refused: 1, free: 0, refusedAt: expect.any(Date) },
    ]);
  });

  it("follow the account's own limit when its row says so", async () => {
    await takePermit(db.pool, "vonage", "create");
    await windowsAreLong();
    await db.pool.query("update carrier_rates set most = 10");
    for (let i = 0; i < 9; i++) expect(await takePermit(db.pool, "vonage", "create", 0)).toBe(0);
    expect(await takePermit(db.pool, "vonage", "create", 0)).toBeNull();
    await db.pool.query("update carrier_rates set most = 2");
    const wait = (await takePermit(db.pool, "vonage", "create", LONG_MS)) ?? 0;
    expect(wait).toBeGreaterThan(LONG_MS / 2);
  });
});
