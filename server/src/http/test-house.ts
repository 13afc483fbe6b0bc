import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Role } from "@earshot/contract/session";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import type pg from "pg";
import { type Logger, pino } from "pino";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import { whisper } from "../calls/asks.ts";
import { hangUp } from "../calls/hang-up.ts";
import { muteCaller, pressKeys, transferCall } from "../calls/in-call.ts";
import { placeCall } from "../calls/place.ts";
import type { Carrier } from "../carrier/port.ts";
import { type Clock, systemClock } from "../clock.ts";
import { eviAbilities } from "../engine/evi/evi.ts";
import { eviManner } from "../engine/evi/manner.ts";
import { engineKinds } from "../engine/kinds.ts";
import { dialectOf } from "../engine/openai/dialects.ts";
import { mannerOf } from "../engine/openai/manner.ts";
import { createOpenAiEngine } from "../engine/openai/openai.ts";
import { type CallId, type LegId, newId } from "../ids.ts";
import { makeApiKey } from "../people/api-keys.ts";
import { hashPassword } from "../people/passwords.ts";
import { asWav } from "../recordings/as-wav.ts";
import { AudioThreads } from "../recordings/audio/audio-threads.ts";
import { openStorage, type Storage } from "../recordings/storage.ts";
import type { Line } from "./carrier.ts";
import { type DoorParts, openDoor } from "./door.ts";

/** A wall clock that tests move; the monotonic one moves along. */
export function handClock(at = new Date("2026-03-01T12:00:00Z")): Clock & { forward(ms: number): void } {
  let ms = at.getTime();
  return {
    now: () => new Date(ms),
    monotonicMs: () => ms,
    forward(by) {
      ms += by;
    },
  };
}

/** A carrier that accepts everything and then says nothing more: what a door's tests need of the outside. */
const patientCarrier: Carrier = {
  name: "patient",
  dial: async () => ({ dialed: "yes", leg: newId<LegId>(), conversation: null }),
  hangUp: async () => {},
  legState: async () => null,
  press: async () => {},
  mute: async () => {},
  handOver: async () => {},
  openRecording: async () => {
    throw new Error("This carrier has no recordings.");
  },
  mayFetch: () => false,
};

/** What the engines make of settings; nobody is asked. */
export const testEngines = {
  evi: { abilities: eviAbilities, manner: eviManner(false) },
  openai: {
    abilities: createOpenAiEngine({ url: "ws://127.0.0.1:9", apiKey: "none", model: "none", dialect: "openai", clock: systemClock })
      .abilities,
    manner: mannerOf(dialectOf("openai")),
  },
};

export const PASSWORD = "correct horse battery staple";
export const NUMBER = "+12025550100";

export interface TestHouse {
  readonly app: FastifyInstance;
  readonly database: FreshDatabase;
  readonly clock: ReturnType<typeof handClock>;
  readonly storage: Storage;
  readonly publicUrl: string;
  /** Every line logged so far. */
  readonly logged: string[];
  readonly keys: Record<Role, string>;
  readonly users: Record<Role, string>;
  ask(role: Role | null, options: InjectOptions): Promise<LightMyRequestResponse>;
  signIn(role: Role): Promise<{ cookie: string; csrf: string }>;
  close(): Promise<void>;
}

/** The real door on a real database, with a user and a key of each role, the first agent, and files in a folder of their own. */
export async function openTestHouse(
  given: Partial<DoorParts> | ((pool: pg.Pool, clock: Clock, log: Logger) => Partial<DoorParts>) = {},
): Promise<TestHouse> {
  const database = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), "earshot-door-"));
  const clock = handClock();
  const logged: string[] = [];
  const log = pino(
    { level: "trace" },
    new Writable({
      write(line, _encoding, done) {
        logged.push(String(line));
        done();
      },
    }),
  );
  const { pool } = database;
  const storage = openStorage(`file:${folder}`);
  const more = typeof given === "function" ? given(pool, clock, log) : given;
  const publicUrl = more.publicUrl ?? "http://earshot.test";
  const calling = { pool, carrier: patientCarrier, number: NUMBER, clock, log, owner: "process-1", dialing: new Set<Promise<void>>() };
  await ensureFirstAgent(pool);
  const passwordHash = await hashPassword(PASSWORD);
  const keys = {} as Record<Role, string>;
  const users = {} as Record<Role, string>;
  for (const role of ["admin", "member", "viewer"] as const) {
    keys[role] = (await makeApiKey(pool, { name: `a ${role}'s`, role }, clock)).key;
    users[role] = newId();
    await pool.query("insert into users (id, email, password_hash, role) values ($1, $2, $3, $4)", [
      users[role],
      `${role}@earshot.test`,
      passwordHash,
      role,
    ]);
  }
  const threads = new AudioThreads(1, 0);
  const app = await openDoor({
    pool,
    databaseUrl: database.url,
    clock,
    log,
    publicUrl,
    storage,
    dashboardDir: join(folder, "no-dashboard"),
    engines: testEngines,
    engineKinds,
    secretsKey: null,
    emulatedNumbers: [{ number: "+12025550103", name: "Busy line", habit: "is always busy" }],
    placeCall: (request, by) => placeCall(calling, request, by),
    hangUp: (call, actor) => hangUp(calling, call, "operator", { by: actor }),
    inCall: {
      transfer: (call, to, by) => transferCall(calling, call, to, by),
      pressKeys: (call, keys, by) => pressKeys(calling, call, keys, by),
      mute: (call, on, by) => muteCaller(calling, call, on, by),
      whisper: (call, asked, by) =>
        whisper({ pool: database.pool, clock, owner: "test", here: () => [], doAsk: () => false }, call, asked, by),
    },
    line: null,
    jobs: { states: async () => [], wake: () => {} },
    asWav: (file) => asWav({ storage, threads, workDir: join(folder, "work"), pace: { take: async () => {} } }, file),
    tellings: { local: false, wake: () => {} },
    ...more,
  }).catch(async (error: unknown) => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    app,
    database,
    clock,
    storage,
    publicUrl,
    logged,
    keys,
    users,
    ask: (role, options) =>
      app.inject({ ...options, headers: { ...(role ? { authorization: `Bearer ${keys[role]}` } : {}), ...options.headers } }),
    async signIn(role) {
      const answer = await app.inject({
        method: "POST",
        url: "/api/session",
        payload: { email: `${role}@earshot.test`, password: PASSWORD },
      });
      return { cookie: String(answer.headers["set-cookie"]).split(";")[0] ?? "", csrf: answer.json().csrf };
    },
    async close() {
      await Promise.all(calling.dialing);
      await app.close();
      await threads.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A phone line that is in order. */
export const lineInOrder: Line = {
  carrier: "vonage",
  number: NUMBER,
  emulated: true,
  doctor: { hasApiSecret: true, examine: async () => [], setWebhooks: async () => {} },
};

/** Puts an ended, answered call into the database, with the columns given. */
export async function seedCall(house: TestHouse, columns: Record<string, unknown> = {}): Promise<CallId> {
  const at = house.clock.now().getTime();
  const row: Record<string, unknown> = {
    id: newId<CallId>(at),
    direction: "outbound",
    status: "ended",
    end_reason: "caller_hung_up",
    from_number: NUMBER,
    to_number: "+12025550101",
    created_at: new Date(at),
    dialed_at: new Date(at + 100),
    ringing_at: new Date(at + 1_000),
    answered_at: new Date(at + 5_000),
    ended_at: new Date(at + 65_000),
    ...columns,
  };
  if (row.status !== "ended") Object.assign(row, { end_reason: null, ended_at: null, deadline_at: new Date(at + 3_600_000) });
  await insert(house, "calls", row);
  return row.id as CallId;
}

/** Inserts one row. */
export async function insert(house: TestHouse, table: string, row: Record<string, unknown>): Promise<void> {
  const names = Object.keys(row);
  await house.database.pool.query(
    `insert into ${table} (${names.join(", ")}) values (${names.map((_, i) => `$${i + 1}`).join(", ")})`,
    Object.values(row),
  );
}

/** A stored recording of a call, its bytes in the storage. */
export async function seedRecording(
  house: TestHouse,
  call: CallId,
  bytes: Uint8Array,
  columns: Record<string, unknown> = {},
): Promise<string> {
  const id = newId();
  const key = `recordings/${id}.mp3`;
  const stored = await house.storage.put(
    key,
    (async function* () {
      yield bytes;
    })(),
  );
  await insert(house, "recordings", {
    id,
    call_id: call,
    source: "carrier",
    status: "verified",
    format: "mp3",
    storage_key: key,
    size_bytes: stored.sizeBytes,
    sha256: stored.sha256,
    duration_ms: 60_000,
    channels: 2,
    stored_at: house.clock.now(),
    verified_at: house.clock.now(),
    ...columns,
  });
  return id;
}

/** Opens a real connection and hands out what arrives. */
export async function openStream(app: FastifyInstance, path: string, headers: Record<string, string>) {
  if (!app.server.listening) await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest({ port, host: "127.0.0.1", path, headers }, resolve).on("error", reject).end();
  });
  let text = "";
  let ended = false;
  let wake = (): void => {};
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  for (const end of ["end", "close", "error"]) {
    response.on(end, () => {
      ended = true;
      wake();
    });
  }
  return {
    response,
    text: () => text,
    /** Resolves when everything received so far contains `part`; rejects when the stream ends before. */
    async until(part: string | RegExp): Promise<void> {
      while (!(typeof part === "string" ? text.includes(part) : part.test(text))) {
        if (ended) throw new Error(`The stream ended before ${part}: ${text}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async end(): Promise<void> {
      while (!ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close: () => response.destroy(),
  };
}
