import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { listWebhooks } from "../../calls/read.ts";
import type { CallId } from "../../ids.ts";
import { app, bearer, callRow, db, inbox, now, outbound, outLeg, post, start, stop, useTestDoor } from "./test-door.ts";
import { CONVERSATION } from "./test-stories.ts";

useTestDoor();

const OURS = "6f1b0c5e-8a44-4c59-9d0b-3b1f0e7a9c21";
const good = JSON.stringify({ ...outLeg, status: "ringing", timestamp: "2026-03-04T10:00:02.120Z" });
const seconds = (): number => Math.floor(now.getTime() / 1000);

let call: CallId;
/** Everything that a webhook could have changed. */
async function everything(): Promise<unknown> {
  const tables = ["calls", "legs", "events", "recordings", "transfers", "socket_tokens", "consents"];
  const rows = tables.map(async (table) => (await db.pool.query(`select to_jsonb(t) as row from ${table} t order by 1`)).rows);
  return Promise.all(rows);
}
beforeEach(async () => {
  await stop();
  await start(db.pool, OURS);
  call = await outbound();
});

type Bad = readonly [
  what: string,
  send: () => Promise<{ statusCode: number }>,
  status: number,
  verdict: string | null,
  because: RegExp | null,
];
const event = (body: string | object, authorization?: string, of: string = call) =>
  post(`/webhooks/vonage/event?call=${of}`, body, authorization);
const ours = (body: string, claims: object = {}): string => bearer(body, { application_id: OURS, ...claims });

const bad: readonly Bad[] = [
  // ---- refused at the door
  [
    "no signature",
    () => app.inject({ method: "POST", url: `/webhooks/vonage/event?call=${call}`, payload: good }),
    401,
    "bad_signature",
    /No Authorization/,
  ],
  ["a wrong signature", () => event(good, `${ours(good).slice(0, -6)}AAAAAA`), 401, "bad_signature", /does not match our signature secret/],
  [
    "a body that was changed on the way",
    () => event(good.replace("ringing", "completed"), ours(good)),
    401,
    "bad_signature",
    /not the one that was signed/,
  ],
  ["a stale iat", () => event(good, ours(good, { iat: seconds() - 301 })), 401, "bad_signature", /older than five minutes/],
  ["an iat ahead of time", () => event(good, ours(good, { iat: seconds() + 301 })), 401, "bad_signature", /ahead/],
  ["another application", () => event(good, ours(good, { application_id: randomUUID() })), 401, "bad_signature", /another application/],
  ["another account", () => event(good, ours(good, { api_key: "other" })), 401, "bad_signature", /another account/],
  ["another issuer", () => event(good, ours(good, { iss: "Somebody" })), 401, "bad_signature", /not issued by Vonage/],
  ["10 MB", () => event(`{"x":"${"x".repeat(10_000_000)}"}`), 413, null, null],
  // ---- signed, and kept aside with a reason
  ["malformed JSON", () => event('{"status":"ringing",', ours('{"status":"ringing",')), 204, "unreadable", /not a JSON object/],
  ["bytes that are no text", () => event("\u0000\uFFFD{", ours("\u0000\uFFFD{")), 204, "unreadable", /not a JSON object/],
  ["an array", () => event("[]", ours("[]")), 204, "unreadable", /not a JSON object/],
  ["an empty body", () => event("", ours("")), 204, "unreadable", /not a JSON object/],
  [
    "a call nobody knows",
    () =>
      event(good.replaceAll(CONVERSATION, "CON-x"), ours(good.replaceAll(CONVERSATION, "CON-x")), "0199a0b1-7d1f-7000-8000-00000000dead"),
    204,
    "unknown_call",
    /No call of ours/,
  ],
];

describe("bad input changes nothing, and is kept with its reason:", () => {
  it.each(bad)("%s", async (_, send, status, verdict, because) => {
    const before = await everything();
    expect((await send()).statusCode).toBe(status);
    await inbox.sweep(true);
    expect(await everything()).toEqual(before);
    const { rows } = await db.pool.query("select verdict, because from webhooks");
    expect(rows).toEqual(verdict === null ? [] : [{ verdict, because: expect.stringMatching(because as RegExp) }]);
  });

  it("what was refused or not understood is shown with the call it names, and nowhere when that is none of ours", async () => {
    const shown = async () => (await listWebhooks(db.pool, call, 10, null)).items.map(({ verdict, because }) => [verdict, because]);
    await event(good, bearer(good, { application_id: OURS, api_key: "other" }));
    await event("[]", ours("[]"));
    const token = ours(good, { jti: "used" });
    await event(good, token, await outbound());
    await event(good, token);
    await event(good, "Bearer x", randomUUID());
    await inbox.sweep(true);
    expect(await shown()).toEqual([
      ["bad_signature", "The token names another account's API key."],
      ["unreadable", "The body is not a JSON object."],
      ["bad_signature", expect.stringContaining("for another address")],
    ]);
  });

  it("a replayed token without a jti is known by itself: at another call's address it is refused", async () => {
    const token = ours(good, { jti: undefined });
    expect((await event(good, token)).statusCode).toBe(204);
    const other = await outbound();
    expect((await event(good, token, other)).statusCode).toBe(401);
    await inbox.sweep(true);
    expect(await callRow(other)).toMatchObject({ status: "dialing", phone_leg: null });
  });

  it("a replayed jti: the same token at another call's address is refused, and at the same address it is a duplicate", async () => {
    const token = ours(good);
    expect((await event(good, token)).statusCode).toBe(204);
    await inbox.sweep(true);
    const other = await outbound();
    const before = await everything();
    expect((await event(good, token, other)).statusCode).toBe(401);
    expect((await event(good, token)).statusCode).toBe(204);
    await inbox.sweep(true);
    expect(await everything()).toEqual(before);
    const { rows } = await db.pool.query("select verdict from webhooks order by received_at, id");
    expect(rows.map(({ verdict }) => verdict)).toEqual(["applied", "bad_signature", "duplicate"]);
  });

  it.each([
    ["a number as status", { ...outLeg, status: 7 }],
    ["an object as status", { ...outLeg, status: { busy: true } }],
    [
      "wrong types everywhere",
      { uuid: [outLeg.uuid], status: ["completed"], conversation_uuid: {}, timestamp: 12, duration: "long", price: [] },
    ],
    ["a leg of 10,000 letters", { ...outLeg, uuid: "x".repeat(10_000), status: "teleported" }],
  ])("%s moves no call", async (_, body) => {
    const read = async () => (await db.pool.query("select status, end_reason, phone_leg, ended_at from calls")).rows;
    const before = await read();
    const text = JSON.stringify(body);
    expect((await event(text, ours(text))).statusCode).toBe(204);
    await inbox.sweep(true);
    expect(await read()).toEqual(before);
    const { rows } = await db.pool.query("select verdict from webhooks");
    expect(["kept", "unreadable", "unknown_call"]).toContain(rows[0].verdict);
  });

  it("a foreign host in recording_url: it is announced, and never asked for", async () => {
    const text = JSON.stringify({
      recording_url: "https://recordings.example.com/v1/files/1",
      recording_uuid: "c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30",
      conversation_uuid: CONVERSATION,
      size: 1_000,
      start_time: "2026-03-04T10:00:08Z",
      end_time: "2026-03-04T10:01:19Z",
      timestamp: "2026-03-04T10:01:20.733Z",
    });
    const before = (await db.pool.query("select * from calls")).rows;
    expect((await post(`/webhooks/vonage/recording?call=${call}`, text, ours(text))).statusCode).toBe(204);
    await inbox.sweep(true);
    expect((await db.pool.query("select * from calls")).rows).toEqual(before);
    // That the fetch refuses it without a request, with RECORDING_REFUSED_HOST on the row, is recordings/fetch.test.ts.
    expect((await db.pool.query("select status, storage_key from recordings")).rows).toEqual([{ status: "announced", storage_key: null }]);
  });
});
