import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { type Clock, wallClock } from "../evi/clock.ts";
import { openExpressionSession } from "./session.ts";

export interface ExpressionOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly apiKey: string;
  readonly nested?: boolean;
  readonly breaksAfterMs?: number | null;
  readonly clock?: Clock;
}

/** Starts the emulator on 127.0.0.1. */
export async function startExpression(options: ExpressionOptions): Promise<{ readonly url: string; close(): Promise<void> }> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 2 * 1024 * 1024 });
  const server = createServer((_request, answer) => answer.writeHead(404).end());
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const key = request.headers["x-hume-api-key"];
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const refuse = (status: number, message: string): void => {
      const body = JSON.stringify({ message, ...(key !== undefined && { request_id: randomUUID() }) });
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
    };
    if (new URL(request.url ?? "/", "http://emulator").pathname !== "/v1/expression/audio/realtime") return refuse(404, "Not found");
    if ((key === undefined) === (token === undefined)) return refuse(401, "Give exactly one credential.");
    if ((key ?? token) !== options.apiKey) return refuse(401, "The credential is not valid.");
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const session = openExpressionSession({
        clock: options.clock ?? wallClock,
        nested: options.nested === true,
        breaksAfterMs: options.breaksAfterMs ?? null,
        send: (message) => ws.send(JSON.stringify(message)),
        close: (code) => ws.close(code),
      });
      ws.on("message", (bytes: Buffer, binary) => (binary ? session.audio(bytes) : session.text(bytes.toString("utf8"))));
      ws.on("close", () => session.gone());
      ws.on("error", () => session.gone());
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const ws of sockets.clients) ws.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
