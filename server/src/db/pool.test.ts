import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { inTransaction, openPool } from "./pool.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  await database.pool.query("create table pond (fish bigint)");
});
afterAll(() => database.drop());

const fish = async (): Promise<number[]> =>
  (await database.pool.query<{ fish: number }>("select fish from pond order by 1")).rows.map((row) => row.fish);

test("a transaction is kept when it ends well, and bigint comes as number", async () => {
  const answer = await inTransaction(database.pool, async (sql) => {
    await sql.query("insert into pond values (9007199254740991)");
    return "done";
  });
  expect(answer).toBe("done");
  expect(await fish()).toEqual([Number.MAX_SAFE_INTEGER]);
});

test("a transaction that throws leaves nothing, throws the same thing, and gives its connection back", async () => {
  const narrow = openPool(database.url, 1);
  const why = new Error("the pond is full");
  await expect(
    inTransaction(narrow, async (sql) => {
      await sql.query("insert into pond values (2)");
      throw why;
    }),
  ).rejects.toBe(why);
  expect((await narrow.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await fish()).not.toContain(2);
  await narrow.end();
});

test("a connection lost inside a transaction is not used again", async () => {
  const narrow = openPool(database.url, 1);
  await expect(inTransaction(narrow, (sql) => sql.query("select pg_terminate_backend(pg_backend_pid())"))).rejects.toThrow();
  expect((await narrow.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await narrow.end();
});
