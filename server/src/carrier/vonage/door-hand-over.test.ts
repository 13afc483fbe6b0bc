import { describe, expect, it } from "vitest";
import { redeemSocketToken } from "../../calls/socket-token.ts";
import { insertTransfer } from "../../calls/transfers.ts";
import { inTransaction } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import {
  actionsOf,
  bearer,
  callRow,
  db,
  get,
  inbox,
  kinds,
  now,
  outbound,
  outLeg,
  PHONE,
  PUBLIC,
  post,
  told,
  useTestDoor,
  verdicts,
} from "./test-door.ts";
import { type Story, stories } from "./test-stories.ts";
import { tries } from "./test-tries.ts";

useTestDoor();

describe("a caller handed to a person", () => {
  const person = (status: string, second: string, more: object = {}) => ({
    from: "12025550100",
    to: "12025550110",
    uuid: "person-1",
    conversation_uuid: "CON-2",
    direction: "outbound",
    status,
    timestamp: `2026-03-04T10:01:${second}Z`,
    ...more,
  });
  async function handed(): Promise<CallId> {
    const call = await outbound();
    await post(`/webhooks/vonage/answer?call=${call}`, outLeg);
    await inbox.sweep(true);
    await inTransaction(db.pool, (sql) =>
      insertTransfer(sql, { call, to: "+12025550110", announcement: "Somebody about an appointment.", by: "user:x", at: now }),
    );
    return call;
  }
  const transfer = async (call: CallId) =>
    (await db.pool.query("select result, leg, connected_at from transfers where call_id = $1", [call])).rows[0];

  it("is not called back to the agent because the agent's audio ends", async () => {
    const call = await handed();
    const gone = { ...person("disconnected", "02.000"), uuid: "socket-1", to: "wss://calls.example.com/media/vonage/x" };
    expect((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, gone)).statusCode).toBe(204);
  });

  it("who picks up is connected, told whom it is about, and the call ends as transferred", async () => {
    const call = await handed();
    const at = `/webhooks/vonage/event?call=${call}&leg=transfer`;
    expect((await post(at, person("ringing", "01.000"))).statusCode).toBe(204);
    const announced = await post(`/webhooks/vonage/answer?call=${call}&leg=transfer`, person("answered", "05.000"));
    expect(announced.json()).toMatchObject([{ action: "talk", text: "Somebody about an appointment." }]);
    expect((await post(at, person("answered", "05.000"))).statusCode).toBe(204);
    await inbox.sweep(true);
    expect(told.filter((one) => one === `transferred ${call}`)).toHaveLength(1);
    expect(await transfer(call)).toEqual({ result: "connected", leg: "person-1", connected_at: new Date("2026-03-04T10:01:05.000Z") });
    expect((await post(at, person("completed", "20.000", { duration: "15" }))).statusCode).toBe(204);
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks.at(-2)?.body.replace('"user"', '"platform"') ?? "");
    await inbox.sweep(true);
    expect(await callRow(call)).toMatchObject({ status: "ended", end_reason: "transferred", phone_leg: PHONE });
    expect(await kinds(call)).toEqual(expect.arrayContaining(["transfer.ringing", "transfer.connected", "call.ended"]));
  });

  it.each(["GET", "POST"])("is told whom it is about also when that they picked up was known before, asked by %s", async (method) => {
    const call = await handed();
    await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person("answered", "05.000"));
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result: "connected" });
    const url = "/webhooks/vonage/answer";
    const { from, to, uuid, conversation_uuid } = person("answered", "05.000");
    const asked = { to, from, uuid, conversation_uuid, endpoint_type: "phone" };
    const answer =
      method === "GET" ? await get(url, { call, leg: "transfer", ...asked }) : await post(`${url}?call=${call}&leg=transfer`, asked);
    expect(answer.json()).toMatchObject([{ action: "talk", text: "Somebody about an appointment." }]);
    await inbox.sweep(true);
    expect(await callRow(call)).toMatchObject({ phone_leg: PHONE });
  });

  it.each([
    ["busy", {}, "busy"],
    ["timeout", {}, "no_answer"],
    ["rejected", { detail: "declined" }, "declined"],
    ["failed", { detail: "cannot_route" }, "unreachable"],
  ])("who is %s is a typed result, and the caller comes back to the agent", async (status, more, result) => {
    const call = await handed();
    const back = await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person(status, "09.000", more));
    expect(actionsOf(back)).toEqual(["talk", "connect", ...tries, "talk"]);
    await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person("completed", "09.100", { duration: "0" }));
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result });
    expect(await callRow(call)).toMatchObject({ status: "in_progress" });
    expect(await kinds(call)).toContain("transfer.failed");
  });

  describe("when only the fallback can be reached", () => {
    const atFallback = (call: CallId, body: object, leg: "ws" | "transfer", type: "answer" | "event" = "event") => ({
      ...body,
      reason: "Connection refused.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/${type}?call=${call}&leg=${leg}`, type },
    });

    it("comes back from a person whose line is busy, and that it was is known, once", async () => {
      const call = await handed();
      const busy = person("busy", "09.000");
      expect(actionsOf(await post("/webhooks/vonage/fallback", atFallback(call, busy, "transfer")))).toEqual([
        "talk",
        "connect",
        ...tries,
        "talk",
      ]);
      await inbox.sweep(true);
      expect(await transfer(call)).toMatchObject({ result: "busy", leg: "person-1" });
      expect(await kinds(call)).toContain("transfer.failed");
      // The carrier tries the event URL after all.
      await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, busy);
      await inbox.sweep(true);
      expect((await verdicts()).slice(-2)).toEqual(["applied", "duplicate"]);
    });

    it("is left with the person when the agent's audio ends", async () => {
      const call = await handed();
      const gone = { ...person("disconnected", "02.000"), uuid: "socket-1", to: "wss://calls.example.com/media/vonage/x" };
      expect((await post("/webhooks/vonage/fallback", atFallback(call, gone, "ws"))).statusCode).toBe(204);
      await inbox.sweep(true);
      expect(await kinds(call)).toContain("audio.lost");
    });

    it("the person hears whom it is about", async () => {
      const call = await handed();
      const { from, to, uuid, conversation_uuid } = person("answered", "05.000");
      const answer = await post("/webhooks/vonage/fallback", atFallback(call, { from, to, uuid, conversation_uuid }, "transfer", "answer"));
      expect(answer.json()).toMatchObject([{ action: "talk", text: "Somebody about an appointment." }]);
    });
  });

  it("and who hangs up while the person's phone rings cancels it", async () => {
    const call = await handed();
    await post(`/webhooks/vonage/event?call=${call}&leg=transfer`, person("completed", "03.000", { duration: "0" }));
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks.at(-2)?.body ?? "");
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result: "cancelled" });
    expect(await callRow(call)).toMatchObject({ status: "ended", end_reason: "caller_hung_up" });
  });

  it.each(["failed", "cancelled"])("is connected all the same when the word of it comes after it was taken for %s", async (result) => {
    const call = await handed();
    await db.pool.query("update transfers set result = $2, detail = 'no word of it came', ended_at = $3 where call_id = $1", [
      call,
      result,
      now,
    ]);
    const at = `/webhooks/vonage/event?call=${call}&leg=transfer`;
    await post(at, person("answered", "05.000"));
    await inbox.sweep(true);
    expect(told.filter((one) => one === `transferred ${call}`)).toHaveLength(1);
    const row = (await db.pool.query("select result, leg, detail, ended_at from transfers where call_id = $1", [call])).rows;
    expect(row).toEqual([{ result: "connected", leg: "person-1", detail: null, ended_at: null }]);
    const said = "select said from events where call_id = $1 and kind = 'transfer.connected'";
    expect((await db.pool.query(said, [call])).rows).toEqual([
      { said: "What became of the transfer is known better now. The caller was connected to the person." },
    ]);
    // And the agent's audio, which ends now, is not connected anew.
    const gone = { ...person("disconnected", "06.000"), uuid: "socket-1", to: "wss://calls.example.com/media/vonage/x" };
    expect((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, gone)).statusCode).toBe(204);
  });

  it("who was not reached, asked about again with the same token because our answer was lost, is answered the same until it was followed", async () => {
    const call = await handed();
    const busy = JSON.stringify(person("busy", "09.000"));
    const token = bearer(busy);
    const ask = () => post(`/webhooks/vonage/event?call=${call}&leg=transfer`, busy, token);
    const [first, second] = [await ask(), await ask()];
    expect([actionsOf(first), actionsOf(second)]).toEqual(Array(2).fill(["talk", "connect", ...tries, "talk"]));
    const connect = second.json().find(({ action }: { action: string }) => action === "connect");
    expect(await redeemSocketToken(db.pool, "process-1", connect.endpoint[0].uri.split("/").at(-1))).toMatchObject({ call });
    expect((await ask()).statusCode).toBe(204);
    await inbox.sweep(true);
    expect(await transfer(call)).toMatchObject({ result: "busy" });
  });
});
