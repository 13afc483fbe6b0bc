import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import type { CallerMedia } from "../../bridge/media.ts";
import { makeSocketToken } from "../../calls/socket-token.ts";
import { systemClock } from "../../clock.ts";
import { type CallId, newId } from "../../ids.ts";
import { acceptAudio, mayUpgrade, rateOf } from "./audio-socket.ts";

let database: FreshDatabase;
let origin: string;
let closeDoor: () => Promise<void>;
const media: CallerMedia[] = [];
const logged: string[] = [];
let free = true;
/** What the look-up of tokens waits for. */
let lookUp = async (): Promise<void> => {};
let handshakeMs = 10_000;
const keys = { secret: "a secret of thirty-two characters", apiKey: null, applicationId: null };
/** A handshake's JWT, signed with `secret`. */
function signed(secret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iss: "Vonage", iat: Math.floor(Date.now() / 1000), jti: newId() })}`;
  return `Bearer ${claims}.${createHmac("sha256", secret).update(claims).digest("base64url")}`;
}

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  media.length = 0;
  logged.length = 0;
  free = true;
  lookUp = async () => {};
  handshakeMs = 10_000;
  await openDoor(1_000);
});
async function openDoor(secondMs: number): Promise<void> {
  const log = {
    info: (_: object, text: string): void => void logged.push(text),
    warn: (_: object, text: string): void => void logged.push(text),
  };
  const server = createServer({ shouldUpgradeCallback: mayUpgrade }, (_, response) => response.writeHead(418).end());
  const door = acceptAudio(server, {
    pool: {
      async query(text: string, values: unknown[]) {
        await lookUp();
        return database.pool.query(text, values);
      },
    } as unknown as typeof database.pool,
    get handshakeMs() {
      return handshakeMs;
    },
    secondMs,
    owner: "process-1",
    keys,
    clock: systemClock,
    bridges: { mayAttach: () => free, hasAudio: () => false, attach: (_, one) => void media.push(one) },
    log,
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closeDoor = async () => {
    door.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}
afterEach(() => closeDoor());

async function newCall(): Promise<CallId> {
  const call = newId<CallId>();
  await database.pool.query(
    "insert into calls (id, direction, status, deadline_at) values ($1, 'outbound', 'in_progress', now() + interval '1 hour')",
    [call],
  );
  return call;
}
const open = async (path?: string, authorization?: string): Promise<WebSocket> => {
  const socket = new WebSocket(origin + (path ?? `/media/vonage/${await makeSocketToken(database.pool, await newCall())}`), {
    perMessageDeflate: false,
    headers: authorization === undefined ? {} : { authorization },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
    socket.once("error", reject);
  });
  return socket;
};
/** Listens as the bridge would and writes down what it hears. */
async function listening(): Promise<string[]> {
  await vi.waitFor(() => expect(media).toHaveLength(1));
  const heard: string[] = [];
  media[0]?.listen({
    frame: (pcm) => heard.push(`frame ${pcm.length} ${pcm[0]}`),
    digit: (digit, ms) => heard.push(`digit ${digit} ${ms}`),
    marked: (name) => heard.push(`marked ${name}`),
    cleared: () => heard.push("cleared"),
    closed: () => heard.push("closed"),
  });
  return heard;
}
const frame = (value: number, bytes = 640): Buffer => Buffer.alloc(bytes, value);
const connected = '{"event":"websocket:connected","content-type":"audio/l16;rate=16000","call":"7d1f"}';

test("frames, keys and acknowledgements reach the bridge in order, also those that came before it listened", async () => {
  const socket = await open();
  for (const message of [connected, frame(1), '{"event":"websocket:dtmf","digit":"7","duration":180}', frame(2)]) socket.send(message);
  const heard = await listening();
  for (const message of ['{"event":"websocket:cleared"}', '{"event":"websocket:notify","payload":{"mark":"m1"}}', frame(3)])
    socket.send(message);
  await vi.waitFor(() => expect(heard).toHaveLength(6));
  expect(heard).toEqual(["frame 640 1", "digit 7 180", "frame 640 2", "cleared", "marked m1", "frame 640 3"]);
  socket.close();
  await vi.waitFor(() => expect(heard.at(-1)).toBe("closed"));
});

test.each([
  ["the first message", connected, 16_000],
  ["the first message, spaced", '{"event":"websocket:connected","content-type":"audio/l16; rate=8000"}', 8_000],
  ["a frame that comes before it: 320 bytes", frame(1, 320), 8_000],
  ["a frame that comes before it: 960 bytes", frame(1, 960), 24_000],
  ["a first message that names none", '{"event":"websocket:connected"}', 16_000],
])("the rate is that of %s", async (_, first, rate) => {
  const socket = await open();
  socket.send(first);
  await vi.waitFor(() => expect(media).toHaveLength(1));
  expect(media[0]?.rate).toBe(rate);
  socket.close();
});

test("what the bridge plays arrives as frames, `clear` and marks as the carrier spells them", async () => {
  const socket = await open();
  const heard: (string | number)[] = [];
  socket.on("message", (data: Buffer, isBinary) => heard.push(isBinary ? data.length : data.toString()));
  socket.send(connected);
  await listening();
  media[0]?.play(Buffer.alloc(1_920));
  media[0]?.mark("goodbye");
  media[0]?.clear();
  await vi.waitFor(() => expect(heard).toHaveLength(5));
  expect(heard).toEqual([640, 640, 640, '{"action":"notify","payload":{"mark":"goodbye"}}', '{"action":"clear"}']);
  socket.close();
});

test("unknown and broken messages are left out without harm, keys of others are understood", async () => {
  const socket = await open();
  socket.send(connected);
  const heard = await listening();
  for (const message of [
    "no json",
    '{"event":"websocket:disconnected"}',
    "{}",
    '{"dtmf":{"digit":"#"}}',
    '{"event":"websocket:notify","payload":7}',
  ])
    socket.send(message);
  socket.send(frame(9));
  await vi.waitFor(() => expect(heard).toHaveLength(2));
  expect(heard).toEqual(["digit # null", "frame 640 9"]);
  expect(logged).toHaveLength(4);
  socket.close();
});

test("without a token that opens a call there is no connection", async () => {
  await expect(open(`/media/vonage/${"x".repeat(32)}`)).rejects.toThrow("HTTP 401");
  const path = `/media/vonage/${await makeSocketToken(database.pool, await newCall())}`;
  const socket = await open(`${path}?query=kept`);
  await expect(open(path)).rejects.toThrow("HTTP 401");
  socket.close();
});

test("a call that is being ended gets no connection", async () => {
  free = false;
  await expect(open()).rejects.toThrow("HTTP 409");
});

test("a second connection with a token of its own is let in: the carrier has lost the first, whatever we think of it", async () => {
  const call = await newCall();
  const path = async (): Promise<string> => `/media/vonage/${await makeSocketToken(database.pool, call)}`;
  const [first, second] = [await open(await path()), await open(await path())];
  for (const socket of [first, second]) socket.send(connected);
  await vi.waitFor(() => expect(media).toHaveLength(2));
  for (const socket of [first, second]) socket.close();
});

test("a connection whose other end answered pings and does so no more is given up, and the bridge hears of it", async () => {
  await closeDoor();
  await openDoor(20);
  const socket = await open();
  socket.send(connected);
  const heard = await listening();
  await once(socket, "ping");
  await once(socket, "ping");
  expect(heard).toEqual([]);
  socket.pause(); // what a half-open connection looks like from here: not closed, and nothing comes
  await vi.waitFor(() => expect(heard).toEqual(["closed"]));
  expect(logged).toEqual(["A carrier's audio socket answers no more: it is given up, and the carrier may open another."]);
  socket.terminate();
});

test("whoever takes a call's audio holds its lease from the handshake on, and no longer when the connection says nothing", async () => {
  const call = await newCall();
  const held = async (): Promise<boolean[]> =>
    (await database.pool.query<{ open: boolean }>("select until is null as open from leases where call_id = $1", [call])).rows.map(
      ({ open }) => open,
    );
  const silent = await open(`/media/vonage/${await makeSocketToken(database.pool, call)}`);
  expect(await held()).toEqual([true]);
  silent.close();
  await vi.waitFor(async () => expect(await held()).toEqual([false]));
  const talking = await open(`/media/vonage/${await makeSocketToken(database.pool, call)}`);
  talking.send(connected);
  const heard = await listening();
  talking.close();
  await vi.waitFor(() => expect(heard).toEqual(["closed"]));
  expect(await held()).toEqual([true]);
});

test("a carrier that gives up while its token is looked up has opened nothing: the token is good for the next try, and nobody holds the call", async () => {
  const call = await newCall();
  const token = await makeSocketToken(database.pool, call);
  const path = `/media/vonage/${token}`;
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  lookUp = () => {
    lookUp = async () => {};
    asked.resolve();
    return answer.promise;
  };
  const given = new WebSocket(origin + path, { perMessageDeflate: false });
  given.on("error", () => {});
  await asked.promise;
  given.terminate();
  answer.resolve();
  const left = async () =>
    (
      await database.pool.query(
        "select t.used_at is null as free, l.until is not null as ended from socket_tokens t join leases l using (call_id) where call_id = $1",
        [call],
      )
    ).rows;
  await vi.waitFor(async () => expect(await left()).toEqual([{ free: true, ended: true }]));
  (await open(path)).close();
});

test("a token is of no use once its call is over", async () => {
  const call = await newCall();
  const token = await makeSocketToken(database.pool, call);
  await database.pool.query("update calls set status = 'ended', ended_at = now(), end_reason = 'lost', deadline_at = null where id = $1", [
    call,
  ]);
  await expect(open(`/media/vonage/${token}`)).rejects.toThrow("HTTP 401");
});

test("a message too large closes the connection and no more", async () => {
  const socket = await open();
  socket.on("error", () => {});
  socket.send(connected);
  const heard = await listening();
  socket.send(Buffer.alloc(100_000));
  const [code] = (await once(socket, "close")) as [number];
  expect(code).toBe(1009);
  await vi.waitFor(() => expect(heard).toEqual(["closed"]));
});

test.each([
  ["audio/l16;rate=16000", 16_000],
  ["AUDIO/L16; rate=24000", 24_000],
  ["audio/l16;rate=44100", null],
  ["audio/pcmu;rate=8000", null],
  ["", null],
])("%j is %s Hz", (type, rate) => {
  expect(rateOf(type)).toBe(rate);
});

test("a handshake signed by somebody else is refused and spends no token; the carrier's own, or none, opens", async () => {
  const path = `/media/vonage/${await makeSocketToken(database.pool, await newCall())}`;
  await expect(open(path, signed("another secret of thirty-two chars"))).rejects.toThrow("HTTP 401");
  await expect(open(path, "Bearer nonsense")).rejects.toThrow("HTTP 401");
  expect(logged).toEqual(["An audio socket's signature was refused.", "An audio socket's signature was refused."]);
  const opened = await open(path, signed(keys.secret));
  await expect(open(path, signed(keys.secret))).rejects.toThrow("HTTP 401");
  opened.close();
  (await open()).close();
});

/** Asks for another protocol, and does nothing more until the other side has ended. */
async function askUpgrade(url: string): Promise<{ socket: Socket; heard: Promise<string> }> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  const heard = new Promise<string>((resolve) => {
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(text));
  });
  await once(socket, "connect");
  socket.write(`GET ${url} HTTP/1.1\r\nHost: earshot.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`);
  return { socket, heard };
}

test.each(["/media/", "/media/vonage/", "/media/vonage/a/b?c"])("an upgrade at %s is refused and its connection ended", async (url) => {
  const { heard } = await askUpgrade(url);
  expect(await heard).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
});

test("an upgrade at any other address is answered as the request it is", async () => {
  const { socket, heard } = await askUpgrade("/api/calls");
  await once(socket, "data");
  socket.end();
  expect(await heard).toMatch(/^HTTP\/1.1 418/);
});

test("a handshake whose token cannot be looked up in time is given up", async () => {
  lookUp = () => new Promise(() => {});
  handshakeMs = 50;
  const { heard } = await askUpgrade(`/media/vonage/${"x".repeat(32)}`);
  expect(await heard).toBe("");
});

test("closing ends the handshakes that are not finished", async () => {
  const asked = new Promise<void>((resolve) => {
    lookUp = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  const { heard } = await askUpgrade(`/media/vonage/${"y".repeat(32)}`);
  await asked;
  await closeDoor();
  expect(await heard).toBe("");
});
