import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { WebSocketServer } from "ws";
import { BROWSER_NUMBER } from "../people/people.ts";
import type { Person } from "../people/person.ts";
import { namesUs } from "./addresses.ts";
import { callIn } from "./new-calls.ts";
import { refuse } from "./problems.ts";
import type { Switchboard } from "./switchboard.ts";

/** What a browser gets, by address: nothing else in the folder is served. */
const pages = {
  "/": ["inspector.html", "text/html; charset=utf-8"],
  "/phone": ["phone.html", "text/html; charset=utf-8"],
  "/pages/look.css": ["look.css", "text/css"],
  "/pages/inspector.css": ["inspector.css", "text/css"],
  "/pages/inspector.js": ["inspector.js", "text/javascript"],
  "/pages/phone.css": ["phone.css", "text/css"],
  "/pages/phone.js": ["phone.js", "text/javascript"],
  "/pages/ring.js": ["ring.js", "text/javascript"],
  "/pages/resampler.js": ["resampler.js", "text/javascript"],
  "/pages/telephone-worklet.js": ["telephone-worklet.js", "text/javascript"],
} as const satisfies Record<string, readonly [string, string]>;

/** Changes of this long are told together. */
const GATHER_MS = 100;

/** The inspector and the phone in the browser. */
export class Pages {
  readonly #watching = new Set<NodeJS.WritableStream>();
  readonly #upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64_000 });
  #timer: NodeJS.Timeout | null = null;

  /** Something about a call changed: whoever watches reads it again. */
  readonly changed = (): void => {
    if (this.#timer || this.#watching.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      for (const stream of this.#watching) stream.write("data: changed\n\n");
    }, GATHER_MS);
  };

  /** Adds the pages, the live stream (`/emulator/live`, server-sent events) and the browser's phone line (`/emulator/phone`). */
  serve(app: FastifyInstance, exchange: Switchboard): void {
    for (const [path, [file, type]] of Object.entries(pages)) {
      app.get(path, async (_, reply) =>
        reply.header("content-type", type).send(await readFile(new URL(`./pages/${file}`, import.meta.url))),
      );
    }

    app.get("/emulator/live", (_, reply) => {
      reply.hijack();
      const stream = reply.raw;
      stream.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      stream.write("data: hello\n\n");
      this.#watching.add(stream);
      stream.on("close", () => this.#watching.delete(stream));
    });

    app.get("/emulator/phone", (_, reply) => refuse(reply, 400, "this is a WebSocket"));
    app.server.on("upgrade", (request, stream, head) => this.#upgrade(exchange, request, stream, head));
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    for (const stream of this.#watching) stream.end();
    for (const socket of this.#upgrades.clients) socket.terminate();
  }

  #upgrade(exchange: Switchboard, request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const person = askedPhone(exchange, request);
    if (typeof person === "number") {
      stream.end(`HTTP/1.1 ${person} Refused\r\nConnection: close\r\n\r\n`);
      return;
    }
    const { number } = person;
    this.#upgrades.handleUpgrade(request, stream, head, (socket) =>
      exchange.parts.phones.connect(number, socket, {
        place: (media) => callIn(exchange, number, media),
        hangUp: (leg) => exchange.hungUp(leg),
        pressed: (leg, digit) => exchange.pressed(leg, digit),
      }),
    );
  }
}

/** Whose phone a page wants to be; else the HTTP status that refuses it. */
function askedPhone(exchange: Switchboard, request: IncomingMessage): Person | 400 | 403 | 404 | 421 {
  const url = new URL(request.url ?? "/", "http://network");
  if (url.pathname !== "/emulator/phone") return 404;
  if (!namesUs(exchange.parts.settings, request.headers.host)) return 421;
  if (!isOwnPage(request)) return 403;
  // a `+` that was not escaped is a space here
  const person = exchange.parts.directory.find((url.searchParams.get("number") ?? BROWSER_NUMBER).trim());
  return person && "browser" in person.whenDialled ? person : 400;
}

/** A page of another origin shall not use the microphone line of this one. */
function isOwnPage(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}
