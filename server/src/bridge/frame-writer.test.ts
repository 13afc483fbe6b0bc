import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { AudioFrames, Base64Messages } from "./frame-writer.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Our frames, read by `ws` on the other end. */
async function server(): Promise<{ client: WebSocket; raw: Socket; ours: WebSocket; heard: { data: Buffer; isBinary: boolean }[] }> {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(sockets, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, { perMessageDeflate: false });
  const heard: { data: Buffer; isBinary: boolean }[] = [];
  client.on("message", (data: Buffer, isBinary) => heard.push({ data, isBinary }));
  const [ours, request] = (await once(sockets, "connection")) as [WebSocket, { socket: Socket }];
  await once(client, "open");
  closing.push(() => {
    client.terminate();
    sockets.close();
  });
  return { client, raw: request.socket, ours, heard };
}

async function client(): Promise<{ raw: Socket; ours: WebSocket; heard: string[]; closed: Promise<number> }> {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(sockets, "listening");
  const heard: string[] = [];
  const closed = new Promise<number>((resolve) => {
    sockets.on("connection", (socket) => {
      socket.on("message", (data: Buffer) => heard.push(data.toString()));
      socket.on("close", resolve);
    });
  });
  const ours = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, { perMessageDeflate: false });
  const [[response]] = (await Promise.all([once(ours, "upgrade"), once(ours, "open")])) as [[{ socket: Socket }], unknown];
  closing.push(() => {
    ours.terminate();
    sockets.close();
  });
  return { raw: response.socket, ours, heard, closed };
}
const until = async (fact: () => boolean): Promise<void> => {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve));
};

test.each([320, 640, 960])("frames of %i bytes arrive one by one, whole and in order, between what `ws` sends itself", async (size) => {
  const { raw, ours, heard } = await server();
  const frames = new AudioFrames(raw, size);
  const pcm = Uint8Array.from({ length: size * 7 }, (_, i) => (i * 31) >> 3);
  frames.send(pcm.subarray(0, size));
  ours.send('{"action":"clear"}');
  frames.send(pcm.subarray(size, size * 3));
  ours.ping();
  frames.send(pcm.subarray(size * 3));
  await until(() => heard.length === 8);
  expect(heard.map(({ isBinary }) => isBinary)).toEqual([true, false, ...Array(6).fill(true)]);
  const audio = heard.filter(({ isBinary }) => isBinary).map(({ data }) => data);
  expect(audio.every((data) => data.length === size)).toBe(true);
  expect(Buffer.concat(audio).equals(Buffer.from(pcm))).toBe(true);
});

test("what the network has not taken yet is not written over", async () => {
  const { client: other, raw, heard } = await server();
  const frames = new AudioFrames(raw, 640);
  other.pause();
  const count = 20_000;
  for (let i = 0; i < count; i++) frames.send(new Uint8Array(640).fill(i));
  expect(raw.writableLength).toBeGreaterThan(0);
  other.resume();
  await until(() => heard.length === count);
  expect(heard.every(({ data }, i) => data.every((byte) => byte === (i & 255)))).toBe(true);
});

test("base64 of any length and content is what Buffer makes of it", async () => {
  const { raw, ours, heard } = await client();
  const messages = new Base64Messages(raw, '{"type":"audio_input","data":"', '"}');
  const sounds: Uint8Array[] = [];
  let seed = 3;
  for (let length = 72; length < 1_000; length += length < 84 ? 1 : 43) {
    const sound = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      sound[i] = seed >> 16;
    }
    sounds.push(sound, sound);
    messages.send(sound);
    messages.send(sound);
    ours.send('{"type":"other"}');
  }
  await until(() => heard.length === sounds.length * 1.5);
  expect(heard.filter((json) => !json.includes("other"))).toEqual(
    sounds.map((sound) => `{"type":"audio_input","data":"${Buffer.from(sound).toString("base64")}"}`),
  );
  ours.close();
});

test("the engine not reading: nothing is written over, and the close is still clean", async () => {
  const { raw, ours, heard, closed } = await client();
  const messages = new Base64Messages(raw, '{"type":"audio_input","data":"', '"}');
  for (let i = 0; i < 5_000; i++) messages.send(new Uint8Array(640).fill(i));
  ours.close(1000);
  expect(await closed).toBe(1000);
  expect(heard).toHaveLength(5_000);
  expect(
    heard.every((json, i) => Buffer.from((JSON.parse(json) as { data: string }).data, "base64").every((byte) => byte === (i & 255))),
  ).toBe(true);
});

test("a message too short or too long for this header is refused", async () => {
  const { raw } = await client();
  const messages = new Base64Messages(raw, "ab", "");
  for (const bytes of [0, 90, 60_000]) expect(() => messages.send(new Uint8Array(bytes))).toThrow(/cannot have/);
});

test("no two messages are masked alike", async () => {
  const bytes: Buffer[] = [];
  const listener = createServer((socket) => socket.on("data", (data) => bytes.push(data)));
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const raw = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  await once(raw, "connect");
  closing.push(() => {
    raw.destroy();
    listener.close();
  });
  const messages = new Base64Messages(raw, "ab", "".padEnd(116));
  for (let i = 0; i < 3_000; i++) messages.send(new Uint8Array(6));
  const whole = 3_000 * (8 + 126);
  await until(() => bytes.reduce((sum, { length }) => sum + length, 0) >= whole);
  const wire = Buffer.concat(bytes);
  expect(new Set(Array.from({ length: 3_000 }, (_, i) => wire.readUInt32LE(i * 134 + 4))).size).toBeGreaterThan(2_990);
});
