import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takePermit } from "../calls/pace.ts";
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
    expect((await house.ask("admin", { url })).json()).toEqual({ ...usual, legs_per_second: 3, running: 0, placed: 0 });
  });

  it("hold from the next call on, name this address where they refuse, and are audited", async () => {
    const refused = await call("+4930123456");
    expect(refused.statusCode).toBe(422);
    expect(refused.json().remedy).toContain(url);
    const limits = { max_concurrent: 1, max_per_day: 5, allowed: ["US", "+4930"] };
    expect((await set(limits)).json()).toEqual(limits);
    expect((await house.ask("admin", { url })).json()).toEqual({ ...limits, legs_per_second: 3, running: 0, placed: 0 });
    expect((await call("+4930123456")).statusCode).toBe(201);
    const second = await call("+4930123457");
    expect(second.statusCode).toBe(429);
    expect((await house.ask("admin", { url })).json()).toMatchObject({ running: 1, placed: 1 });
    expect(second.json().remedy).toContain(url);
    const { rows } = await house.database.pool.query("select actor, detail from audits where action = 'calling_limits.set'");
    expect(rows).toEqual([{ actor: expect.stringMatching(/^key:/), detail: { max_concurrent: 1, max_per_day: 5, allowed: "US +4930" } }]);
  });

  it("hold what the carrier takes in a second, of which half is for new calls, and leave it when it is not named", async () => {
    const legs = async () => (await house.ask("admin", { url })).json().legs_per_second;
    const rates = async () =>
      (await house.database.pool.query("select name, most, window_ms from carrier_rates where name ~ 'vonage c' order by name")).rows;
    await takePermit(house.database.pool, "vonage", "create");
    expect((await set({ ...usual, legs_per_second: 31 })).json()).toEqual({ ...usual, legs_per_second: 31 });
    // The row of connects is made only now: it is as it was set.
    await takePermit(house.database.pool, "vonage", "connect");
    expect(await rates()).toEqual([
      { name: "vonage connect", most: 16, window_ms: 1_200 },
      { name: "vonage create", most: 15, window_ms: 1_200 },
    ]);
    expect(await legs()).toBe(31);
    expect((await set(usual)).statusCode).toBe(200);
    expect(await legs()).toBe(31);
    await set({ ...usual, legs_per_second: 2 });
    expect((await rates()).map(({ most }) => most)).toEqual([1, 1]);
    // Somebody changed a row by hand: that is what holds, and what is told.
    await house.database.pool.query("update carrier_rates set most = 9 where name = 'vonage create'");
    expect(await legs()).toBe(10);
  });

  it.each([
    [{ ...usual, legs_per_second: 1 }, "legs_per_second"],
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
