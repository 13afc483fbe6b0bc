import { describe, expect, it } from "vitest";
import { CarrierUnreachable } from "../carrier/failures.ts";
import type { CallId } from "../ids.ts";
import { muteCaller, pressKeys, transferCall } from "./in-call.ts";
import { asked, call, carrier, db, kinds, note, parts, refuse, useTold } from "./test-told.ts";
import { expireTransfers } from "./transfers.ts";

useTold();

describe("a running call", () => {
  it("gets keys and is muted, each with a line on its timeline", async () => {
    const { id, leg } = await call();
    await pressKeys(parts(), id, "12#p", "user:x");
    await muteCaller(parts(), id, true, "user:x");
    await muteCaller(parts(), id, false, "user:x");
    expect(asked).toEqual([
      ["press", leg, "12#p"],
      ["mute", leg, true],
      ["mute", leg, false],
    ]);
    expect(await kinds(id)).toEqual(["call.received", "keys.sent", "caller.muted", "caller.unmuted"]);
  });

  it.each(["", "abc", "1 2", "1".repeat(51), "+"])("is not sent %j as keys", async (keys) => {
    await expect(pressKeys(parts(), (await call()).id, keys, "user:x")).rejects.toMatchObject({ code: "KEYS_INVALID" });
    expect(asked).toEqual([]);
  });

  it.each(["ringing", "ended"] as const)("is needed: one that is %s is refused", async (status) => {
    const { id } = await call(status);
    const to = { number: "+12025550110", announcement: null };
    await expect(pressKeys(parts(), id, "1", "user:x")).rejects.toMatchObject({ code: "NOT_IN_PROGRESS" });
    await expect(muteCaller(parts(), id, true, "user:x")).rejects.toMatchObject({ code: "NOT_IN_PROGRESS" });
    await expect(transferCall(parts(), id, to, "user:x")).rejects.toMatchObject({ code: "NOT_IN_PROGRESS" });
    await expect(pressKeys(parts(), "0199a0b1-7d1f-7000-8000-00000000dead" as CallId, "1", "user:x")).rejects.toMatchObject({
      code: "CALL_UNKNOWN",
    });
  });

  it("is not asked of a carrier that cannot", async () => {
    const { press: _, ...dumb } = carrier;
    await expect(pressKeys(parts({ carrier: dumb }), (await call()).id, "1", "user:x")).rejects.toMatchObject({ code: "CARRIER_CANNOT" });
    await expect(pressKeys(parts({ carrier: null }), (await call()).id, "1", "user:x")).rejects.toMatchObject({ code: "NO_CARRIER" });
  });
});

describe("handing a caller to a person", () => {
  const to = (number = "+12025550110", announcement: string | null = null) => ({ number, announcement });

  it("rings the person, once at a time", async () => {
    const { id } = await call();
    await transferCall(parts(), id, to("+1 202 555 0110", "Somebody about an appointment."), "agent");
    expect(asked).toMatchObject([["hand over", { call: id, from: "+12025550100", to: "+12025550110", announced: true, record: true }]]);
    await expect(transferCall(parts(), id, to(), "user:x")).rejects.toMatchObject({ code: "TRANSFER_UNDER_WAY" });
    expect(await kinds(id)).toEqual(["call.received", "transfer.asked"]);
  });

  it("waits for its turn among the carrier's new legs, and the caller stays with the agent until then", async () => {
    await db.pool.query(
      `insert into carrier_rates (name, most, window_ms, granted) values ('told connect', 1, 300, array[now() + interval '0.2 seconds'])
       on conflict (name) do update set most = excluded.most, window_ms = excluded.window_ms, granted = excluded.granted`,
    );
    const { id } = await call();
    await transferCall(parts({ carrier: { ...carrier, handOver: (told) => note("hand over", told, Date.now()) } }), id, to(), "user:x");
    const { rows } = await db.pool.query<{ turn: Date }>("select granted[cardinality(granted)] as turn from carrier_rates");
    // Timers may fire a little early.
    expect(Number(asked[0]?.[2])).toBeGreaterThan((rows[0]?.turn.getTime() ?? 0) - 50);
    await db.pool.query("delete from carrier_rates");
  });

  it("is bound by the same limits as a call", async () => {
    const { id } = await call();
    await expect(transferCall(parts(), id, to("12"), "user:x")).rejects.toMatchObject({ code: "NUMBER_INVALID" });
    await expect(transferCall(parts(), id, to("+4930123456"), "user:x")).rejects.toMatchObject({ code: "NUMBER_NOT_ALLOWED" });
    expect((await db.pool.query("select from transfers where call_id = $1", [id])).rowCount).toBe(0);
  });

  it("that the carrier does not take has failed, and may be tried again", async () => {
    const { id } = await call();
    refuse("hand over", new Error("HTTP 400"));
    await expect(transferCall(parts(), id, to(), "user:x")).rejects.toThrow("HTTP 400");
    refuse("hand over", null);
    await transferCall(parts(), id, to(), "user:x");
    const { rows } = await db.pool.query("select result from transfers where call_id = $1 order by asked_at", [id]);
    expect(rows).toEqual([{ result: "failed" }, { result: null }]);
  });

  it("whose answer is lost may be under way: it stays open, and is given up when no word of it has come for longer than a phone rings", async () => {
    const { id } = await call();
    const transfers = async () =>
      (await db.pool.query("select result, detail from transfers where call_id = $1 order by asked_at", [id])).rows;
    const silence = new CarrierUnreachable("x.test", "it took too long");
    refuse("hand over", silence);
    await expect(transferCall(parts(), id, to(), "agent")).rejects.toBe(silence);
    expect(await transfers()).toEqual([{ result: null, detail: null }]);
    expect(await kinds(id)).toEqual(["call.received", "transfer.asked", "transfer.unknown"]);
    refuse("hand over", null);
    await expect(transferCall(parts(), id, to(), "agent")).rejects.toMatchObject({ code: "TRANSFER_UNDER_WAY" });
    await expireTransfers(db.pool, new Date(Date.now() + 60_000));
    expect(await transfers()).toEqual([{ result: null, detail: null }]);
    await expireTransfers(db.pool, new Date(Date.now() + 80_000));
    expect(await transfers()).toEqual([{ result: "failed", detail: "no word of it came" }]);
    await transferCall(parts(), id, to(), "agent");
    expect(await transfers()).toHaveLength(2);
  });
});
