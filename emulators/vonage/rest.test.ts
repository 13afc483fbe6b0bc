import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Network } from "./network.ts";
import { type App, ask, callTo, markOf, startApp, startTestNetwork, token } from "./test-app.ts";

const busy = "12025550103";
const never = "12025550104";

describe("the calls REST", () => {
  let app: App;
  let network: Network;
  beforeAll(async () => {
    app = await startApp();
    network = await startTestNetwork(app);
  });
  afterAll(async () => {
    await network.close();
    await app.close();
  });

  it("creates a call: 201 with uuid, status, direction and conversation", async () => {
    const { status, body } = await ask(network, "POST", "/v1/calls", callTo(busy, app));
    expect(status).toBe(201);
    expect(body).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/),
      status: "started",
      direction: "outbound",
      conversation_uuid: expect.stringMatching(/^CON-[0-9a-f-]{36}$/),
    });
  });

  it.each([
    ["a field it does not know", { recording_format: "mp3" }, "recording_format"],
    ["Twilio's record", { record: true }, "record"],
    ["a number with a plus", { to: [{ type: "phone", number: "+12025550101" }] }, "to[0].number"],
    ["no destination", { to: undefined }, "to"],
    [
      "two destinations",
      {
        to: [
          { type: "phone", number: busy },
          { type: "phone", number: busy },
        ],
      },
      "to",
    ],
    ["an endpoint's unknown field", { to: [{ type: "phone", number: busy, name: "x" }] }, "to[0].name"],
    ["no caller", { from: undefined }, "from"],
    ["a caller and a random one", { random_from_number: true }, "from"],
    ["neither NCCO nor answer URL", { answer_url: undefined }, "answer_url"],
    ["both NCCO and answer URL", { ncco: [] }, "answer_url"],
    ["a broken NCCO", { answer_url: undefined, ncco: [{ action: "dance" }] }, "ncco"],
    ["a URL that is none", { event_url: ["not a url"] }, "event_url[0]"],
    ["a ringing timer out of range", { ringing_timer: 121 }, "ringing_timer"],
    ["a length timer out of range", { length_timer: 0 }, "length_timer"],
    ["a caller that is no number", { from: { type: "phone", number: "anybody" } }, "from.number"],
    ["a caller with a plus", { from: { type: "phone", number: "+12025550100" } }, "from.number"],
    [
      "what only a connect's phone has",
      { to: [{ type: "phone", number: busy, onAnswer: { url: "http://app.test/a" } }] },
      "to[0].onAnswer",
    ],
    ["a sip endpoint without an address", { to: [{ type: "sip", domain: "app.test" }] }, "to[0].uri"],
    [
      "a socket's headers beyond 512 bytes, however few characters",
      { to: [{ type: "websocket", uri: "ws://app.test", "content-type": "audio/l16;rate=16000", headers: { a: "\u00e9".repeat(260) } }] },
      "to[0].headers",
    ],
    ["another method", { answer_method: "PUT" }, "answer_method"],
  ])("refuses %s with a 400 that names it", async (_, change, name) => {
    const { status, body, headers } = await ask(network, "POST", "/v1/calls", callTo(busy, app, change));
    expect(status).toBe(400);
    expect(body).toMatchObject({ type: 400, title: "Bad Request" });
    expect(body.invalid_parameters.map((one: { name: string }) => one.name)).toContain(name);
    expect(headers.get("x-nexmo-trace-id")).toMatch(/^[0-9a-f]{32}$/);
  });

  it("refuses a body that is not JSON, and one that is too large", async () => {
    expect(await ask(network, "POST", "/v1/calls", "{")).toMatchObject({
      status: 400,
      body: { type: "BAD_REQUEST", error_title: "Bad Request" },
    });
    expect(await ask(network, "POST", "/v1/calls", JSON.stringify({ x: "y".repeat(2_000_000) }))).toMatchObject({ status: 413 });
  });

  it("remembers for whoever looks on what it refused and why, but not the failures of calls", async () => {
    await ask(network, "POST", "/v1/calls", callTo(busy, app, { recording_format: "mp3" }));
    await ask(network, "GET", "/v1/calls?page_size=0", undefined, { authorization: "Bearer none" });
    await ask(network, "POST", "/v1/calls", callTo(busy, app));
    const { body } = await ask(network, "GET", "/emulator/calls?last=1");
    expect(body.refused.slice(-2)).toEqual([
      {
        id: expect.any(Number),
        at: expect.any(String),
        method: "POST",
        path: "/v1/calls",
        status: 400,
        because: "recording_format: is not a known parameter",
      },
      { id: expect.any(Number), at: expect.any(String), method: "GET", path: "/v1/calls", status: 401, because: "Invalid Compact JWS" },
    ]);
  });

  const other = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const hourAgo = Math.floor(Date.now() / 1000) - 3_600;
  it.each([
    ["no token", async () => ""],
    ["a token signed by another key", async () => `Bearer ${await token({}, other.privateKey)}`],
    ["another application's token", async () => `Bearer ${await token({ application_id: "00000000-0000-4000-8000-000000000000" })}`],
    ["an expired token", async () => `Bearer ${await token({ iat: hourAgo, exp: hourAgo + 900 })}`],
    ["an old token without expiry", async () => `Bearer ${await token({ iat: hourAgo, exp: undefined })}`],
    ["a token that lives for days", async () => `Bearer ${await token({ exp: hourAgo + 100 * 3_600 })}`],
    ["a token without jti", async () => `Bearer ${await token({ jti: undefined })}`],
    ["key and secret", async () => "Basic YWJjZDpzZWNyZXQ="],
  ])("answers 401 to %s", async (_, authorization) => {
    const { status, body } = await ask(network, "POST", "/v1/calls", callTo(busy, app), { authorization: await authorization() });
    expect(status).toBe(401);
    expect(body).toMatchObject({ type: "UNAUTHORIZED", error_title: "Unauthorized" });
  });

  it("shows a call, and once it is over its times and price as text", async () => {
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(busy, app));
    await app.event("completed", (seen) => seen.body.uuid === made.uuid);
    const { body } = await ask(network, "GET", `/v1/calls/${made.uuid}`);
    expect(body).toEqual({
      _links: { self: { href: `/v1/calls/${made.uuid}` } },
      uuid: made.uuid,
      conversation_uuid: made.conversation_uuid,
      to: { type: "phone", number: busy },
      from: { type: "phone", number: "12025550100" },
      status: "busy",
      direction: "outbound",
      rate: "0.01270000",
      price: "0.00000000",
      duration: "0",
      start_time: null,
      end_time: null,
      network: "310260",
    });
  });

  it("lists calls page by page, with relative links as HAL has them", async () => {
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(never, app));
    const { body: all } = await ask(network, "GET", "/v1/calls?page_size=100");
    const { body: first } = await ask(network, "GET", "/v1/calls?page_size=1");
    expect(all._embedded.calls).toHaveLength(all.count);
    expect(first._embedded.calls).toEqual([all._embedded.calls[0]]);
    expect(first._links).toMatchObject({
      self: { href: "/v1/calls?page_size=1&record_index=0" },
      first: { href: "/v1/calls?page_size=1" },
      next: { href: "/v1/calls?page_size=1&record_index=1" },
      last: { href: `/v1/calls?page_size=1&record_index=${all.count - 1}` },
    });
    expect(first._links.prev).toBeUndefined();
    const { body: last } = await ask(network, "GET", first._links.last.href);
    expect(last._links.next).toBeUndefined();
    expect(last._embedded.calls[0].uuid).toBe(made.uuid);
    const { body: newest } = await ask(network, "GET", "/v1/calls?order=desc&page_size=1");
    expect(newest._embedded.calls[0].uuid).toBe(made.uuid);
    const { body: mine } = await ask(network, "GET", `/v1/calls?conversation_uuid=${made.conversation_uuid}`);
    expect(mine.count).toBe(1);
    // Links stay in the list that was asked for.
    const { body: busyOnes } = await ask(network, "GET", "/v1/calls?status=busy&page_size=1&order=desc");
    expect(busyOnes.count).toBeGreaterThan(1);
    expect(busyOnes._links.next.href).toBe("/v1/calls?page_size=1&record_index=1&status=busy&order=desc");
    for (const { href } of Object.values(busyOnes._links) as { href: string }[])
      expect((await ask(network, "GET", href)).body).toMatchObject({ count: busyOnes.count, _embedded: { calls: [{ status: "busy" }] } });
    const since = new Date(Date.now() - 60_000).toISOString();
    const { body: recent } = await ask(network, "GET", `/v1/calls?page_size=1&date_start=${since}`);
    expect((await ask(network, "GET", recent._links.next.href)).body.count).toBe(recent.count);
    expect(await ask(network, "GET", "/v1/calls?page_size=101")).toMatchObject({ status: 400 });
  });

  it("transfers no call that rings, and hangs it up: 204 without a body, cancelled, then completed", async () => {
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(never, app));
    const own = (seen: { body: { uuid?: string } }): boolean => seen.body.uuid === made.uuid;
    await app.event("ringing", own);
    const destination = { type: "ncco", ncco: [{ action: "wait" }] };
    expect(await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "transfer", destination })).toMatchObject({ status: 400 });
    expect(await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "hangup" })).toMatchObject({ status: 204, body: "" });
    await app.event("completed", own);
    const marks = app.requests.all.filter(own).map((seen) => markOf(seen.body));
    expect(marks.slice().sort()).toEqual(["cancelled", "completed", "ringing", "started"]);
    expect(await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "hangup" })).toMatchObject({ status: 400 });
  });

  it("keeps a call in the region whose host made it", async () => {
    const { body: made } = await ask(network, "POST", "/elsewhere/v1/calls", callTo(never, app));
    expect(await ask(network, "GET", `/v1/calls/${made.uuid}`)).toMatchObject({ status: 404 });
    expect(await ask(network, "GET", `/elsewhere/v1/calls/${made.uuid}`)).toMatchObject({ status: 200, body: { uuid: made.uuid } });
    expect(await ask(network, "PUT", `/elsewhere/v1/calls/${made.uuid}`, { action: "hangup" })).toMatchObject({ status: 204 });
  });

  it("answers 404 for a call it does not know, and 400 for an action it does not know", async () => {
    expect(await ask(network, "PUT", "/v1/calls/63f61863-4a51-4f6b-86e1-46edebcf9356", { action: "hangup" })).toMatchObject({
      status: 404,
      body: { type: "NOT_FOUND" },
    });
    expect(await ask(network, "GET", "/v1/calls/63f61863-4a51-4f6b-86e1-46edebcf9356")).toMatchObject({ status: 404 });
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(never, app));
    expect(await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "explode" })).toMatchObject({ status: 400 });
  });
});

describe("Vonage's limits", () => {
  it("answers 429 to the fourth call of a burst, and 400 to a hang-up in the first second", async () => {
    const app = await startApp();
    const network = await startTestNetwork(app, { callsPerSecond: 3, requestsPerSecond: 3, tooEarlyMs: 60_000 });
    const burst = await Promise.all([1, 2, 3, 4, 5].map(() => ask(network, "POST", "/v1/calls", callTo(never, app))));
    expect(burst.map((one) => one.status).sort()).toEqual([201, 201, 201, 429, 429]);
    const made = burst.find((one) => one.status === 201)?.body;
    const hurried = await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "hangup" });
    expect(hurried).toMatchObject({ status: 400, body: { type: "BAD_REQUEST", error_title: "Bad Request" } });
    // Far more than in one second's measure, because the twenty take more than one on a busy machine.
    const reads = await Promise.all(Array.from({ length: 20 }, () => ask(network, "GET", "/v1/calls")));
    expect(reads.filter((one) => one.status === 429).length).toBeGreaterThan(0);
    await network.close();
    await app.close();
  });
});
