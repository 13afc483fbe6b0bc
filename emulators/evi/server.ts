import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { fastify } from "fastify";
import { type WebSocket, WebSocketServer } from "ws";
import { refuseForeignHosts } from "../loopback.ts";
import type { PhraseBook } from "../speech/phrases.ts";
import { type Pace, usualPace } from "./answering.ts";
import { type Behaviour, byDefault } from "./behaviour.ts";
import { type Chat, openChat } from "./chat.ts";
import { type Clock, wallClock } from "./clock.ts";
import { apply, directed, isKnown, ordinary, type Script } from "./directive.ts";
import { noDump, openDump } from "./dump.ts";
import { type Opening, readHandshake } from "./handshake.ts";
import { openHistory } from "./history.ts";
import { openSoundKeeper } from "./kept-sound.ts";
import { lookOn } from "./look-on.ts";
import { openMouth } from "./mouth.ts";
import type { Line } from "./outlet.ts";
import { audioRoutes } from "./rest/audio.ts";
import { behaviourOf, type Libraries } from "./rest/bodies.ts";
import { chatRoutes } from "./rest/chats.ts";
import { controlRoute } from "./rest/control.ts";
import { answerProblems, libraryRoutes, Refused, tokenRoute } from "./rest/door.ts";
import { openLibrary } from "./rest/library.ts";
import { withNamed } from "./rest/named.ts";
import { voiceRoute } from "./rest/voices.ts";
import { webhookSender } from "./webhooks.ts";
import { understand } from "./wire.ts";

export interface EviOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly apiKey: string;
  readonly listener: PhraseBook;
  /** Where chats write down what they hear and say. */
  readonly dumpFolder?: string | null;
  readonly pace?: Pace;
  readonly clock?: Clock;
  readonly webhookSigningKey?: string;
  /** How a Config that is not there is refused, which is not documented: by an error in an open socket, or by the handshake's answer. */
  readonly unknownConfig?: "error" | "404";
  /** Bytes of heard sound kept for audio reconstruction, over all chats. */
  readonly keepAudioBytes?: number;
  log?(text: string): void;
}

export interface Evi {
  readonly url: string;
  close(): Promise<void>;
}

/** Ended chats that are remembered; the oldest are forgotten first. A long load test does not fill the memory. */
const MOST_ENDED = 2_000;
/** Hume's limit for one message. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Starts the emulator on 127.0.0.1. */
export async function startEvi(options: EviOptions): Promise<Evi> {
  const clock = options.clock ?? wallClock;
  const log = options.log ?? (() => undefined);
  const history = openHistory(clock);
  const mouth = openMouth();
  const chats = new Map<string, Chat>();
  const ended: string[] = [];
  /** Handshakes that are never answered. */
  const hanging = new Set<Duplex>();
  const webhooks = webhookSender({ clock, signingKey: options.webhookSigningKey ?? "emulated-webhook-signing-key", log });
  const sounds = openSoundKeeper(options.keepAudioBytes ?? 64 * 1024 * 1024);
  const libraries: Libraries = { configs: withNamed(openLibrary(clock)), prompts: openLibrary(clock), tools: openLibrary(clock) };
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });

  const app = fastify({ bodyLimit: MAX_MESSAGE_BYTES, forceCloseConnections: true });
  answerProblems(app);
  refuseForeignHosts(app, (route) => route.startsWith("/emulator/"));
  const tokens = tokenRoute(app, options.apiKey, clock.now);
  await app.register(async (hume) => {
    hume.addHook("onRequest", async (request) => {
      if (request.headers["x-hume-api-key"] !== options.apiKey) throw new Refused(401, "Invalid API key");
    });
    libraryRoutes(hume, libraries);
    chatRoutes(hume, history);
    controlRoute(hume, chats);
    voiceRoute(hume);
    audioRoutes(hume, app, { history, sounds, clock, url: () => url });
  });
  lookOn(app, chats, () => options.listener.texts);
  app.server.on("upgrade", upgrade);

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "/", "http://emulator");
    const joins = /^\/v0\/evi\/chat\/([^/]+)\/connect$/.exec(url.pathname);
    if (url.pathname !== "/v0/evi/chat" && !joins) {
      refuse(socket, 404, "Not Found");
      return;
    }
    const asked = readHandshake(url, request.headers);
    if (!asked.ok) {
      refuse(socket, 400, asked.why);
      return;
    }
    const { opening } = asked;
    if (opening.apiKey !== options.apiKey && !tokens.isValid(opening.accessToken ?? "")) {
      refuse(socket, 401, "Invalid API key");
      return;
    }
    if (joins) {
      const chat = chats.get(joins[1] ?? "");
      if (!chat || chat.state().closed !== null) refuse(socket, 404, "There is no active chat of this id");
      else if (!chat.allowsConnection) refuse(socket, 403, "The chat was not opened with allow_connection");
      else sockets.handleUpgrade(request, socket, head, (ws) => join(ws, chat));
      return;
    }
    const settled = settle(opening);
    if (!settled && options.unknownConfig === "404") {
      refuse(socket, 404, `There is no config ${opening.configId}.`);
      return;
    }
    if (!settled) {
      sockets.handleUpgrade(request, socket, head, (ws) => sayUnknownConfig(ws, opening));
      return;
    }
    const { handshake } = settled.script.faults;
    if (handshake === "never") {
      hanging.add(socket);
      return;
    }
    if (handshake) {
      refuse(socket, handshake, "Refused, as the config wants it");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => open(ws, opening, settled));
  }

  /** What a config id makes of a chat; null when it is in no table and no library. */
  function settle({ configId, configVersion }: Opening): Settled | null {
    if (configId === null) return { behaviour: byDefault, script: ordinary };
    if (!isKnown(configId)) {
      const config = libraries.configs.find(configId, configVersion);
      const behaviour = config && behaviourOf(config, libraries);
      return behaviour && { behaviour, script: directed(ordinary, behaviour.prompt) };
    }
    return { behaviour: { ...byDefault, config: { id: configId, version: configVersion ?? 0 } }, script: apply(ordinary, configId) };
  }

  function open(ws: WebSocket, opening: Opening, { behaviour, script }: Settled): void {
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
        keepSound: (chatId) => sounds.keep(chatId),
        webhook: (name, record, faults, body) => webhooks(behaviour, faults, name, record, body),
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
      ended.push(chat.record.id);
      if (ended.length > MOST_ENDED) forget(ended.shift() ?? "");
    });
    ws.on("error", (problem) => log(`chat ${chat.record.id}: ${problem.message}`));
  }

  function forget(id: string): void {
    const chat = chats.get(id);
    if (chat) history.forget(chat.record);
    chats.delete(id);
  }

  /** Someone joins a chat by the control plane: hears all of it, and may say anything but sound. */
  function join(ws: WebSocket, chat: Chat): void {
    const leave = chat.observe(
      (frame) => ws.send(frame, { binary: false }),
      (code) => ws.close(code),
    );
    ws.on("message", (bytes: Buffer) => {
      const understood = understand(bytes.toString("utf8"));
      if (understood.ok && understood.message.type !== "audio_input") chat.tell(understood.message);
      else
        ws.send(
          JSON.stringify({
            type: "error",
            code: understood.ok ? "E0101" : understood.code,
            slug: "invalid_message",
            message: "Not a control plane message.",
          }),
        );
    });
    ws.on("close", leave);
    ws.on("error", leave);
  }

  await app.listen({ port: options.port, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  return {
    url,
    async close() {
      for (const chat of chats.values()) chat.end(1001, "ERROR");
      for (const ws of sockets.clients) ws.terminate();
      for (const socket of hanging) socket.destroy();
      sockets.close();
      await app.close();
    },
  };
}

interface Settled {
  readonly behaviour: Behaviour;
  readonly script: Script;
}

/** How the real service refuses an unknown config is not documented: here by an error message and a close of 1000. */
function sayUnknownConfig(ws: WebSocket, { configId, configVersion }: Opening): void {
  const version = configVersion === null ? "" : ` version ${configVersion}`;
  ws.send(
    JSON.stringify({
      type: "error",
      code: "E0101",
      slug: "config_not_found",
      message: `There is no config ${configId}${version}.`,
      request_id: randomUUID(),
    }),
  );
  ws.close(1000);
}

function refuse(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ code: "E0000", error: message, message, request_id: randomUUID() });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
