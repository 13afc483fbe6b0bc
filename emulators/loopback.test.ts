import http from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { loadBook } from "./evi/book.ts";
import { startEvi } from "./evi/server.ts";
import { isLoopback } from "./loopback.ts";
import { startOpenAi } from "./openai/server.ts";
import { startNetwork } from "./vonage/network.ts";
import { Settings } from "./vonage/settings.ts";
import { apiKey, applicationId, publicKey, signatureSecret } from "./vonage/test-app.ts";

interface Started {
  readonly url: string;
  close(): Promise<void>;
}

const account = { applicationId, publicKeyPem: publicKey, signatureSecret, apiKey, number: "+12025550100" };
let started: { network: Started; open: Started; evi: Started; openai: Started };

beforeAll(async () => {
  const listener = await loadBook({ people: { people: [], folder: "." }, folder: null, log: () => {} });
  const [network, open, evi, openai] = await Promise.all([
    startNetwork(Settings.parse(account)),
    startNetwork(Settings.parse({ ...account, host: "0.0.0.0" })),
    startEvi({ port: 0, apiKey: "key", listener }),
    startOpenAi({ port: 0, apiKey: null, listener }),
  ]);
  started = { network, open, evi, openai };
});
afterAll(() => Promise.all(Object.values(started).map((one) => one.close())));

/** The status of a GET that calls the host by another name, as a browser does after DNS rebinding. */
function status(url: string, host: string): Promise<number | undefined> {
  return new Promise((settle, fail) => {
    http.get(url, { headers: { host }, agent: false }, (answer) => settle(answer.resume().statusCode)).once("error", fail);
  });
}

describe("what listens for the machine itself", () => {
  it.each([
    ["network", "/emulator/people"],
    ["network", "/%65mulator/calls"],
    ["network", "/"],
    ["network", "/phone"],
    ["network", "/phone/"],
    ["evi", "/emulator/chats"],
    ["openai", "/emulator/sessions"],
  ] as const)("%s shows %s under no other name", async (which, path) => {
    const { url } = started[which];
    const { port } = new URL(url);
    expect(await status(`${url}${path}`, `evil.example.com:${port}`)).toBe(421);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) expect(await status(`${url}${path}`, host)).toBe(200);
  });

  it("lends the browser's phone line to no other name either", async () => {
    const { url } = started.network;
    const rebound = { host: "evil.example.com", origin: "http://evil.example.com" };
    const socket = new WebSocket(`${url.replace("http", "ws")}/emulator/phone`, { headers: rebound });
    const answer = await new Promise<http.IncomingMessage>((settle) => socket.once("unexpected-response", (_, answer) => settle(answer)));
    expect(answer.statusCode).toBe(421);
  });

  it("does not mind its name when it was told to listen to everybody", async () => {
    const { port } = new URL(started.open.url);
    expect(await status(`http://127.0.0.1:${port}/emulator/people`, "phones.example.com")).toBe(200);
  });

  it.each(["localhost.example.com", "127.0.0.1.example.com", "example.com:80", "10.0.0.1", "", undefined])(
    "%s is no name of this machine",
    (host) => expect(isLoopback(host)).toBe(false),
  );
});
