import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { fastify } from "fastify";
import { type WebSocket, WebSocketServer } from "ws";
import { type Clock, wallClock } from "../evi/clock.ts";
import { refuseForeignHosts } from "../loopback.ts";
import type { PhraseBook } from "../speech/phrases.ts";
import { type Door, usualDoor } from "./dialects.ts";
import { agents, directed, ofModel, ordinary, type Script } from "./directive.ts";
import { noDump, openDump } from "./dump.ts";
import { faultTable } from "./faults.ts";
import { openMouth } from "./mouth.ts";
import { type Pace, usualPace } from "./pace.ts";
import { openSession, type RealtimeSession } from "./session.ts";
import { invalid, newId, type Problem } from "./wire.ts";

export interface OpenAiOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Null: any Bearer is good, and so is none, as on a self-hosted server. */
  readonly apiKey: string | null;
  readonly listener: PhraseBook;
  readonly dumpFolder?: string | null;
  readonly pace?: Pace;
  readonly clock?: Clock;
  /** Names of the tables for every session, whatever its model: `local`. */
  readonly as?: string | null;
  readonly sessionMs?: number;
  log?(text: string): void;
}

export interface OpenAi {
  readonly url: string;
  close(): Promise<void>;
}

/** OpenAI's limit for one append is 15 MiB. */
const MAX_MESSAGE_BYTES = 20 * 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Starts the emulator on 127.0.0.1. */
export async function startOpenAi(options: OpenAiOptions): Promise<OpenAi> {
  const clock = options.clock ?? wallClock;
  const log = options.log ?? (() => undefined);
  const mouth = openMouth();
  const sessions = new Map<string, RealtimeSession>();
  const base = options.as ? ofModel(ordinary, options.as) : ordinary;
  if (base === null) throw new Error(`${options.as} is in no table: see README.md.`);
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });

  const app = fastify({ forceCloseConnections: true });
  refuseForeignHosts(app, (route) => route.startsWith("/emulator/"));
  app.get("/emulator/sessions", () => ({ sessions: [...sessions.values()].map((session) => session.state()) }));
  app.post("/emulator/sessions/:id/close", (request, reply) => {
    const session = sessions.get((request.params as { id: string }).id);
    if (!session) return reply.code(404).send({ error: "There is no such session." });
    session.end(Number((request.body as { code?: number } | null)?.code ?? 1006), "");
    return session.state();
  });
  app.get("/emulator/agents", () => ({ agents: agents.map(({ name, habit, voice }) => ({ name, habit, voice })) }));
  app.get("/emulator/faults", () => ({ faults: faultTable }));
  app.get("/emulator/phrases", () => ({ phrases: options.listener.texts }));
  app.server.on("upgrade", upgrade);

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "/", "http://emulator");
    const door = base?.faults.door ?? usualDoor;
    if (!door.path.test(url.pathname)) {
      refuse(socket, 404, invalid("not_found", `Invalid URL (GET ${url.pathname})`));
      return;
    }
    const lacks = door.asks?.find((name) => !url.searchParams.has(name));
    if (lacks !== undefined) {
      refuse(socket, 400, invalid("missing_required_parameter", `Missing required parameter: '${lacks}'.`, lacks));
      return;
    }
    const key = keyOf(request, door.key);
    if (options.apiKey !== null && key === null) {
      refuse(socket, 401, invalid(null, "Missing bearer or basic authentication in header"));
      return;
    }
    const model = url.searchParams.get("model");
    const script = ofModel(base as Script, model ?? "");
    const handshake = script?.faults.handshake;
    if (handshake === "never") return;
    if (handshake) {
      refuse(socket, handshake, invalid("refused", "Refused, as the model's name wants it."));
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", (problem) => log(`a socket broke: ${problem.message}`));
      if (request.headers["openai-beta"] !== undefined)
        return turnAway(
          ws,
          4000,
          invalid("beta_api_shape_disabled", "The Realtime Beta API is no longer supported. Please use the GA Realtime API."),
        );
      if (options.apiKey !== null && key !== options.apiKey)
        return turnAway(ws, 3000, invalid("invalid_api_key", "Incorrect API key provided. You can find your API key in the dashboard."));
      if (model === null) return turnAway(ws, 4000, invalid("missing_model", "You must provide a model parameter."));
      if (script === null)
        return turnAway(ws, 4000, invalid("model_not_found", `The model \`${model}\` does not exist or you do not have access to it.`));
      open(ws, model, script);
    });
  }

  function open(ws: WebSocket, model: string, script: Script): void {
    const session = openSession(
      {
        clock,
        mouth,
        listener: options.listener,
        model,
        script: directed(script, ""),
        pace: options.pace ?? usualPace,
        sessionMs: options.sessionMs ?? HOUR_MS,
        dump: (id) => (options.dumpFolder ? openDump(options.dumpFolder, id, clock.now) : noDump),
        log,
      },
      {
        send: (frame, binary = false) => ws.send(frame, { binary }),
        close: (code, reason) => (code === 1006 ? ws.terminate() : ws.close(code, reason)),
        freeze: () => ws.pause(),
      },
    );
    sessions.set(session.id, session);
    log(`session ${session.id} opened with ${model}`);
    ws.on("message", (bytes: Buffer) => session.hear(bytes.toString("utf8")));
    ws.on("close", (code) => {
      session.gone(code);
      log(`session ${session.id} closed with ${code}`);
    });
  }

  await app.listen({ port: options.port, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    url,
    async close() {
      for (const session of sessions.values()) session.end(1001, "");
      for (const ws of sockets.clients) ws.terminate();
      sockets.close();
      await app.close();
    },
  };
}

/** The key of a request: as OpenAI has it, as Azure has it, or as a browser sends it; or the one way that this server knows. */
function keyOf({ headers }: IncomingMessage, way: Door["key"]): string | null {
  const azure = headers["api-key"];
  const keys = {
    bearer: /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? null,
    basic: /^Basic (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? null,
    "api-key": typeof azure === "string" ? azure : null,
    browser: /openai-insecure-api-key\.([^,\s]+)/.exec(headers["sec-websocket-protocol"] ?? "")?.[1] ?? null,
  };
  return way === "any" ? (keys.bearer ?? keys["api-key"] ?? keys.browser) : keys[way];
}

/** The upgrade succeeds, and then the session does not: an error, and a close that names it. */
function turnAway(ws: WebSocket, code: number, problem: Problem): void {
  ws.send(JSON.stringify({ type: "error", event_id: newId("event"), error: { ...problem, event_id: null } }));
  ws.close(code, `${problem.type}.${problem.code}`);
}

function refuse(socket: Duplex, status: number, problem: Problem): void {
  const body = JSON.stringify({ error: problem });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
