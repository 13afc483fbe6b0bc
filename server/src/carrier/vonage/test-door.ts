import { createHash, createHmac, randomUUID } from "node:crypto";
import { type AgentSettings, LineRules } from "@earshot/contract/agent";
import fastify, { type FastifyInstance } from "fastify";
import type pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { ensureFirstAgent } from "../../agents/first.ts";
import { agentForCall, changeAgent } from "../../agents/store.ts";
import { placeCall } from "../../calls/place.ts";
import { inTransaction } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import type { Carrier } from "../port.ts";
import { vonageDoor } from "./door.ts";
import { type Inbox, openInbox } from "./inbox.ts";
import { CONVERSATION, INBOUND_PHONE } from "./test-stories.ts";

/** The carrier's door with everything behind it but Vonage, for tests; only they read this. */

export const SECRET = "0123456789abcdef0123456789abcdef";
export const API_KEY = "abcd1234";
export const PUBLIC = "https://calls.example.com";
export const log = pino({ level: "silent" });
/** Stands still in the stories' day; tests move it. */
export let now = new Date("2026-03-04T10:01:30.000Z");
/** Sets the clock. */
export function setNow(at: Date): void {
  now = at;
}
export const clock = { now: () => now, monotonicMs: () => 0 };

export let db: FreshDatabase;
export let app: FastifyInstance;
export let inbox: Inbox;
export let told: string[] = [];

/** How many legs may be connected in a second. Calls are placed as fast as it goes. */
export const connects = (most: number, windowMs: number) =>
  db.pool.query(
    `insert into carrier_rates (name, most, window_ms) values ('vonage connect', $1, $2), ('silent create', 1000, 1)
     on conflict (name) do update set most = excluded.most, window_ms = excluded.window_ms, granted = '{}'`,
    [most, windowMs],
  );

/** Opens the carrier's door on a database of the file's own, new for each test. To be called once, at the top of a test file. */
export function useTestDoor(): void {
  beforeAll(async () => {
    db = await freshDatabase();
    await ensureFirstAgent(db.pool);
  });
  beforeEach(async () => {
    await connects(1_000, 1);
    told = [];
    now = new Date("2026-03-04T10:01:30.000Z");
    await start();
  });
  afterEach(async () => {
    await stop();
    await forgetAll();
  });
  afterAll(() => db.drop());
}

/** No call, and nothing of one, is left. */
export async function forgetAll(): Promise<void> {
  await db.pool.query(
    "delete from events; delete from legs; delete from socket_tokens; delete from recordings; delete from webhooks; delete from exchanges; delete from transfers; delete from consents; delete from calls",
  );
}

/** Is the server being stopped, with no other one to take calls? */
let stopping = false;
export function setStopping(isStopping: boolean): void {
  stopping = isStopping;
}

/** `applicationId`: the one webhooks must come from; null: none is compared. `patience`: how long a request waits for the database, ms. */
export async function start(
  pool: pg.Pool = db.pool,
  applicationId: string | null = null,
  patience = { somebodyWaits: 0, nobodyWaits: 0 },
): Promise<void> {
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
  const keys = { secret: SECRET, apiKey: API_KEY, applicationId };
  await app.register(
    vonageDoor({
      pool,
      clock,
      log,
      keys,
      inbox,
      hooks,
      patience,
      refusesNew: async () => stopping,
      publicUrl: PUBLIC,
      number: "+12025550100",
      apiUrl: "https://api.nexmo.com",
      engineRates: { evi: [24_000, 16_000] },
    }),
  );
  await app.ready();
}

export async function stop(): Promise<void> {
  await app.close();
  await inbox.close();
}

export const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
export const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
export function bearer(payload: string, claims: object = {}): string {
  const iat = Math.floor(now.getTime() / 1000);
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat, jti: randomUUID(), iss: "Vonage", payload_hash: sha(payload), api_key: API_KEY, ...claims })}`;
  return `Bearer ${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

/** Time passes: what comes later is later in the table too. */
export const passes = (ms = 1): void => {
  now = new Date(now.getTime() + ms);
};

export async function post(url: string, body: string | object, authorization?: string) {
  passes();
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  return app.inject({
    method: "POST",
    url,
    payload,
    headers: { "content-type": "application/json", authorization: authorization ?? bearer(payload) },
  });
}
export async function get(path: string, fields: Record<string, string>) {
  const query = new URLSearchParams(fields).toString();
  return app.inject({ method: "GET", url: `${path}?${query}`, headers: { authorization: bearer(JSON.stringify(fields)) } });
}

export async function callRow(call: CallId) {
  const { rows } = await db.pool.query("select * from calls where id = $1", [call]);
  return rows[0];
}
export async function verdicts(): Promise<string[]> {
  const { rows } = await db.pool.query("select verdict from webhooks order by received_at, id");
  return rows.map(({ verdict }) => verdict);
}
export async function kinds(call: CallId): Promise<string[]> {
  const { rows } = await db.pool.query("select kind from events where call_id = $1 order by at, id", [call]);
  return rows.map(({ kind }) => kind);
}

export const silent: Carrier = {
  name: "silent",
  dial: async () => ({ dialed: "unknown", text: "Nobody answers here." }),
  hangUp: async () => {},
  legState: async () => null,
  openRecording: async () => {
    throw new Error("no recordings here");
  },
  mayFetch: () => false,
};

export async function outbound(): Promise<CallId> {
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

export const question = { to: "12025550100", from: "12025550106", uuid: INBOUND_PHONE, conversation_uuid: CONVERSATION };

/** Makes the default agent's rules for the line these while `during` runs. */
export const withLine = (line: object, during: () => Promise<void>) => withAgent({ line: LineRules.parse(line) }, during);
export async function withAgent(more: Partial<AgentSettings>, during: () => Promise<void>): Promise<void> {
  const { id, settings } = await agentForCall(db.pool, null);
  await inTransaction(db.pool, (sql) => changeAgent(sql, id, { ...settings, ...more }));
  try {
    await during();
  } finally {
    await inTransaction(db.pool, (sql) => changeAgent(sql, id, settings));
  }
}
export const PHONE = "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11";
export const outLeg = { from: "12025550100", to: "12025550105", uuid: PHONE, conversation_uuid: CONVERSATION, direction: "outbound" };
export const machine = (more: object = {}) => ({
  call_uuid: PHONE,
  from: "12025550100",
  to: "12025550105",
  status: "machine",
  conversation_uuid: CONVERSATION,
  timestamp: "2026-03-04T10:00:10.000Z",
  ...more,
});
export const actionsOf = (answer: { json(): { action: string }[] }) => answer.json().map(({ action }) => action);
