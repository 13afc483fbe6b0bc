import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { forgetConnections, request } from "./request.ts";

const post = { method: "POST", headers: {}, body: "{}" };
const budget = { connectMs: 1_000, answerMs: 5_000 };

describe("a request of the network", () => {
  let server: Server;
  let url: URL;
  /** How many requests came on each connection, in the order of the connections. */
  let came: Map<Socket, number>;
  let answers: (nth: number, socket: Socket) => number | "nothing" | "the connection closed";
  beforeEach(async () => {
    came = new Map();
    server = createServer((asked, answer) => {
      const nth = (came.get(asked.socket) ?? 0) + 1;
      came.set(asked.socket, nth);
      asked.resume();
      const what = answers(nth, asked.socket);
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

  test("that met a kept connection in the moment of its end leaves on a new one, once", async () => {
    answers = (nth) => (nth === 1 ? 200 : "the connection closed");
    expect(await request(url, post, budget)).toMatchObject({ ok: true });
    expect(await request(url, post, budget)).toMatchObject({ ok: true });
    expect([...came.values()]).toEqual([2, 1]);
  });

  test("whose new connection ends without an answer has failed", async () => {
    answers = () => "the connection closed";
    expect(await request(url, post, budget)).toMatchObject({ ok: false, again: true, because: expect.stringContaining("ECONNRESET") });
    expect([...came.values()]).toEqual([1]);
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
