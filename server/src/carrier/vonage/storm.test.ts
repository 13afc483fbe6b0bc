import { createHash, createHmac, randomUUID } from "node:crypto";
import fastify from "fastify";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { systemClock } from "../../clock.ts";
import { type CallId, newId } from "../../ids.ts";
import { vonageDoor } from "./door.ts";
import { openInbox } from "./inbox.ts";
import { chance, jumbled } from "./test-stories.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const log = pino({ level: "silent" });
let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
function signed(body: string): string {
  const payload_hash = createHash("sha256").update(body).digest("hex");
  const claims = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: Math.floor(Date.now() / 1000), jti: randomUUID(), iss: "Vonage", payload_hash })}`;
  return `Bearer ${claims}.${createHmac("sha256", SECRET).update(claims).digest("base64url")}`;
}

/** Seven in five of their webhooks are sent: 10,000. */
const CALLS = 1_800;
const seed = 20_260_304;

it("a storm of doubled, shuffled and replayed webhooks over several calls and two servers: none is lost, none applied twice", {
  timeout: 600_000,
}, async () => {
  const open = () => {
    const inbox = openInbox({ pool: db.pool, clock: systemClock, log, hooks: {}, everyMs: 1e9 });
    const app = fastify();
    const keys = { secret: SECRET, apiKey: null, applicationId: null };
    app.register(
      vonageDoor({
        pool: db.pool,
        clock: systemClock,
        log,
        keys,
        inbox,
        hooks: {},
        publicUrl: "https://calls.example.com",
        number: "+12025550100",
        apiUrl: "https://api.nexmo.com",
        engineRates: {},
      }),
    );
    return { inbox, app };
  };
  const servers = [open(), open()];
  await Promise.all(servers.map(({ app }) => app.ready()));

  const started = Date.now();
  const calls = Array.from({ length: CALLS }, () => newId<CallId>());
  for (const call of calls) {
    await db.pool.query(
      `insert into calls (id, direction, status, from_number, to_number, dialed_at, deadline_at) values ($1, 'outbound', 'dialing', '+12025550100', '+12025550101', now(), now() + interval '1 hour')`,
      [call],
    );
  }
  const requests = calls.flatMap((call) => {
    const leg = { from: "12025550100", to: "12025550101", uuid: `leg-${call}`, conversation_uuid: `CON-${call}`, direction: "outbound" };
    const word = (status: string, afterMs: number, more: object = {}) => {
      const body = JSON.stringify({ ...leg, status, timestamp: new Date(started + afterMs).toISOString(), ...more });
      return { url: `/webhooks/vonage/event?call=${call}`, body, authorization: signed(body) };
    };
    return [
      word("started", 0),
      word("ringing", 100),
      word("answered", 2_000),
      word("completed", 9_000, { duration: "7", price: "0.01", disconnected_by: "user" }),
    ];
  });
  const storm = jumbled(requests, chance(seed));
  expect(storm.length).toBeGreaterThan(10_000);
  const queue = [...storm];
  const statuses: number[] = [];
  const send = async (): Promise<void> => {
    for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
      const { app } = servers[queue.length % 2] as (typeof servers)[0];
      const answer = await app.inject({
        method: "POST",
        url: one.url,
        payload: one.body,
        headers: { "content-type": "application/json", authorization: one.authorization },
      });
      statuses.push(answer.statusCode);
    }
  };
  await Promise.all(Array.from({ length: 16 }, send));
  await Promise.all(servers.map(({ inbox }) => inbox.sweep(true)));
  await Promise.all(servers.map(({ inbox }) => inbox.sweep(true)));
  await Promise.all(servers.flatMap(({ inbox, app }) => [inbox.close(), app.close()]));

  expect(new Set(statuses)).toEqual(new Set([204]));
  const { rows: kept } = await db.pool.query(
    "select count(*) as n, count(*) filter (where verdict = 'pending') as pending, count(*) filter (where verdict = 'duplicate') as doubled from webhooks",
  );
  expect(kept).toEqual([{ n: storm.length, pending: 0, doubled: storm.length - requests.length }]);
  const { rows: ends } = await db.pool.query(
    "select status, end_reason, count(*) as n, sum(extract(epoch from ended_at - answered_at))::float8 as talk from calls group by 1, 2",
  );
  expect(ends).toEqual([{ status: "ended", end_reason: "caller_hung_up", n: CALLS, talk: CALLS * 7 }]);
  const { rows: told } = await db.pool.query("select count(*) as n from events where kind = 'call.ended'");
  expect(told).toEqual([{ n: CALLS }]);
});
