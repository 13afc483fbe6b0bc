import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { audioStarted } from "../calls/load.ts";
import { type CallId, newId } from "../ids.ts";
import { openChronicle } from "./chronicle.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const call = newId<CallId>();
const silent = { warn() {} };
/** A deed that is under way until it is told to be done. */
function slow() {
  let done = (): void => {};
  const over = new Promise<void>((resolve) => {
    done = resolve;
  });
  return { deed: () => over, done: () => done() };
}
const away = (): Promise<never> => Promise.reject(new Error("connect ECONNREFUSED"));

test("a deed asked for in answer to the last one is done, though nothing else follows", async () => {
  const chronicle = openChronicle(silent);
  for (let round = 0; round < 20; round++) {
    await chronicle.after(call, async () => {});
    expect(await chronicle.after(call, async () => "done")).toBe("done");
  }
  await chronicle.close();
});

test("what is asked for one call is done in order", async () => {
  const chronicle = openChronicle(silent);
  const done: number[] = [];
  const first = slow();
  void chronicle.after(call, first.deed).then(() => done.push(0));
  for (let i = 1; i < 5; i++) void chronicle.after(call, async () => void done.push(i));
  first.done();
  await chronicle.written(call);
  expect(done).toEqual([0, 1, 2, 3, 4]);
  await chronicle.close();
});

test("a row of one call that somebody holds delays no other call's start", async () => {
  const chronicle = openChronicle(silent);
  const [held, free] = [newId<CallId>(), newId<CallId>()];
  for (const id of [held, free])
    await db.pool.query(
      "insert into calls (id, direction, status, deadline_at) values ($1, 'inbound', 'in_progress', now() + interval '1 hour')",
      [id],
    );
  const holder = await db.pool.connect();
  await holder.query("begin");
  await holder.query("select from calls where id = $1 for update", [held]);
  let started = false;
  const late = chronicle
    .after(held, () => audioStarted(db.pool, held, "a", new Date()))
    .then(() => {
      started = true;
    });
  expect(await chronicle.after(free, () => audioStarted(db.pool, free, "a", new Date()))).toBeInstanceOf(Date);
  expect(
    await chronicle.load(
      free,
      async () => "loaded",
      () => true,
    ),
  ).toBe("loaded");
  expect(started).toBe(false);
  await holder.query("commit");
  holder.release();
  await late;
  await chronicle.close();
});

test("a call of which too much waits leaves the rest to its journal, and no other call anything", async () => {
  const chronicle = openChronicle(silent);
  const other = newId<CallId>();
  const first = slow();
  let written = 0;
  void chronicle.after(call, first.deed);
  for (let i = 0; i < 1_500; i++) chronicle.keep(call, async () => void written++);
  chronicle.keep(other, async () => void written++);
  first.done();
  await Promise.all([chronicle.written(call), chronicle.written(other)]);
  expect(written).toBe(1_000);
  expect([chronicle.leftToJournal(call), chronicle.leftToJournal(other)]).toEqual([true, false]);
  expect(chronicle.leftToJournal(call)).toBe(false);
  await chronicle.close();
});

test("with the database away, what is written waits and is tried again, and what is given up at the end is left to the journal", async () => {
  const chronicle = openChronicle(silent);
  let tries = 0;
  const third = await chronicle.after(call, () => (++tries < 3 ? away() : Promise.resolve("there")));
  expect([third, chronicle.leftToJournal(call)]).toEqual(["there", false]);
  const never = chronicle.after(call, away);
  await chronicle.close();
  expect(await never).toBe(null);
  expect(chronicle.leftToJournal(call)).toBe(true);
});

test("what a call waits for is asked no more when the call is over", async () => {
  const chronicle = openChronicle(silent);
  let wanted = true;
  let tries = 0;
  const loaded = chronicle.load(
    call,
    () => {
      tries++;
      return away();
    },
    () => wanted,
  );
  await vi.waitFor(() => expect(tries).toBeGreaterThan(0));
  wanted = false;
  expect(await loaded).toBe(null);
  await chronicle.close();
});
