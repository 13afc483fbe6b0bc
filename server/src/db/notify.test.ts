import type { LiveChange } from "@earshot/contract/call";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { newId } from "../ids.ts";
import { listen, notify } from "./notify.ts";
import { inTransaction } from "./pool.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const change = (what: LiveChange["what"]): LiveChange => ({ call_id: newId(), what });

test("a change is heard after its transaction, and never of one that was rolled back", async () => {
  const heard: LiveChange[] = [];
  const ear = await listen(database.url, (change) => heard.push(change));
  const [undone, done] = [change("call"), change("recording")];
  await inTransaction(database.pool, async (sql) => {
    await notify(sql, undone);
    throw new Error("no");
  }).catch(() => {});
  await inTransaction(database.pool, (sql) => notify(sql, done));
  await expect.poll(() => heard).toEqual([done]);
  await ear.close();
});

test("what is not a change is not passed on", async () => {
  const heard: LiveChange[] = [];
  const ear = await listen(database.url, (change) => heard.push(change));
  await database.pool.query("select pg_notify('earshot_live', 'nonsense'), pg_notify('earshot_live', '{\"what\":\"call\"}')");
  const real = change("event");
  await notify(database.pool, real);
  await expect.poll(() => heard).toEqual([real]);
  await ear.close();
});

test("a listener whose connection is cut listens again and tells that it missed some", async () => {
  const heard: LiveChange[] = [];
  let missed = 0;
  const ear = await listen(
    database.url,
    (change) => heard.push(change),
    () => missed++,
  );
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'earshot listen'",
  );
  await expect.poll(() => missed).toBe(1);
  const after = change("utterance");
  await notify(database.pool, after);
  await expect.poll(() => heard).toEqual([after]);
  await ear.close();
});

test("a listener that cannot connect at first says so, and a closed one hears nothing more", async () => {
  await expect(listen("postgres://nobody@127.0.0.1:1/nowhere", () => {})).rejects.toThrow();
  const heard: LiveChange[] = [];
  const closed = await listen(database.url, (change) => heard.push(change));
  await closed.close();
  const still: LiveChange[] = [];
  const open = await listen(database.url, (change) => still.push(change));
  await notify(database.pool, change("call"));
  await expect.poll(() => still.length).toBe(1);
  expect(heard).toEqual([]);
  await open.close();
});
