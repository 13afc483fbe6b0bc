import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { HumeClient } from "hume";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { type Program, startProgram } from "../../../test/program.ts";
import { ensureFirstAgent } from "../../agents/first.ts";
import { systemClock } from "../../clock.ts";
import { newId } from "../../ids.ts";
import { EngineHasNot, EngineUnauthorized, EngineUnreachable } from "../failures.ts";
import { type EngineEvent, type EngineSession, plainManners } from "../port.ts";
import { type Configs, type ConfiguredAgent, openConfigs } from "./configs.ts";
import { createEviEngine } from "./evi.ts";
import { humeRest } from "./rest.ts";

/** The real table, and the emulator's REST interface in a process of its own. */
let database: FreshDatabase;
let evi: Program;
let url: string;
let hume: HumeClient;
const KEY = "a key";
const emulator = join(import.meta.dirname, "../../../../emulators/evi/main.ts");
beforeAll(async () => {
  database = await freshDatabase();
  await ensureFirstAgent(database.pool);
  evi = await startProgram(emulator, ["--api-key", KEY]);
  url = `${evi.url.replace("http", "ws")}/v0/evi/chat`;
  hume = new HumeClient({ apiKey: KEY, environment: { base: evi.url, evi: evi.url, tts: evi.url, stream: evi.url } });
});
afterAll(async () => {
  await evi?.stop();
  await database?.drop();
});
let server: Server | null = null;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

const open = (configId: string | null = null, at = url, key = KEY, freshMs = 60_000): Configs =>
  openConfigs({
    pool: database.pool,
    rest: humeRest({ url: at, apiKey: key }),
    apiKey: key,
    configId,
    webhooks: null,
    freshMs,
  });

async function agent(version = 1, more: Partial<ConfiguredAgent> = {}): Promise<ConfiguredAgent> {
  const id = newId();
  await database.pool.query("insert into agents (id, version) values ($1, $2)", [id, version]);
  return { agent: { id, version, name: "Desk" }, manners: plainManners, options: {}, language: "en", ...more };
}
const at = (one: ConfiguredAgent, version: number, endOfTurnMs: number): ConfiguredAgent => ({
  ...one,
  agent: { ...one.agent, version },
  manners: { ...plainManners, endOfTurnMs },
});
async function versionsOf(id: string): Promise<{ version: number; silence: number | undefined; said: string | undefined }[]> {
  const found = [];
  for await (const one of await hume.empathicVoice.configs.listConfigVersions(id, { pageSize: 100 }))
    found.push({
      version: one.version ?? -1,
      silence: one.turnDetection?.endOfTurnSilenceMs ?? undefined,
      said: one.versionDescription ?? undefined,
    });
  return found;
}
async function configsOf(one: ConfiguredAgent): Promise<number> {
  let count = 0;
  for await (const config of await hume.empathicVoice.configs.listConfigs({ pageSize: 100 }))
    if (config.name === `earshot ${one.agent.id}`) count++;
  return count;
}

test("an agent has one Config, and each of its versions a version of it, as Hume's own package reads them", async () => {
  const one = await agent();
  const configs = open();
  const first = await configs.ensure(at(one, 1, 600));
  const second = await configs.ensure(at(one, 2, 1_500));
  expect(second).toEqual({ id: first.id, version: first.version + 1 });
  expect(await versionsOf(first.id)).toMatchObject([
    { version: 0, silence: 600, said: expect.stringMatching(/^Version 1 of the agent Desk \([0-9a-f]{16}\)$/) },
    { version: 1, silence: 1_500 },
  ]);
  expect(await configsOf(one)).toBe(1);
});

test("asked by several processes at once, again, and after a restart, nothing is made twice", async () => {
  const one = at(await agent(), 1, 700);
  const made = await Promise.all(Array.from({ length: 6 }, () => open().ensure(one)));
  expect(new Set(made.map(({ id, version }) => `${id} ${version}`)).size).toBe(1);
  expect(await open().ensure(one)).toEqual(made[0]);
  expect(await versionsOf(made[0]?.id ?? "")).toHaveLength(1);
  expect(await configsOf(one)).toBe(1);
});

test("a table that lost its memory finds the Config by its name and the version by its mark", async () => {
  const one = at(await agent(), 1, 700);
  const made = await open().ensure(one);
  await database.pool.query("delete from engine_configs where agent_id = $1", [one.agent.id]);
  expect(await open().ensure(one)).toEqual(made);
});

test("a Config that was deleted at Hume is made anew", async () => {
  const one = at(await agent(), 1, 700);
  const configs = open();
  const made = await configs.ensure(one);
  await hume.empathicVoice.configs.deleteConfig(made.id);
  expect(configs.known(one)).toEqual(made);
  configs.forget(made);
  expect(configs.known(one)).toBeNull();
  const again = await configs.ensure(one);
  expect(again.id).not.toBe(made.id);
  expect(await versionsOf(again.id)).toHaveLength(1);
});

test("the operator's own Config is the ground, and an edit of it makes a new version", async () => {
  const own = await hume.empathicVoice.configs.createConfig({
    name: "mine",
    eviVersion: "3",
    prompt: { text: "[emulator: parrot]" },
    turnDetection: { endOfTurnSilenceMs: 2_900 },
  });
  const one = await agent();
  const made = await open(own.id ?? "").ensure(one);
  const config = await hume.empathicVoice.configs.getConfigVersion(made.id, made.version);
  expect(config.prompt?.text).toBe("[emulator: parrot]");
  expect(config.turnDetection?.endOfTurnSilenceMs).toBe(800);
  await hume.empathicVoice.configs.createConfigVersion(own.id ?? "", { eviVersion: "3", prompt: { text: "[emulator: clerk]" } });
  const later = await open(own.id ?? "").ensure(one);
  expect(later).toEqual({ id: made.id, version: made.version + 1 });
});

test("an edit of the operator's own Config reaches a process that runs, without any agent being saved", async () => {
  const own = await hume.empathicVoice.configs.createConfig({ name: "edited", eviVersion: "3", prompt: { text: "[emulator: parrot]" } });
  const one = await agent();
  const configs = open(own.id ?? "", url, KEY, 0);
  const made = await configs.ensure(one);
  await hume.empathicVoice.configs.createConfigVersion(own.id ?? "", { eviVersion: "3", prompt: { text: "[emulator: clerk]" } });
  expect(configs.known(one)).toEqual(made); // the call at hand does not wait for it
  await vi.waitFor(() => expect(configs.known(one)).toEqual({ id: made.id, version: made.version + 1 }));
});

test.each([
  ["the own Config does not exist", "00000000-0000-4000-8000-000000000000", undefined, KEY, EngineHasNot],
  ["the key is refused", null, undefined, "another key", EngineUnauthorized],
  ["Hume is away", null, "ws://127.0.0.1:1/v0/evi/chat", KEY, EngineUnreachable],
])("none is had when %s", async (_, configId, where, key, failure) => {
  await expect(open(configId, where, key).ensure(await agent())).rejects.toBeInstanceOf(failure);
});

const session = (one: ConfiguredAgent, more: Partial<EngineSession> = {}): EngineSession => ({
  callId: newId(),
  ...one,
  prompt: "[emulator: parrot]",
  variables: {},
  greeting: null,
  voice: null,
  tools: [],
  inRate: 16_000,
  outRate: 16_000,
  resume: null,
  history: [],
  ...more,
});
async function opened(engine: ReturnType<typeof createEviEngine>, wanted: EngineSession) {
  const events: EngineEvent[] = [];
  let heard = (): void => {};
  const connection = engine.open(wanted, (event) => {
    events.push(event);
    heard();
  });
  while (!events.some(({ what }) => what === "ready" || what === "ended")) await new Promise<void>((resolve) => (heard = resolve));
  return { events, connection };
}
const chatOf = async (events: readonly EngineEvent[], at = hume) => {
  const ready = events.find((event) => event.what === "ready");
  return at.empathicVoice.chats.listChatEvents(ready?.what === "ready" ? ready.session : "").then((page) => page.response);
};

test("a call's chat runs with its agent's Config", async () => {
  const one = at(await agent(), 1, 650);
  const engine = createEviEngine({
    url,
    apiKey: KEY,
    configId: null,
    clock: systemClock,
    configs: { pool: database.pool, webhooks: null },
  });
  await engine.prepare?.(one);
  const { events, connection } = await opened(engine, session(one));
  expect(events.map(({ what }) => what)).toEqual(["ready"]);
  const { config } = await chatOf(events);
  expect(await versionsOf(config?.id ?? "")).toMatchObject([{ version: config?.version, silence: 650 }]);
  connection.close();
});

test("without one the call works all the same, and says what is not true in it", async () => {
  const one = at(await agent(1, { options: { config_id: "00000000-0000-4000-8000-000000000000" } }), 1, 650);
  const engine = createEviEngine({
    url,
    apiKey: KEY,
    configId: null,
    clock: systemClock,
    configs: { pool: database.pool, webhooks: null },
  });
  const { events, connection } = await opened(engine, session(one));
  expect(events).toMatchObject([
    { what: "trouble", code: "config_missing", text: expect.stringContaining("not true in this call: patience.end_of_turn_ms") },
    { what: "ready" },
  ]);
  connection.close();
});

test.each(["error", "404"])(
  "a Config that vanished under a running process costs one attempt, refused by %s: the next session has another",
  async (refusal) => {
    const one = at(await agent(), 1, 650);
    const own = await startProgram(emulator, ["--api-key", KEY, "--unknown-config", refusal]);
    onTestFinished(() => own.stop());
    const hume = new HumeClient({ apiKey: KEY, environment: { base: own.url, evi: own.url, tts: own.url, stream: own.url } });
    const engine = createEviEngine({
      url: `${own.url.replace("http", "ws")}/v0/evi/chat`,
      apiKey: KEY,
      configId: null,
      clock: systemClock,
      configs: { pool: database.pool, webhooks: null },
    });
    const first = await opened(engine, session(one));
    const { config } = await chatOf(first.events, hume);
    first.connection.close();
    await hume.empathicVoice.configs.deleteConfig(config?.id ?? "");
    const second = await opened(engine, session(one));
    expect(second.events.at(-1)).toMatchObject({ what: "ended", retry: true });
    const third = await opened(engine, session(one));
    expect(third.events.map(({ what }) => what)).toEqual(["ready"]);
    third.connection.close();
  },
);

test("a session closed before its Config is known is opened nowhere", async () => {
  let asked = 0;
  const slow = createServer(() => void asked++);
  server = slow;
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const there = `ws://127.0.0.1:${(slow.address() as AddressInfo).port}/v0/evi/chat`;
  const engine = createEviEngine({
    url: there,
    apiKey: KEY,
    configId: null,
    clock: systemClock,
    configs: { pool: database.pool, webhooks: null },
  });
  const events: EngineEvent[] = [];
  const connection = engine.open(session(await agent()), (event) => events.push(event));
  while (asked === 0) await wait(5);
  connection.close();
  connection.close();
  expect(events).toEqual([{ what: "ended", why: "asked", code: null, text: "We ended the session.", retry: false }]);
});

test.each([
  ["a good one", {}, KEY, []],
  ["a refused key", {}, "another key", ["engine"]],
  ["an unknown Config", { options: { config_id: "nowhere" } }, KEY, ["options.config_id"]],
  ["an unknown version of one", { options: { config_id: "parrot", config_version: 7 } }, KEY, ["options.config_id"]],
  ["a known voice", { voice: "slt" }, KEY, []],
  ["an unknown voice", { voice: "nobody" }, KEY, ["voice"]],
])("an agent is checked when it is saved: %s", async (_, wish, key, fields) => {
  const engine = createEviEngine({ url, apiKey: key, configId: null, clock: systemClock });
  const wanted = { prompt: "", greeting: null, voice: null, language: "en", options: {}, manners: plainManners, tools: [], ...wish };
  const problems = await engine.check?.(wanted, AbortSignal.timeout(5_000));
  expect(problems?.map(({ field }) => field)).toEqual(fields);
});

test("a check that Hume does not answer is no reason to refuse: it rejects", async () => {
  const engine = createEviEngine({ url: "ws://127.0.0.1:1/v0/evi/chat", apiKey: KEY, configId: null, clock: systemClock });
  const wanted = { prompt: "", greeting: null, voice: null, language: "en", options: {}, manners: plainManners, tools: [] };
  await expect(engine.check?.(wanted, AbortSignal.timeout(5_000))).rejects.toBeInstanceOf(EngineUnreachable);
});
