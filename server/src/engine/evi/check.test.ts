import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type EngineAgent, plainManners } from "../port.ts";
import { checkAgent } from "./check.ts";
import { humeRest } from "./rest.ts";

/** The other end: what it answers to whatever is asked. */
let server: Server | null = null;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

const agent: EngineAgent = {
  prompt: "You are brief.",
  greeting: null,
  voice: null,
  language: "en",
  options: {},
  manners: plainManners,
  tools: [],
};

async function check(status: number, body: string, configId: string | null = null) {
  server = createServer((_request, response) => void response.writeHead(status, { "content-type": "application/json" }).end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v0/evi/chat`;
  return checkAgent(humeRest({ url, apiKey: "k" }), configId, agent, AbortSignal.timeout(20_000));
}

describe("an agent that is to be saved", () => {
  test.each([
    ["a key that may not use EVI", 403, '{"message":"Your plan has no EVI."}', null, "engine", /HUME_API_KEY.*Your plan has no EVI/],
    [
      "a vendor that does not offer EVI any more",
      410,
      '{"message":"EVI has ended."}',
      null,
      "engine",
      /not there any more.*EVI has ended.*another engine/,
    ],
    ["a Config that the account does not have", 404, "", "c-1", "engine", /HUME_CONFIG_ID c-1/],
  ])("is refused with %s, in Hume's own words", async (_, status, body, config, field, message) => {
    expect(await check(status, body, config)).toEqual([{ field, message: expect.stringMatching(message) }]);
  });

  test("is refused with a Config that Hume answers nothing about, as with one it says is not there", async () => {
    expect(await check(200, '{"page_number":0,"configs_page":[]}', "c-1")).toMatchObject([{ field: "engine" }]);
  });

  test("cannot be checked where a stranger answers, which is said in a sentence", async () => {
    const found = check(200, "<html>Hello</html>", "c-1");
    await expect(found).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE", message: expect.stringContaining("none of Hume's answers") });
  });
});
