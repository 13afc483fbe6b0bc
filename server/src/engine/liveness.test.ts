import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { Looks, watchLiveness } from "./liveness.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** When each of eight members is visited by turns at these times, ms. */
function visits(turns: readonly number[]): number[][] {
  const looks = new Looks(0);
  let now = 0;
  const seen = Array.from({ length: 8 }, () => {
    const times: number[] = [];
    looks.join(() => times.push(now));
    return times;
  });
  for (now of turns) looks.turn(now);
  return seen;
}
const every = (ms: number, untilMs: number, from = 0): number[] =>
  Array.from({ length: Math.floor(untilMs / ms) }, (_, n) => from + (n + 1) * ms);
/** The longest time in which a member is looked at five times, the first time from `from` on. */
const fiveLooksMs = (seen: number[][], from = 0): number =>
  Math.max(
    ...seen.map((times) => {
      const first = times.findIndex((time) => time >= from);
      return (times[first + 4] as number) - (times[first] as number);
    }),
  );

test.for<[what: string, turnMs: number, mostMs: number]>([
  ["an idle process looks every 300 ms", 37.5, 1_200],
  ["so does one whose timer comes a third too late", 50, 1_250],
  ["one that is held up for longer at every turn judges with more patience, though with less than by counting turns", 150, 3_600],
])("%s", ([, turnMs, mostMs]) => {
  expect(fiveLooksMs(visits(every(turnMs, 30_000)))).toBeLessThanOrEqual(mostMs);
});

test("a pause of our own is nobody's silence: each is looked at once at most because of it, and four times more take their whole time", () => {
  const seen = visits([...every(37.5, 3_000), ...every(37.5, 3_000, 8_000)]);
  for (const times of seen) expect(times.filter((time) => time > 3_000 && time < 8_300).length).toBeLessThanOrEqual(1);
  const before = seen.flatMap((times) => times.filter((time) => time >= 8_000)[0] as number);
  expect(Math.max(...before)).toBeGreaterThan(8_200); // not all of them in the first turn
  expect(fiveLooksMs(seen, 8_000)).toBeGreaterThanOrEqual(1_150);
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
  await vi.waitUntil(() => is.pings >= 1);
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
