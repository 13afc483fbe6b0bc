import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { Problem } from "@earshot/contract/problem";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { doors, vonageDoor } from "../carrier/vonage/door.ts";
import { type CallHooks, openInbox } from "../carrier/vonage/inbox.ts";
import { newId } from "../ids.ts";
import { NUMBER, openTestHouse, type TestHouse } from "./test-house.ts";

/** Every route that answers without a credential. Adding one is a decision: it belongs here with its reason. */
const OPEN = [
  "GET /", // the dashboard's page
  "GET /*", // the dashboard's own files
  "GET /api/openapi.json", // what programs read before they have a key
  "GET /healthz",
  "GET /readyz",
  "HEAD /",
  "HEAD /*",
  "HEAD /api/openapi.json",
  "HEAD /healthz",
  "HEAD /readyz",
  "POST /api/session",
  "POST /api/session/link",
  "POST /api/session/password",
];
/** Closed, but a shared link's token, or asking from the machine itself, stands in for the credential. */
const SPECIAL = ["GET /api/calls/:id/recording", "GET /api/calls/:id/recording/peaks", "GET /metrics"];

let house: TestHouse;
const PUBLIC_URL = "http://earshot.test";
const hooks: CallHooks = { onDialing() {}, onAnswered() {}, onEnded() {}, onRecorded() {}, onHangUpDue() {} };

beforeAll(async () => {
  house = await openTestHouse((pool, clock, log) => ({
    carrierDoors: [
      vonageDoor({
        pool,
        clock,
        log,
        hooks,
        inbox: openInbox({ pool, clock, log, hooks }),
        keys: { secret: "a secret of thirty-two characters", apiKey: null, applicationId: null },
        publicUrl: PUBLIC_URL,
        number: NUMBER,
        apiUrl: "https://api.nexmo.com",
        engineRates: {},
      }),
    ],
    metrics: [
      { room: "bridge", read: () => ({ calls: 3, worstTickLateMs: 1.5 }) },
      { room: "jobs", read: async () => [{ queue: "fetch", waiting: 2 }] },
    ],
    emulatedNumbers: null,
    ready: [{ name: "the audio socket", check: async () => {} }],
    hangUp: async () => {
      throw new TypeError('Cannot read "+12025550143" of "my secret name"');
    },
  }));
});
afterAll(() => house.close());

/** fastify's own table of routes, each method on its own. */
function routesOf(app: FastifyInstance): { method: string; url: string }[] {
  return app.routeTable
    .flatMap(({ method, url }) => [method].flat().map((one) => ({ method: String(one), url })))
    .sort((a, b) => (`${a.method} ${a.url}` < `${b.method} ${b.url}` ? -1 : 1));
}

const concrete = (url: string) => url.replace(":version", "1").replace(/:\w+/g, newId()).replace("*", "some-page");
const problem = (answer: { headers: Record<string, unknown>; json(): unknown }) => {
  expect(String(answer.headers["content-type"])).toContain("application/problem+json");
  return Problem.parse(answer.json());
};

describe("the table of routes", () => {
  it("is closed but for a short list", async () => {
    const routes = routesOf(house.app);
    expect(routes.length).toBeGreaterThan(30);
    const opened: string[] = [];
    for (const { method, url } of routes) {
      house.clock.forward(1_000); // refusals are counted
      const answer = await house.app.inject({ method: method as "GET", url: concrete(url), headers: { host: "earshot.test" } });
      if (answer.statusCode === 401) expect(answer.headers["www-authenticate"]).toBe('Bearer realm="earshot"');
      else opened.push(`${method} ${url}`);
    }
    expect(opened).toEqual(OPEN);
  });

  it("stays closed to nonsense instead of a credential", async () => {
    const nonsense = [
      { authorization: "Bearer" },
      { authorization: "Bearer " },
      { authorization: `Bearer ${"x".repeat(600)}` },
      { authorization: "Bearer wrong" },
      { authorization: "Basic YWRtaW46YWRtaW4=" },
      { authorization: `bearer ${house.keys.admin}x` },
      { cookie: "earshot=wrong" },
      { cookie: "__Host-earshot=" },
      { cookie: `earshot=${house.keys.admin}` },
    ];
    const open = new Set(OPEN);
    for (const { method, url } of routesOf(house.app).filter((route) => !open.has(`${route.method} ${route.url}`))) {
      for (const headers of nonsense) {
        house.clock.forward(1_000);
        const answer = await house.app.inject({
          method: method as "GET",
          url: concrete(url),
          headers: { host: "earshot.test", ...headers } as Record<string, string>,
        });
        expect(answer.statusCode, `${method} ${url} ${JSON.stringify(headers)}`).toBe(401);
      }
    }
  });

  it("has a role for each: a viewer changes nothing", async () => {
    for (const { method, url } of routesOf(house.app)) {
      if (["GET", "HEAD"].includes(method) || OPEN.includes(`${method} ${url}`) || url.includes("vonage")) continue;
      const answer = await house.ask("viewer", { method: method as "POST", url: concrete(url) });
      expect(answer.statusCode, `${method} ${url}`).toBe(403);
      expect(["NOT_ALLOWED", "SESSION_NEEDED"]).toContain(problem(answer).code);
    }
    expect((await house.ask("member", { method: "POST", url: "/api/keys", payload: { name: "mine" } })).statusCode).toBe(403);
    expect((await house.ask("member", { method: "GET", url: "/api/keys" })).statusCode).toBe(403);
    expect((await house.ask("viewer", { method: "GET", url: `/api/calls/${newId()}/webhooks` })).statusCode).toBe(403);
  });

  it("refuses to be built with a route that does not say who may use it", async () => {
    const silent = (app: FastifyInstance, _options: unknown, done: () => void) => {
      // A room that forgot: it takes away what the door put on its route.
      app.addHook("onRoute", (route) => {
        route.config = {};
      });
      app.register(async (inner) => {
        inner.get("/silent", async () => "secret");
      });
      done();
    };
    const before = await openTestHouse({ carrierDoors: [silent] }).then(
      async (opened) => {
        const answer = await opened.app.inject({ url: "/silent" });
        await opened.close();
        return answer.statusCode;
      },
      (error: Error) => error.message,
    );
    expect(before).toMatch(/does not say who may use it|^401$/);
  });

  it("knows its special doors", () => {
    const urls = routesOf(house.app).map(({ method, url }) => `${method} ${url}`);
    for (const special of SPECIAL) expect(urls).toContain(special);
  });
});

describe("an error", () => {
  it.each([
    ["an unknown address", { method: "GET", url: "/api/nothing" }, 404, "NO_SUCH_ROUTE"],
    ["an unknown address of a carrier", { method: "POST", url: "/webhooks/nothing" }, 404, "NO_SUCH_ROUTE"],
    ["a wrong method", { method: "PATCH", url: "/api/calls" }, 405, "METHOD_NOT_ALLOWED"],
    ["a reading of what only takes changes", { method: "GET", url: "/api/session/link" }, 405, "METHOD_NOT_ALLOWED"],
    [
      "a body that is no JSON",
      { method: "POST", url: "/api/calls", headers: { "content-type": "application/json" }, payload: "{" },
      400,
      "UNREADABLE_JSON",
    ],
    [
      "a body that poisons a prototype",
      { method: "POST", url: "/api/calls", headers: { "content-type": "application/json" }, payload: '{"__proto__":{"a":1}}' },
      400,
      "UNREADABLE_JSON",
    ],
    ["no body where one is needed", { method: "POST", url: "/api/calls" }, 400, "INVALID_REQUEST"],
    ["text", { method: "POST", url: "/api/calls", headers: { "content-type": "text/plain" }, payload: "to=1" }, 415, "WRONG_MEDIA_TYPE"],
    [
      "a form",
      { method: "POST", url: "/api/calls", headers: { "content-type": "application/x-www-form-urlencoded" }, payload: "to=1" },
      415,
      "WRONG_MEDIA_TYPE",
    ],
    ["300 kB", { method: "POST", url: "/api/calls", payload: { to: "x".repeat(300_000) } }, 413, "BODY_TOO_LARGE"],
    ["a path of backslashes", { method: "GET", url: "/api/calls/\\/events" }, 404, "NO_SUCH_ROUTE"],
    ["a file nobody may see", { method: "GET", url: "/.git/config" }, 404, "NO_SUCH_ROUTE"],
    ["a path with an end of text in it", { method: "GET", url: "/%00" }, 400, "REQUEST_REFUSED"],
    ["a broken escape", { method: "GET", url: "/api/calls/%zz" }, 400, "UNREADABLE_URL"],
    ["an endless id", { method: "GET", url: `/api/calls/${"a".repeat(300)}` }, 404, "NO_SUCH_ROUTE"],
  ] as const)("for %s is a problem with a remedy", async (_name, options, status, code) => {
    const answer = await house.ask("admin", options as Parameters<typeof house.ask>[1]);
    expect(answer.statusCode).toBe(status);
    const body = problem(answer);
    expect(body).toMatchObject({ status, code });
    expect(body.remedy.length).toBeGreaterThan(10);
    if (status === 405) expect(answer.headers.allow).toBeTruthy();
  });

  it("that nobody foresaw shows an id and nothing of its text, and the log has it under that id without values", async () => {
    const { pool } = house.database;
    const id = newId();
    await pool.query("insert into calls (id, direction, status, deadline_at) values ($1, 'inbound', 'in_progress', now())", [id]);
    const answer = await house.ask("admin", { method: "POST", url: `/api/calls/${id}/hangup` });
    expect(answer.statusCode).toBe(500);
    const body = problem(answer);
    expect(body.code).toBe("UNFORESEEN");
    expect(answer.body).not.toMatch(/Cannot read|secret|2025550143|TypeError|\.ts/);
    const request = answer.headers["x-request-id"];
    expect(body.instance).toBe(`urn:earshot:request:${request}`);
    const line = house.logged.find((logged) => logged.includes(String(request)) && logged.includes("UNFORESEEN"));
    expect(line).toContain("TypeError");
    expect(line).toContain("door.test.ts");
    expect(line).not.toMatch(/secret|2025550143/);
  });

  it("of bytes that are not HTTP is a problem too", async () => {
    if (!house.app.server.listening) await house.app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = house.app.server.address() as AddressInfo;
    const received = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () => socket.write("NONSENSE\r\n\r\n"));
      socket.on("data", (bytes) => {
        text += bytes;
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(Problem.parse(JSON.parse(received.split("\r\n\r\n")[1] ?? "")).code).toBe("UNREADABLE_REQUEST");
  });
});

describe("a request that asks for another protocol", () => {
  it("gets the answer of the same request without that", async () => {
    if (!house.app.server.listening) await house.app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = house.app.server.address() as AddressInfo;
    const received = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () =>
        socket.write("GET /api/calls HTTP/1.1\r\nHost: earshot.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
      );
      socket.on("data", (bytes) => {
        text += bytes;
        if (text.endsWith("}")) socket.end();
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(received).toMatch(/^HTTP\/1\.1 401 /);
    expect(Problem.parse(JSON.parse(received.split("\r\n\r\n")[1] ?? "")).status).toBe(401);
  });
});

describe("every answer", () => {
  it("tells the browser to trust nothing but this house", async () => {
    for (const url of ["/healthz", "/api/calls", "/api/nothing", "/calls", "/api/calls/%zz"]) {
      const { headers } = await house.app.inject({ url });
      expect(headers["content-security-policy"], url).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["content-security-policy"]).not.toMatch(/https?:|\*|'unsafe-eval'|script-src[^;]*'unsafe-inline'/);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect((await house.ask("viewer", { url: "/api/calls" })).headers["cache-control"]).toBe("no-store");
  });

  it("leaves one line in the log: ids and no more", async () => {
    house.logged.length = 0;
    await house.ask("member", {
      method: "POST",
      url: "/api/calls?secret=1",
      payload: { to: "+12025550143", customer_name: "Quite Private" },
    });
    await house.ask("member", { method: "GET", url: "/api/calls?search=very+private&number=2025550143" });
    await house.app.inject({
      method: "POST",
      url: "/api/session",
      payload: { email: "somebody@earshot.test", password: "not-to-be-told" },
    });
    const lines = house.logged.filter((line) => line.includes('"route"')).map((line) => JSON.parse(line));
    expect(lines.map(({ method, route, status }) => `${method} ${route} ${status}`)).toEqual([
      "POST /api/calls 201",
      "GET /api/calls 200",
      "POST /api/session 401",
    ]);
    expect(lines[0].actor).toMatch(/^key:/);
    expect(house.logged.join("")).not.toMatch(/2025550143|rivate|secret|not-to-be-told|somebody@/);
  });
});

describe("a carrier's door", () => {
  it("asks for a signature in its own words, and is not counted", async () => {
    const urls = Object.values(doors)
      .flat()
      .flatMap((url) => [url, `${url}/`]);
    for (let round = 0; round < 10; round++) {
      for (const url of urls) {
        const answer = await house.app.inject({
          method: "POST",
          url,
          headers: { "content-type": "application/json" },
          payload: '{"status":"answered"}',
        });
        expect(answer.statusCode).toBe(401);
        expect(problem(answer).code).not.toBe("CREDENTIAL_MISSING");
      }
    }
  });
});

describe("asking too much", () => {
  it("is told to wait, each asker for itself", async () => {
    const strict = await openTestHouse({
      limits: { credential: { perSecond: 1, burst: 3 }, open: { perSecond: 1, burst: 2 }, refused: { perSecond: 1, burst: 2 } },
    });
    const codes = async (role: "admin" | "viewer") => (await strict.ask(role, { url: "/api/agents" })).statusCode;
    expect([await codes("admin"), await codes("admin"), await codes("admin")]).toEqual([200, 200, 200]);
    const refused = await strict.ask("admin", { url: "/api/agents" });
    expect(refused.statusCode).toBe(429);
    expect(refused.headers["retry-after"]).toBe("1");
    expect(problem(refused).code).toBe("TOO_MANY_REQUESTS");
    expect(await codes("viewer")).toBe(200);
    strict.clock.forward(1_000);
    expect(await codes("admin")).toBe(200);

    const guess = async () => (await strict.app.inject({ url: "/api/agents", headers: { authorization: "Bearer guess" } })).statusCode;
    expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
    for (let i = 0; i < 50; i++) expect((await strict.app.inject({ url: "/healthz" })).statusCode).toBe(200);
    await strict.close();
  });
});

describe("health", () => {
  it("is known without a credential, and readiness is the database's and every room's", async () => {
    expect((await house.app.inject({ url: "/healthz" })).json()).toEqual({ ok: true });
    expect((await house.app.inject({ url: "/readyz" })).json()).toEqual({ ok: true });
    const broken = await openTestHouse({
      ready: [
        {
          name: "the recordings' storage",
          check: async () => {
            throw new Error("disk of /secret/place is full");
          },
        },
      ],
    });
    const answer = await broken.app.inject({ url: "/readyz" });
    expect(answer.statusCode).toBe(503);
    expect(problem(answer)).toMatchObject({ code: "NOT_READY", title: "Not ready: the recordings' storage is not there." });
    expect(answer.body).not.toContain("secret");
    await broken.close();
  });

  it("is not ready with migrations missing", async () => {
    const old = await openTestHouse();
    await old.database.pool.query("delete from schema_migrations");
    expect((await old.app.inject({ url: "/readyz" })).statusCode).toBe(503);
    expect((await old.app.inject({ url: "/healthz" })).statusCode).toBe(200);
    await old.close();
  });
});

describe("metrics", () => {
  it("are for the machine itself while nobody else is served; a tunnel on the machine is not the machine", async () => {
    const home = await openTestHouse({ publicUrl: "http://localhost:4000" });
    const from = (headers: Record<string, string>) => home.app.inject({ url: "/metrics", headers });
    expect((await from({ host: "127.0.0.1:8080" })).statusCode).toBe(200);
    expect((await from({ host: "localhost" })).statusCode).toBe(200);
    expect((await from({ host: "earshot.test" })).statusCode).toBe(401);
    expect((await from({ host: "localhost", "x-forwarded-for": "203.0.113.9" })).statusCode).toBe(401);
    await home.close();
  });

  it("of a server with a public address are for a credential: a proxy may pass a request on as its own", async () => {
    expect((await house.app.inject({ url: "/metrics", headers: { host: "127.0.0.1:8080" } })).statusCode).toBe(401);
    const answer = await house.ask("member", { url: "/metrics", headers: { host: "earshot.test" } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toContain("text/plain");
    expect(answer.body).toMatch(/^earshot_calls_open\{status="\w+"\} \d+$/m);
    expect(answer.body).toMatch(/^earshot_webhooks_pending_age_seconds \d/m);
    expect(answer.body).toMatch(/^earshot_bridge_worst_tick_late_ms 1\.5$/m);
    expect(answer.body).toMatch(/^earshot_jobs_waiting\{queue="fetch"\} 2$/m);
  });
});

describe("the OpenAPI document", () => {
  it("describes every route of the API from the contract, with its errors and its locks", async () => {
    const document = (await house.app.inject({ url: "/api/openapi.json" })).json();
    expect(document.openapi).toBe("3.1.0");
    const described = Object.entries(document.paths as Record<string, Record<string, unknown>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
    );
    const hidden = new Set(["GET /", "GET /*", "GET /api/openapi.json"]);
    const expected = routesOf(house.app)
      .map(({ method, url }) => `${method} ${url}`)
      .filter((route) => !route.startsWith("HEAD") && !/vonage/.test(route) && !hidden.has(route));
    expect(described.filter((route) => !route.startsWith("HEAD")).sort()).toEqual(expected);
    const { Call, PlaceCallInput, Problem: problemSchema } = document.components.schemas;
    expect(Call.properties.recording.$ref).toBe("#/components/schemas/Recording");
    expect(Call.required).toContain("duration_ms");
    expect(PlaceCallInput.additionalProperties).toBe(false);
    expect(problemSchema.required).toContain("remedy");
    const place = document.paths["/api/calls"].post;
    expect(place.responses["201"].content["application/json"].schema.$ref).toBe("#/components/schemas/Call");
    expect(place.responses.default.content["application/problem+json"].schema.$ref).toBe("#/components/schemas/Problem");
    expect(place.parameters.map((parameter: { name: string }) => parameter.name)).toContain("idempotency-key");
    expect(document.paths["/healthz"].get.security).toContainEqual({});
    expect(place.security ?? document.security).not.toContainEqual({});
    for (const reference of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(document.components.schemas).toHaveProperty(reference[1] as string);
    }
  });
});

describe("the dashboard's addresses", () => {
  it("without a built dashboard say how to build it", async () => {
    const answer = await house.app.inject({ url: "/calls/somewhere", headers: { accept: "text/html" } });
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain("npm run build");
    expect((await house.app.inject({ url: "/assets/gone-12345678.js" })).statusCode).toBe(404);
    expect((await house.app.inject({ url: "/../../etc/passwd" })).body).not.toContain("root:");
    expect((await house.app.inject({ url: "/%2e%2e/%2e%2e/etc/passwd" })).body).not.toContain("root:");
  });
});
