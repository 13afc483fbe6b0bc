import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { receptionist } from "../src/agents/first.ts";
import { createAgent } from "../src/agents/store.ts";
import { type Bridges, createBridges } from "../src/bridge/bridges.ts";
import { makeSocketToken } from "../src/calls/socket-token.ts";
import { acceptAudio } from "../src/carrier/vonage/audio-socket.ts";
import { systemClock } from "../src/clock.ts";
import { inTransaction } from "../src/db/pool.ts";
import type { EmotionEar } from "../src/emotion/port.ts";
import { createEviEngine } from "../src/engine/evi/evi.ts";
import { type CallId, newId } from "../src/ids.ts";
import { type CarrierSocket, openCarrierSocket } from "./carrier-socket.ts";

/** A server with nothing but its audio path: bridges, EVI's adapter, the audio door. */
export interface BridgeHouse {
  readonly bridges: Bridges;
  readonly journalDir: string;
  /** Calls whose agent wanted to hang up, and calls whose engine was lost. */
  readonly hungUp: CallId[];
  readonly lost: { readonly call: CallId; readonly code: string | null }[];
  readonly warnings: string[];
  /** Who listens beside the second engine; nobody can, unless a test puts somebody here. */
  ear: EmotionEar | null;
  /** A call that was just answered, its engine opening (unless not `prepared`). `prompt` may direct the emulator. */
  newCall(agent?: {
    prompt?: string;
    greeting?: string | null;
    config?: string;
    engine?: "evi" | "openai";
    prepared?: boolean;
  }): Promise<CallId>;
  /** Connects as the carrier would. */
  connect(call: CallId, wish?: { rate?: number }): Promise<CarrierSocket>;
  socketUrl(call: CallId): Promise<string>;
  close(): Promise<void>;
}

export async function openBridgeHouse(pool: pg.Pool, eviUrl: string, apiKey: string): Promise<BridgeHouse> {
  const journalDir = await mkdtemp(join(tmpdir(), "earshot-journal-"));
  const warnings: string[] = [];
  const log = {
    info: (): void => {},
    warn: (detail: object, text: string): void => void warnings.push(`${text} ${JSON.stringify(detail)}`),
    error: (detail: object, text: string): void => void warnings.push(`${text} ${JSON.stringify(detail)}`),
  };
  const hungUp: CallId[] = [];
  const lost: { call: CallId; code: string | null }[] = [];
  const evi = createEviEngine({ url: `${eviUrl.replace(/^http/, "ws")}/v0/evi/chat`, apiKey, configId: null, clock: systemClock });
  const bridges = createBridges({
    pool,
    engines: { evi, openai: { ...evi, abilities: { ...evi.abilities, emotions: "none" } } },
    // Listens beside an engine that measures no feelings, which the second is for.
    emotions: {
      name: "broken",
      open() {
        if (house.ear !== null) return house.ear;
        throw new Error("Nobody foresaw this.");
      },
    },
    journalDir,
    clock: systemClock,
    log,
    owner: "test",
    onAgentHangUp: (call) => hungUp.push(call),
    onEngineLost: (call, { code }) => lost.push({ call, code }),
  });
  const server = createServer();
  const door = acceptAudio(server, { pool, bridges, owner: "test", keys: null, clock: systemClock, log });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const socketUrl = async (call: CallId): Promise<string> => `${origin}/media/vonage/${await makeSocketToken(pool, call)}`;
  const house: BridgeHouse = {
    bridges,
    journalDir,
    ear: null,
    hungUp,
    lost,
    warnings,
    async newCall({ prompt = "[emulator: parrot]", greeting = "Hello, this is the desk.", config, engine = "evi", prepared = true } = {}) {
      const agent = await inTransaction(pool, (sql) =>
        createAgent(sql, { ...receptionist, engine, prompt, greeting, options: config === undefined ? {} : { config_id: config } }, false),
      );
      const call = newId<CallId>();
      await pool.query(
        `insert into calls (id, direction, status, from_number, to_number, agent_id, agent_version, answered_at, deadline_at)
         values ($1, 'outbound', 'in_progress', '+12025550100', '+12025550101', $2, 1, now(), now() + interval '1 hour')`,
        [call, agent.id],
      );
      if (prepared) bridges.prepare(call);
      return call;
    },
    connect: async (call, wish) => openCarrierSocket(await socketUrl(call), wish),
    socketUrl,
    async close() {
      door.close();
      await bridges.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(journalDir, { recursive: true, force: true });
    },
  };
  return house;
}
