import { Agent, AgentSettings } from "@earshot/contract/agent";
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
    [{ ...settings, engine: "psychic" }, ["engine"]],
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
