import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { forgetConnections, request } from "./request.ts";

const post = { method: "POST", headers: {}, body: "{}" };
const budget = { connectMs: 1_000, answerMs: 5_000 };

describe("a request of the network", () => {
  let server: Server;
  let url: URL;
  let answers: () => number | "nothing" | "the connection closed";
  beforeEach(async () => {
    server = createServer((asked, answer) => {
      asked.resume();
      const what = answers();
      if (what === "the connection closed") asked.socket.destroy();
      else if (what !== "nothing") answer.writeHead(what).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterEach(() => {
    forgetConnections();
    server.closeAllConnections();
    server.close();
  });

  test("is not given up because this machine was too busy to see that it had connected", async () => {
    answers = () => 200;
    const asked = request(url, post, { ...budget, connectMs: 30 });
    await new Promise<void>((begun) => setImmediate(begun));
    for (const end = performance.now() + 100; performance.now() < end; );
    expect(await asked).toMatchObject({ ok: true });
  });

  test("whose connection ends without an answer has failed", async () => {
    answers = () => "the connection closed";
    expect(await request(url, post, budget)).toMatchObject({ ok: false, again: true, because: expect.stringContaining("ECONNRESET") });
  });

  test("that gets no answer is given up in time", async () => {
    answers = () => "nothing";
    expect(await request(url, post, { ...budget, answerMs: 50 })).toEqual({
      ok: false,
      again: true,
      because: "Read timed out.",
      status: null,
    });
  });

  test.each([
    [503, true],
    [404, false],
  ])("answered with %i is tried again: %s", async (status, again) => {
    answers = () => status;
    expect(await request(url, post, budget)).toMatchObject({ ok: false, again, status });
  });
});
