import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../clock.ts";
import { type EngineConnection, type EngineEvent, type EngineSession, plainManners } from "../port.ts";
import { createEviEngine } from "./evi.ts";

/** The other end, byte for byte: what a test says is what goes over the wire. */
let server: WebSocketServer | null = null;
afterEach(async () => {
  for (const client of server?.clients ?? []) client.terminate();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

interface Chat {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  /** What we told EVI, in order. */
  readonly told: Record<string, unknown>[];
}
interface House {
  readonly events: EngineEvent[];
  readonly connection: EngineConnection;
  chat(): Promise<Chat>;
  until(what: EngineEvent["what"]): Promise<EngineEvent>;
}

const session: EngineSession = {
  callId: "call-1",
  agent: null,
  manners: plainManners,
  prompt: "You are brief.",
  variables: { first_name: "Imre", balance: 41 },
  greeting: "Hello.",
  voice: "voice-1",
  language: "en",
  tools: [],
  inRate: 16_000,
  outRate: 16_000,
  resume: null,
  history: [],
  options: {},
};

async function house(wish: Partial<EngineSession> = {}, verify?: (done: (ok: boolean, code?: number) => void) => void): Promise<House> {
  server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    ...(verify && { verifyClient: (_: unknown, done: (ok: boolean, code?: number) => void) => verify(done) }),
  });
  await once(server, "listening");
  const chats: Chat[] = [];
  const waiting: ((chat: Chat) => void)[] = [];
  server.on("connection", (socket, request) => {
    const chat: Chat = { request, socket, told: [] };
    socket.on("message", (data: Buffer) => chat.told.push(JSON.parse(data.toString()) as Record<string, unknown>));
    chats.push(chat);
    for (const tell of waiting.splice(0)) tell(chat);
  });
  const engine = createEviEngine({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v0/evi/chat`,
    apiKey: "secret",
    configId: "config-1",
    clock: systemClock,
  });
  const events: EngineEvent[] = [];
  const connection = engine.open({ ...session, ...wish }, (event) =>
    events.push(event.what === "agent audio" ? { ...event, pcm: event.pcm.slice() } : event),
  );
  return {
    events,
    connection,
    chat: async () => chats[0] ?? new Promise((resolve) => waiting.push(resolve)),
    until: (what) =>
      vi.waitFor(
        () => {
          const found = events.find((event) => event.what === what);
          if (found === undefined) throw new Error(`no ${what} in ${events.map((event) => event.what).join(", ")}`);
          return found;
        },
        { interval: 5, timeout: 8_000 },
      ),
  };
}
const metadata = '{"type":"chat_metadata","chat_group_id":"group","chat_id":"chat","request_id":"r"}';
const wavOf = (samples: Int16Array, rate = 48_000): Buffer => {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.length * 2, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples.length * 2, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
};
const audio = (id: string, index: number, samples: Int16Array, rate?: number): string =>
  JSON.stringify({ type: "audio_output", id, index, data: wavOf(samples, rate).toString("base64") });

test("the key is in a header and not in the address; the settings come first, then the greeting, once", async () => {
  const { connection, chat, until } = await house();
  const { request, socket, told } = await chat();
  expect(request.headers["x-hume-api-key"]).toBe("secret");
  expect(request.url).toBe("/v0/evi/chat?config_id=config-1&verbose_transcription=true");
  socket.send(metadata);
  expect(await until("ready")).toMatchObject({ session: "chat", resume: "group" });
  await vi.waitFor(() => expect(told).toHaveLength(2));
  expect(told).toEqual([
    {
      type: "session_settings",
      audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 },
      custom_session_id: "call-1",
      system_prompt: "You are brief.",
      variables: { first_name: "Imre", balance: 41 },
      voice_id: "voice-1",
      builtin_tools: [{ name: "hang_up" }],
    },
    { type: "assistant_input", text: "Hello." },
  ]);
  connection.close();
});

test("a resumed chat sends its settings again and does not greet", async () => {
  const { connection, chat, until } = await house({ resume: "group" });
  const { request, socket, told } = await chat();
  expect(request.url).toContain("resumed_chat_group_id=group");
  socket.send(metadata);
  await until("ready");
  connection.say("marker", "exact");
  await vi.waitFor(() => expect(told).toHaveLength(2));
  expect(told.map(({ type, text }) => [type, text])).toEqual([
    ["session_settings", undefined],
    ["assistant_input", "marker"],
  ]);
  connection.close();
});

test("a chat that cannot be resumed is told what was said, and does not greet either", async () => {
  const { connection, chat, until } = await house({
    history: [
      { speaker: "agent", text: "Hello." },
      { speaker: "caller", text: "It is about Friday." },
    ],
  });
  const { socket, told } = await chat();
  socket.send(metadata);
  await until("ready");
  connection.say("marker", "exact");
  await vi.waitFor(() => expect(told).toHaveLength(2));
  expect(JSON.stringify(told[0]?.context)).toContain("You: Hello.\\nCaller: It is about Friday.");
  expect(told[1]?.text).toBe("marker");
  connection.close();
});

test("caller audio goes up unchanged, frame by frame", async () => {
  const { connection, chat, until } = await house({ greeting: null });
  const { socket, told } = await chat();
  socket.send(metadata);
  await until("ready");
  const frames = Array.from({ length: 5 }, (_, n) => new Uint8Array(640).map((_, i) => n * 31 + i));
  for (const frame of frames) connection.audio(frame);
  await vi.waitFor(() => expect(told).toHaveLength(6));
  expect(told.slice(1).map(({ data }) => Buffer.from(data as string, "base64"))).toEqual(frames.map((frame) => Buffer.from(frame)));
  connection.close();
});

test("a sentence comes out at our rate, without headers, seams or a missing sample", async () => {
  const { connection, events, chat, until } = await house();
  const { socket } = await chat();
  socket.send(metadata);
  const tone = Int16Array.from({ length: 48_000 }, (_, i) => Math.round(12_000 * Math.sin((2 * Math.PI * 440 * i) / 48_000)));
  socket.send(audio("a1", 0, tone.slice(0, 20_001)));
  socket.send(audio("a1", 1, tone.slice(20_001, 20_008)));
  socket.send(audio("a1", 2, tone.slice(20_008)));
  socket.send('{"type":"assistant_end"}');
  await until("agent done");
  const pcm = events.flatMap((event) => (event.what === "agent audio" ? [...event.pcm] : []));
  expect(pcm).toHaveLength(16_000);
  const ideal = pcm.map((_, i) => 12_000 * Math.sin((2 * Math.PI * 440 * i) / 16_000));
  const worst = pcm.slice(50, -50).reduce((most, sample, i) => Math.max(most, Math.abs(sample - (ideal[i + 50] as number))), 0);
  expect(worst).toBeLessThan(12);
  connection.close();
});

test("sound that is no sound is left out and told once", async () => {
  const { connection, events, chat, until } = await house();
  const { socket } = await chat();
  socket.send(metadata);
  const broken = Buffer.from(wavOf(new Int16Array(100)));
  broken.writeUInt16LE(24, 34);
  for (let i = 0; i < 100; i++) socket.send(JSON.stringify({ type: "audio_output", id: "a1", index: i, data: broken.toString("base64") }));
  socket.send('{"type":"assistant_end"}');
  await until("agent done");
  expect(events.filter(({ what }) => what === "trouble")).toHaveLength(1);
  expect(events.filter(({ what }) => what === "agent audio")).toHaveLength(0);
  connection.close();
});

test.each([401, 403, 429, 500])("a handshake refused with %i ends the session with its code", async (status) => {
  const { events, until } = await house({}, (done) => done(false, status));
  expect(await until("ended")).toMatchObject({ code: `http_${status}` });
  expect(events).toHaveLength(1);
});

test("nobody there: the session ends and may be tried again", async () => {
  const engine = createEviEngine({ url: "ws://127.0.0.1:1/v0/evi/chat", apiKey: "k", configId: null, clock: systemClock });
  const ended = await new Promise<EngineEvent>((resolve) => engine.open(session, resolve));
  expect(ended).toMatchObject({ what: "ended", why: "lost", code: "unreachable", retry: true });
});

test.each([
  ["1000 alone is the agent hanging up", 1000, null, { why: "agent_hung_up", retry: false }],
  ["1000 after a timeout is not success", 1000, "E0714", { why: "idle", retry: false }],
  ["1012 is a loss", 1012, null, { why: "lost", retry: true, code: "ws_1012" }],
] as const)("%s", async (_, code, error, ended) => {
  const { chat, until } = await house();
  const { socket } = await chat();
  socket.send(metadata);
  await until("ready");
  if (error !== null) socket.send(JSON.stringify({ type: "error", code: error, slug: "x", message: "Ended." }));
  socket.close(code);
  expect(await until("ended")).toMatchObject(ended);
});

test("what was still coming is played when the chat closes: a goodbye keeps its last word", async () => {
  const { events, chat, until } = await house();
  const { socket } = await chat();
  socket.send(metadata);
  socket.send(audio("a1", 0, new Int16Array(4_800).fill(1_000)));
  socket.close(1000);
  await until("ended");
  expect(events.at(-1)?.what).toBe("ended");
  expect(events.reduce((sum, event) => sum + (event.what === "agent audio" ? event.pcm.length : 0), 0)).toBe(1_600);
});

test("closing it ourselves is asked for, and is the last event", async () => {
  const { connection, events, chat, until } = await house();
  const { socket } = await chat();
  socket.send(metadata);
  await until("ready");
  connection.close();
  connection.close();
  expect(await until("ended")).toMatchObject({ why: "asked", retry: false });
  connection.audio(new Uint8Array(640));
  connection.say("too late", "exact");
  expect(events.at(-1)?.what).toBe("ended");
});

test("closing it before it is open leaves nothing behind", async () => {
  const { connection, events, until } = await house({}, () => {});
  connection.close();
  expect(await until("ended")).toMatchObject({ why: "asked" });
  expect(events).toHaveLength(1);
});
