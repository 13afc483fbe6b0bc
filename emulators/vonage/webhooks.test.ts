import { createHash } from "node:crypto";
import { verifySignature } from "@vonage/jwt";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import type { Network } from "./network.ts";
import type { Settings } from "./settings.ts";
import {
  type App,
  apiKey,
  applicationId,
  ask,
  bridgeNcco,
  callTo,
  peopleFile,
  type Reply,
  type Seen,
  signatureSecret,
  startApp,
  startTestNetwork,
} from "./test-app.ts";

const person = { number: "+12025550301", habit: "answers at once", whenDialled: { answers: { afterMs: 0 } } };
const quick = "12025550301";

let app: App;
let network: Network;
let people: Awaited<ReturnType<typeof peopleFile>>;

async function start(
  reply: (seen: Seen, app: App) => Reply | undefined,
  more: Partial<Settings> = {},
  who: object = person,
): Promise<void> {
  people = await peopleFile([who]);
  app = await startApp(reply);
  network = await startTestNetwork(app, { people: people.path, ...more });
}

afterEach(async () => {
  await network.close();
  await app.close();
  await people.remove();
});

const tokenOf = (seen: Seen): string => (seen.headers.authorization ?? "").replace(/^Bearer /, "");
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("signatures", () => {
  it("signs a POST over its raw body, with the claims Vonage names, and Vonage's own verifier agrees", async () => {
    await start(() => undefined);
    await ask(network, "POST", "/v1/calls", callTo("12025550103", app));
    const seen = await app.event("started");
    expect(decodeProtectedHeader(tokenOf(seen))).toEqual({ alg: "HS256", typ: "JWT" });
    expect(decodeJwt(tokenOf(seen))).toEqual({
      iat: expect.any(Number),
      jti: expect.any(String),
      iss: "Vonage",
      payload_hash: sha256(seen.raw),
      api_key: apiKey,
      application_id: applicationId,
    });
    expect(verifySignature(tokenOf(seen), signatureSecret)).toBe(true);
    expect(verifySignature(tokenOf(seen), "another secret altogether")).toBe(false);
    expect(seen.headers["content-type"]).toBe("application/json");
  });

  it("signs a GET over its parameters as compact JSON in the order sent, own ones included", async () => {
    await start(() => undefined);
    await ask(network, "POST", "/v1/calls", callTo("12025550103", app, { event_url: [`${app.url}/event?call=7d1f`], event_method: "GET" }));
    const seen = await app.event("busy");
    expect(seen.method).toBe("GET");
    expect(Object.keys(seen.query)).toEqual([
      "call",
      "headers",
      "from",
      "to",
      "uuid",
      "conversation_uuid",
      "status",
      "direction",
      "sip_code",
      "timestamp",
    ]);
    expect(seen.query).toMatchObject({ call: "7d1f", headers: "{}", sip_code: "486" });
    expect(decodeJwt(tokenOf(seen)).payload_hash).toBe(sha256(JSON.stringify(seen.query)));
  });

  it("gives every request a token of its own", async () => {
    await start(() => undefined);
    await ask(network, "POST", "/v1/calls", callTo("12025550103", app));
    await app.event("completed");
    const ids = app.requests.all.map((seen) => decodeJwt(tokenOf(seen)).jti);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("asking how to go on", () => {
  const answers = (seen: Seen): boolean => seen.path === "/answer";
  const own = { answer_method: "POST" };

  it("asks by GET unless told otherwise, and keeps the URL's own parameters", async () => {
    await start((seen) => (answers(seen) ? { body: [{ action: "wait", timeout: 0.1 }] } : undefined));
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(quick, app, { answer_url: [`${app.url}/answer?call=7d1f`] }));
    const seen = await app.requests.first(answers);
    expect(seen.method).toBe("GET");
    expect(seen.query).toEqual({
      call: "7d1f",
      to: quick,
      from: "12025550100",
      uuid: made.uuid,
      conversation_uuid: made.conversation_uuid,
      region_url: network.url,
      endpoint_type: "phone",
    });
    const completed = await app.event("completed");
    expect(completed.body).toMatchObject({ disconnected_by: "platform", duration: "1", sip_code: 200 });
  });

  it.each([
    ["a 503", { status: 503 }],
    ["a 429", { status: 429 }],
    ["a cut connection", { cut: true }],
    ["no answer in time", { never: true }],
  ])("asks once more after %s, then the fallback with the reason", async (_, broken) => {
    await start((seen) => (answers(seen) ? broken : seen.path === "/fallback" ? { body: [{ action: "wait", timeout: 0.1 }] } : undefined), {
      answerTimeoutMs: 150,
    });
    await network.close();
    network = await startTestNetwork(app, {
      people: people.path,
      answerTimeoutMs: 150,
      fallbackUrl: `${app.url}/fallback`,
      answerMethod: "POST",
    });
    await ask(network, "POST", "/v1/calls", callTo(quick, app, own));
    const fallback = await app.requests.first((seen) => seen.path === "/fallback");
    expect(app.requests.all.filter(answers)).toHaveLength(2);
    expect(fallback.body).toMatchObject({
      to: quick,
      reason: expect.stringMatching(/./),
      original_request: { url: `${app.url}/answer`, type: "answer" },
    });
    expect(verifySignature(tokenOf(fallback), signatureSecret)).toBe(true);
  });

  it.each([
    ["a 500", { status: 500 }],
    ["a 404", { status: 404 }],
    ["HTML", { type: "text/html", body: "[]" }],
    ["broken JSON", { body: "[{" }],
    ["an unknown action", { body: [{ action: "dance" }] }],
  ])("does not ask again after %s; without a fallback the call ends", async (_, broken) => {
    await start((seen) => (answers(seen) ? broken : undefined));
    await ask(network, "POST", "/v1/calls", callTo(quick, app, own));
    const completed = await app.event("completed");
    expect(app.requests.all.filter(answers)).toHaveLength(1);
    expect(completed.body.disconnected_by).toBe("platform");
  });

  it("tells what was wrong with an NCCO in an error event", async () => {
    await start((seen) => (answers(seen) ? { body: [{ action: "dance" }] } : undefined));
    await ask(network, "POST", "/v1/calls", callTo(quick, app, own));
    const error = await app.event("error");
    expect(error.body).toEqual({
      reason: expect.stringMatching(/Syntax error in NCCO.*position 0/),
      conversation_uuid: expect.stringMatching(/^CON-/),
      timestamp: expect.any(String),
    });
  });

  it("asks nobody when the NCCO came with the create", async () => {
    await start(() => undefined);
    await ask(network, "POST", "/v1/calls", callTo(quick, app, { answer_url: undefined, ncco: [{ action: "wait", timeout: 0.1 }] }));
    await app.event("completed");
    expect(app.requests.all.filter(answers)).toEqual([]);
  });
});

describe("an application that is dead", () => {
  it("loses the call soon after the answer, without the network minding", async () => {
    await start(() => undefined);
    const gone = await startApp();
    await gone.close();
    const { body: made } = await ask(network, "POST", "/v1/calls", {
      to: [{ type: "phone", number: quick }],
      from: { type: "phone", number: "12025550100" },
      answer_url: [`${gone.url}/answer`],
      event_url: [`${gone.url}/event`],
    });
    const seen = await settled(made.uuid);
    expect(seen).toMatchObject({ status: "completed", over: true, ended_by: "platform" });
    expect(seen.webhooks.filter((one: { kind: string }) => one.kind === "answer")).toHaveLength(2);
    expect(seen.webhooks.every((one: { problem: string }) => /ECONNREFUSED/.test(one.problem))).toBe(true);
  });

  it("ends an inbound call as failed", async () => {
    await start(() => ({ status: 500 }), {}, { ...person, number: "+12025550302" });
    const { body: made } = await ask(network, "POST", "/emulator/calls", { from: "+12025550302", to: "+12025550100" });
    await app.event("completed");
    expect(await settled(made.uuid)).toMatchObject({ status: "failed", direction: "inbound" });
  });

  /** A call as the network saw it, once it is over. */
  // biome-ignore lint/suspicious/noExplicitAny: the test looks into it
  async function settled(uuid: string): Promise<any> {
    return (await ask(network, "GET", `/emulator/calls/${uuid}?until=over`)).body;
  }
});

describe("events that are not answered", () => {
  it("are sent again as often as told, and no more once they are", async () => {
    let refusals = 2;
    await start((seen) => (seen.body.status === "busy" && refusals-- > 0 ? { status: 503 } : undefined), { eventAttempts: 5 });
    await ask(network, "POST", "/v1/calls", callTo("12025550103", app));
    await app.requests.first((seen) => seen.body.status === "busy", 3);
    await app.event("completed");
    const busy = app.requests.all.filter((seen) => seen.body.status === "busy");
    expect(busy).toHaveLength(3);
    expect(new Set(busy.map((seen) => seen.raw)).size).toBe(1);
  });
});

describe("a network that misbehaves", () => {
  const busyBut = (faults: object): object => ({
    number: "+12025550303",
    habit: "busy",
    whenDialled: { refuses: "busy", afterMs: 0 },
    faults,
  });
  const marks = (): string[] => app.requests.all.map((seen) => seen.body.status);
  const dial = (): Promise<{ status: number }> => ask(network, "POST", "/v1/calls", callTo("12025550303", app));
  const statuses = async (last: string, nth = 1): Promise<string[]> => {
    await app.requests.first((seen) => seen.body.status === last, nth);
    return marks();
  };

  it("doubles every event", async () => {
    await start(() => undefined, {}, busyBut({ doubles: true }));
    await dial();
    expect((await statuses("completed", 2)).sort()).toEqual([
      "busy",
      "busy",
      "completed",
      "completed",
      "ringing",
      "ringing",
      "started",
      "started",
    ]);
    const [one, two] = app.requests.all.filter((seen) => seen.body.status === "busy");
    expect(one?.raw).toBe(two?.raw);
  });

  it("reorders them", async () => {
    await start(() => undefined, {}, busyBut({ reorders: true }));
    await dial();
    await Promise.all([statuses("busy"), statuses("started")]);
    expect(marks().indexOf("ringing")).toBeLessThan(marks().indexOf("started"));
    expect(marks().indexOf("completed")).toBeLessThan(marks().indexOf("busy"));
  });

  it("loses some", async () => {
    await start(() => undefined, {}, busyBut({ loses: ["busy"] }));
    await dial();
    expect(await statuses("completed")).not.toContain("busy");
  });

  describe("with the events whose answer may be an NCCO", () => {
    /** A call whose synchronous connect to a socket fails or goes, on that network; `reply` answers the socket's events. */
    const bridged = async (faults: object, reply: (seen: Seen) => object[] | undefined = () => undefined): Promise<void> => {
      await start(
        (seen, own) =>
          seen.path === "/answer"
            ? { body: bridgeNcco(own, { record: null, connect: { eventType: "synchronous", eventUrl: [`${own.url}/legs`] } }) }
            : seen.path === "/legs"
              ? { body: reply(seen) }
              : undefined,
        {},
        { ...person, faults },
      );
      await ask(network, "POST", "/v1/calls", callTo(quick, app));
    };
    const legs = (): string[] => app.requests.all.filter((seen) => seen.path === "/legs").map((seen) => seen.body.status);
    const told = (status: string, nth = 1): Promise<Seen> =>
      app.requests.first((seen) => seen.path === "/legs" && seen.body.status === status, nth);
    const close = async (): Promise<void> => (await app.sockets.first(() => true)).socket.close();

    it("doubles them, and goes by one answer", async () => {
      let answers = 0;
      await bridged({ doubles: true }, ({ body }) =>
        body.status === "disconnected" ? [{ action: "notify", payload: { answer: ++answers }, eventUrl: [`${app.url}/went`] }] : undefined,
      );
      await close();
      const [one, two] = [await told("disconnected"), await told("disconnected", 2)];
      expect(one.raw).toBe(two.raw);
      await app.requests.first((seen) => seen.path === "/went");
      const statuses = ["answered", "completed", "disconnected", "ringing", "started"];
      // a busy machine may have one of the earlier ones arrive behind the last
      await Promise.all(statuses.map((status) => told(status, 2)));
      expect(legs().sort()).toEqual(statuses.flatMap((status) => [status, status]));
      await network.close();
      // Which of two that leave in the same moment is there first is the machine's affair.
      const went = app.requests.all.filter((seen) => seen.path === "/went").map((seen) => seen.body.payload);
      expect([[{ answer: 1 }], [{ answer: 2 }]]).toContainEqual(went.slice(0, 1));
      expect(new Set(went.map(({ answer }) => answer)).size).toBe(1);
    });

    it("reorders them", async () => {
      await bridged({ reorders: true });
      await Promise.all(["started", "ringing", "answered"].map((status) => told(status)));
      // The phone leg's `answered` waited for the socket's `started`, as the socket's `ringing` for its `answered`.
      expect(legs().indexOf("answered")).toBeLessThan(legs().indexOf("ringing"));
    });

    it("loses some, and goes on as if nothing was answered", async () => {
      await bridged({ loses: ["disconnected"] }, ({ body }) => (body.status === "disconnected" ? [{ action: "wait" }] : undefined));
      await close();
      await app.event("completed", (seen) => seen.path === "/event");
      expect(legs()).not.toContain("disconnected");
    });

    it("lets them be late", async () => {
      await bridged({ delaysMs: 700 });
      const { atMs, body } = await told("started");
      expect(performance.timeOrigin + atMs - Date.parse(body.timestamp)).toBeGreaterThan(600);
    });
  });

  it("finds nobody at the audio socket's address: unanswered, and the answer to that goes on", async () => {
    await start(
      (seen, own) => {
        if (seen.path === "/answer")
          return { body: bridgeNcco(own, { record: null, connect: { eventType: "synchronous", eventUrl: [`${own.url}/legs`] } }) };
        const sorry = seen.path === "/legs" && seen.body.status === "unanswered";
        return sorry ? { body: [{ action: "notify", payload: { sorry: true }, eventUrl: [`${own.url}/sorry`] }] } : undefined;
      },
      {},
      { ...person, faults: { refusesSocket: true } },
    );
    await ask(network, "POST", "/v1/calls", callTo(quick, app));
    await app.requests.first((seen) => seen.path === "/sorry");
    expect((await app.event("unanswered")).body).toMatchObject({ to: expect.stringMatching(/^ws:/), detail: "unavailable", sip_code: 480 });
    expect(app.sockets.all).toEqual([]);
  });

  it("asks how to go on twice, although it was answered well, and goes by the second answer", async () => {
    let asked = 0;
    await start(
      (seen, own) =>
        seen.path === "/answer" ? { body: [{ action: "notify", payload: { answer: ++asked }, eventUrl: [`${own.url}/went`] }] } : undefined,
      {},
      { ...person, faults: { asksTwice: true } },
    );
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(quick, app));
    expect((await app.requests.first((seen) => seen.path === "/went")).body.payload).toEqual({ answer: 2 });
    await app.event("completed");
    const questions = app.requests.all.filter((seen) => seen.path === "/answer");
    expect(questions.map((seen) => seen.query.uuid)).toEqual([made.uuid, made.uuid]);
  });

  it("does not sign, or signs wrongly", async () => {
    await start(() => undefined, {}, busyBut({ signs: "not" }));
    await dial();
    expect((await app.event("busy")).headers.authorization).toBeUndefined();
    await network.close();
    await people.remove();
    people = await peopleFile([busyBut({ signs: "wrongly" })]);
    network = await startTestNetwork(app, { people: people.path });
    await dial();
    const seen = await app.event("busy", (one) => one.headers.authorization !== undefined);
    expect(verifySignature(tokenOf(seen), signatureSecret)).toBe(false);
  });

  it("sends the first events before it answers the create", async () => {
    await start(() => undefined, {}, busyBut({ eventsFirst: true }));
    await dial();
    expect(marks()).toContain("started");
  });

  it("cuts the create's connection, but rings all the same", async () => {
    await start(() => undefined, {}, busyBut({ createAnswer: "cut" }));
    await expect(dial()).rejects.toThrow();
    expect((await app.event("busy")).body.to).toBe("12025550303");
  });

  it("keeps a call in another region: the plain host says 404, its region_url knows it", async () => {
    await start(
      (seen) => (seen.path === "/answer" ? { body: [{ action: "wait", timeout: 60 }] } : undefined),
      {},
      { ...person, faults: { elsewhere: true } },
    );
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(quick, app));
    const answer = await app.requests.first((seen) => seen.path === "/answer");
    const region = answer.query.region_url?.slice(network.url.length);
    expect(region).toBe("/elsewhere");
    expect(await ask(network, "GET", `/v1/calls/${made.uuid}`)).toMatchObject({ status: 404 });
    expect(await ask(network, "PUT", `/v1/calls/${made.uuid}`, { action: "hangup" })).toMatchObject({ status: 404 });
    expect(await ask(network, "PUT", `${region}/v1/calls/${made.uuid}`, { action: "hangup" })).toMatchObject({ status: 204 });
    await app.event("completed");
  });
});
