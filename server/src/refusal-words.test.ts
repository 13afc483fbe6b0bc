import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "./clock.ts";
import { expressionSource } from "./emotion/expression/expression.ts";
import type { EmotionSign } from "./emotion/port.ts";
import { createEviEngine } from "./engine/evi/evi.ts";
import { createOpenAiEngine } from "./engine/openai/openai.ts";
import type { Engine, EngineEvent } from "./engine/port.ts";
import { plainSession } from "./engine/test-session.ts";
import { refusalIn } from "./refusal-words.ts";

describe("the reason of a refusal", () => {
  test.each([
    [
      "as OpenAI has it",
      '{"error":{"code":"insufficient_quota","message":"You have none left."}}',
      "insufficient_quota",
      "You have none left.",
    ],
    ["as Hume has it", '{"code":"E0300","error":"payment","message":"Out of credits."}', "E0300", "Out of credits."],
    ["as FastAPI has it", '{"detail":[{"loc":["query"],"msg":"not a uuid","type":"value_error"}]}', null, "not a uuid"],
    ["in one line", '{"detail":"Forbidden"}', null, "Forbidden"],
    ["a line of text", "no such\n deployment", null, "no such deployment"],
    ["a page for people", "<!doctype html><html>Oops</html>", null, ""],
    ["nothing", "", null, ""],
    ["no text", '{"error":7}', null, ""],
    ["much of it", JSON.stringify({ message: "x".repeat(1_000) }), null, "x".repeat(300)],
  ])("%s", (_, body, code, words) => {
    expect(refusalIn(body)).toEqual({ code, words });
  });
});

// ---- over the wire -------------------------------------------------------------------------------------------------------------

const KEY = "sk-very-secret";
let server: Server | null = null;
const sockets: Duplex[] = [];
afterEach(async () => {
  // Upgraded ones are the server's no more.
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

/** A server that answers every handshake so. `open`: and leaves its answer unfinished. */
async function refusing(status: number, body: string, open = false): Promise<string> {
  server = createServer();
  server.on("upgrade", (_request, socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
    const length = Buffer.byteLength(body) + (open ? 1 : 0);
    socket.write(`HTTP/1.1 ${status} No\r\ncontent-length: ${length}\r\n\r\n${body}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
}

const kinds: readonly (readonly [string, (url: string) => Engine])[] = [
  ["EVI", (url) => createEviEngine({ url, apiKey: KEY, configId: null, clock: systemClock })],
  ["a Realtime server", (url) => createOpenAiEngine({ url, apiKey: KEY, model: "m", dialect: "openai", clock: systemClock })],
];
const endOf = (engine: Engine): Promise<EngineEvent> => new Promise((resolve) => engine.open(plainSession, resolve));

describe.each(kinds)("%s that refuses the handshake", (_, engine) => {
  test("is told of in its own words, in which our key is not", async () => {
    const url = await refusing(401, `{"error":{"message":"Incorrect API key provided: ${KEY}"}}`);
    expect(await endOf(engine(url))).toMatchObject({
      what: "ended",
      why: "refused",
      retry: false,
      text: expect.stringMatching(/refused the API key: Incorrect API key provided: \*\*\*\.$/),
    });
  });

  test("is not waited for when it never finishes its sentence", async () => {
    const url = await refusing(503, "Down for", true);
    expect(await endOf(engine(url))).toMatchObject({ what: "ended", why: "lost", code: "http_503", retry: true });
  });
});

test("an account of a Realtime server that has nothing left is not one that asks too often", async () => {
  const url = await refusing(429, '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota."}}');
  const engine = createOpenAiEngine({ url, apiKey: KEY, model: "m", dialect: "openai", clock: systemClock });
  expect(await endOf(engine)).toMatchObject({ why: "refused", code: "insufficient_quota", retry: false });
});

test("a listener for emotions that refuses the session is told of in its own words", async () => {
  const url = await refusing(401, '{"message":"This key has expired.","request_id":"r"}');
  const sign = await new Promise<EmotionSign>((resolve) =>
    expressionSource({ url, apiKey: KEY, clock: systemClock }).open(16_000, resolve).audio(new Uint8Array(3_200)),
  );
  expect(sign).toMatchObject({ what: "trouble", code: "expression_http_401", text: expect.stringContaining("This key has expired.") });
});
