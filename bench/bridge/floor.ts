/**
 * The floor: the thinnest relay that is still correct. base64 and JSON, WAV header skipped, 48 -> 16 kHz with a low-pass (the library's
 * resampler), 20 ms frames paced on one tick, the queue dropped and `clear` sent at an interruption. No journal, no database, no decisions,
 * no times, nothing held, resumed or counted.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import WebSocket, { WebSocketServer } from "ws";
import type { FromServer, ToServer } from "./protocol.ts";
import { openSpeex } from "./speex.ts";
import { usage } from "./usage.ts";

const engineUrl = process.argv[2] as string;
const send = (message: FromServer): void => void process.send?.(message);
const FRAME = 640;
const LEAD_FRAMES = 5;

interface Relay {
  queue: Buffer;
  sent: number;
  startedAt: number;
  carrier: WebSocket;
}
const relays = new Set<Relay>();

function pace(relay: Relay, now: number): void {
  if (relay.queue.length < FRAME) return;
  if (relay.sent * 20 <= now - relay.startedAt) {
    relay.sent = 0;
    relay.startedAt = now;
  }
  let at = 0;
  while (relay.queue.length - at >= FRAME && relay.sent * 20 < now - relay.startedAt + LEAD_FRAMES * 20) {
    relay.carrier.send(relay.queue.subarray(at, at + FRAME));
    at += FRAME;
    relay.sent++;
  }
  if (at > 0) relay.queue = relay.queue.subarray(at);
}

let ticks = 0;
const start = performance.now();
const tick = (): void => {
  const now = performance.now();
  for (const relay of relays) pace(relay, now);
  ticks = Math.floor((now - start) / 20) + 1;
  setTimeout(tick, Math.max(0, start + ticks * 20 - performance.now()));
};
tick();

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
sockets.on("connection", (carrier) => {
  const engine = new WebSocket(engineUrl, { perMessageDeflate: false });
  const relay: Relay = { queue: Buffer.alloc(0), sent: 0, startedAt: 0, carrier };
  const resampler = openSpeex(48_000, 16_000);
  relays.add(relay);
  const waiting: Buffer[] = [];
  engine.on("open", () => {
    engine.send(JSON.stringify({ type: "session_settings", audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 } }));
    for (const frame of waiting) engine.send(JSON.stringify({ type: "audio_input", data: frame.toString("base64") }));
  });
  carrier.on("message", (data: Buffer, isBinary) => {
    if (!isBinary) return;
    if (engine.readyState === WebSocket.OPEN) engine.send(JSON.stringify({ type: "audio_input", data: data.toString("base64") }));
    else waiting.push(data);
  });
  engine.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { type: string; data?: string };
    if (message.type === "audio_output" && message.data !== undefined) {
      const wav = Buffer.from(message.data, "base64");
      const pcm = resampler.push(new Int16Array(wav.buffer, wav.byteOffset + 44, (wav.length - 44) >> 1));
      relay.queue = Buffer.concat([relay.queue, Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)]);
      pace(relay, performance.now());
    }
    if (message.type === "user_interruption") {
      relay.queue = Buffer.alloc(0);
      relay.sent = 0;
      relay.startedAt = 0;
      carrier.send('{"action":"clear"}');
    }
    if (message.type === "assistant_end" && relay.queue.length % FRAME > 0)
      relay.queue = Buffer.concat([relay.queue, Buffer.alloc(FRAME - (relay.queue.length % FRAME))]);
  });
  carrier.on("close", () => {
    relays.delete(relay);
    resampler.free();
    engine.close();
  });
});
await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
const origin = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
send({ tell: "listening", origin });

process.on("message", (message: ToServer) => {
  switch (message.ask) {
    case "calls":
      send({ tell: "calls", urls: Array.from({ length: message.count }, (_, i) => `${origin}/${i}`), ids: [] });
      return;
    case "usage":
      send(usage(message.collect));
      return;
    case "end calls":
      send({ tell: "calls ended" });
      return;
    case "stop":
      process.exit(0);
  }
});
