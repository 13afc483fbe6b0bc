import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestHouse, type TestHouse } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.close());

const url = "/api/settings/calling-limits";
const set = (payload: object, role: "admin" | "member" = "admin") => house.ask(role, { method: "PUT", url, payload });
const call = (to: string) => house.ask("member", { method: "POST", url: "/api/calls", payload: { to } });
const usual = { max_concurrent: 20, max_per_day: 1000, allowed: null };

describe("the calling limits", () => {
  it("are for administrators alone", async () => {
    expect((await house.ask("member", { url })).statusCode).toBe(403);
    expect((await set(usual, "member")).statusCode).toBe(403);
    expect((await house.ask("admin", { url })).json()).toEqual({ ...usual, running: 0, placed: 0 });
  });

  it("hold from the next call on, name this address where they refuse, and are audited", async () => {
    const refused = await call("+4930123456");
    expect(refused.statusCode).toBe(422);
    expect(refused.json().remedy).toContain(url);
    const limits = { max_concurrent: 1, max_per_day: 5, allowed: ["US", "+4930"] };
    expect((await set(limits)).json()).toEqual(limits);
    expect((await house.ask("admin", { url })).json()).toEqual({ ...limits, running: 0, placed: 0 });
    expect((await call("+4930123456")).statusCode).toBe(201);
    const second = await call("+4930123457");
    expect(second.statusCode).toBe(429);
    expect((await house.ask("admin", { url })).json()).toMatchObject({ running: 1, placed: 1 });
    expect(second.json().remedy).toContain(url);
    const { rows } = await house.database.pool.query("select actor, detail from audits where action = 'calling_limits.set'");
    expect(rows).toEqual([{ actor: expect.stringMatching(/^key:/), detail: { max_concurrent: 1, max_per_day: 5, allowed: "US +4930" } }]);
  });

  it.each([
    [{ ...usual, max_concurrent: -1 }, "max_concurrent"],
    [{ ...usual, max_per_day: 1.5 }, "max_per_day"],
    [{ ...usual, allowed: ["Germany"] }, "allowed.0"],
    [{ max_concurrent: 1, max_per_day: 1 }, "allowed"],
    [{ ...usual, everything: true }, "everything"],
  ])("%j is refused, naming %s", async (payload, field) => {
    const answer = await set(payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors.map((error: { field: string }) => error.field)).toEqual([field]);
  });
});
