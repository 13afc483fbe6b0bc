import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../clock.ts";
import type { EngineConnection, EngineEvent, EngineSession } from "../port.ts";
import { plainSession } from "../test-session.ts";
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
  /** All that were opened, the oldest first. */
  readonly chats: readonly Chat[];
  readonly events: EngineEvent[];
  readonly connection: EngineConnection;
  /** The same engine's next session of the call. */
  readonly again: { open(wish: Partial<EngineSession>): void; connection(): EngineConnection };
  chat(): Promise<Chat>;
  until(what: EngineEvent["what"]): Promise<EngineEvent>;
}

const session: EngineSession = { ...plainSession, variables: { first_name: "Imre", balance: 41 }, greeting: "Hello.", voice: "voice-1" };

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
  const open = (more: Partial<EngineSession>): EngineConnection =>
    engine.open({ ...session, ...wish, ...more }, (event) =>
      events.push(event.what === "agent audio" ? { ...event, pcm: event.pcm.slice() } : event),
    );
  const connection = open({});
  let latest = connection;
  return {
    chats,
    events,
    connection,
    again: {
      open(more) {
        latest = open(more);
      },
      connection: () => latest,
    },
    chat: async () => chats[0] ?? new Promise((resolve) => waiting.push(resolve)),
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

test("what we have no name for goes to EVI as Hume spells it", async () => {
  const { connection, chat } = await house({
    greeting: null,
    options: { extra: { metadata: { branch: "Ghent" }, builtin_tools: [{ name: "web_search" }] } },
  });
  const { told } = await chat();
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({ metadata: { branch: "Ghent" }, builtin_tools: [{ name: "hang_up" }, { name: "web_search" }] });
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

const told = (messages: readonly Record<string, unknown>[]): unknown[] =>
  messages.flatMap(({ type, context }) => (type === "session_settings" ? [context] : []));
const said = (text: string, more: object = {}): string =>
  JSON.stringify({ type: "user_message", message: { role: "user", content: text }, models: {}, interim: false, from_text: false, ...more });

test("every key and whisper since the caller last spoke is told together, and none of it twice", async () => {
  const { connection, chats, chat, until } = await house({ greeting: null });
  const { socket, told: heard } = await chat();
  socket.send(metadata);
  await until("ready");
  for (const key of [4, 7, 2]) connection.context(`Key ${key}.`, false);
  await vi.waitFor(() => expect(heard).toHaveLength(4));
  expect(told(heard).at(-1)).toEqual({ type: "temporary", text: "Key 4.\n\nKey 7.\n\nKey 2." });
  socket.send(said("So", { interim: true }));
  socket.send(said("So, what now?"));
  await until("caller text");
  await vi.waitFor(() => expect(heard.at(-1)).toBeDefined());
  socket.send(said("Well?"));
  connection.say("marker", "exact");
  await vi.waitFor(() => expect(heard.at(-1)?.text).toBe("marker"));
  connection.context("Key 9.", false);
  await vi.waitFor(() => expect(told(heard).at(-1)).toMatchObject({ text: expect.stringContaining("Key 9.") }));
  expect(chats).toHaveLength(1);
  connection.close();
});

test("what holds for the whole chat stays when a key is pressed, and is alone again once the caller has spoken", async () => {
  const history = [{ speaker: "caller" as const, text: "It is about Friday." }];
  const { connection, chat, until } = await house({ options: { context: "The shop is closed today." }, history });
  const { socket, told: heard } = await chat();
  socket.send(metadata);
  await until("ready");
  connection.context("Key 4.", false);
  await vi.waitFor(() => expect(heard).toHaveLength(2));
  socket.send(said("Well?"));
  await vi.waitFor(() => expect(heard).toHaveLength(3));
  const [first, withKey, after] = told(heard);
  expect(first).toMatchObject({
    type: "persistent",
    text: expect.stringMatching(/^The shop is closed today\..*Caller: It is about Friday\./s),
  });
  expect(withKey).toEqual({ type: "persistent", text: `${(first as { text: string }).text}\n\nKey 4.` });
  expect(after).toEqual(first);
  connection.close();
});

test.each([
  ["a chat with nothing to hold for all of it", {}, ["Key 4."], ["Key 4.\n\nKey 7."], undefined],
  ["a chat with lasting context", { context: "Closed." }, ["Closed.\n\nKey 4."], ["Closed.\n\nKey 4.\n\nKey 7."], "Closed."],
])("a key that crosses the caller's words on their way is not lost, in %s", async (_, options, crossed, both, alone) => {
  const { connection, events, chat, until } = await house({ greeting: null, options });
  const { socket, told: heard } = await chat();
  const pings: string[] = [];
  socket.on("ping", (said) => pings.push(said.toString()));
  socket.send(metadata);
  await until("ready");
  // The words are under way when the key arrives: they were said without it.
  socket.once("message", () => socket.send(said("Well?")));
  const texts = (): unknown[] => told(heard).flatMap((context) => (context == null ? [] : [(context as { text: string }).text]));
  connection.context("Key 4.", false);
  await until("caller text");
  connection.context("Key 7.", false);
  await vi.waitFor(() => expect(pings.at(-1)).toBe("2"));
  expect(texts().slice(-2)).toEqual([...crossed, ...both]);
  // Words that are said after both: nothing is left of them.
  socket.send(said("And now?"));
  await vi.waitFor(() => expect(events.filter(({ what }) => what === "caller text")).toHaveLength(2));
  if (alone !== undefined) await vi.waitFor(() => expect(texts().at(-1)).toBe(alone));
  connection.context("Key 2.", false);
  await vi.waitFor(() => expect(texts().at(-1)).toContain("Key 2."));
  expect(texts().at(-1)).toBe([...(alone === undefined ? [] : [alone]), "Key 2."].join("\n\n"));
  connection.close();
});

test("a key that was pressed and not read when the chat broke off is told to the next", async () => {
  const { events, chat, chats, until, again } = await house({ greeting: null });
  const { socket } = await chat();
  socket.send(metadata);
  await until("ready");
  again.connection().context("Key 4.", false);
  await vi.waitFor(() => expect(chats[0]?.told).toHaveLength(2));
  socket.terminate();
  await until("ended");
  again.open({ resume: "group" });
  await vi.waitFor(() => expect(told(chats[1]?.told ?? [])).toEqual([{ type: "temporary", text: "Key 4." }]));
  expect(events.filter(({ what }) => what === "ended")).toHaveLength(1);
  again.connection().close();
});

const history = [
  { speaker: "agent" as const, text: "Hello." },
  { speaker: "caller" as const, text: "It is about Friday." },
];

test("a chat group that is refused is let go at once: the same settings without it, with what was said, and no greeting", async () => {
  const { connection, events, chat, chats, until } = await house({ resume: "group", history });
  const first = await chat();
  first.socket.send('{"type":"error","code":"E0101","slug":"chat_group_not_found","message":"There is no chat group group."}');
  await vi.waitFor(() => expect(chats[1]?.told).toHaveLength(1));
  const second = chats[1] as Chat;
  expect(second.request.url).not.toContain("resumed_chat_group_id");
  expect(JSON.stringify(told(second.told))).toContain("Caller: It is about Friday.");
  second.socket.send(metadata.replace('"group"', '"another"'));
  expect(await until("ready")).toMatchObject({ resume: "another" });
  connection.say("marker", "exact");
  await vi.waitFor(() => expect(second.told.map(({ text }) => text)).toEqual([undefined, "marker"]));
  expect(events.map((event) => (event.what === "trouble" ? event.code : event.what))).toEqual(["not_resumed", "ready"]);
  connection.close();
  expect(await until("ended")).toMatchObject({ why: "asked" });
});

test("a chat group that is refused by the handshake is let go too", async () => {
  let asked = 0;
  const { chats, until } = await house({ resume: "group", history }, (done) => done(++asked > 1, 404));
  await vi.waitFor(() => expect(chats[0]?.told).toHaveLength(1));
  expect(JSON.stringify(told(chats[0]?.told ?? []))).toContain("Caller: It is about Friday.");
  chats[0]?.socket.send(metadata);
  await until("ready");
});

test("another chat group than the one asked for is told what was said", async () => {
  const { connection, chat, until } = await house({ resume: "group", history });
  const { socket, told: heard } = await chat();
  socket.send(metadata.replace('"group"', '"another"'));
  expect(await until("ready")).toMatchObject({ resume: "another" });
  await vi.waitFor(() => expect(heard).toHaveLength(2));
  expect(told(heard)).toEqual([undefined, { type: "persistent", text: expect.stringContaining("Caller: It is about Friday.") }]);
  connection.close();
});

test("an engine that does not read is told of once in a session, however often it begins again", async () => {
  const { connection, events, chat, until } = await house({ greeting: null });
  const { socket, told: heard } = await chat();
  socket.send(metadata);
  await until("ready");
  const piece = new Uint8Array(40_000);
  for (let round = 1; round <= 3; round++) {
    socket.pause();
    for (let n = 0; n < 300; n++) connection.audio(piece);
    socket.resume();
    connection.say(`round ${round}`, "exact");
    await vi.waitFor(() => expect(heard.at(-1)?.text).toBe(`round ${round}`));
  }
  expect(events.filter(({ what }) => what === "trouble")).toMatchObject([{ code: "not_reading" }]);
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
  ["1000 alone, with nothing said, is a loss", 1000, null, { why: "lost", retry: true, code: "ws_1000" }],
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
