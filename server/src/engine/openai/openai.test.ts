import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../clock.ts";
import type { EngineConnection, EngineEvent, EngineSession } from "../port.ts";
import { plainSession } from "../test-session.ts";
import type { DialectName } from "./dialects.ts";
import { createOpenAiEngine } from "./openai.ts";

/** The other end, byte for byte: what a test says is what goes over the wire. */
let server: WebSocketServer | null = null;
afterEach(async () => {
  for (const client of server?.clients ?? []) client.terminate();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

const session: EngineSession = { ...plainSession, inRate: 24_000, outRate: 24_000 };

interface House {
  readonly events: EngineEvent[];
  readonly connection: EngineConnection;
  /** What it was told so far. */
  readonly told: Record<string, unknown>[];
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  until(what: EngineEvent["what"]): Promise<EngineEvent>;
  says(type: string, fields?: Record<string, unknown>): void;
  /** What the same engine tells in the call's next session. */
  next(wish: Partial<EngineSession>): Promise<Record<string, unknown>[]>;
}

/** A session whose settings are in force. */
async function house(
  wish: Partial<EngineSession> = {},
  dialect: DialectName = "openai",
  expires_at = Math.round(Date.now() / 1000) + 3_600,
): Promise<House> {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/realtime`;
  const arrived = once(server, "connection") as Promise<[WebSocket, IncomingMessage]>;
  const events: EngineEvent[] = [];
  const engine = createOpenAiEngine({ url, apiKey: "secret", model: "m-1", dialect, clock: systemClock });
  const connection = engine.open({ ...session, ...wish }, (event) =>
    events.push(event.what === "agent audio" ? { ...event, pcm: event.pcm.slice() } : event),
  );
  const [socket, request] = await arrived;
  const told: Record<string, unknown>[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as Record<string, unknown>));
  const one: House = {
    events,
    connection,
    told,
    request,
    socket,
    async next(more) {
      const arriving = once(server as WebSocketServer, "connection") as Promise<[WebSocket]>;
      const { close } = engine.open({ ...session, ...wish, ...more }, () => undefined);
      const [again] = await arriving;
      const heard: Record<string, unknown>[] = [];
      again.on("message", (data: Buffer) => heard.push(JSON.parse(data.toString()) as Record<string, unknown>));
      for (const type of ["session.created", "session.updated"])
        again.send(JSON.stringify({ type, event_id: "e", session: { id: "sess-2" } }));
      await vi.waitFor(() => expect(heard.at(-1)?.type).toBe("response.create"));
      close();
      return heard;
    },
    says: (type, fields = {}) => socket.send(JSON.stringify({ type, event_id: "e", ...fields })),
    until: (what) =>
      vi.waitFor(
        () => {
          const found = events.find((event) => event.what === what);
          if (found === undefined) throw new Error(`no ${what} in ${events.map((event) => event.what).join(", ")}`);
          return found;
        },
        { interval: 5 },
      ),
  };
  one.says("session.created", { session: { id: "sess-1", expires_at } });
  one.says("session.updated", { session: { id: "sess-1" } });
  await one.until("ready");
  return one;
}
const tone = (rate: number, ms: number): Int16Array =>
  Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) => Math.round(12_000 * Math.sin((2 * Math.PI * 440 * i) / rate)));
const delta = (pcm: Buffer): Record<string, unknown> => ({ response_id: "r1", item_id: "a1", delta: pcm.toString("base64") });

test("the key is in a header, the model in the address, no beta header; the session's own limit is told", async () => {
  const { request, connection, told, events } = await house();
  expect(request.url).toBe("/v1/realtime?model=m-1");
  expect(request.headers.authorization).toBe("Bearer secret");
  expect(request.headers["openai-beta"]).toBeUndefined();
  await vi.waitFor(() => expect(told.map(({ type }) => type)).toEqual(["session.update"]));
  expect(events[0]).toMatchObject({ what: "ready", session: "sess-1", resume: null });
  connection.close();
});

test("24 kHz goes up unchanged, frame by frame", async () => {
  const { connection, told } = await house();
  const frames = Array.from({ length: 5 }, (_, n) => new Uint8Array(960).map((_, i) => n * 31 + i));
  for (const frame of frames) connection.audio(frame);
  await vi.waitFor(() => expect(told).toHaveLength(6));
  expect(told.slice(1).map(({ audio }) => Buffer.from(audio as string, "base64"))).toEqual(frames.map((frame) => Buffer.from(frame)));
  connection.close();
});

test.each([
  ["openai", 24_000],
  ["localai", 16_000],
] as const)("a carrier of 16 kHz is brought to what %s takes", async (dialect, wireRate) => {
  const { connection, told } = await house({ inRate: 16_000, outRate: 16_000 }, dialect);
  const sound = new Uint8Array(tone(16_000, 1_000).buffer);
  for (let at = 0; at < sound.length; at += 640) connection.audio(sound.subarray(at, at + 640));
  await vi.waitFor(() => expect(told).toHaveLength(51));
  const heard = Buffer.concat(told.slice(1).map(({ audio }) => Buffer.from(audio as string, "base64")));
  const samples = new Int16Array(heard.buffer.slice(heard.byteOffset, heard.byteOffset + heard.length));
  expect(Math.abs(samples.length - wireRate)).toBeLessThan(120);
  const ideal = tone(wireRate, 1_000);
  const worst = samples.slice(100, -100).reduce((most, sample, i) => Math.max(most, Math.abs(sample - (ideal[i + 100] as number))), 0);
  expect(worst).toBeLessThan(20);
  connection.close();
});

test("an answer comes out at our rate without a seam or a missing sample, also in deltas of odd sizes", async () => {
  const { connection, events, says, until } = await house({ inRate: 16_000, outRate: 16_000 });
  const sound = Buffer.from(tone(24_000, 1_000).buffer);
  says("response.created", { response: { id: "r1" } });
  for (const [from, to] of [
    [0, 4_801],
    [4_801, 4_802],
    [4_802, 20_003],
    [20_003, 48_000],
  ] as const)
    says("response.output_audio.delta", delta(sound.subarray(from, to)));
  says("response.done", { response: { id: "r1", status: "completed", output: [] } });
  await until("agent done");
  const pcm = events.flatMap((event) => (event.what === "agent audio" ? [...event.pcm] : []));
  expect(pcm).toHaveLength(16_000);
  const ideal = tone(16_000, 1_000);
  expect(pcm.slice(50, -50).reduce((most, sample, i) => Math.max(most, Math.abs(sample - (ideal[i + 50] as number))), 0)).toBeLessThan(20);
  connection.close();
});

test("minutes of sound in one delta are one piece of work", async () => {
  const { connection, events, says, until } = await house();
  const sound = Buffer.from(tone(24_000, 120_000).buffer);
  says("response.created", { response: { id: "r1" } });
  says("response.output_audio.delta", delta(sound));
  says("response.done", { response: { id: "r1", status: "completed", output: [] } });
  await until("agent done");
  expect(events.reduce((sum, event) => sum + (event.what === "agent audio" ? event.pcm.length : 0), 0)).toBe(24_000 * 120);
  connection.close();
});

test.each([
  [1001, "Your session hit the maximum duration of 60 minutes.", { why: "expired", retry: true }],
  [3000, "invalid_request_error.invalid_api_key", { why: "refused", code: "invalid_api_key", retry: false }],
  [1012, "", { why: "lost", code: "ws_1012", retry: true }],
])("a close of %i %s is typed, and is the last event", async (code, reason, ended) => {
  const { socket, until, events, connection } = await house();
  socket.close(code, reason);
  expect(await until("ended")).toMatchObject(ended);
  connection.audio(new Uint8Array(960));
  connection.say("too late", "exact");
  expect(events.at(-1)?.what).toBe("ended");
});

test.each([
  ["in the middle of an answer", "mid-answer", [["response.created", { response: { id: "r1" } }]], "go on with what you were saying"],
  [
    "while the caller waits",
    "caller",
    [
      ["input_audio_buffer.speech_started", { item_id: "c1", audio_start_ms: 100 }],
      ["input_audio_buffer.speech_stopped", { item_id: "c1", audio_end_ms: 900 }],
    ],
    null,
  ],
] as const)("a session that must be renewed %s is gone on with: the next one speaks", async (_, last, happens, words) => {
  const { says, until, next } = await house({}, "openai", Math.round(Date.now() / 1000) + 2);
  for (const [type, fields] of happens) says(type, fields);
  expect(await until("ended")).toMatchObject({ why: "expired", code: "renewal", retry: true });
  const history = [{ speaker: last === "caller" ? ("caller" as const) : ("agent" as const), text: "It is about Friday." }];
  const told = await next({ history });
  if (words === null) expect(told.map(({ type }) => type)).toEqual(["session.update", "conversation.item.create", "response.create"]);
  else expect(JSON.stringify(told.at(-2))).toContain(words);
});

test.each([
  ["in a field that was never filled in", 0],
  ["in milliseconds", Date.now() + 3_600_000],
])("a session whose end is told %s is not renewed before anybody has spoken", async (_, expires_at) => {
  const { says, until, events, connection } = await house({}, "localai", expires_at);
  says("response.created", { response: { id: "r1" } });
  says("response.done", { response: { id: "r1", status: "completed", output: [] } });
  await until("agent done");
  expect(events.map(({ what }) => what)).toEqual(["ready", "agent done"]);
  connection.close();
});

test("closing it ourselves is asked for, once", async () => {
  const { connection, until, events } = await house();
  connection.close();
  connection.close();
  expect(await until("ended")).toMatchObject({ why: "asked", retry: false });
  expect(events.filter(({ what }) => what === "ended")).toHaveLength(1);
});

test("nobody there: the session ends and may be tried again", async () => {
  const engine = createOpenAiEngine({
    url: "ws://127.0.0.1:1/v1/realtime",
    apiKey: "k",
    model: "m",
    dialect: "openai",
    clock: systemClock,
  });
  const ended = await new Promise<EngineEvent>((resolve) => engine.open(session, resolve));
  expect(ended).toMatchObject({ what: "ended", why: "lost", code: "unreachable", retry: true });
});
