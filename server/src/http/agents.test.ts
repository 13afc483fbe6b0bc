import { Agent, AgentSettings, EngineInfo } from "@earshot/contract/agent";
import { page } from "@earshot/contract/call";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { openTestHouse, type TestHouse, testEngines } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.close());

const settings = { name: "Night desk", prompt: "You answer at night. {{customer_name}}", greeting: "Good evening." };
const make = (payload: unknown) => house.ask("member", { method: "POST", url: "/api/agents", payload: payload as object });
const versions = async () => (await house.database.pool.query<{ n: number }>("select count(*)::int as n from agent_versions")).rows[0]?.n;

describe("an agent", () => {
  it("is made, read, changed version by version, made the default and archived", async () => {
    const answer = await make(settings);
    expect(answer.statusCode).toBe(201);
    const made = Agent.parse(answer.json());
    expect(made).toMatchObject({ version: 1, is_default: false, settings: { engine: "evi", language: "en", record: true, ...settings } });
    const url = `/api/agents/${made.id}`;
    expect(answer.headers.location).toBe(url);

    const changed = Agent.parse(
      (
        await house.ask("member", { method: "PUT", url, payload: { ...made.settings, voice: "slt" }, headers: { "if-match": '"1"' } })
      ).json(),
    );
    expect(changed).toMatchObject({ version: 2, settings: { voice: "slt" } });
    expect(AgentSettings.parse((await house.ask("viewer", { url: `${url}/versions/1` })).json()).voice).toBeNull();
    expect((await house.ask("viewer", { url: `${url}/versions/9` })).statusCode).toBe(404);

    const late = await house.ask("member", { method: "PUT", url, payload: made.settings, headers: { "if-match": '"1"' } });
    expect(late.statusCode).toBe(409);
    expect(late.json().code).toBe("AGENT_CHANGED");

    expect(Agent.parse((await house.ask("member", { method: "POST", url: `${url}/default` })).json()).is_default).toBe(true);
    expect((await house.ask("member", { method: "DELETE", url })).statusCode).toBe(409);
    const { items } = page(Agent).parse((await house.ask("viewer", { url: "/api/agents" })).json());
    expect(items.map(({ is_default }) => is_default)).toEqual([true, false]);
    const reception = items[1] as Agent;
    expect((await house.ask("member", { method: "DELETE", url: `/api/agents/${reception.id}` })).statusCode).toBe(204);
    expect(
      page(Agent)
        .parse((await house.ask("viewer", { url: "/api/agents" })).json())
        .items.map(({ id }) => id),
    ).toEqual([made.id]);
    const { rows } = await house.database.pool.query("select action from audits where action like 'agent.%' order by at, id");
    expect(rows.map(({ action }) => action)).toEqual(["agent.made", "agent.changed", "agent.made_default", "agent.archived"]);
  });

  it.each([
    [{}, ["name", "prompt"]],
    [{ ...settings, name: " " }, ["name"]],
    [{ ...settings, engine: "Psychic " }, ["engine"]],
    [{ ...settings, prompt: "x".repeat(20_001) }, ["prompt"]],
    [{ ...settings, max_minutes: 0 }, ["max_minutes"]],
    [{ ...settings, max_minutes: 12.5 }, ["max_minutes"]],
    [{ ...settings, record: "yes" }, ["record"]],
    [{ ...settings, numbers: "+12025550100" }, ["numbers"]],
    [{ ...settings, numbers: [1] }, ["numbers.0"]],
    [{ ...settings, options: { a: "\u0000" } }, ["options.a"]],
    [{ ...settings, pace: 2 }, ["pace"]],
    [[settings], ["body"]],
  ] as const)("with %o names %j and is not made", async (payload, fields) => {
    const before = await versions();
    const answer = await make(payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors.map(({ field }: { field: string }) => field)).toEqual(fields);
    expect(await versions()).toBe(before);
  });

  it("whose engine is not configured is refused, naming it", async () => {
    const one = await openTestHouse({ engines: { openai: testEngines.openai } });
    const answer = await one.ask("member", { method: "POST", url: "/api/agents", payload: { ...settings, engine: "evi" } });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({
      code: "ENGINE_NOT_CONFIGURED",
      errors: [{ field: "engine", message: "needs the engine evi; configured: openai" }],
    });
    const nobody = await one.ask("member", { method: "POST", url: "/api/agents", payload: { ...settings, engine: "psychic" } });
    expect([nobody.statusCode, nobody.json().code]).toEqual([422, "ENGINE_NOT_CONFIGURED"]);
    const made = await one.ask("member", { method: "POST", url: "/api/agents", payload: { ...settings, engine: "openai" } });
    expect(made.statusCode).toBe(201);
    const payload = { ...made.json().settings, engine: "evi" };
    expect((await one.ask("member", { method: "PUT", url: `/api/agents/${made.json().id}`, payload })).statusCode).toBe(422);
    await one.close();
  });

  it("that shall answer what is no number is refused, naming each", async () => {
    const before = await versions();
    const answer = await make({ ...settings, numbers: ["+12025550199", "hello", "12025550143", "+1202"] });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: "AGENT_NUMBER_INVALID", remedy: expect.stringContaining("+12025550143") });
    expect(answer.json().errors.map(({ field }: { field: string }) => field)).toEqual(["numbers.1", "numbers.2", "numbers.3"]);
    expect(await versions()).toBe(before);
  });

  it("that is not there cannot be changed", async () => {
    for (const method of ["GET", "PUT", "DELETE"] as const) {
      const answer = await house.ask("admin", {
        method,
        url: `/api/agents/${newId()}`,
        ...(method === "PUT" ? { payload: settings } : {}),
      });
      expect(answer.statusCode).toBe(404);
      expect(answer.json().code).toBe("AGENT_UNKNOWN");
    }
    expect((await house.ask("admin", { url: "/api/agents/me" })).json().errors[0].field).toBe("id");
    expect(
      (await house.ask("admin", { method: "PUT", url: `/api/agents/${newId()}`, payload: settings, headers: { "if-match": "*" } })).json()
        .errors[0].field,
    ).toBe("if-match");
  });
});

describe("an agent's tools", () => {
  const http = {
    kind: "http",
    name: "look_up",
    description: "Looks up an order.",
    parameters: { type: "object", properties: { order: { type: "string" } } },
    url: "https://orders.example.com/find",
  };
  const withTools = (...tools: object[]) => make({ ...settings, tools });

  it("keep their secrets: the value goes in once and never comes back, nor into a log or an audit", async () => {
    const answer = await withTools({ ...http, secret_headers: [{ name: "Authorization", value: "Bearer s3cret-value" }] });
    expect(answer.statusCode).toBe(201);
    const made = Agent.parse(answer.json());
    const [tool] = made.settings.tools;
    expect(tool).toMatchObject({
      method: "POST",
      timeout_ms: 8000,
      secret_headers: [{ name: "Authorization", secret: expect.any(String) }],
    });
    const url = `/api/agents/${made.id}`;
    const again = await house.ask("member", { method: "PUT", url, payload: { ...made.settings, language: "de" } });
    expect(again.json()).toMatchObject({ version: 2, settings: { tools: [tool] } });
    const seen = [
      answer.body,
      again.body,
      (await house.ask("admin", { url })).body,
      (await house.ask("admin", { url: "/api/agents" })).body,
      (await house.ask("admin", { url: `${url}/versions/1` })).body,
      house.logged.join(""),
      JSON.stringify((await house.database.pool.query("select * from agent_versions")).rows),
      JSON.stringify((await house.database.pool.query("select * from audits")).rows),
    ];
    for (const text of seen) expect(text).not.toContain("s3cret-value");
    const moved = { ...made.settings, tools: [{ ...tool, url: "https://thief.example.com/" }] };
    const refused = await house.ask("member", { method: "PUT", url, payload: moved });
    expect(refused.json()).toMatchObject({ code: "TOOL_SECRET_UNKNOWN", errors: [{ field: "tools.0.secret_headers.0" }] });
  });

  it("say when secrets lie unencrypted", async () => {
    const answer = await withTools({ ...http, secret_headers: [{ name: "X-Key", value: "k" }] });
    expect(answer.json().notes).toContainEqual({ field: "tools.0.secret_headers", message: expect.stringContaining("STORAGE_KEY") });
  });

  it.each([
    ["no address of the internet", [{ ...http, url: "https://10.0.0.1/" }], "tools.0.url"],
    ["no TLS", [{ ...http, url: "http://orders.example.com/" }], "tools.0.url"],
    ["metadata of the house, dressed up", [{ ...http, url: "https://[::ffff:a9fe:a9fe]/" }], "tools.0.url"],
    ["a schema that is none", [{ ...http, parameters: { type: "object", properties: { a: { type: "word" } } } }], "tools.0.parameters"],
    [
      "an expression in its schema",
      [{ ...http, parameters: { type: "object", properties: { a: { pattern: "(a+)+" } } } }],
      "tools.0.parameters",
    ],
    ["one name twice", [http, { ...http, name: "LOOK_UP" }], "tools.1"],
    ["a built-in twice", [{ kind: "hang_up" }, { kind: "hang_up" }], "tools.1"],
    ["nobody to transfer to", [{ kind: "transfer" }], "transfer_number"],
    [
      "a header twice",
      [{ ...http, headers: [{ name: "a", value: "b" }], secret_headers: [{ name: "A", value: "c" }] }],
      "tools.0.secret_headers.0",
    ],
  ])("with %s are refused when the agent is saved, naming the place", async (_, tools, field) => {
    const before = await versions();
    const answer = await withTools(...tools);
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: "AGENT_REFUSED", errors: [{ field }] });
    expect(await versions()).toBe(before);
  });

  it.each([
    [[{ ...http, name: "hang_up" }], "tools.0.name"],
    [[{ ...http, name: "look up" }], "tools.0.name"],
    [[{ ...http, headers: [{ name: "Host", value: "x" }] }], "tools.0.headers.0.name"],
    [[{ ...http, headers: [{ name: "a", value: "b\r\nc: d" }] }], "tools.0.headers.0.value"],
    [[{ ...http, timeout_ms: 60_000 }], "tools.0.timeout_ms"],
    [[{ kind: "sing" }], "tools.0.kind"],
  ])("that are no tools (%o) are no input", async (tools, field) => {
    const answer = await withTools(...tools);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors[0].field).toBe(field);
  });

  it("may hand callers to a number that is kept in E.164", async () => {
    const answer = await make({ ...settings, tools: [{ kind: "transfer" }], transfer_number: "+1 (202) 555-0143" });
    expect(answer.json()).toMatchObject({
      settings: { transfer_number: "+12025550143", tools: [{ kind: "transfer", announcement: null }] },
    });
    const wrong = await make({ ...settings, transfer_number: "the boss" });
    expect(wrong.json()).toMatchObject({ code: "AGENT_NUMBER_INVALID", errors: [{ field: "transfer_number" }] });
  });
});

describe("what an engine makes of an agent's settings", () => {
  it("is told with the agent, and is saved all the same", async () => {
    const answer = await make({ ...settings, patience: { end_of_turn_ms: 200 }, interruption: "never" });
    expect(answer.statusCode).toBe(201);
    expect(answer.json().notes.map(({ field }: { field: string }) => field)).toEqual(["patience.end_of_turn_ms", "interruption"]);
    const { items } = (await house.ask("viewer", { url: "/api/agents" })).json();
    expect(items.find(({ id }: { id: string }) => id === answer.json().id).notes).toEqual(answer.json().notes);
    const fine = await make({ ...settings, engine: "openai", patience: { end_of_turn_ms: 200 }, interruption: "never" });
    expect(fine.json().notes).toEqual([]);
  });

  it.each([
    [{ engine: "evi", options: { colour: "red" } }, "options.colour"],
    [{ engine: "evi", options: { config_version: "three" } }, "options.config_version"],
    [
      { engine: "evi", options: { language_model: { model_provider: "FOO", model_resource: "bar" } } },
      "options.language_model.model_provider",
    ],
    [{ engine: "evi", options: { evi_version: "4-mini" } }, "options.language_model"],
    [{ engine: "evi", options: { extra: { language_model_api_key: "sk" } } }, "options.extra.language_model_api_key"],
    [{ engine: "openai", options: { turn_taking: {} } }, "options.turn_taking"],
    [{ engine: "openai", voice: "slt" }, "voice"],
  ])("is refused where it cannot work: %o", async (more, field) => {
    const answer = await make({ ...settings, ...more });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: "AGENT_REFUSED", errors: [{ field }] });
  });

  it("is asked of its vendor: what the vendor refuses is not saved, and a vendor that is away keeps nobody from saving", async () => {
    let vendor: () => Promise<readonly { field: string; message: string }[]> = async () => [];
    const one = await openTestHouse({ engines: { evi: { ...testEngines.evi, check: () => vendor() } } });
    const ask = () => one.ask("member", { method: "POST", url: "/api/agents", payload: settings });
    expect((await ask()).json().notes).toEqual([]);
    vendor = async () => [{ field: "options.config_id", message: "is unknown to Hume; copy it from there" }];
    expect((await ask()).json()).toMatchObject({ code: "AGENT_REFUSED", errors: [{ field: "options.config_id" }] });
    vendor = () => Promise.reject(new Error("it did not answer in time"));
    const saved = await ask();
    expect(saved.statusCode).toBe(201);
    expect(saved.json().notes).toEqual([{ field: "engine", message: expect.stringContaining("could not be asked") }]);
    expect((await one.ask("viewer", { url: `/api/agents/${saved.json().id}` })).json().notes).toEqual([]);
    await one.close();
  });

  it("tells at once what the engine did not keep of a saved agent", async () => {
    const said = { field: "engine", message: "The engine could not keep what it needs." };
    const one = await openTestHouse({ agentSaved: async () => [said] });
    const made = await one.ask("member", { method: "POST", url: "/api/agents", payload: settings });
    expect([made.statusCode, made.json().notes]).toEqual([201, [said]]);
    const changed = await one.ask("member", { method: "PUT", url: `/api/agents/${made.json().id}`, payload: { ...settings, name: "B" } });
    expect(changed.json()).toMatchObject({ version: 2, notes: [said] });
    await one.close();
  });

  it("refuses a prompt that is longer than it takes, with what we add", async () => {
    const manner = { ...testEngines.evi.manner, mostPromptChars: 1_000 };
    const one = await openTestHouse({ engines: { evi: { ...testEngines.evi, manner } } });
    const answer = await one.ask("member", { method: "POST", url: "/api/agents", payload: { ...settings, prompt: "x".repeat(900) } });
    expect(answer.json()).toMatchObject({ code: "AGENT_REFUSED", errors: [{ field: "prompt", message: expect.stringContaining("1000") }] });
    await one.close();
  });

  it("is listed engine by engine", async () => {
    const { items } = page(EngineInfo).parse((await house.ask("viewer", { url: "/api/engines" })).json());
    expect(items.map(({ name, configured }) => [name, configured])).toEqual([
      ["evi", true],
      ["openai", true],
    ]);
    expect(items[0]?.notes.map(({ message }) => message).join(" ")).toContain("no setting for the pace of a voice");
  });
});
