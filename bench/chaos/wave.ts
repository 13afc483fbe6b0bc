import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { callee } from "./people.ts";
import type { Incident, Wave } from "./plan.ts";
import type { World } from "./world.ts";

/** An incident as it happened. */
export interface Happened {
  readonly what: Incident["what"];
  /** Wall clock, ms. */
  readonly at: number;
  /** Calls that were open just before. */
  readonly calls: readonly string[];
  /** Of a killed server: its name. */
  readonly server: string | null;
  /** From the incident until the part served again, ms. */
  readonly backMs: number;
}

/** A leg as the phone network shows it. */
export interface PhoneLeg {
  readonly uuid: string;
  readonly kind: "phone" | "websocket" | string;
  readonly call: string;
  readonly answered_at: string | null;
  readonly ended_at: string | null;
  readonly ended_by: "user" | "platform" | null;
  readonly audio: { readonly closeCode: number | null } | null;
}

export interface WaveResult {
  readonly calls: readonly string[];
  readonly happened: readonly Happened[];
  readonly legs: readonly PhoneLeg[];
  /** Calls that had not ended in time. */
  readonly open: readonly string[];
}

/** Was another server process alive from `from` to `to`, ms of the wall clock, without a break? */
export function anotherLived(servers: readonly string[], happened: readonly Happened[], from: number, to: number): boolean {
  return servers.some((name) => happened.every(({ server, at, backMs }) => server !== name || at + backMs < from || at > to));
}

/** Calls of a wave are placed this far apart, ms. */
const SPREAD_MS = 80;
const ENDED_WITHIN_MS = 150_000;

/** Places the calls of one wave, lets its incidents happen, and waits until every call has ended. */
export async function runWave(world: World, wave: Wave, log: (text: string) => void): Promise<WaveResult> {
  const startedAt = Date.now();
  const placing = Promise.all(
    Array.from({ length: wave.calls }, async (_, index) => {
      await sleep(index * SPREAD_MS);
      return place(world, index % 2 === 0 ? callee.brief : callee.patient);
    }),
  );
  const happened = Promise.all(
    wave.incidents.map(async (incident) => {
      await sleep(Math.max(0, startedAt + incident.atMs - Date.now()));
      return happen(world, incident, log);
    }),
  );
  const [calls, all] = await Promise.all([placing, happened]);
  const done = all.filter((one) => one !== null);
  const open = await untilEnded(world, calls);
  await sleep(500);
  const legs = await legsOf(world);
  return { calls, happened: done, legs: legs.filter((leg) => Date.parse(leg.answered_at ?? "") >= startedAt), open };
}

const legsOf = async (world: World): Promise<PhoneLeg[]> => (await asked<{ calls: PhoneLeg[] }>(`${world.phoneUrl}/emulator/calls`)).calls;

/** Asked again when the connection that was kept open is found to be closed: a wave may be long, and the other side killed in it. */
async function asked<T>(url: string): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return (await (await fetch(url)).json()) as T;
    } catch (error) {
      if (tries >= 5) throw error;
      await sleep(100 * tries);
    }
  }
}

/** As a careful client does: the same key until there is an answer. */
async function place(world: World, to: string): Promise<string> {
  const init = {
    method: "POST",
    headers: { "idempotency-key": randomUUID() },
    body: JSON.stringify({ to, customer_name: "Alex" }),
  };
  for (let tries = 0; ; tries++) {
    try {
      return (await world.api<{ id: string }>("/api/calls", init)).id;
    } catch (error) {
      if (tries >= 100) throw error;
      await sleep(200);
    }
  }
}

/** Lets an incident happen and waits until the part is back; null when there was nothing to do it to. */
async function happen(world: World, { what, pick }: Incident, log: (text: string) => void): Promise<Happened | null> {
  const at = Date.now();
  const done = async (server: string | null = null): Promise<Happened> => {
    const backMs = Date.now() - at;
    const calls = await openAt(world, at);
    log(`${what} with ${calls.length} calls open; back after ${backMs} ms`);
    return { what, at, calls, server, backMs };
  };
  switch (what) {
    case "server killed": {
      const living = world.servers.filter((server) => server.running() !== null);
      const server = living[Math.floor(pick * living.length)];
      if (server === undefined) return null;
      await server.running()?.kill();
      await server.start();
      return done(server.name);
    }
    case "engine sockets dropped": {
      // While the engine itself is being restarted there is no socket to drop.
      const open = await openChats(world).catch(() => []);
      const dropped = await Promise.all(open.filter((_, index) => index % 2 === Math.floor(pick * 2)).map((chat) => dropChat(world, chat)));
      return dropped.length === 0 ? null : done();
    }
    case "Postgres killed":
      world.killPostgres();
      await world.untilDatabase();
      return done();
    case "engine restarted":
      await world.restartEvi();
      return done();
    case "phone network killed":
      await world.restartPhone();
      return done();
  }
}

/** Asked afterwards, since the database may be away at the moment itself. */
async function openAt(world: World, at: number): Promise<string[]> {
  for (;;) {
    const answer = await world.pool
      .query<{ id: string }>("select id from calls where created_at <= $1 and (ended_at is null or ended_at > $1)", [new Date(at)])
      .catch(() => null);
    if (answer !== null) return answer.rows.map(({ id }) => id);
    await sleep(100);
  }
}

async function openChats(world: World): Promise<string[]> {
  const { chats } = await asked<{ chats: { chat_id: string; doing: string }[] }>(`${world.eviUrl}/emulator/chats`);
  return chats.filter(({ doing }) => doing !== "ended").map(({ chat_id }) => chat_id);
}

/** As a network does that loses a connection. */
const dropChat = (world: World, chat: string): Promise<unknown> =>
  fetch(`${world.eviUrl}/emulator/chats/${chat}/close`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"code": 1006}',
  }).catch(() => {});

async function untilEnded(world: World, calls: readonly string[]): Promise<string[]> {
  const end = Date.now() + ENDED_WITHIN_MS;
  for (;;) {
    const { rows } = await world.pool
      .query<{ id: string }>("select id from calls where id = any($1) and status <> 'ended'", [calls])
      .catch(() => ({ rows: [{ id: "?" }] }));
    if (rows.length === 0 || Date.now() > end) return rows.map(({ id }) => id);
    await sleep(250);
  }
}
