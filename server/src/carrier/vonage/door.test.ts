import { describe, expect, it } from "vitest";
import { doors } from "./door.ts";
import { openInbox } from "./inbox.ts";
import {
  app,
  bearer,
  callRow,
  clock,
  db,
  inbox,
  kinds,
  log,
  now,
  outbound,
  post,
  question,
  start,
  stop,
  useTestDoor,
  verdicts,
} from "./test-door.ts";
import { type Story, stories, type Told } from "./test-stories.ts";

useTestDoor();

describe("who knocks at the carrier's door", () => {
  const paths = Object.entries(doors).flatMap(([door, urls]) => urls.flatMap((url) => [[door, url] as const, [door, `${url}/`] as const]));

  it.each(paths)("%s at %s: unsigned is 401, and only that is kept", async (door, url) => {
    for (const method of ["GET", "POST"] as const) {
      const answer = await app.inject({ method, url, ...(method === "POST" ? { payload: question } : {}) });
      expect(answer.statusCode).toBe(401);
    }
    const { rows } = await db.pool.query("select door, verdict, because from webhooks");
    expect(rows).toEqual(Array(2).fill({ door, verdict: "bad_signature", because: "No Authorization header with a Bearer token." }));
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
  });

  it.each(paths.filter(([door]) => door === "answer" || door === "fallback"))("%s at %s: signed gets JSON instructions", async (_, url) => {
    const answer = await post(url, question);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.json().some(({ action }: { action: string }) => action === "connect")).toBe(true);
  });

  it.each(paths.filter(([door]) => door === "event" || door === "recording"))("%s at %s: signed gets an empty answer", async (_, url) => {
    const answer = await post(url, (stories[0] as Story).webhooks[1]?.body ?? "");
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe("");
  });

  it("a body that was changed on the way, an old one, and another account's are refused with their reason", async () => {
    const body = JSON.stringify(question);
    await post("/webhooks/vonage/answer", body.replace("0106", "0107"), bearer(body));
    await post("/webhooks/vonage/answer", body, bearer(body, { iat: Math.floor(now.getTime() / 1000) - 400 }));
    await post("/webhooks/vonage/answer", body, bearer(body, { api_key: "other" }));
    const { rows } = await db.pool.query("select because from webhooks where verdict = 'bad_signature' order by received_at, id");
    expect(rows.map(({ because }) => because)).toEqual([
      "The payload is not the one that was signed.",
      "The token is older than five minutes, or the clocks differ by that much.",
      "The token names another account's API key.",
    ]);
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
  });

  it("of many refused requests a bounded number is kept", async () => {
    for (let i = 0; i < 80; i++) await app.inject({ method: "POST", url: "/webhooks/vonage/event", payload: { i } });
    expect((await db.pool.query("select from webhooks")).rowCount).toBe(60);
  });

  it("a body of 10 MB is refused before it is read", async () => {
    const body = `{"x":"${"x".repeat(10_000_000)}"}`;
    expect((await post("/webhooks/vonage/event", body)).statusCode).toBe(413);
    expect(await verdicts()).toEqual([]);
  });

  it("a question for our proof without a nonce is told what is asked here, not that a signature is wrong", async () => {
    const answer = await app.inject({ url: "/webhooks/vonage/self?nonce=1" });
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ code: "PROOF_UNREADABLE" });
  });

  it("the same token at another address is a replay", async () => {
    const call = await outbound();
    const body = (stories[0] as Story).webhooks[1]?.body ?? "";
    const token = bearer(body);
    expect((await post(`/webhooks/vonage/event?call=${call}`, body, token)).statusCode).toBe(204);
    expect((await post(`/webhooks/vonage/event?call=${await outbound()}`, body, token)).statusCode).toBe(401);
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied", "bad_signature"]);
  });

  it("tokens that open audio and the signature itself are not kept", async () => {
    const body = (stories[0] as Story).webhooks[3]?.body ?? "";
    const token = bearer(body);
    await post("/webhooks/vonage/event?to=wss%3A%2F%2Fx%2Fmedia%2Fvonage%2Fsecret", body, token);
    const { rows } = await db.pool.query("select url, headers::text from webhooks");
    expect(rows[0].url).not.toContain("secret");
    expect(rows[0].headers).not.toContain(token.slice(-20));
    expect(rows[0].headers).toContain("payloadHash");
  });
});

describe("what is stored before it is answered", () => {
  it("is applied by the next start when the process died in between", async () => {
    const call = await outbound();
    const [started, ringing] = (stories[0] as Story).webhooks;
    // A process that only stores: its inbox is closed before the requests come.
    await inbox.close();
    for (const { body } of [started, ringing] as Told[])
      expect((await post(`/webhooks/vonage/event?call=${call}`, body)).statusCode).toBe(204);
    expect(await verdicts()).toEqual(["pending", "pending"]);
    await stop();
    await start();
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied", "applied"]);
    expect(await callRow(call)).toMatchObject({ status: "ringing" });
  });

  it("is applied once by two servers that sweep together", async () => {
    const call = await outbound();
    await inbox.close();
    for (const { body } of (stories[0] as Story).webhooks) await post(`/webhooks/vonage/event?call=${call}`, body);
    const others = [1, 2].map(() => openInbox({ pool: db.pool, clock, log, hooks: {}, everyMs: 1e9 }));
    await Promise.all(others.map((other) => other.sweep(true)));
    await Promise.all(others.map((other) => other.close()));
    expect(await verdicts()).not.toContain("pending");
    expect((await verdicts()).filter((verdict) => verdict !== "late")).toEqual(expect.arrayContaining(Array(6).fill("applied")));
    expect((await kinds(call)).filter((kind) => kind === "call.ended")).toHaveLength(1);
  });

  it("a webhook that the database has no room to apply is not set aside: it is applied when there is room again", async () => {
    const call = await outbound();
    await inbox.close();
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks[1]?.body ?? "");
    await db.pool.query(`create function full_disk() returns trigger language plpgsql as
      $$ begin raise 'could not extend file' using errcode = '53100'; end $$;
      create trigger full_disk before insert on legs execute function full_disk()`);
    await stop();
    await start();
    try {
      for (let i = 0; i < 12; i++) await inbox.sweep(true);
      expect(await verdicts()).toEqual(["pending"]);
    } finally {
      await db.pool.query("drop trigger full_disk on legs; drop function full_disk");
    }
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied"]);
  });

  it("a webhook we cannot apply is set aside after ten tries, and the rest goes on", async () => {
    const call = await outbound();
    await inbox.close();
    await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks[1]?.body ?? "");
    await db.pool.query("alter table legs add constraint broken check (leg = 'nothing') not valid");
    await stop();
    await start();
    for (let i = 0; i < 10; i++) await inbox.sweep(true);
    await db.pool.query("alter table legs drop constraint broken");
    const { rows } = await db.pool.query("select verdict, because from webhooks");
    expect(rows).toEqual([{ verdict: "unreadable", because: expect.stringContaining("broken") }]);
  });
});
