import type { DoctorCheck } from "@earshot/contract/carrier";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takePermit } from "../calls/pace.ts";
import { newId } from "../ids.ts";
import type { Line } from "./carrier.ts";
import { insert, NUMBER, openTestHouse, seedCall, type TestHouse } from "./test-house.ts";

const check: DoctorCheck = { name: "key", state: "bad", said: "The key is not accepted.", remedy: "Make a new one." };
const secrets: (string | null)[] = [];
let refuses: Error | null = null;
const doctor: Line["doctor"] = {
  hasApiSecret: false,
  examine: async () => [check],
  setWebhooks: async (secret) => {
    if (refuses) throw refuses;
    secrets.push(secret);
  },
};

let house: TestHouse;
let without: TestHouse;
beforeAll(async () => {
  house = await openTestHouse({ line: { carrier: "vonage", number: NUMBER, emulated: true, doctor } });
  without = await openTestHouse();
});
afterAll(() => Promise.all([house.close(), without.close()]));

describe("the state of the line", () => {
  it("has the carrier's limits as they stand, and the calls that wait for them", async () => {
    expect((await house.ask("viewer", { url: "/api/carrier" })).json()).toMatchObject({ calls_queued: 0, limits: [] });
    await seedCall(house, { status: "queued" });
    for (let i = 0; i < 8; i++) await takePermit(house.database.pool, "vonage", "create");
    const state = (await house.ask("viewer", { url: "/api/carrier" })).json();
    expect(state).toMatchObject({ carrier: "vonage", number: NUMBER, emulated: true, calls_queued: 1 });
    expect(state.limits).toEqual([
      {
        name: "vonage create",
        most: 1,
        window_ms: 1200,
        free: 0,
        waiting: 7,
        wait_ms: expect.any(Number),
        refused: 0,
        refused_at: null,
      },
    ]);
    expect(state.limits[0].wait_ms).toBeGreaterThan(1200);
  });

  it("says when there is no line", async () => {
    expect((await without.ask("viewer", { url: "/api/carrier" })).json()).toMatchObject({ carrier: null, number: null });
    expect((await without.ask("admin", { url: "/api/doctor" })).json()).toMatchObject({ status: 503, code: "NO_CARRIER" });
  });
});

describe("raw requests", () => {
  it("are kept for ever unless an administrator says how long", async () => {
    const url = "/api/carrier/keeping";
    expect((await house.ask("viewer", { url })).json()).toEqual({ webhooks_days: null, exchanges_days: null });
    const set = { method: "PUT", url, payload: { webhooks_days: 90, exchanges_days: 30 } } as const;
    expect((await house.ask("member", set)).statusCode).toBe(403);
    expect((await house.ask("admin", set)).statusCode).toBe(200);
    expect((await house.ask("viewer", { url })).json()).toEqual(set.payload);
    expect((await house.ask("admin", { ...set, payload: { webhooks_days: 0 } })).json().errors).toMatchObject([{ field: "webhooks_days" }]);
  });
});

describe("the doctor", () => {
  it("tells administrators what it finds, with what to do", async () => {
    const answer = await house.ask("admin", { url: "/api/doctor" });
    expect(answer.json()).toEqual({ at: house.clock.now().toISOString(), checks: [check] });
    for (const role of ["member", "viewer"] as const) expect((await house.ask(role, { url: "/api/doctor" })).statusCode).toBe(403);
  });

  it("sets the application's webhooks with the secret it is given, and keeps it nowhere", async () => {
    const needed = await house.ask("admin", { method: "POST", url: "/api/doctor/webhooks" });
    expect(needed.json()).toMatchObject({ status: 422, code: "API_SECRET_NEEDED", errors: [{ field: "api_secret" }] });
    const set = { method: "POST", url: "/api/doctor/webhooks", payload: { api_secret: "quite-secret" } } as const;
    expect((await house.ask("admin", set)).json()).toMatchObject({ checks: [check] });
    expect(secrets).toEqual(["quite-secret"]);
    // Pressed twice.
    expect((await house.ask("admin", set)).statusCode).toBe(200);
    refuses = new Error("Vonage answered HTTP 401");
    expect((await house.ask("admin", set)).json()).toMatchObject({ status: 502, code: "WEBHOOKS_NOT_SET" });
    const { rows } = await house.database.pool.query("select * from audits where action = 'doctor.webhooks_set'");
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows) + house.logged.join("")).not.toContain("quite-secret");
  });
});

describe("a call's exchanges with the carrier", () => {
  it("are listed in their order, page by page, with nothing in them that opens anything", async () => {
    const call = await seedCall(house);
    const audio = "wss://calls.example.com/media/vonage/one-time";
    for (let nth = 0; nth < 3; nth++) {
      await insert(house, "exchanges", {
        id: newId(),
        at: new Date(house.clock.now().getTime() + nth),
        carrier: "vonage",
        call_id: call,
        method: nth === 0 ? "POST" : "PUT",
        url: "https://api.nexmo.com/v1/calls?token=abc",
        request: nth === 0 ? JSON.stringify({ endpoint: [{ uri: audio }] }) : null,
        status: nth === 2 ? null : 201,
        answer: nth === 2 ? "ECONNRESET" : '{"token":"t","status":"started"}',
        took_ms: 12,
        trace: nth === 2 ? null : "t-1",
      });
    }
    const first = (await house.ask("member", { url: `/api/calls/${call}/exchanges?limit=2` })).json();
    const second = (await house.ask("member", { url: `/api/calls/${call}/exchanges?limit=2&cursor=${first.next}` })).json();
    expect([...first.items, ...second.items].map(({ method, status, answer }) => [method, status, answer])).toEqual([
      ["POST", 201, '{"token":"[redacted]","status":"started"}'],
      ["PUT", 201, '{"token":"[redacted]","status":"started"}'],
      ["PUT", null, "ECONNRESET"],
    ]);
    expect(second.next).toBeNull();
    expect(JSON.stringify(first)).not.toMatch(/one-time|abc/);
    expect((await house.ask("viewer", { url: `/api/calls/${call}/exchanges` })).statusCode).toBe(403);
    expect((await house.ask("member", { url: `/api/calls/${newId()}/exchanges` })).statusCode).toBe(404);
  });
});
