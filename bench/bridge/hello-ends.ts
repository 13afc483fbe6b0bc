/**
 * Both ends of calls from their first moment: an engine that is ready at once or late and speaks the greeting when it is told to, and a carrier whose
 * caller speaks from the first frame. One process, one clock.
 */
import type { AddressInfo } from "node:net";
import WebSocket, { WebSocketServer } from "ws";
import { answersOf } from "./engine-end.ts";
import type { FromHello, Hello, ToHello } from "./protocol.ts";

/** Of a ready engine none; a late one says so long after its connection that it can begin. */
const readyAfterMs = Number(process.argv[2] ?? "0");
const FRAME_BYTES = 640;
const now = (): number => performance.now();
const send = (message: FromHello): void => void process.send?.(message);
const greeting = answersOf({ ms: 2_000, sound: "noise" });
const prefix = '{"type":"audio_input","data":"';

interface Session {
  readyAt: number;
  toldAt: number;
  spokeAt: number;
  frames: number[];
}
const sessions = new Map<string, Session>();

const engine = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
/** Not all at the same millisecond: engines are late each by themselves. */
const APART_MS = 20;
let opened = 0;
engine.on("connection", (socket) => {
  const afterMs = readyAfterMs === 0 ? 0 : readyAfterMs + (opened++ % 20) * APART_MS;
  const session: Session = { readyAt: 0, toldAt: 0, spokeAt: 0, frames: [] };
  setTimeout(() => {
    session.readyAt = now();
    socket.send('{"type":"chat_metadata","chat_id":"chat-1","chat_group_id":"group-1","request_id":"r"}');
  }, afterMs);
  socket.on("message", (data: Buffer) => {
    if (data.indexOf(prefix) === 0) {
      session.frames.push(Buffer.from(data.toString("latin1", prefix.length, prefix.length + 8), "base64").readUInt32LE(0));
      return;
    }
    const message = JSON.parse(data.toString()) as { type: string; custom_session_id?: string };
    if (message.custom_session_id !== undefined) sessions.set(message.custom_session_id, session);
    if (message.type !== "assistant_input") return;
    session.toldAt = now();
    for (const { afterMs, message: word } of greeting(`greeting-${sessions.size}`))
      setTimeout(() => {
        if (session.spokeAt === 0 && typeof word !== "string") session.spokeAt = now();
        socket.send(word, { binary: false });
      }, afterMs);
  });
});
await new Promise<void>((resolve) => engine.on("listening", resolve));
send({ tell: "engine", url: `ws://127.0.0.1:${(engine.address() as AddressInfo).port}` });

/** One call's first three seconds. */
async function hello(url: string, call: string): Promise<Hello> {
  const carrier = new WebSocket(url, { perMessageDeflate: false });
  let firstAt = 0;
  carrier.on("message", (_: Buffer, isBinary) => {
    if (isBinary && firstAt === 0) firstAt = now();
  });
  await new Promise<void>((resolve, reject) => carrier.once("open", resolve).once("error", reject));
  const openAt = now();
  carrier.send('{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}');
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      for (const due = Math.floor((now() - openAt) / 20); sent < due; sent++) {
        const frame = Buffer.alloc(FRAME_BYTES, 3);
        frame.writeUInt32LE(sent, 0);
        carrier.send(frame);
      }
      if (now() - openAt < 3_000) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  // The last frames are on their way.
  await new Promise((resolve) => setTimeout(resolve, 300));
  carrier.close(1000);
  const session = sessions.get(call);
  // What was waited for is the engine's: until it could begin, and from being told to greet until it spoke.
  const engineMs =
    session === undefined ? 0 : Math.max(0, session.readyAt - openAt) + (session.toldAt > openAt ? session.spokeAt - session.toldAt : 0);
  const kept = session?.frames.every((frame, at) => frame === at) === true ? session.frames.length : 0;
  return { firstMs: firstAt === 0 ? Number.NaN : firstAt - openAt, engineMs, sent, delivered: kept };
}

process.on("message", (message: ToHello) => {
  if (message.ask === "stop") process.exit(0);
  void Promise.all(message.urls.map((url, i) => hello(url, message.ids[i] as string))).then((hellos) => send({ tell: "hellos", hellos }));
});
