import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { ownCertificate } from "../../test/certificate.ts";
import { systemClock } from "../clock.ts";
import { createEviEngine } from "./evi/evi.ts";
import { createOpenAiEngine } from "./openai/openai.ts";
import { type Engine, MOST_AT_ONCE_MS, plainManners } from "./port.ts";

/**
 * A reader behind TLS, as engines are, that stands still after its greeting until told to go on. What is sent in one go waits in our process
 * then, however much room the network has.
 */
async function slowReader(greets: readonly object[]) {
  const server = createServer(ownCertificate());
  const sockets = new WebSocketServer({ server });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const is = { heard: [] as number[], socket: null as WebSocket | null };
  sockets.on("connection", (socket) => {
    is.socket = socket;
    for (const greeting of greets) socket.send(JSON.stringify(greeting));
    socket.on("message", (data: Buffer) => {
      const { data: evi, audio } = JSON.parse(data.toString()) as { data?: string; audio?: string };
      const sound = evi ?? audio;
      if (typeof sound === "string") is.heard.push(Buffer.from(sound, "base64").readInt16LE(0));
    });
  });
  return {
    is,
    url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      is.socket?.terminate();
      server.close();
    },
  };
}
const frame = (rate: number, value: number): Uint8Array => new Uint8Array(new Int16Array(rate / 50).fill(value).buffer);

const trusting = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
beforeAll(() => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
});
afterAll(() => {
  if (trusting === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  else process.env.NODE_TLS_REJECT_UNAUTHORIZED = trusting;
});

const openai = [
  { type: "session.created", session: { id: "s" } },
  { type: "session.updated", session: { id: "s" } },
];
test.each<[string, number, readonly object[], (url: string) => Engine]>([
  [
    "EVI",
    16_000,
    [{ type: "chat_metadata", chat_id: "c", chat_group_id: "g", request_id: "r" }],
    (url) => createEviEngine({ url, apiKey: "k", configId: null, clock: systemClock }),
  ],
  ["Realtime", 24_000, openai, (url) => createOpenAiEngine({ url, apiKey: "k", model: "m", dialect: "openai", clock: systemClock })],
])("all that was kept for a session reaches a server of %s that reads slowly, the newest words too", async (_, rate, greets, create) => {
  const reader = await slowReader(greets);
  const heard: string[] = [];
  const connection = create(reader.url).open(
    {
      callId: "call",
      agent: null,
      manners: plainManners,
      prompt: "",
      variables: {},
      greeting: null,
      voice: null,
      language: "en",
      tools: [],
      inRate: rate,
      outRate: rate,
      resume: null,
      history: [],
      options: {},
    },
    (event) => heard.push(event.what === "trouble" ? event.code : event.what),
  );
  await vi.waitUntil(() => heard.includes("ready"));
  reader.is.socket?.pause();
  const held = MOST_AT_ONCE_MS / 20;
  for (let i = 1; i <= held; i++) connection.audio(frame(rate, i));
  reader.is.socket?.resume();
  await vi.waitUntil(() => reader.is.heard.at(-1) === held);
  expect(reader.is.heard.length).toBe(held);
  expect(heard).toEqual(["ready"]);
  connection.close();
  reader.close();
});
