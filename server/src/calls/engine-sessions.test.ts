import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { type CallId, newId } from "../ids.ts";
import { sessionDropped, sessionEnded, sessionReady, sessionsOf, sessionsOver } from "./engine-sessions.ts";
import { takeLease } from "./leases.ts";

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 12, 0, second));
async function newCall(): Promise<CallId> {
  const call = newId<CallId>();
  await database.pool.query(
    "insert into calls (id, direction, status, deadline_at) values ($1, 'outbound', 'in_progress', now() + interval '1 hour')",
    [call],
  );
  return call;
}
const opened = (session: string, second: number) => ({ engine: "evi", session, resume: "group", at: at(second) });

test("a call's sessions are those the caller talked with, in order: not one that was dropped, nor one of a process the audio never came to", async () => {
  const { pool } = database;
  const call = await newCall();
  const name = (one: string) => `${one}-${call}`;
  await sessionReady(pool, call, "bystander", opened(name("prepared"), 1));
  await sessionReady(pool, call, "carrier", opened(name("wrong rate"), 1));
  await sessionDropped(pool, "evi", name("wrong rate"), at(2));
  await sessionReady(pool, call, "carrier", opened(name("first"), 2));
  await takeLease(pool, call, "carrier");
  await sessionEnded(pool, "evi", name("first"), at(30));
  await sessionReady(pool, call, "carrier", opened(name("second"), 31));
  expect((await sessionsOf(pool, call)).map(({ session, endedAt }) => [session, endedAt])).toEqual([
    [name("first"), at(30)],
    [name("second"), null],
  ]);
});

test("told twice, or late, nothing is changed", async () => {
  const { pool } = database;
  const call = await newCall();
  await takeLease(pool, call, "carrier");
  const session = `s-${call}`;
  await sessionReady(pool, call, "carrier", opened(session, 1));
  await sessionReady(pool, call, "carrier", opened(session, 9));
  await sessionEnded(pool, "evi", session, at(20));
  await sessionsOver(pool, call, "carrier", at(40));
  expect(await sessionsOf(pool, call)).toEqual([{ engine: "evi", session, resume: "group", readyAt: at(1), endedAt: at(20) }]);
});
