import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { insertCall } from "../calls/store.ts";
import { type CallId, type LegId, newId } from "../ids.ts";
import { type Exchange, storeExchange } from "./exchanges.ts";

let db: FreshDatabase;
const call: CallId = newId();
beforeAll(async () => {
  db = await freshDatabase();
  const at = new Date();
  const nobody = { customerName: null, variables: {}, metadata: {}, agent: null, idempotencyKey: null, requestHash: null };
  await insertCall(db.pool, {
    ...nobody,
    id: call,
    direction: "inbound",
    status: "ringing",
    from: "+12025550106",
    to: "+12025550100",
    placedBy: "carrier",
    createdAt: at,
    deadlineAt: at,
    phoneLeg: "leg-1" as LegId,
    conversation: null,
    regionUrl: null,
  });
});
afterAll(() => db.drop());

describe("an exchange with the carrier", () => {
  const base: Exchange = {
    at: new Date(),
    method: "GET",
    url: "https://x.test/v1",
    request: null,
    status: 200,
    answer: null,
    tookMs: 1,
    trace: null,
  };
  it.each<[string, string, Partial<Exchange>]>([
    ["whose call is told", "its", { call }],
    ["whose request holds our mark", "its", { request: `{"event_url":["https://x.test/webhooks/vonage/event?call=${call}"]}` }],
    ["about its leg", "its", { url: "https://x.test/v1/calls/leg-1" }],
    ["about another leg", "no call's", { url: "https://x.test/v1/calls/leg-2" }],
    ["of a call that is not there any more", "no call's", { call: newId() }],
  ])("%s is in %s black box", async (_, whose, more) => {
    await storeExchange(db.pool, "vonage", { ...base, ...more });
    const { rows } = await db.pool.query("select call_id from exchanges order by id desc limit 1");
    expect(rows).toEqual([{ call_id: whose === "its" ? call : null }]);
    await db.pool.query("delete from exchanges");
  });
});
