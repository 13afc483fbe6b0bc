import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CallId, LegId } from "../../ids.ts";
import type { Exchange } from "../exchanges.ts";
import { CarrierQueueFull } from "../failures.ts";
import type { Dial } from "../port.ts";
import { wordsOf } from "./answers.ts";
import { createBody, vonageCarrier } from "./client.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab";
const LEG = "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11" as LegId;
const dial: Dial = {
  call: "0199a0b1-7d1f-7000-8000-000000000001" as CallId,
  from: "+12025550100",
  to: "+12025550143",
  ringSeconds: 45,
  maxSeconds: 1800,
};

interface Seen {
  method: string;
  url: string;
  authorization: string | undefined;
  range: string | undefined;
  body: string;
}
type Answering = (request: Seen, response: ServerResponse, raw: IncomingMessage) => void;

/** A real HTTP server on this machine that answers as each test says. */
function other(): { server: Server; seen: Seen[]; answer(with_: Answering): void; url(): string } {
  const seen: Seen[] = [];
  let answering: Answering = (_, response) => response.writeHead(500).end();
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const one = {
      method: request.method ?? "",
      url: request.url ?? "",
      authorization: request.headers.authorization,
      range: request.headers.range,
      body: Buffer.concat(parts).toString(),
    };
    seen.push(one);
    answering(one, response, request);
  });
  return { server, seen, answer: (with_) => (answering = with_), url: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const vonage = other();
const elsewhere = other();
const exchanges: Exchange[] = [];
const carrier = (more: object = {}) =>
  vonageCarrier({
    applicationId: APPLICATION,
    privateKeyPem: PEM,
    apiUrl: vonage.url(),
    publicUrl: "https://calls.example.com",
    pausesMs: [1, 1, 1],
    onExchange: (exchange) => exchanges.push(exchange),
    ...more,
  });
const json =
  (status: number, body: unknown): Answering =>
  (_, response) =>
    response.writeHead(status, { "content-type": "application/json", "x-nexmo-trace-id": "t1" }).end(JSON.stringify(body));

beforeAll(async () => {
  for (const { server } of [vonage, elsewhere]) await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
});
afterEach(() => {
  for (const { seen } of [vonage, elsewhere]) seen.length = 0;
  exchanges.length = 0;
});
afterAll(() => {
  for (const { server } of [vonage, elsewhere]) {
    server.closeAllConnections();
    server.close();
  }
});

/** An address where connections are neither taken nor refused: whoever listens there has stopped, and its queue is full. */
async function swallowsConnections(): Promise<{ port: number; end(): Promise<unknown> }> {
  const stopped = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(stopped, "message")) as [number];
  // More than its queue holds: the rest, and whoever comes after, hears nothing.
  const waiting = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await once(waiting[0] as Socket, "connect");
  return {
    port,
    end: () => {
      for (const socket of waiting) socket.destroy();
      return stopped.terminate();
    },
  };
}

const CREATED = { uuid: LEG, status: "started", direction: "outbound", conversation_uuid: "CON-1" };

describe("dialling", () => {
  it("sends exactly the documented fields, our id in every URL, and no record field", async () => {
    vonage.answer(json(201, CREATED));
    expect(await carrier().dial(dial)).toEqual({ dialed: "yes", leg: LEG, conversation: "CON-1" });
    expect(vonage.seen).toHaveLength(1);
    expect(vonage.seen[0]).toMatchObject({ method: "POST", url: "/v1/calls" });
    expect(vonage.seen[0]?.body).toBe(
      '{"to":[{"type":"phone","number":"12025550143"}],"from":{"type":"phone","number":"12025550100"},"answer_url":["https://calls.example.com/webhooks/vonage/answer?call=0199a0b1-7d1f-7000-8000-000000000001"],"answer_method":"POST","event_url":["https://calls.example.com/webhooks/vonage/event?call=0199a0b1-7d1f-7000-8000-000000000001"],"event_method":"POST","ringing_timer":45,"length_timer":1800}',
    );
    expect(createBody(dial, "https://x.test")).not.toHaveProperty("record");
  });

  it("proves itself with a fresh RS256 token of the application", async () => {
    vonage.answer(json(201, CREATED));
    await carrier().dial(dial);
    await carrier().dial(dial);
    const tokens = vonage.seen.map(({ authorization }) => (authorization ?? "").replace("Bearer ", ""));
    const proven = await Promise.all(tokens.map((token) => jwtVerify(token, publicKey, { algorithms: ["RS256"] })));
    expect(proven[0]?.payload.application_id).toBe(APPLICATION);
    expect(proven[0]?.payload.jti).not.toBe(proven[1]?.payload.jti);
    expect((proven[0]?.payload.exp ?? 0) - (proven[0]?.payload.iat ?? 0)).toBe(300);
  });

  it.each([
    [
      400,
      { type: 400, title: "Bad Request", invalid_parameters: [{ name: "to", reason: "Is invalid." }] },
      "refused",
      "Bad Request; to: Is invalid.",
    ],
    [403, { type: "https://x", title: "Forbidden", detail: "Not allowed here." }, "refused", "Forbidden; Not allowed here."],
    [401, { type: "UNAUTHORIZED", error_title: "Unauthorized" }, "unauthorized", "credentials"],
    [429, {}, "limited", "too often"],
  ] as const)("answered with %s is not dialled", async (status, body, code, text) => {
    vonage.answer(json(status, body));
    expect(await carrier().dial(dial)).toEqual({ dialed: "no", code, status, text: expect.stringContaining(text) });
    expect(vonage.seen).toHaveLength(1);
  });

  it.each<[string, Answering]>([
    ["no answer in time", () => {}],
    ["a broken connection", (_, response) => response.destroy()],
    ["trouble on their side", json(503, {})],
    ["an answer without a leg", json(201, {})],
    ["an answer that is no JSON", (_, response) => response.writeHead(201).end("<html>")],
  ])("with %s is unknown, and is not asked again", async (_, answering) => {
    vonage.answer(answering);
    expect(await carrier({ timeoutMs: 3_000 }).dial(dial)).toMatchObject({ dialed: "unknown" });
    expect(vonage.seen).toHaveLength(1);
  });

  it("that never reached anybody is refused, not unknown", async () => {
    const closed = other();
    await new Promise<void>((ready) => closed.server.listen(0, "127.0.0.1", ready));
    const apiUrl = closed.url();
    await new Promise((done) => closed.server.close(done));
    expect(await carrier({ apiUrl }).dial(dial)).toMatchObject({ dialed: "no", code: "refused", status: null });
  });

  it("into a network that swallows connections is refused, not unknown", { timeout: 90_000 }, async () => {
    const swallowing = await swallowsConnections();
    try {
      const apiUrl = `http://127.0.0.1:${swallowing.port}`;
      expect(await carrier({ apiUrl }).dial(dial)).toMatchObject({ dialed: "no", code: "refused", status: null });
    } finally {
      await swallowing.end();
    }
  });

  it("is kept as an exchange without the token", async () => {
    vonage.answer(json(201, CREATED));
    await carrier().dial(dial);
    expect(exchanges).toMatchObject([{ method: "POST", url: `${vonage.url()}/v1/calls`, status: 201, trace: "t1" }]);
    expect(JSON.stringify(exchanges)).not.toContain("eyJ");
  });
});

describe("hanging up", () => {
  it("is asked again while it is too early", async () => {
    let times = 0;
    vonage.answer((request, response) => (++times < 3 ? json(400, {})(request, response, null as never) : response.writeHead(204).end()));
    await carrier().hangUp(LEG, null);
    expect(vonage.seen.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual(
      Array(3).fill(`PUT /v1/calls/${LEG} {"action":"hangup"}`),
    );
  });

  it("is done when the carrier does not know the leg in its region, or says that it is over", async () => {
    vonage.answer(json(404, {}));
    await carrier().hangUp(LEG, vonage.url());
    vonage.answer((request, response) =>
      json(request.method === "PUT" ? 400 : 200, request.method === "PUT" ? {} : { ...CREATED, status: "completed" })(
        request,
        response,
        null as never,
      ),
    );
    await carrier().hangUp(LEG, null);
  });

  it("fails when the leg lives on and the carrier keeps refusing", async () => {
    vonage.answer((request, response) =>
      json(request.method === "PUT" ? 400 : 200, request.method === "PUT" ? {} : { ...CREATED, status: "answered" })(
        request,
        response,
        null as never,
      ),
    );
    await expect(carrier().hangUp(LEG, null)).rejects.toMatchObject({ code: "CARRIER_REFUSED", carrierStatus: 400 });
  });

  it("goes to the call's own region, and never with our token to a host that is none of Vonage's", async () => {
    vonage.answer((_, response) => response.writeHead(204).end());
    await carrier().hangUp(LEG, elsewhere.url());
    expect(elsewhere.seen).toHaveLength(0);
    expect(vonage.seen).toHaveLength(1);
  });
});

describe("a leg whose region was not told yet", () => {
  const both = () => carrier({ regions: [`${vonage.url()}/other`, elsewhere.url()] });
  const nowhere: Answering = (_, response) => response.writeHead(404).end();

  it("is hung up in the region that has it", async () => {
    vonage.answer(nowhere);
    elsewhere.answer((_, response) => response.writeHead(204).end());
    await both().hangUp(LEG, null);
    expect(elsewhere.seen).toMatchObject([{ method: "PUT", url: `/v1/calls/${LEG}`, body: '{"action":"hangup"}' }]);
    expect(vonage.seen.map(({ url }) => url)).toEqual([`/v1/calls/${LEG}`, `/other/v1/calls/${LEG}`]);
  });

  it("is found there when it is asked for, and is nowhere when no region has it", async () => {
    vonage.answer(nowhere);
    elsewhere.answer(json(200, { ...CREATED, status: "ringing" }));
    expect(await both().legState(LEG, null)).toMatchObject({ leg: LEG, status: "ringing" });
    elsewhere.answer(json(404, {}));
    expect(await both().legState(LEG, null)).toBeNull();
    await both().hangUp(LEG, null);
  });

  it("may be in a region that could not be asked", async () => {
    vonage.answer(nowhere);
    elsewhere.answer((_, response) => response.destroy());
    await expect(both().legState(LEG, null)).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
    await expect(both().hangUp(LEG, null)).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
  });

  it("is not taken for gone where the regions are not known", async () => {
    vonage.answer(json(404, {}));
    await expect(carrier().hangUp(LEG, null)).rejects.toMatchObject({ code: "CARRIER_REGION_UNKNOWN" });
    await expect(carrier().legState(LEG, null)).rejects.toMatchObject({ code: "CARRIER_REGION_UNKNOWN" });
  });
});

describe("asking for a leg", () => {
  it("tells its state, or null when it is not known", async () => {
    vonage.answer(json(200, { ...CREATED, status: "busy", price: "0.00", duration: "0" }));
    expect(await carrier().legState(LEG, null)).toMatchObject({
      leg: LEG,
      status: "busy",
      end: "busy",
      facts: { price: "0.00", durationS: 0 },
    });
    vonage.answer(json(404, { type: "NOT_FOUND" }));
    expect(await carrier().legState(LEG, vonage.url())).toBeNull();
  });

  it.each([
    [401, "CARRIER_UNAUTHORIZED"],
    [429, "CARRIER_LIMITED"],
    [500, "CARRIER_REFUSED"],
  ])("answered with %s fails as %s after its retries", async (status, code) => {
    vonage.answer(json(status, {}));
    await expect(carrier().legState(LEG, null)).rejects.toMatchObject({ code });
    expect(vonage.seen).toHaveLength(status === 401 ? 1 : 4);
  });

  it("an answer without end is cut off", async () => {
    vonage.answer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 120)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    await expect(carrier().legState(LEG, null)).rejects.toMatchObject({ code: "CARRIER_REFUSED" });
  });
});

describe("a running call", () => {
  const sent = () => vonage.seen.map(({ method, url, body }) => `${method} ${url} ${body}`);
  const done: Answering = (_, response) => response.writeHead(204).end();

  it("gets keys, is muted and heard again", async () => {
    vonage.answer(done);
    await carrier().press?.(LEG, "12#p3", null);
    await carrier().mute?.(LEG, true, null);
    await carrier().mute?.(LEG, false, null);
    expect(sent()).toEqual([
      `PUT /v1/calls/${LEG}/dtmf {"digits":"12#p3"}`,
      `PUT /v1/calls/${LEG} {"action":"mute"}`,
      `PUT /v1/calls/${LEG} {"action":"unmute"}`,
    ]);
  });

  it("is handed over, and hears our message, by instructions of its own", async () => {
    vonage.answer(done);
    await carrier().handOver?.({
      call: dial.call,
      leg: LEG,
      regionUrl: null,
      from: "+12025550100",
      to: "+12025550110",
      ringSeconds: 45,
      announced: false,
      record: false,
    });
    await carrier().leaveMessage?.({ call: dial.call, leg: LEG, regionUrl: null, text: "Call us back.", language: "en", record: false });
    expect(vonage.seen.map(({ body }) => JSON.parse(body))).toMatchObject([
      {
        action: "transfer",
        destination: { type: "ncco", ncco: [{ action: "connect", endpoint: [{ type: "phone", number: "12025550110" }] }] },
      },
      { action: "transfer", destination: { type: "ncco", ncco: [{ action: "talk", text: "Call us back." }] } },
    ]);
  });

  it("is not sent keys twice when the first time may have worked", async () => {
    vonage.answer(json(503, {}));
    await expect(carrier().press?.(LEG, "1", null)).rejects.toMatchObject({ code: "CARRIER_REFUSED" });
    vonage.answer((_, response) => response.destroy());
    await expect(carrier().press?.(LEG, "1", null)).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
    expect(vonage.seen).toHaveLength(2);
  });

  it("that must wait too long for the carrier's limit was not asked for at all: nobody takes it for done", async () => {
    const permit = async () => {
      throw new CarrierQueueFull();
    };
    const asked = carrier({ permit });
    for (const deed of [asked.press?.(LEG, "1", null), asked.hangUp(LEG, null), asked.apologise?.(LEG, "en", null)])
      await expect(deed).rejects.toMatchObject({ code: "CARRIER_QUEUE_FULL", mayBeDone: false });
    expect([vonage.seen, exchanges]).toEqual([[], []]);
  });

  it.each([
    ["soon", '"advanced_machine_detection":{"behavior":"continue","mode":"default"}'],
    ["beep", '"advanced_machine_detection":{"behavior":"continue","mode":"detect_beep","beep_timeout":45}'],
  ] as const)("is dialled with machine detection %s when asked for, and never lets the carrier hang up", async (detect, body) => {
    vonage.answer(json(201, CREATED));
    await carrier().dial({ ...dial, detect });
    expect(vonage.seen[0]?.body).toContain(body);
  });
});

describe("looking for a call whose dialling is unknown", () => {
  const listed = (uuid: string, to: string, from = "12025550100") => ({
    uuid,
    status: "ringing",
    to: { type: "phone", number: to },
    from: [{ type: "phone", number: from }],
  });

  it("walks the pages and keeps what was dialled from our number to that number", async () => {
    vonage.answer((request, response) => {
      const first = request.url.includes("record_index=0");
      const calls = first
        ? [listed("a", "12025550143"), listed("b", "12025550144"), { nonsense: true }]
        : [listed("c", "12025550143"), listed("d", "12025550143", "12025550199")];
      json(200, { _embedded: { calls }, _links: first ? { next: { href: "/v1/calls?record_index=100" } } : {} })(
        request,
        response,
        null as never,
      );
    });
    const found = await carrier().legsDialed?.("+12025550100", "+12025550143", new Date("2026-03-04T10:00:00Z"), dial.call);
    expect(found?.map(({ leg, status }) => `${leg} ${status}`)).toEqual(["a ringing", "c ringing"]);
    expect(vonage.seen[0]?.url).toBe("/v1/calls?date_start=2026-03-04T10%3A00%3A00.000Z&order=desc&page_size=100&record_index=0");
    // In the black box of the call it was asked for, without the calls of others.
    expect(exchanges.slice(-2)).toMatchObject([
      { call: dial.call, status: 200, answer: '{"listed":2,"fitting":[{"uuid":"a","status":"ringing"}]}' },
      { call: dial.call, status: 200, answer: '{"listed":2,"fitting":[{"uuid":"c","status":"ringing"}]}' },
    ]);
  });

  it("looks in every region for what is listed only there, and does not say that there is none where it could not ask", async () => {
    const here = json(200, { _embedded: { calls: [listed("z", "12025550144")] } });
    const there = json(200, { _embedded: { calls: [listed("a", "12025550143")] } });
    const look = () =>
      carrier({ regions: [vonage.url(), elsewhere.url()] }).legsDialed?.("+12025550100", "+12025550143", new Date(0), dial.call);
    vonage.answer(here);
    elsewhere.answer(there);
    expect(await look()).toMatchObject([{ leg: "a", status: "ringing" }]);
    vonage.answer(there);
    expect(await look()).toHaveLength(1);
    vonage.answer(here);
    elsewhere.answer(json(503, {}));
    await expect(look()).rejects.toMatchObject({ code: "CARRIER_REFUSED" });
  });

  it("finds nothing in an answer that is no list", async () => {
    for (const body of [{}, [], { _embedded: 7 }, { _embedded: { calls: {} } }]) {
      vonage.answer(json(200, body));
      expect(await carrier().legsDialed?.("+1", "+2", new Date(0), dial.call)).toEqual([]);
    }
  });
});

describe("calls that requests to our door speak of", () => {
  const since = new Date("2026-03-04T10:00:00Z");
  const page = (calls: object[], next = false): Answering => json(200, { _embedded: { calls }, _links: next ? { next: {} } : {} });
  const knows = (named: string[], more: object = {}) => carrier(more).knowsOneOf(new Set(named), since);
  const call = (uuid: string) => ({ uuid, conversation_uuid: `CON-${uuid}`, status: "completed" });

  it("are known by leg or conversation, on whichever page; of the list only its length is kept", async () => {
    vonage.answer((request, response) =>
      (request.url?.includes("record_index=0") ? page([call("a"), {}], true) : page([call("b")]))(request, response, null as never),
    );
    expect(await knows(["b"])).toBe(true);
    expect(await knows(["CON-a", "c"])).toBe(true);
    expect(await knows(["c", "undefined"])).toBe(false);
    expect(exchanges.at(-1)).toMatchObject({ status: 200, answer: '{"listed":1}' });
  });

  it("are looked for in every region, and are not said to be unknown when one could not be asked", async () => {
    vonage.answer(page([call("a")]));
    elsewhere.answer(page([call("b")]));
    const both = { regions: [`${vonage.url()}/other`, elsewhere.url()] };
    expect(await knows(["b"], both)).toBe(true);
    elsewhere.answer((_, response) => response.destroy());
    expect(await knows(["a"], both)).toBe(true);
    await expect(knows(["b"], both)).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
  });
});

describe("a recording", () => {
  const all = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    return Buffer.concat(parts).toString();
  };

  it("is fetched with our token, whole", async () => {
    vonage.answer((_, response) => response.writeHead(200, { "content-type": "audio/mpeg", "content-length": "5" }).end("sound"));
    const { body, ...about } = await carrier().openRecording(`${vonage.url()}/v1/files/x`, 0);
    expect(about).toEqual({ sizeBytes: 5, type: "audio/mpeg", from: 0 });
    expect(await all(body)).toBe("sound");
    expect(vonage.seen[0]?.authorization).toMatch(/^Bearer eyJ/);
  });

  it("goes on where it broke off, or from the start when the carrier does not do ranges", async () => {
    vonage.answer((request, response) =>
      response.writeHead(206, { "content-range": "bytes 2-4/5" }).end(request.range === "bytes=2-" ? "und" : "?"),
    );
    const rest = await carrier().openRecording(`${vonage.url()}/v1/files/x`, 2);
    expect(rest).toMatchObject({ from: 2, sizeBytes: 5 });
    expect(await all(rest.body)).toBe("und");
    vonage.answer((_, response) => response.writeHead(200, { "content-length": "5" }).end("sound"));
    const whole = await carrier().openRecording(`${vonage.url()}/v1/files/x`, 2);
    expect(whole).toMatchObject({ from: 0, sizeBytes: 5 });
    await all(whole.body);
  });

  it("is in the black box of its call: when it was asked for, and what the carrier said, but nothing of its sound", async () => {
    const file = `${vonage.url()}/v1/files/x`;
    exchanges.length = 0;
    vonage.answer((request, response) =>
      request.url === "/v1/files/x"
        ? response.writeHead(302, { location: "/stored/x?signature=secret" }).end()
        : response.writeHead(200, { "x-nexmo-trace-id": "t2" }).end("sound"),
    );
    await all((await carrier().openRecording(file, 0, dial.call)).body);
    vonage.answer(json(401, { title: "Unauthorized" }));
    await expect(carrier().openRecording(file, 7, dial.call)).rejects.toThrow();
    vonage.answer((_, response) => response.destroy());
    await expect(carrier().openRecording(file, 0, dial.call)).rejects.toThrow();
    const about = { call: dial.call, method: "GET" };
    expect(exchanges).toMatchObject([
      { ...about, url: file, request: null, status: 302, answer: null },
      { ...about, url: `${vonage.url()}/stored/x`, status: 200, answer: null, trace: "t2" },
      { ...about, url: file, request: "from byte 7", status: 401, answer: null, trace: "t1" },
      { ...about, url: file, status: null, answer: expect.stringMatching(/./) },
    ]);
    expect(JSON.stringify(exchanges)).not.toMatch(/eyJ|secret|sound/);
  });

  it("is not asked for at a host that is none of the carrier's", async () => {
    await expect(carrier().openRecording(`${elsewhere.url()}/v1/files/x`, 0)).rejects.toMatchObject({ code: "CARRIER_HOST_FORBIDDEN" });
    expect(elsewhere.seen).toHaveLength(0);
    expect(carrier().mayFetch(`${elsewhere.url()}/x`)).toBe(false);
    expect(carrier().mayFetch("https://api-us.nexmo.com/v1/files/x")).toBe(true);
  });

  it("a redirect within the carrier is followed, out of it is not, and not without end", async () => {
    vonage.answer((request, response) =>
      request.url === "/a" ? response.writeHead(302, { location: "/b" }).end() : response.writeHead(200).end("sound"),
    );
    expect(await all((await carrier().openRecording(`${vonage.url()}/a`, 0)).body)).toBe("sound");
    expect(vonage.seen[1]?.authorization).toMatch(/^Bearer/);
    vonage.answer((_, response) => response.writeHead(302, { location: `${elsewhere.url()}/stolen` }).end());
    await expect(carrier().openRecording(`${vonage.url()}/a`, 0)).rejects.toMatchObject({ code: "CARRIER_HOST_FORBIDDEN" });
    expect(elsewhere.seen).toHaveLength(0);
    vonage.answer((_, response) => response.writeHead(302, { location: "/again" }).end());
    await expect(carrier().openRecording(`${vonage.url()}/a`, 0)).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
  });

  it.each([
    [401, "CARRIER_UNAUTHORIZED"],
    [403, "CARRIER_UNAUTHORIZED"],
    [404, "CARRIER_HAS_NOT"],
    [410, "CARRIER_HAS_NOT"],
    [429, "CARRIER_LIMITED"],
    [500, "CARRIER_UNREACHABLE"],
    [418, "CARRIER_REFUSED"],
  ])("answered with %s fails as %s", async (status, code) => {
    vonage.answer(json(status, {}));
    await expect(carrier().openRecording(`${vonage.url()}/v1/files/x`, 0)).rejects.toMatchObject({ code });
  });

  it("that breaks off says so", async () => {
    vonage.answer((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    });
    const { body } = await carrier().openRecording(`${vonage.url()}/v1/files/x`, 0);
    await expect(all(body)).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
  });
});

it.each([
  [null, "  just\n text ", "just text"],
  [{ type: "BAD_REQUEST", error_title: "Bad Request" }, "", "Bad Request"],
  [{ invalid_parameters: [null, { name: "to" }, "x"] }, "", "to"],
  [{}, "", ""],
])("the carrier's reason is found in %j", (body, text, words) => {
  expect(wordsOf(body, text)).toBe(words);
});
