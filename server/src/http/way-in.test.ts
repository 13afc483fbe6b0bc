import { Agent, get, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { fastify } from "fastify";
import { afterEach, expect, test } from "vitest";
import { type WayIn, wayInto } from "./way-in.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function server(name: string, port: number): Promise<WayIn> {
  const app = fastify();
  app.get("/", async () => name);
  const wayIn = wayInto(app, { port, host: "127.0.0.1", reusePort: true }, { close() {} });
  open.push(wayIn);
  await wayIn.open();
  return wayIn;
}
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
function ask(port: number, agent: Agent | false = false): Promise<{ by: string; keeps: boolean }> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", agent }, (answer: IncomingMessage) => {
      let by = "";
      answer.on("data", (text: Buffer) => {
        by += text;
      });
      answer.on("end", () => resolve({ by, keeps: answer.headers.connection === "keep-alive" }));
    }).on("error", reject);
  });
}

test("a server that shares its port and shuts its way in gets no new connections, answers on those it has, and comes back when it is alone", async () => {
  const port = await freePort();
  const a = await server("a", port);
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  open.push({ close: () => kept.destroy() });
  expect(await ask(port, kept)).toEqual({ by: "a", keeps: true });
  const b = await server("b", port);
  a.shut();
  for (let i = 0; i < 30; i++) expect((await ask(port)).by).toBe("b");
  expect(await ask(port, kept)).toEqual({ by: "a", keeps: false });
  expect((await ask(port, kept)).by).toBe("b");
  kept.destroy();
  await b.close();
  await a.open();
  expect(await ask(port)).toMatchObject({ by: "a" });
  a.shut();
  await a.close();
  await expect(ask(port)).rejects.toThrow("ECONNREFUSED");
});

test("a server that is closed opens its way in no more", async () => {
  const port = await freePort();
  const a = await server("a", port);
  a.shut();
  await a.close();
  await a.open();
  await expect(ask(port)).rejects.toThrow("ECONNREFUSED");
});
