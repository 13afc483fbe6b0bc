import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { watchLiveness } from "./liveness.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that counts pings, and a watched socket to it. */
async function watched(answers = true) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", autoPong: false });
  await new Promise((resolve) => server.on("listening", resolve));
  const is = { pings: 0, answers, theirs: null as WebSocket | null };
  server.on("connection", (socket) => {
    is.theirs = socket;
    socket.on("ping", () => {
      is.pings++;
      if (is.answers) socket.pong();
    });
  });
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stop = watchLiveness(socket);
  closing.push(() => {
    stop();
    socket.terminate();
    server.close();
  });
  await new Promise((resolve) => socket.on("open", resolve));
  await vi.waitUntil(() => is.pings === 1);
  return { is, socket };
}

test("who talks is not pinged; who falls silent is, and is given up when no answer comes", async () => {
  const { is, socket } = await watched();
  let words = 0;
  const talking = setInterval(() => is.theirs?.send(`word ${++words}`), 50);
  closing.push(() => clearInterval(talking));
  // Two seconds of talk without a ping, who is silent gets three. A process that was held up longer than a look has heard nothing meanwhile.
  let since = { words, pings: is.pings };
  await vi.waitUntil(() => {
    if (is.pings !== since.pings) since = { words, pings: is.pings };
    return words >= since.words + 40;
  });
  clearInterval(talking);
  const { pings } = is;
  await vi.waitUntil(() => is.pings >= pings + 2);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  is.answers = false;
  await vi.waitUntil(() => socket.readyState === WebSocket.CLOSED);
});

test("a server that has never answered a ping is not held to it", async () => {
  const { is, socket } = await watched(false);
  // One at the opening, then every second look: by the fourth it would have been given up.
  // The looks share one timer, so that on a machine with other work to do each is late by eight of its turns.
  await vi.waitUntil(() => is.pings >= 5 || socket.readyState === WebSocket.CLOSED, { timeout: 40_000 });
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

test("a hundred watched sockets share one timer, which ends with the last of them", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const stops = Array.from({ length: 100 }, () => {
    const socket = new WebSocket("ws://127.0.0.1:9");
    socket.on("error", () => {});
    return watchLiveness(socket);
  });
  expect(timers() - before).toBeLessThanOrEqual(1);
  for (const stop of stops) stop();
  expect(timers()).toBeLessThanOrEqual(before);
});
