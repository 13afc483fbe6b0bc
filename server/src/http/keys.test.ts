import { ApiKey, MadeApiKey } from "@earshot/contract/api-key";
import { page } from "@earshot/contract/call";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { openTestHouse, type TestHouse } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.close());

const make = (payload: object) => house.ask("admin", { method: "POST", url: "/api/keys", payload });
const use = (key: string) => house.app.inject({ url: "/api/calls", headers: { authorization: `Bearer ${key}` } });

describe("an API key", () => {
  it("is shown once, opens what its role may, and never again after it is revoked", async () => {
    const made = MadeApiKey.parse((await make({ name: "Nightly report", role: "viewer" })).json());
    expect(made.key).toMatch(/^ek_[\w-]{43}$/);
    expect(made.key.startsWith(made.prefix)).toBe(true);
    expect(made.prefix.length).toBeLessThan(12);
    expect((await use(made.key)).statusCode).toBe(200);
    const placed = await house.app.inject({
      method: "POST",
      url: "/api/calls",
      headers: { authorization: `Bearer ${made.key}` },
      payload: { to: "+12025550143" },
    });
    expect(placed.statusCode).toBe(403);

    const listed = await house.ask("admin", { url: "/api/keys" });
    const { items } = page(ApiKey).parse(listed.json());
    expect(listed.body).not.toContain(made.key);
    expect(items.find(({ id }) => id === made.id)).toMatchObject({
      name: "Nightly report",
      role: "viewer",
      last_used_at: house.clock.now().toISOString(),
      revoked_at: null,
    });
    const { rows } = await house.database.pool.query("select * from api_keys");
    expect(JSON.stringify(rows)).not.toContain(made.key);

    const revoked = ApiKey.parse((await house.ask("admin", { method: "DELETE", url: `/api/keys/${made.id}` })).json());
    expect((await use(made.key)).statusCode).toBe(401);
    house.clock.forward(60_000);
    const twice = ApiKey.parse((await house.ask("admin", { method: "DELETE", url: `/api/keys/${made.id}` })).json());
    expect(twice.revoked_at).toBe(revoked.revoked_at);
    expect((await house.ask("admin", { method: "DELETE", url: `/api/keys/${newId()}` })).json().code).toBe("API_KEY_NOT_FOUND");
  });

  it.each([
    [{}, "name"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(101) }, "name"],
    [{ name: "x", role: "root" }, "role"],
    [{ name: "x", key: "mine" }, "key"],
  ])("asked for with %j is refused naming %s", async (payload, field) => {
    const answer = await make(payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors[0].field).toBe(field);
  });
});
