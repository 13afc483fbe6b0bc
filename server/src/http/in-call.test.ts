import type { CallStatus } from "@earshot/contract/status";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { openTestHouse, seedCall, type TestHouse } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.close());

const post = (id: string, path: string, payload?: object, role: "admin" | "member" | "viewer" = "member") =>
  house.ask(role, { method: "POST", url: `/api/calls/${id}/${path}`, ...(payload === undefined ? {} : { payload }) });
const running = (status: CallStatus = "in_progress") => seedCall(house, { status, phone_leg: `leg-${newId()}` });
const kindsOf = async (id: string): Promise<string[]> =>
  (await house.ask("viewer", { url: `/api/calls/${id}/events` })).json().items.map(({ kind }: { kind: string }) => kind);

describe("a call in progress", () => {
  it("is handed to a person, is sent keys, is muted and heard again; who asked is written down", async () => {
    const id = await running();
    const asked = [
      await post(id, "transfer", { to: "+1 202 555 0110", announcement: "Somebody about an appointment." }),
      await post(id, "dtmf", { digits: "12#p0*" }),
      await post(id, "mute"),
      await post(id, "unmute", {}),
    ];
    for (const answer of asked) {
      expect(answer.statusCode, answer.body).toBe(202);
      expect(answer.json()).toMatchObject({ id, status: "in_progress" });
    }
    expect((await kindsOf(id)).sort()).toEqual(["caller.muted", "caller.unmuted", "keys.sent", "transfer.asked"]);
    const { rows } = await house.database.pool.query("select action, actor, detail from audits where call_id = $1 order by at, id", [id]);
    expect(rows.map(({ action }) => action)).toEqual(["call.transferred", "call.keys_sent", "call.muted", "call.unmuted"]);
    expect(rows.every(({ actor }) => actor.startsWith("key:"))).toBe(true);
    expect(JSON.stringify(rows)).not.toMatch(/0110|12#/);
  });

  it("has its agent whispered to: which words, and how, is on the timeline alone", async () => {
    const id = await running();
    expect((await post(id, "whisper", { text: "  She is a regular.  " })).statusCode).toBe(202);
    expect((await post(id, "whisper", { text: "One moment.", how: "say" })).statusCode).toBe(202);
    const { rows } = await house.database.pool.query("select ask from bridge_asks where call_id = $1 order by asked_at, id", [id]);
    expect(rows.map(({ ask }) => ask)).toEqual([
      { what: "whisper", how: "context", text: "She is a regular." },
      { what: "whisper", how: "say", text: "One moment." },
    ]);
    const { rows: audits } = await house.database.pool.query("select action, detail from audits where call_id = $1", [id]);
    expect(audits.map(({ action }) => action)).toEqual(["call.whispered", "call.whispered"]);
    expect(JSON.stringify(audits)).not.toContain("regular");
    for (const wrong of [{}, { text: " " }, { text: "x".repeat(1001) }, { text: "x", how: "shout" }])
      expect((await post(id, "whisper", wrong)).statusCode).toBe(400);
  });

  it("is handed to one person at a time, also when somebody pressed twice: one is rung, and one audit tells it", async () => {
    const twice = await running();
    const presses = await Promise.all([1, 2].map(() => post(twice, "transfer", { to: "+12025550110" })));
    expect(presses.map(({ statusCode }) => statusCode).sort()).toEqual([202, 409]);
    expect((await house.database.pool.query("select from audits where call_id = $1", [twice])).rowCount).toBe(1);
    const id = await running();
    expect((await post(id, "transfer", { to: "+12025550110" })).statusCode).toBe(202);
    const second = await post(id, "transfer", { to: "+12025550111" });
    expect(second.statusCode).toBe(409);
    expect(second.json().code).toBe("TRANSFER_UNDER_WAY");
  });
});

const deeds: readonly [path: string, body: object | undefined][] = [
  ["transfer", { to: "+12025550110" }],
  ["dtmf", { digits: "1" }],
  ["mute", undefined],
  ["unmute", undefined],
  ["whisper", { text: "She is a regular." }],
];
describe.each(deeds)("to %s", (path, body) => {
  it.each(["queued", "dialing", "ringing", "ended"] as const)("a call that is %s is refused", async (status) => {
    const answer = await post(await running(status), path, body);
    expect(answer.statusCode).toBe(409);
    expect(answer.json().code).toBe("NOT_IN_PROGRESS");
  });

  it("a call that does not exist, or as somebody who may only read, is refused", async () => {
    expect((await post(newId(), path, body)).json().code).toBe("CALL_UNKNOWN");
    expect((await post(await running(), path, body, "viewer")).statusCode).toBe(403);
  });
});

describe("what cannot be done with it is a problem that names the field", () => {
  it.each([
    ["transfer", {}, "to"],
    ["transfer", { to: "12" }, "to"],
    ["transfer", { to: "+4930123456" }, "to"],
    ["transfer", { to: "+12025550110", announcement: "" }, "announcement"],
    ["transfer", { to: "+12025550110", announcement: "x".repeat(1501) }, "announcement"],
    ["transfer", { to: "+12025550110", sneaky: true }, "sneaky"],
    ["dtmf", { digits: "" }, "digits"],
    ["dtmf", { digits: "12a" }, "digits"],
    ["dtmf", { digits: 12 }, "digits"],
    ["dtmf", { digits: "1".repeat(51) }, "digits"],
    ["mute", { for: 3 }, "for"],
  ])("%s %j", async (path, body, field) => {
    const answer = await post(await running(), path, body);
    expect([400, 422]).toContain(answer.statusCode);
    expect(JSON.stringify(answer.json().errors)).toContain(`"${field}"`);
  });
});
