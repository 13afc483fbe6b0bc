import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type Behaviour, byDefault } from "./behaviour.ts";
import { type Chat, type Line, type Listener, openChat, type Pace, usualPace } from "./chat.ts";
import { type Clock, wallClock } from "./clock.ts";
import { apply, isKnown, ordinary, type Script } from "./directive.ts";
import { noDump, openDump } from "./dump.ts";
import { type Opening, readHandshake } from "./handshake.ts";
import { openHistory } from "./history.ts";
import { openMouth } from "./mouth.ts";
import { webhookSender } from "./webhooks.ts";

export interface EviOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly apiKey: string;
  readonly listener: Listener;
  /** Where chats write down what they hear and say. */
  readonly dumpFolder?: string | null;
  readonly pace?: Pace;
  readonly clock?: Clock;
  readonly webhookSigningKey?: string;
  log?(text: string): void;
}

export interface Evi {
  readonly url: string;
  close(): Promise<void>;
}

/** Hume's limit for one message. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Starts the emulator on 127.0.0.1. */
export async function startEvi(options: EviOptions): Promise<Evi> {
  const clock = options.clock ?? wallClock;
  const log = options.log ?? (() => undefined);
  const history = openHistory(clock);
  const mouth = openMouth();
  const chats = new Map<string, Chat>();
  const webhooks = webhookSender({ clock, signingKey: options.webhookSigningKey ?? "emulated-webhook-signing-key", log });

  const server: Server = createServer((request, response) => answer(request, response));
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  server.on("upgrade", upgrade);

  function answer(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(404, { "content-type": "application/json" }).end('{"message":"Not Found"}');
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "/", "http://emulator");
    if (url.pathname !== "/v0/evi/chat") {
      refuse(socket, 404, "Not Found");
      return;
    }
    const asked = readHandshake(url, request.headers);
    if (!asked.ok) {
      refuse(socket, 400, asked.why);
      return;
    }
    const { opening } = asked;
    if (opening.apiKey !== options.apiKey) {
      refuse(socket, 401, "Invalid API key");
      return;
    }
    const { behaviour, script } = settle(opening);
    const { handshake } = script.faults;
    if (handshake === "never") return;
    if (handshake) {
      refuse(socket, handshake, "Refused by the emulator's fault table");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => open(ws, opening, behaviour, script));
  }

  /** What a config id makes of a chat. */
  function settle(opening: Opening): { behaviour: Behaviour; script: Script } {
    const name = opening.configId;
    if (name !== null && isKnown(name))
      return { behaviour: { ...byDefault, config: { id: name, version: 0 } }, script: apply(ordinary, name) };
    return { behaviour: byDefault, script: ordinary };
  }

  function open(ws: WebSocket, opening: Opening, behaviour: Behaviour, script: Script): void {
    const line: Line = {
      send: (frame, binary = false) => ws.send(frame, { binary }),
      close: (code) => (code === 1006 ? ws.terminate() : ws.close(code)),
      freeze: () => ws.pause(),
    };
    const chat = openChat(
      {
        clock,
        mouth,
        listener: options.listener,
        history,
        behaviour,
        script,
        opening,
        pace: options.pace ?? usualPace,
        dump: (chatId) => (options.dumpFolder ? openDump(options.dumpFolder, chatId, clock.now) : noDump),
        webhook: (name, record, body) => webhooks(behaviour, script.faults, name, record, body),
        log,
      },
      line,
    );
    chats.set(chat.record.id, chat);
    log(`chat ${chat.record.id} opened`);
    ws.on("message", (bytes: Buffer, binary) => (binary ? chat.hearAudio(bytes) : chat.hear(bytes.toString("utf8"))));
    ws.on("close", (code) => {
      chat.gone(code);
      log(`chat ${chat.record.id} closed with ${code}`);
    });
    ws.on("error", (problem) => log(`chat ${chat.record.id}: ${problem.message}`));
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      for (const chat of chats.values()) chat.end(1001, "ERROR");
      for (const ws of sockets.clients) ws.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refuse(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ code: "E0000", error: message, message, request_id: randomUUID() });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
