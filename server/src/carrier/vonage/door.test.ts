import { createHash, createHmac, randomUUID } from "node:crypto";
import { type AgentSettings, LineRules } from "@earshot/contract/agent";
import type { OpeningHours } from "@earshot/contract/opening-hours";
import fastify, { type FastifyInstance } from "fastify";
import type pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { ensureFirstAgent } from "../../agents/first.ts";
import { agentForCall, changeAgent, createAgent, type LoadedAgent } from "../../agents/store.ts";
import { placeCall } from "../../calls/place.ts";
import { redeemSocketToken } from "../../calls/socket-token.ts";
import { insertTransfer } from "../../calls/transfers.ts";
import { startWatchdog } from "../../calls/watchdog.ts";
import { inTransaction, openPool } from "../../db/pool.ts";
import type { CallId, LegId } from "../../ids.ts";
import type { Carrier } from "../port.ts";
import { doors, vonageDoor } from "./door.ts";
import { type Inbox, openInbox } from "./inbox.ts";
import { CONVERSATION, chance, INBOUND_PHONE, jumbled, type Story, stories, type Told } from "./test-stories.ts";

/** What stands behind a connect: the carrier tries again until a server has started. */
const tries = [
  "talk",
  "wait",
  "connect",
  "wait",
  "connect",
  "wait",
  "connect",
  "talk",
  "wait",
  "connect",
  "wait",
  "connect",
  "wait",
  "connect",
];
const SECRET = "0123456789abcdef0123456789abcdef";
const API_KEY = "abcd1234";
const PUBLIC = "https://calls.example.com";
const log = pino({ level: "silent" });
/** Stands still in the stories' day; tests move it. */
let now = new Date("2026-03-04T10:01:30.000Z");
const clock = { now: () => now, monotonicMs: () => 0 };

let db: FreshDatabase;
let app: FastifyInstance;
let inbox: Inbox;
let told: string[] = [];

beforeAll(async () => {
  db = await freshDatabase();
  await ensureFirstAgent(db.pool);
});
/** How many legs may be connected in a second. Calls are placed as fast as it goes. */
const connects = (most: number, windowMs: number) =>
  db.pool.query(
    `insert into carrier_rates (name, most, window_ms) values ('vonage connect', $1, $2), ('silent create', 1000, 1)
     on conflict (name) do update set most = excluded.most, window_ms = excluded.window_ms, granted = '{}'`,
    [most, windowMs],
  );
beforeEach(async () => {
  await connects(1_000, 1);
  told = [];
  now = new Date("2026-03-04T10:01:30.000Z");
  await start();
});
afterEach(async () => {
  await stop();
  await db.pool.query(
    "delete from events; delete from legs; delete from socket_tokens; delete from recordings; delete from webhooks; delete from exchanges; delete from transfers; delete from consents; delete from calls",
  );
});
afterAll(() => db.drop());

async function start(pool: pg.Pool = db.pool): Promise<void> {
  const hooks = {
    onDialing: (call: CallId) => told.push(`dialing ${call}`),
    onMachine: (call: CallId) => told.push(`machine ${call}`),
    onTransferred: (call: CallId) => told.push(`transferred ${call}`),
    onAnswered: (call: CallId) => told.push(`answered ${call}`),
    onEnded: (call: CallId) => told.push(`ended ${call}`),
    onRecorded: () => told.push("recorded"),
  };
  inbox = openInbox({ pool, clock, log, hooks, everyMs: 1e9 });
  app = fastify();
  const keys = { secret: SECRET, apiKey: API_KEY, applicationId: null };
  await app.register(
    vonageDoor({
      pool,
      clock,
      log,
      keys,
      inbox,
      hooks,
      publicUrl: PUBLIC,
      number: "+12025550100",
      apiUrl: "https://api.nexmo.com",
      engineRates: { evi: [24_000, 16_000] },
    }),
  );
  await app.ready();
}

async function stop(): Promise<void> {
  await app.close();
  await inbox.close();
}

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
function bearer(payload: string, claims: object = {}): string {
  const iat = Math.floor(now.getTime() / 1000);
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat, jti: randomUUID(), iss: "Vonage", payload_hash: sha(payload), api_key: API_KEY, ...claims })}`;
  return `Bearer ${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

/** Time passes: what comes later is later in the table too. */
const passes = (ms = 1): void => {
  now = new Date(now.getTime() + ms);
};

async function post(url: string, body: string | object, authorization?: string) {
  passes();
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  return app.inject({
    method: "POST",
    url,
    payload,
    headers: { "content-type": "application/json", authorization: authorization ?? bearer(payload) },
  });
}
async function get(path: string, fields: Record<string, string>) {
  const query = new URLSearchParams(fields).toString();
  return app.inject({ method: "GET", url: `${path}?${query}`, headers: { authorization: bearer(JSON.stringify(fields)) } });
}

async function callRow(call: CallId) {
  const { rows } = await db.pool.query("select * from calls where id = $1", [call]);
  return rows[0];
}
async function verdicts(): Promise<string[]> {
  const { rows } = await db.pool.query("select verdict from webhooks order by received_at, id");
  return rows.map(({ verdict }) => verdict);
}
async function kinds(call: CallId): Promise<string[]> {
  const { rows } = await db.pool.query("select kind from events where call_id = $1 order by at, id", [call]);
  return rows.map(({ kind }) => kind);
}

const silent: Carrier = {
  name: "silent",
  dial: async () => ({ dialed: "unknown", text: "Nobody answers here." }),
  hangUp: async () => {},
  legState: async () => null,
  openRecording: async () => {
    throw new Error("no recordings here");
  },
  mayFetch: () => false,
};

async function outbound(): Promise<CallId> {
  const dialing = new Set<Promise<void>>();
  const at = now;
  now = new Date("2026-03-04T10:00:00.000Z");
  const call = await placeCall(
    { owner: "process-1", pool: db.pool, carrier: silent, number: "+12025550100", clock, log, dialing },
    { to: "+12025550101" },
    { actor: "user:x", idempotencyKey: null },
  );
  await Promise.all(dialing);
  now = at;
  return call;
}

const question = { to: "12025550100", from: "12025550106", uuid: INBOUND_PHONE, conversation_uuid: CONVERSATION };

describe("who knocks at the carrier's door", () => {
  const paths = Object.entries(doors).flatMap(([door, urls]) => urls.flatMap((url) => [[door, url] as const, [door, `${url}/`] as const]));

  it.each(paths)("%s at %s: unsigned is 401, and only that is kept", async (door, url) => {
    for (const method of ["GET", "POST"] as const) {
      const answer = await app.inject({ method, url, ...(method === "POST" ? { payload: question } : {}) });
      expect(answer.statusCode).toBe(401);
    }
    const { rows } = await db.pool.query("select door, verdict, because from webhooks");
    expect(rows).toEqual(Array(2).fill({ door, verdict: "bad_signature", because: "No Authorization header with a Bearer token." }));
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
  });

  it.each(paths.filter(([door]) => door === "answer" || door === "fallback"))("%s at %s: signed gets JSON instructions", async (_, url) => {
    const answer = await post(url, question);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.json().some(({ action }: { action: string }) => action === "connect")).toBe(true);
  });

  it.each(paths.filter(([door]) => door === "event" || door === "recording"))("%s at %s: signed gets an empty answer", async (_, url) => {
    const answer = await post(url, (stories[0] as Story).webhooks[1]?.body ?? "");
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe("");
  });

  it("a body that was changed on the way, an old one, and another account's are refused with their reason", async () => {
    const body = JSON.stringify(question);
    await post("/webhooks/vonage/answer", body.replace("0106", "0107"), bearer(body));
    await post("/webhooks/vonage/answer", body, bearer(body, { iat: Math.floor(now.getTime() / 1000) - 400 }));
    await post("/webhooks/vonage/answer", body, bearer(body, { api_key: "other" }));
    const { rows } = await db.pool.query("select because from webhooks where verdict = 'bad_signature' order by received_at, id");
    expect(rows.map(({ because }) => because)).toEqual([
      "The payload is not the one that was signed.",
      "The token is older than five minutes, or the clocks differ by that much.",
      "The token names another account's API key.",
    ]);
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
  });

  it("of many refused requests a bounded number is kept", async () => {
    for (let i = 0; i < 80; i++) await app.inject({ method: "POST", url: "/webhooks/vonage/event", payload: { i } });
    expect((await db.pool.query("select from webhooks")).rowCount).toBe(60);
  });

  it("a body of 10 MB is refused before it is read", async () => {
    const body = `{"x":"${"x".repeat(10_000_000)}"}`;
    expect((await post("/webhooks/vonage/event", body)).statusCode).toBe(413);
    expect(await verdicts()).toEqual([]);
  });

  it("a question for our proof without a nonce is told what is asked here, not that a signature is wrong", async () => {
    const answer = await app.inject({ url: "/webhooks/vonage/self?nonce=1" });
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ code: "PROOF_UNREADABLE" });
  });

  it("the same token at another address is a replay", async () => {
    const call = await outbound();
    const body = (stories[0] as Story).webhooks[1]?.body ?? "";
    const token = bearer(body);
    expect((await post(`/webhooks/vonage/event?call=${call}`, body, token)).statusCode).toBe(204);
    expect((await post(`/webhooks/vonage/event?call=${await outbound()}`, body, token)).statusCode).toBe(401);
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied", "bad_signature"]);
  });

  it("tokens that open audio and the signature itself are not kept", async () => {
    const body = (stories[0] as Story).webhooks[3]?.body ?? "";
    const token = bearer(body);
    await post("/webhooks/vonage/event?to=wss%3A%2F%2Fx%2Fmedia%2Fvonage%2Fsecret", body, token);
    const { rows } = await db.pool.query("select url, headers::text from webhooks");
    expect(rows[0].url).not.toContain("secret");
    expect(rows[0].headers).not.toContain(token.slice(-20));
    expect(rows[0].headers).toContain("payloadHash");
  });
});

describe("people who pick up at the same moment", () => {
  const opening = (answer: { json(): unknown }) => {
    const ncco = answer.json() as { action: string; timeout?: number }[];
    return ncco.slice(0, ncco.findIndex(({ action }) => action === "connect") + 1);
  };
  const somebody = (i: number) => ({
    ...question,
    uuid: `${String(i).repeat(8)}-0000-4000-8000-000000000001`,
    conversation_uuid: `CON-${i}`,
  });

  it("are connected as fast as the carrier takes legs: who is too many waits in the carrier's hands, recorded", async () => {
    await connects(2, 1_200);
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 5; i++) {
      const ncco = opening(await post("/webhooks/vonage/answer", somebody(i)));
      expect(ncco.map(({ action }) => action)).toEqual(["record", ...(waits.length < 2 ? [] : ["wait"]), "connect"]);
      waits.push(ncco[1]?.timeout);
    }
    expect(waits.slice(0, 2)).toEqual([undefined, undefined]);
    for (const [i, wait] of waits.slice(2).entries()) expect(wait).toBeLessThanOrEqual(i < 2 ? 1.21 : 2.41);
  });

  it("are not kept in silence for long: far too many are connected at once, with further tries behind it", async () => {
    await connects(1, 60_000);
    for (const i of [1, 2])
      expect(opening(await post("/webhooks/vonage/answer", somebody(i))).map(({ action }) => action)).toEqual(["record", "connect"]);
  });
});

describe("an inbound call", () => {
  it("to an agent whose engine is not configured hears an apology, and ends with that as its cause", async () => {
    await db.pool.query(`update agent_versions set settings = settings || '{"engine": "openai"}'`);
    const answer = (await post("/webhooks/vonage/answer", question)).json();
    await db.pool.query(`update agent_versions set settings = settings || '{"engine": "evi"}'`);
    expect(answer.map(({ action }: { action: string }) => action)).toEqual(["talk"]);
    passes(2_000);
    await post("/webhooks/vonage/event", {
      from: question.from,
      to: question.to,
      uuid: INBOUND_PHONE,
      conversation_uuid: CONVERSATION,
      status: "completed",
      direction: "inbound",
      duration: "2",
      disconnected_by: "platform",
      timestamp: now.toISOString(),
    });
    await inbox.sweep(true);
    expect((await db.pool.query("select status, end_reason, end_detail from calls")).rows).toEqual([
      { status: "ended", end_reason: "engine_failed", end_detail: "The engine openai is not configured." },
    ]);
    expect(told.filter((one) => one.startsWith("dialing"))).toEqual([]);
  });

  it.each(["GET", "POST"])("asked for by %s has its row before the answer, and is recorded before it is connected", async (method) => {
    const answer = method === "GET" ? await get("/webhooks/vonage/answer", question) : await post("/webhooks/vonage/answer", question);
    const { rows } = await db.pool.query("select * from calls");
    expect(rows).toMatchObject([
      {
        direction: "inbound",
        status: "ringing",
        from_number: "+12025550106",
        to_number: "+12025550100",
        phone_leg: INBOUND_PHONE,
        conversation: CONVERSATION,
      },
    ]);
    expect(answer.json().map(({ action }: { action: string }) => action)).toEqual(["record", "connect", ...tries, "talk"]);
    const [endpoint] = answer.json()[1].endpoint;
    expect(endpoint["content-type"]).toBe("audio/l16;rate=24000");
    expect(endpoint.headers).toEqual({ call: rows[0].id });
    expect((await redeemSocketToken(db.pool, endpoint.uri.split("/").at(-1)))?.call).toBe(rows[0].id);
    await inbox.sweep(true);
    expect(told).toContain(`dialing ${rows[0].id}`);
  });

  it("asked for twice is one call with fresh tokens", async () => {
    const [one, two] = await Promise.all([post("/webhooks/vonage/answer", question), post("/webhooks/vonage/answer", question)]);
    expect((await db.pool.query("select from calls")).rowCount).toBe(1);
    expect(one?.json()[1].endpoint[0].uri).not.toBe(two?.json()[1].endpoint[0].uri);
    await inbox.sweep(true);
    expect((await verdicts()).sort()).toEqual(["applied", "duplicate"]);
  });

  it("a replayed question cannot open a second conversation", async () => {
    const body = JSON.stringify(question);
    const token = bearer(body);
    const uri = (await post("/webhooks/vonage/answer", body, token)).json()[1].endpoint[0].uri;
    await redeemSocketToken(db.pool, uri.split("/").at(-1));
    expect((await post("/webhooks/vonage/answer", body, token)).statusCode).toBe(401);
  });

  it("with a withheld or odd caller id is taken all the same", async () => {
    for (const [i, from] of ["anonymous", "Restricted", "+1 (202)", ""].entries()) {
      expect((await post("/webhooks/vonage/answer", { ...question, from, uuid: `leg-${i}` })).statusCode).toBe(200);
    }
    const { rows } = await db.pool.query("select from_number from calls");
    expect(rows).toEqual(Array(4).fill({ from_number: null }));
  });

  it("is answered by the agent of the called number, without recording when its policy says no", async () => {
    const before = await agentForCall(db.pool, null);
    await inTransaction(db.pool, (sql) => changeAgent(sql, before.id, { ...before.settings, record: false }));
    const answer = await post("/webhooks/vonage/answer", question);
    await inTransaction(db.pool, (sql) => changeAgent(sql, before.id, before.settings));
    expect(answer.json().map(({ action }: { action: string }) => action)).toEqual(["connect", ...tries, "talk"]);
  });

  it("whose events came before its question is one call, which its question then connects", async () => {
    const story = stories.find(({ direction }) => direction === "inbound") as Story;
    await post("/webhooks/vonage/event", (story.webhooks[2] as Told).body);
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied"]);
    expect((await post("/webhooks/vonage/answer", question)).json()[1]).toMatchObject({ action: "connect" });
    await inbox.sweep(true);
    expect((await verdicts()).sort()).toEqual(["applied", "applied"]);
    expect((await db.pool.query("select status from calls")).rows).toEqual([{ status: "in_progress" }]);
  });

  it("whose question never came is accounted for by what is told of it", async () => {
    const leg = { uuid: "unasked", conversation_uuid: "CON-unasked", from: "12025550106", to: "12025550100", direction: "inbound" };
    const say = (status: string, second: number, more = {}) =>
      post("/webhooks/vonage/event", { ...leg, status, timestamp: `2026-03-04T10:00:0${second}.000Z`, ...more });
    await say("started", 0);
    await say("ringing", 1);
    await inbox.sweep(true);
    const { rows } = await db.pool.query("select id, direction, status, from_number, to_number, agent_id is not null as taken from calls");
    expect(rows).toMatchObject([
      { direction: "inbound", status: "ringing", from_number: "+12025550106", to_number: "+12025550100", taken: true },
    ]);
    await say("completed", 4, { duration: "0", disconnected_by: "user" });
    await inbox.sweep(true);
    expect(await callRow(rows[0].id)).toMatchObject({ status: "ended", end_reason: "cancelled" });
    await say("completed", 9, { duration: "0", uuid: "unmarked", direction: "outbound", conversation_uuid: "CON-other" });
    await inbox.sweep(true);
    expect((await verdicts()).filter((one) => one === "unknown_call")).toHaveLength(1);
    expect((await db.pool.query("select from calls")).rowCount).toBe(1);
  });

  it("without a leg, or as nonsense, gets an apology and makes no call", async () => {
    for (const body of ["{}", "[1]", "not json", '{"uuid":"\\u0000"}']) {
      const answer = await post("/webhooks/vonage/answer", body);
      expect(answer.json()).toMatchObject([{ action: "talk" }]);
    }
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
    await inbox.sweep(true);
    expect(new Set(await verdicts())).toEqual(new Set(["unreadable"]));
  });
});

describe("an inbound call outside the opening hours", () => {
  let before: LoadedAgent;
  beforeEach(async () => {
    before = await agentForCall(db.pool, null);
  });
  afterEach(() => inTransaction(db.pool, (sql) => changeAgent(sql, before.id, before.settings)));
  const closedWith = (otherwise: OpeningHours["otherwise"], language = "en") => {
    const hours: OpeningHours = { time_zone: "Europe/Berlin", open: [], closed_on: [], otherwise };
    return inTransaction(db.pool, (sql) => changeAgent(sql, before.id, { ...before.settings, language, line: LineRules.parse({ hours }) }));
  };
  const over = (uuid: string) =>
    post("/webhooks/vonage/event", {
      ...{ uuid, conversation_uuid: CONVERSATION, from: "12025550106", to: "12025550100", direction: "inbound" },
      ...{ status: "completed", duration: "4", disconnected_by: "platform", timestamp: "2026-03-04T10:00:09.000Z" },
    });
  const theCall = async () => (await db.pool.query("select * from calls")).rows[0];

  it("hears the sentence in the agent's language, however often it is asked, and ends so", async () => {
    await closedWith({ do: "say", text: "Wir haben geschlossen." }, "de");
    for (let i = 0; i < 2; i++) {
      const answer = await post("/webhooks/vonage/answer", question);
      expect(answer.json()).toEqual([{ action: "talk", text: "Wir haben geschlossen.", language: "de-DE" }]);
    }
    await inbox.sweep(true);
    expect(told.filter((one) => one.startsWith("dialing"))).toEqual([]);
    await over(INBOUND_PHONE);
    await inbox.sweep(true);
    expect(await theCall()).toMatchObject({ status: "ended", end_reason: "outside_hours" });
    expect((await db.pool.query("select from recordings")).rowCount).toBe(0);
  });

  it("is taken by another agent", async () => {
    const night = await inTransaction(db.pool, (sql) => createAgent(sql, { ...before.settings, name: "Night", numbers: [] }));
    await closedWith({ do: "agent", agent_id: night.id });
    expect((await post("/webhooks/vonage/answer", question)).json()[1]).toMatchObject({ action: "connect" });
    expect(await theCall()).toMatchObject({ agent_id: night.id, closed_at: null });
  });

  it("rings another number; the sentence comes when nobody is there", async () => {
    await closedWith({ do: "number", number: "+1 202 555 0110", text: "Nobody is here." });
    const [connect] = (await post("/webhooks/vonage/answer", question)).json();
    expect(connect).toMatchObject({ action: "connect", endpoint: [{ type: "phone", number: "12025550110" }] });
    const { id } = await theCall();
    const at = `/webhooks/vonage/event?call=${id}&leg=transfer`;
    const person = { uuid: "person-9", conversation_uuid: "CON-9", from: "12025550100", to: "12025550110", direction: "outbound" };
    const sorry = await post(at, { ...person, status: "busy", timestamp: "2026-03-04T10:00:05.000Z" });
    expect(sorry.json()).toEqual([{ action: "talk", text: "Nobody is here.", language: "en-US" }]);
    await inbox.sweep(true);
    expect((await db.pool.query("select result, asked_by from transfers")).rows).toEqual([{ result: "busy", asked_by: "us" }]);
    await over(INBOUND_PHONE);
    await inbox.sweep(true);
    expect(await theCall()).toMatchObject({ end_reason: "outside_hours" });
  });

  it("rings no number that may not be dialled", async () => {
    await closedWith({ do: "number", number: "+4930123456", text: "Nobody is here." });
    expect((await post("/webhooks/vonage/answer", question)).json()).toMatchObject([{ action: "talk", text: "Nobody is here." }]);
    expect((await db.pool.query("select from transfers")).rowCount).toBe(0);
  });
});

describe("an outbound call", () => {
  const asked = { to: "12025550101", from: "12025550100", uuid: "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11", conversation_uuid: CONVERSATION };

  it("is known by our mark at either old path, and its question says that it was answered", async () => {
    const call = await outbound();
    const answer = await post(`/api/hume-twilio/vonage-voice-webhook/?call=${call}`, {
      ...asked,
      region_url: "https://api-eu-3.vonage.com",
    });
    expect(answer.json()[1].endpoint[0].headers).toEqual({ call });
    await inbox.sweep(true);
    expect(await callRow(call)).toMatchObject({
      direction: "outbound",
      status: "in_progress",
      phone_leg: asked.uuid,
      region_url: "https://api-eu-3.vonage.com",
    });
    expect((await db.pool.query("select from calls")).rowCount).toBe(1);
  });

  it("keeps no region that is not the carrier's", async () => {
    const call = await outbound();
    await post(`/webhooks/vonage/answer?call=${call}`, { ...asked, region_url: "https://evil.test" });
    expect(await callRow(call)).toMatchObject({ region_url: null });
  });

  it("that somebody wants ended is not connected any more", async () => {
    const call = await outbound();
    await db.pool.query("update calls set hangup_asked_at = now(), hangup_asked_by = 'operator' where id = $1", [call]);
    expect((await post(`/webhooks/vonage/answer?call=${call}`, asked)).json()).toMatchObject([{ action: "talk" }]);
  });

  it("we do not know gets an apology, and is not made", async () => {
    const answer = await post("/webhooks/vonage/answer?call=0199a0b1-7d1f-7000-8000-00000000dead", asked);
    expect(answer.json()).toMatchObject([{ action: "talk" }]);
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["unknown_call"]);
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
  });

  it("at the fallback hears a polite word and is connected all the same", async () => {
    const call = await outbound();
    const body = {
      ...asked,
      reason: "Read timed out.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/answer?call=${call}`, type: "answer" },
    };
    const actions = (await post("/webhooks/vonage/fallback", body)).json().map(({ action }: { action: string }) => action);
    expect(actions).toEqual(["talk", "record", "connect", ...tries, "talk"]);
  });

  it("whose lost audio is asked about at the fallback is connected anew, without recording again", async () => {
    const call = await outbound();
    const body = {
      ...asked,
      uuid: "5f0c3b9e-0000-4000-8000-00000000ab01",
      status: "unanswered",
      timestamp: now.toISOString(),
      reason: "Connection refused.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/event?call=${call}&leg=ws`, type: "event" },
    };
    const actions = (await post("/webhooks/vonage/fallback", body)).json().map(({ action }: { action: string }) => action);
    expect(actions).toEqual(["connect", ...tries, "talk"]);
    // That the socket rings moves nothing, and none of it makes the call one that was handed to a person.
    expect((await post("/webhooks/vonage/fallback", { ...body, status: "ringing" })).statusCode).toBe(204);
    await inbox.sweep(true);
    expect((await db.pool.query("select kind from legs where call_id = $1", [call])).rows).not.toContainEqual({ kind: "transfer" });
  });

  it("at the fallback while the database is away hears an apology at its beginning, and in its middle goes on with its instructions", async () => {
    const call = await outbound();
    await stop();
    const away = openPool("postgres://earshot@127.0.0.1:1/earshot", 1);
    await start(away);
    const about = (door: string, type: string) => ({
      ...asked,
      reason: "Connection refused.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/${door}`, type },
    });
    const beginning = await post("/webhooks/vonage/fallback", about(`answer?call=${call}`, "answer"));
    expect(beginning.json().map(({ action }: { action: string }) => action)).toEqual(["talk"]);
    const lost = { ...about(`event?call=${call}&leg=ws`, "event"), status: "unanswered", timestamp: now.toISOString() };
    // No instructions: an apology would take the place of the further connects that still stand in those it has.
    expect((await post("/webhooks/vonage/fallback", lost)).statusCode).toBe(503);
    await away.end();
  });

  it("whose audio broke is connected anew while it lives, and not when it is over", async () => {
    const call = await outbound();
    const lost = (stories.find(({ title }) => title === "the audio breaks and is not restored") as Story).webhooks[5]?.body ?? "";
    const again = await post(`/webhooks/vonage/event?call=${call}&leg=ws`, lost);
    expect(again.json().map(({ action }: { action: string }) => action)).toEqual(["connect", ...tries, "talk"]);
    await db.pool.query("update calls set status = 'ended', end_reason = 'lost', ended_at = now(), deadline_at = null where id = $1", [
      call,
    ]);
    expect((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, lost)).statusCode).toBe(204);
  });

  it("whose audio breaks again and again is given up", async () => {
    const call = await outbound();
    const lost = JSON.parse(
      (stories.find(({ title }) => title === "the audio breaks and is not restored") as Story).webhooks[5]?.body ?? "",
    );
    const codes: number[] = [];
    for (let i = 0; i < 6; i++)
      codes.push((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, { ...lost, uuid: `socket-${i}` })).statusCode);
    expect(codes).toEqual([200, 200, 200, 200, 204, 204]);
  });
});

/** Makes the default agent's rules for the line these while `during` runs. */
const withLine = (line: object, during: () => Promise<void>) => withAgent({ line: LineRules.parse(line) }, during);
async function withAgent(more: Partial<AgentSettings>, during: () => Promise<void>): Promise<void> {
  const { id, settings } = await agentForCall(db.pool, null);
  await inTransaction(db.pool, (sql) => changeAgent(sql, id, { ...settings, ...more }));
  try {
    await during();
  } finally {
    await inTransaction(db.pool, (sql) => changeAgent(sql, id, settings));
  }
}
const PHONE = "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11";
const outLeg = { from: "12025550100", to: "12025550105", uuid: PHONE, conversation_uuid: CONVERSATION, direction: "outbound" };
const machine = (more: object = {}) => ({
  call_uuid: PHONE,
  from: "12025550100",
  to: "12025550105",
  status: "machine",
  conversation_uuid: CONVERSATION,
  timestamp: "2026-03-04T10:00:10.000Z",
  ...more,
});
const actionsOf = (answer: { json(): { action: string }[] }) => answer.json().map(({ action }) => action);

describe("an answering machine", () => {
  const rule = { voicemail: "leave_message", voicemail_message: "Please call {{agent_name}} back." };
  const beep = machine({ sub_state: "beep_start", timestamp: "2026-03-04T10:00:18.000Z" });

  it("gets our message after its beep instead of the agent, and the call ends as voicemail", async () => {
    await withLine(rule, async () => {
      const call = await outbound();
      for (const body of [{ ...outLeg, status: "answered", timestamp: "2026-03-04T10:00:07.000Z" }, machine(), beep])
        await post(`/webhooks/vonage/event?call=${call}`, body);
      await inbox.sweep(true);
      const answer = await post(`/webhooks/vonage/answer?call=${call}`, outLeg);
      expect(actionsOf(answer)).toEqual(["record", "talk"]);
      expect(answer.json()[1].text).toBe("Please call Reception back.");
      await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks.at(-2)?.body.replace('"user"', '"platform"') ?? "");
      await inbox.sweep(true);
      expect(await callRow(call)).toMatchObject({
        status: "ended",
        end_reason: "voicemail",
        answered_by: "machine",
        beep_at: new Date("2026-03-04T10:00:18.000Z"),
      });
      expect(told).toContain(`machine ${call}`);
    });
  });

  it("whose webhook comes after the question is told to whoever follows the rule", async () => {
    await withLine(rule, async () => {
      const call = await outbound();
      expect(actionsOf(await post(`/webhooks/vonage/answer?call=${call}`, outLeg))).toContain("connect");
      await post(`/webhooks/vonage/event?call=${call}`, beep);
      await inbox.sweep(true);
      expect(told).toContain(`machine ${call}`);
    });
  });

  it("leaves a person who answered to the agent", async () => {
    await withLine(rule, async () => {
      const call = await outbound();
      await post(`/webhooks/vonage/event?call=${call}`, machine({ status: "human" }));
      await inbox.sweep(true);
      expect(actionsOf(await post(`/webhooks/vonage/answer?call=${call}`, outLeg))).toContain("connect");
      expect(await callRow(call)).toMatchObject({ answered_by: "human" });
    });
  });
});

it("a notice is spoken before the agent, as its rule says, and stands once in the ledger of consent", async () => {
  await withLine({ notice: "This call is recorded.", notice_recorded: true }, async () => {
    const answer = await post("/webhooks/vonage/answer", question);
    expect(actionsOf(answer)).toEqual(["record", "talk", "connect", ...tries, "talk"]);
    expect(answer.json()[1].text).toBe("This call is recorded.");
    await post("/webhooks/vonage/answer", question);
    const { rows } = await db.pool.query("select told_by, words, answer from consents");
    expect(rows).toEqual([{ told_by: "carrier", words: "This call is recorded.", answer: "not_asked" }]);
  });
});

describe("an agent that asks before it records", () => {
  const asks = { recording: { sources: ["carrier" as const, "journal" as const], consent: "ask" as const } };
  const key = (digits: string | null, second = "15") => ({
    ...question,
    speech: { results: [] },
    dtmf: { digits, timed_out: digits === null },
    timestamp: `2026-03-04T10:01:${second}.000Z`,
  });
  /** Asked, and answered so; the answer's instructions. */
  async function answered(digits: string | null) {
    const asked = await post("/webhooks/vonage/answer", question);
    const call = (await db.pool.query<{ id: CallId }>("select id from calls")).rows[0]?.id as CallId;
    const [url] = asked.json()[1].eventUrl;
    expect(url).toBe(`${PUBLIC}/webhooks/vonage/event?call=${call}&asked=consent`);
    const answer = await post(url.slice(PUBLIC.length), key(digits));
    await inbox.sweep(true);
    return { asked, call, answer };
  }
  const ledger = async () => (await db.pool.query("select told_by, words, answer, detail from consents order by at, id")).rows;
  const expected = async () => (await db.pool.query("select source from recordings")).rows;
  const opens = async (answer: { json(): { action: string; endpoint: { uri: string }[] }[] }) => {
    const connect = answer.json().find(({ action }) => action === "connect");
    return redeemSocketToken(db.pool, connect?.endpoint[0]?.uri.split("/").at(-1) ?? "");
  };

  it("is instructed to ask, and to go on unrecorded whatever comes of it", async () => {
    await withAgent(asks, async () => {
      const { asked, call } = await answered(null);
      expect(actionsOf(asked)).toEqual(["talk", "input", "connect", ...tries, "talk"]);
      expect(asked.json()[0]).toMatchObject({ text: expect.stringContaining("press 1"), bargeIn: true });
      expect(asked.json()[1]).toMatchObject({ type: ["dtmf"], dtmf: { maxDigits: 1, timeOut: 6 } });
      expect(await opens(asked)).toEqual({ call, keepsSound: false });
    });
  });

  it("records after a 1: the carrier is told so, its recording is expected, our sound is kept, and the ledger has question and answer", async () => {
    await withAgent(asks, async () => {
      const { call, answer } = await answered("1");
      expect(actionsOf(answer)).toEqual(["record", "connect", ...tries, "talk"]);
      expect(await callRow(call)).toMatchObject({ recording_consent: "given" });
      expect(await expected()).toEqual([{ source: "carrier" }]);
      expect(await opens(answer)).toEqual({ call, keepsSound: true });
      const words = expect.stringContaining("press 1");
      expect(await ledger()).toEqual([
        { told_by: "carrier", words, answer: "not_asked", detail: { asks: true } },
        { told_by: "carrier", words, answer: "given", detail: { by: "key", digits: "1" } },
      ]);
    });
  });

  it.each([
    ["2", "refused"],
    [null, "silent"],
  ] as const)("does not record after %s: the carrier goes on with what it has, and nothing is expected", async (digits, consent) => {
    await withAgent(asks, async () => {
      const { call, answer } = await answered(digits);
      expect([answer.statusCode, answer.body]).toEqual([204, ""]);
      expect(await callRow(call)).toMatchObject({ recording_consent: consent });
      expect(await expected()).toEqual([]);
      expect((await ledger()).map((row) => row.answer)).toEqual(["not_asked", consent]);
    });
  });

  it("keeps the first answer, and does not ask again who has answered", async () => {
    await withAgent(asks, async () => {
      const { call } = await answered("2");
      const later = await post(`/webhooks/vonage/event?call=${call}&asked=consent`, key("1", "20"));
      expect(later.statusCode).toBe(204);
      expect(await callRow(call)).toMatchObject({ recording_consent: "refused" });
      expect(await ledger()).toHaveLength(2);
      const again = await post("/webhooks/vonage/answer", question);
      expect(actionsOf(again)).toEqual(["connect", ...tries, "talk"]);
    });
  });

  it("asks in its own words, and records nothing of an agent that does not record", async () => {
    await withAgent({ ...asks, line: LineRules.parse({ notice: "May we record? Press 1." }) }, async () => {
      const { asked } = await answered("1");
      expect(asked.json()[0].text).toBe("May we record? Press 1.");
    });
    await db.pool.query(
      "delete from events; delete from consents; delete from socket_tokens; delete from recordings; delete from legs; delete from calls",
    );
    await withAgent({ ...asks, record: false }, async () => {
      expect(actionsOf(await post("/webhooks/vonage/answer", question))).toEqual(["connect", ...tries, "talk"]);
    });
  });

  it("of another kind says a notice of ours, and records only the sources wanted", async () => {
    await withAgent({ recording: { sources: ["journal"], consent: "notice" } }, async () => {
      const answer = await post("/webhooks/vonage/answer", question);
      expect(actionsOf(answer)).toEqual(["talk", "connect", ...tries, "talk"]);
      expect(answer.json()[0].text).toBe("This call is recorded.");
      expect(await opens(answer)).toMatchObject({ keepsSound: true });
    });
  });
});

describe("a caller handed to a person", () => {
  const person = (status: string, second: string, more: object = {}) => ({
    from: "12025550100",
    to: "12025550110",
    uuid: "person-1",
    conversation_uuid: "CON-2",
    direction: "outbound",
    status,
    timestamp: `2026-03-04T10:01:${second}Z`,
    ...more,
  });
  async function handed(): Promise<CallId> {
    const call = await outbound();
    await post(`/webhooks/vonage/answer?call=${call}`, outLeg);
    await inbox.sweep(true);
    await inTransaction(db.pool, (sql) =>
      insertTransfer(sql, { call, to: "+12025550110", announcement: "Somebody about an appointment.", by: "user:x", at: now }),
    );
    return call;
  }
  const transfer = async (call: CallId) =>
    (await db.pool.query("select result, leg, connected_at from transfers where call_id = $1", [call])).rows[0];

  it("is not called back to the agent because the agent's audio ends", async () => {
    const call = await handed();
    const gone = { ...person("disconnected", "02.000"), uuid: "socket-1", to: "wss://calls.example.com/media/vonage/x" };
    expect((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, gone)).statusCode).toBe(204);
  });

  it("who picks up is connected, told whom it is about, and the call ends as transferred", async () => {
    const call = await handed();
    const at = `/webhooks/vonage/event?call=${call}&leg=transfer`;
    expect((await post(at, person("ringing", "01.000"))).statusCode).toBe(204);
    const announced = await post(`/webhooks/vonage/answer?call=${call}&leg=transfer`, person("answered", "05.000"));
    expect(announced.json()).toMatchObject([{ action: "talk", text: "Somebody about an appointment." }]);
    expect((await post(at, person("answered", "05.000"))).statusCode).toBe(204);
    await inbox.sweep(true);
    expect(told.filter((one) => one === `transferred ${call}`)).toHaveLength(1);
    expect(await transfer(call)).toEqual({ result: "connected", leg: "person-1", connected_at: new Date("2026-03-04T10:01:05.000Z") });
    expect((await post(at, person("completed", "20.000", { duration: "15" }))).statusCode).toBe(204);
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks.at(-2)?.body.replace('"user"', '"platform"') ?? "");
    await inbox.sweep(true);
    expect(await callRow(call)).toMatchObject({ status: "ended", end_reason: "transferred", phone_leg: PHONE });
    expect(await kinds(call)).toEqual(expect.arrayContaining(["transfer.ringing", "transfer.connected", "call.ended"]));
  });

  it.each(["GET", "POST"])("is told whom it is about also when that they picked up was known before, asked by %s", async (method) => {
    const call = await handed();
    await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person("answered", "05.000"));
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result: "connected" });
    const url = "/webhooks/vonage/answer";
    const { from, to, uuid, conversation_uuid } = person("answered", "05.000");
    const asked = { to, from, uuid, conversation_uuid, endpoint_type: "phone" };
    const answer =
      method === "GET" ? await get(url, { call, leg: "transfer", ...asked }) : await post(`${url}?call=${call}&leg=transfer`, asked);
    expect(answer.json()).toMatchObject([{ action: "talk", text: "Somebody about an appointment." }]);
    await inbox.sweep(true);
    expect(await callRow(call)).toMatchObject({ phone_leg: PHONE });
  });

  it.each([
    ["busy", {}, "busy"],
    ["timeout", {}, "no_answer"],
    ["rejected", { detail: "declined" }, "declined"],
    ["failed", { detail: "cannot_route" }, "unreachable"],
  ])("who is %s is a typed result, and the caller comes back to the agent", async (status, more, result) => {
    const call = await handed();
    const back = await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person(status, "09.000", more));
    expect(actionsOf(back)).toEqual(["talk", "connect", ...tries, "talk"]);
    await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person("completed", "09.100", { duration: "0" }));
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result });
    expect(await callRow(call)).toMatchObject({ status: "in_progress" });
    expect(await kinds(call)).toContain("transfer.failed");
  });

  it("and who hangs up while the person's phone rings cancels it", async () => {
    const call = await handed();
    await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person("completed", "03.000", { duration: "0" }));
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks.at(-2)?.body ?? "");
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result: "cancelled" });
    expect(await callRow(call)).toMatchObject({ status: "ended", end_reason: "caller_hung_up" });
  });
});

describe("what is stored before it is answered", () => {
  it("is applied by the next start when the process died in between", async () => {
    const call = await outbound();
    const [started, ringing] = (stories[0] as Story).webhooks;
    // A process that only stores: its inbox is closed before the requests come.
    await inbox.close();
    for (const { body } of [started, ringing] as Told[])
      expect((await post(`/webhooks/vonage/event?call=${call}`, body)).statusCode).toBe(204);
    expect(await verdicts()).toEqual(["pending", "pending"]);
    await stop();
    await start();
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied", "applied"]);
    expect(await callRow(call)).toMatchObject({ status: "ringing" });
  });

  it("is applied once by two servers that sweep together", async () => {
    const call = await outbound();
    await inbox.close();
    for (const { body } of (stories[0] as Story).webhooks) await post(`/webhooks/vonage/event?call=${call}`, body);
    const others = [1, 2].map(() => openInbox({ pool: db.pool, clock, log, hooks: {}, everyMs: 1e9 }));
    await Promise.all(others.map((other) => other.sweep(true)));
    await Promise.all(others.map((other) => other.close()));
    expect(await verdicts()).not.toContain("pending");
    expect((await verdicts()).filter((verdict) => verdict !== "late")).toEqual(expect.arrayContaining(Array(6).fill("applied")));
    expect((await kinds(call)).filter((kind) => kind === "call.ended")).toHaveLength(1);
  });

  it("a webhook we cannot apply is set aside after ten tries, and the rest goes on", async () => {
    const call = await outbound();
    await inbox.close();
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks[1]?.body ?? "");
    await db.pool.query("alter table legs add constraint broken check (leg = 'nothing') not valid");
    await stop();
    await start();
    for (let i = 0; i < 10; i++) await inbox.sweep(true);
    await db.pool.query("alter table legs drop constraint broken");
    const { rows } = await db.pool.query("select verdict, because from webhooks");
    expect(rows).toEqual([{ verdict: "unreadable", because: expect.stringContaining("broken") }]);
  });
});

describe("whole calls through the door", () => {
  const dead = () => startWatchdog({ pool: db.pool, carrier: silent, clock, log, everyMs: 1e9 });

  async function play(story: Story, webhooks: readonly Told[]): Promise<CallId> {
    let call: CallId;
    if (story.direction === "outbound") call = await outbound();
    else {
      now = new Date("2026-03-04T10:00:00.500Z");
      await post("/webhooks/vonage/answer", question);
      now = new Date("2026-03-04T10:01:30.000Z");
      call = (await db.pool.query<{ id: CallId }>("select id from calls")).rows[0]?.id as CallId;
    }
    await db.pool.query(
      "update calls set hangup_asked_at = case when $2::text is not null then timestamptz '2026-03-04T10:00:04Z' end, hangup_asked_by = $2 where id = $1",
      [call, story.hangupAskedBy ?? null],
    );
    await db.pool.query(
      "update calls set closed_at = case when $2 then created_at end, message_at = case when $3 then timestamptz '2026-03-04T10:00:20Z' end where id = $1",
      [call, story.closed === true, story.messageLeft === true],
    );
    if (story.webhooks.some(({ marks }) => marks?.endsWith("transfer")))
      await insertTransfer(db.pool, { call, to: "+12025550110", announcement: null, by: "agent", at: new Date("2026-03-04T10:00:29Z") });
    if (story.maxMinutes) {
      await db.pool.query(
        "insert into agent_versions (agent_id, version, settings) select agent_id, 1000, settings || jsonb_build_object('max_minutes', $2::int) from agent_versions v where (v.agent_id, v.version) = (select agent_id, agent_version from calls where id = $1) on conflict do nothing",
        [call, story.maxMinutes],
      );
      await db.pool.query("update calls set agent_version = 1000 where id = $1", [call]);
    }
    await Promise.all(
      webhooks.map(({ marks, body }) => post(`/webhooks/vonage/event${marks === null ? "" : marks.replace("CALL", call)}`, body)),
    );
    await inbox.sweep(true);
    return call;
  }

  it.each(stories)("$title: ends as $ends, also doubled and out of order", async (story) => {
    const call = await play(story, jumbled(story.webhooks, chance(stories.indexOf(story) + 1)));
    const row = await callRow(call);
    expect(row).toMatchObject({ status: "ended", end_reason: story.ends, deadline_at: null });
    expect(row.answered_at === null ? null : row.ended_at.getTime() - row.answered_at.getTime()).toBe(story.talkMs);
    expect((await kinds(call)).filter((kind) => kind === "call.ended")).toHaveLength(1);
    expect(
      (await verdicts()).filter((verdict) => verdict !== "duplicate" && verdict !== "applied" && verdict !== "late" && verdict !== "kept"),
    ).toEqual([]);
    const { rows } = await db.pool.query(
      "select count(*)::int as n, count(distinct identity)::int as names from webhooks where verdict in ('applied', 'kept', 'late')",
    );
    expect(rows[0].n).toBe(rows[0].names);
    expect(told.filter((one) => one === `ended ${call}`)).toHaveLength(1);
  });

  it.each(stories)("$title: ends as $ends or lost when webhooks never come", async (story) => {
    const call = await play(story, jumbled(story.webhooks, chance(stories.indexOf(story) + 99), 0.5));
    for (let looks = 0; looks < 3; looks++) {
      now = new Date(now.getTime() + 2 * 3_600_000);
      const watchdog = dead();
      await watchdog.tick();
      await watchdog.close();
    }
    const row = await callRow(call);
    expect(row.status).toBe("ended");
    expect([story.ends, "lost"]).toContain(row.end_reason);
  });

  it("a recording is expected once the call is answered, and announced when Vonage has it", async () => {
    const story = stories[0] as Story;
    const call = await play(story, story.webhooks.slice(0, -1));
    const carriers = () =>
      db.pool.query("select status, carrier_recording from recordings where call_id = $1 and source = 'carrier'", [call]);
    expect((await carriers()).rows).toEqual([{ status: "expected", carrier_recording: null }]);
    await post(`/webhooks/vonage/recording?call=${call}`, story.webhooks.at(-1)?.body ?? "");
    await inbox.sweep(true);
    expect((await carriers()).rows).toMatchObject([{ status: "announced" }]);
    expect(told).toContain("recorded");
  });

  it("a call nobody answers expects no recording", async () => {
    const story = stories.find(({ ends }) => ends === "busy") as Story;
    const call = await play(story, story.webhooks);
    expect((await db.pool.query("select from recordings where call_id = $1", [call])).rowCount).toBe(0);
  });

  it("the legs keep the carrier's times and price, the phone's and the socket's apart", async () => {
    const story = stories[0] as Story;
    const call = await play(story, story.webhooks);
    const { rows } = await db.pool.query(
      "select kind, status, price::text, duration_s, disconnected_by from legs where call_id = $1 order by kind",
      [call],
    );
    expect(rows).toEqual([
      { kind: "phone", status: "completed", price: "0.01524000", duration_s: 72, disconnected_by: "user" },
      { kind: "socket", status: "completed", price: "0.00000000", duration_s: 72, disconnected_by: null },
    ]);
    expect(await callRow(call)).toMatchObject({
      phone_leg: "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11" as LegId,
      socket_leg: "0a1b2c3d-0000-4111-8222-333344445555",
      conversation: CONVERSATION,
    });
    expect(await kinds(call)).toEqual(
      expect.arrayContaining(["call.placed", "call.dialed", "call.ringing", "call.answered", "audio.connected", "call.ended"]),
    );
  });

  it("a webhook played to another call's address moves neither call", async () => {
    const story = stories[0] as Story;
    const call = await play(story, story.webhooks.slice(0, 3));
    const other = await outbound();
    await post(`/webhooks/vonage/event?call=${other}`, (story.webhooks.at(-2) as Told).body);
    await inbox.sweep(true);
    expect(await callRow(other)).toMatchObject({ status: "dialing", phone_leg: null });
    expect(await callRow(call)).toMatchObject({ status: "in_progress" });
  });
});
