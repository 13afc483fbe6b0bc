import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { keyTone } from "./keys.ts";
import type { Network } from "./network.ts";
import { type App, ask, bridgeNcco, callTo, Facts, indexOfSound, noise, samples, startApp, startTestNetwork } from "./test-app.ts";

const browser = "12025550199";
const line = noise(0.2, 5);

interface Phone {
  readonly socket: WebSocket;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly told: Facts<any>;
  readonly heard: Facts<Buffer>;
}

let app: App;
let network: Network;
const phones: WebSocket[] = [];

beforeEach(async () => {
  app = await startApp((seen, own) => (seen.path === "/answer" ? { body: bridgeNcco(own) } : undefined));
  network = await startTestNetwork(app);
});
afterEach(async () => {
  for (const socket of phones.splice(0)) socket.terminate();
  await network.close();
  await app.close();
});

/** What the page does, without the page. */
async function open(number = `+${browser}`, headers: Record<string, string> = {}): Promise<Phone> {
  const socket = new WebSocket(`${network.url.replace("http", "ws")}/emulator/phone?number=${encodeURIComponent(number)}`, { headers });
  phones.push(socket);
  const phone: Phone = { socket, told: new Facts(), heard: new Facts() };
  socket.on("message", (message: Buffer, isBinary: boolean) =>
    isBinary ? phone.heard.add(message) : phone.told.add(JSON.parse(message.toString())),
  );
  await new Promise((then, fail) => socket.once("open", then).once("error", fail));
  await phone.told.first(() => true);
  return phone;
}

const state = (phone: Phone, name: string, nth = 1): Promise<{ because?: string; from?: string }> =>
  phone.told.first((told) => told.state === name, nth);
const say = (phone: Phone, said: object): void => phone.socket.send(JSON.stringify(said));

describe("a phone in a browser", () => {
  it("rings, answers, talks and hears, presses keys and hangs up", async () => {
    const phone = await open();
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(browser, app));
    expect((await state(phone, "ringing")).from).toBe("12025550100");
    say(phone, { do: "answer" });
    await app.event("answered", (seen) => seen.body.uuid === made.uuid);
    const socket = await app.sockets.first(() => true);
    await state(phone, "talking");
    await socket.frames.first(() => true);

    for (let at = 0; at < line.length; at += 320) phone.socket.send(Buffer.from(line.buffer, at * 2, 640));
    const heardByUs = (): Int16Array => samples(Buffer.concat(socket.frames.all.map((frame) => frame.bytes)));
    await socket.frames.until(() => indexOfSound(heardByUs(), line) >= 0);

    for (let at = 0; at < line.length; at += 320) socket.socket.send(Buffer.from(line.buffer, at * 2, 640));
    await phone.heard.until(() => indexOfSound(samples(Buffer.concat(phone.heard.all)), line) >= 0);

    say(phone, { do: "press", digit: "5" });
    expect(await socket.messages.first((message) => message.event === "websocket:dtmf")).toMatchObject({ digit: "5" });
    say(phone, { do: "hang up" });
    expect((await app.event("completed", (seen) => seen.body.uuid === made.uuid)).body.disconnected_by).toBe("user");
    expect((await phone.told.first((told) => told.state === "idle", 2)).because).toBe("you hung up");
  });

  it("rings as soon as the page is opened, when a call is already there", async () => {
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(browser, app));
    await app.event("ringing", (seen) => seen.body.uuid === made.uuid);
    const phone = await open();
    await state(phone, "ringing");
    say(phone, { do: "decline" });
    expect((await app.event("rejected")).body).toMatchObject({ uuid: made.uuid, detail: "declined", sip_code: 603 });
  });

  it("stops ringing when the caller gives up", async () => {
    const phone = await open();
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(browser, app));
    await state(phone, "ringing");
    await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "hangup" });
    expect((await phone.told.first((told) => told.state === "idle", 2)).because).toBe("the caller gave up");
  });

  it("calls in, and a closed page hangs up", async () => {
    const phone = await open();
    say(phone, { do: "call" });
    await state(phone, "calling");
    const answer = await app.requests.first((seen) => seen.path === "/answer");
    expect(answer.query.from).toBe(browser);
    await state(phone, "talking");
    phone.socket.close();
    expect((await app.event("completed", (seen) => seen.body.direction === "inbound")).body.disconnected_by).toBe("user");
  });

  it("rings in every open page, and is taken by one", async () => {
    const [one, other] = [await open(), await open()];
    await ask(network, "POST", "/v1/calls", callTo(browser, app));
    await Promise.all([state(one, "ringing"), state(other, "ringing")]);
    say(one, { do: "answer" });
    expect((await other.told.first((told) => told.because !== undefined)).because).toBe("answered elsewhere");
    await state(one, "talking");
  });

  describe("with a second caller", () => {
    const call = async (from: string): Promise<string> =>
      (await ask(network, "POST", "/v1/calls", callTo(browser, app, { from: { type: "phone", number: from } }))).body.uuid;
    const rings = (uuid: string): Promise<unknown> => app.event("ringing", (seen) => seen.body.uuid === uuid);
    const giveUp = (uuid: string): Promise<unknown> => ask(network, "PUT", `/v1/calls/${uuid}`, { action: "hangup" });

    it("goes on with the first, and rings for the second when it is free", async () => {
      const phone = await open();
      await call("12025550100");
      await state(phone, "ringing");
      say(phone, { do: "answer" });
      await state(phone, "talking");
      const second = await call("12025550177");
      await rings(second);
      const other = await open();
      expect((await state(other, "ringing")).from).toBe("12025550177");
      say(phone, { do: "decline" }); // of nothing: it shows no call
      await giveUp(second);
      await other.told.first((told) => told.because === "the caller gave up");
      await rings(await call("12025550178"));
      await other.told.first((told) => told.from === "12025550178");
      expect(phone.told.all.map((told) => told.state)).toEqual(["idle", "ringing", "talking"]);
      say(phone, { do: "hang up" });
      expect((await state(phone, "ringing", 2)).from).toBe("12025550178");
      expect(phone.told.all.slice(3)).toEqual([
        { state: "idle", because: "you hung up" },
        { state: "ringing", from: "12025550178", leg: expect.any(String) },
      ]);
    });

    it("shows one after the other when nobody has answered yet, and both can be answered", async () => {
      const [one, other] = [await open(), await open()];
      const first = await call("12025550100");
      await rings(first);
      const second = await call("12025550177");
      await rings(second);
      say(one, { do: "answer" });
      await state(one, "talking");
      expect((await state(other, "ringing", 2)).from).toBe("12025550177");
      say(other, { do: "answer" });
      await Promise.all([first, second].map((uuid) => app.event("answered", (seen) => seen.body.uuid === uuid)));
      await state(other, "talking");
    });

    it("goes over to the second when the first gives up", async () => {
      const phone = await open();
      const first = await call("12025550100");
      await rings(first);
      const second = await call("12025550177");
      await rings(second);
      await giveUp(first);
      expect(await state(phone, "ringing", 2)).toMatchObject({ from: "12025550177", leg: second });
      // Meant for the first, and on its way when that gave up.
      say(phone, { do: "answer", leg: first });
      say(phone, { do: "decline", leg: second });
      expect((await app.event("rejected")).body.uuid).toBe(second);
    });
  });

  it("puts the tones of its keys on the line", async () => {
    const phone = await open();
    await ask(network, "POST", "/v1/calls", callTo(browser, app));
    await state(phone, "ringing");
    say(phone, { do: "answer" });
    const socket = await app.sockets.first(() => true);
    await state(phone, "talking");
    await socket.frames.first(() => true);
    say(phone, { do: "press", digit: "7" });
    await socket.frames.until(
      () => indexOfSound(samples(Buffer.concat(socket.frames.all.map((frame) => frame.bytes))), keyTone("7", 120)) >= 0,
    );
  });

  it("is no phone of somebody else's number, and not for another site's pages", async () => {
    await expect(open("+12025550101")).rejects.toThrow(/400/);
    await expect(open(`+${browser}`, { origin: "https://elsewhere.test" })).rejects.toThrow(/403/);
  });

  it("takes no notice of nonsense", async () => {
    const phone = await open();
    phone.socket.send("{");
    phone.socket.send(JSON.stringify({ do: "dance" }));
    phone.socket.send(Buffer.alloc(7));
    say(phone, { do: "hang up" });
    say(phone, { do: "answer" });
    say(phone, { do: "call" });
    await state(phone, "calling");
  });
});

describe("the inspector", () => {
  it("is a page that reads what is told, and is told when something changes", async () => {
    const page = await fetch(`${network.url}/`);
    expect(page.headers.get("content-type")).toMatch(/text\/html/);
    const html = await page.text();
    for (const [, path] of [...html.matchAll(/(?:href|src)="(\/pages\/[^"]+)"/g)])
      expect((await fetch(`${network.url}${path}`)).status).toBe(200);
    expect((await fetch(`${network.url}/pages/../main.ts`)).status).toBe(404);

    const live = await fetch(`${network.url}/emulator/live`);
    const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain("hello");
    await ask(network, "POST", "/v1/calls", callTo("12025550103", app));
    expect((await reader?.read())?.value).toContain("changed");
    await reader?.cancel();
  });
});
