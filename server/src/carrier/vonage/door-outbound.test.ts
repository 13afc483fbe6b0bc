import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { openPool } from "../../db/pool.ts";
import {
  actionsOf,
  bearer,
  callRow,
  db,
  inbox,
  machine,
  now,
  outbound,
  outLeg,
  PUBLIC,
  post,
  question,
  start,
  stop,
  told,
  useTestDoor,
  verdicts,
  withLine,
} from "./test-door.ts";
import { CONVERSATION, type Story, stories } from "./test-stories.ts";
import { tries } from "./test-tries.ts";

useTestDoor();

/** The test's database behind an address that refuses its first `times` connections, as one that is being restarted does. */
async function databaseThatComesBack(url: string, times: number) {
  const real = new URL(url);
  const sockets = new Set<Socket>();
  let refused = 0;
  const front = createServer((client) => {
    client.on("error", () => client.destroy());
    if (refused < times) {
      refused++;
      client.resetAndDestroy();
      return;
    }
    const database = connect(Number(real.port), real.hostname).on("error", () => client.destroy());
    for (const socket of [client, database]) sockets.add(socket);
    client.pipe(database).pipe(client);
  });
  await new Promise<void>((listening) => front.listen(0, "127.0.0.1", listening));
  const address = new URL(url);
  address.host = `127.0.0.1:${(front.address() as AddressInfo).port}`;
  const pool = openPool(address.href, 1);
  return {
    pool,
    refused: () => refused,
    async close() {
      await pool.end();
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => front.close(closed));
    },
  };
}

describe("an outbound call", () => {
  const asked = { to: "12025550101", from: "12025550100", uuid: "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11", conversation_uuid: CONVERSATION };

  it("is known by our mark at either old path, and its question says that it was answered", async () => {
    const call = await outbound();
    const answer = await post(`/api/hume-twilio/vonage-voice-webhook/?call=${call}`, {
      ...asked,
      region_url: "https://api-eu-3.vonage.com",
    });
    expect(answer.json()[1].endpoint[0].headers).toEqual({ call });
    await inbox.sweep(true);
    expect(await callRow(call)).toMatchObject({
      direction: "outbound",
      status: "in_progress",
      phone_leg: asked.uuid,
      region_url: "https://api-eu-3.vonage.com",
    });
    expect((await db.pool.query("select from calls")).rowCount).toBe(1);
  });

  it("keeps no region that is not the carrier's", async () => {
    const call = await outbound();
    await post(`/webhooks/vonage/answer?call=${call}`, { ...asked, region_url: "https://evil.test" });
    expect(await callRow(call)).toMatchObject({ region_url: null });
  });

  it("that somebody wants ended is not connected any more", async () => {
    const call = await outbound();
    await db.pool.query("update calls set hangup_asked_at = now(), hangup_asked_by = 'operator' where id = $1", [call]);
    const answer = await post(`/webhooks/vonage/answer?call=${call}`, { ...asked, region_url: "https://api-eu-3.vonage.com" });
    expect(answer.json()).toMatchObject([{ action: "talk" }]);
    // Who asks the carrier for its end from now on asks where it is.
    expect(await callRow(call)).toMatchObject({ region_url: "https://api-eu-3.vonage.com" });
  });

  it("we do not know gets an apology, and is not made", async () => {
    const answer = await post("/webhooks/vonage/answer?call=0199a0b1-7d1f-7000-8000-00000000dead", asked);
    expect(answer.json()).toMatchObject([{ action: "talk" }]);
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["unknown_call"]);
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
  });

  it("at the fallback hears a polite word and is connected all the same", async () => {
    const call = await outbound();
    const body = {
      ...asked,
      reason: "Read timed out.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/answer?call=${call}`, type: "answer" },
    };
    const actions = (await post("/webhooks/vonage/fallback", body)).json().map(({ action }: { action: string }) => action);
    expect(actions).toEqual(["talk", "record", "connect", ...tries, "talk"]);
  });

  it("whose lost audio is asked about at the fallback is connected anew, without recording again", async () => {
    const call = await outbound();
    const body = {
      ...asked,
      uuid: "5f0c3b9e-0000-4000-8000-00000000ab01",
      status: "unanswered",
      timestamp: now.toISOString(),
      reason: "Connection refused.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/event?call=${call}&leg=ws`, type: "event" },
    };
    const token = bearer(JSON.stringify(body));
    // Twice: our answer may have been lost on its way.
    for (let asked = 0; asked < 2; asked++)
      expect(actionsOf(await post("/webhooks/vonage/fallback", body, token))).toEqual(["connect", ...tries, "talk"]);
    // That the socket rings moves nothing, and none of it makes the call one that was handed to a person.
    expect((await post("/webhooks/vonage/fallback", { ...body, status: "ringing" })).statusCode).toBe(204);
    await inbox.sweep(true);
    expect((await db.pool.query("select kind from legs where call_id = $1", [call])).rows).not.toContainEqual({ kind: "transfer" });
  });

  it("that picks up while the database is being restarted waits for it, and is connected", async () => {
    const call = await outbound();
    await stop();
    const database = await databaseThatComesBack(db.url, 2);
    await start(database.pool, null, { somebodyWaits: 60_000, nobodyWaits: 60_000 });
    const actions = (await post(`/webhooks/vonage/answer?call=${call}`, asked)).json().map(({ action }: { action: string }) => action);
    expect(actions).toEqual(["record", "connect", ...tries, "talk"]);
    expect(database.refused()).toBe(2);
    await stop();
    await database.close();
    await start();
  });

  it("at the fallback while the database is away hears an apology at its beginning, and in its middle goes on with its instructions", async () => {
    const call = await outbound();
    await stop();
    const away = openPool("postgres://earshot@127.0.0.1:1/earshot", 1);
    await start(away);
    const about = (door: string, type: string) => ({
      ...asked,
      reason: "Connection refused.",
      original_request: { url: `${PUBLIC}/webhooks/vonage/${door}`, type },
    });
    const beginning = await post("/webhooks/vonage/fallback", about(`answer?call=${call}`, "answer"));
    expect(beginning.json().map(({ action }: { action: string }) => action)).toEqual(["talk"]);
    const lost = { ...about(`event?call=${call}&leg=ws`, "event"), status: "unanswered", timestamp: now.toISOString() };
    // No instructions: an apology would take the place of the further connects that still stand in those it has.
    expect((await post("/webhooks/vonage/fallback", lost)).statusCode).toBe(503);
    const key = { ...about(`event?call=${call}&asked=consent`, "event"), dtmf: { digits: "1" }, timestamp: now.toISOString() };
    expect((await post("/webhooks/vonage/fallback", key)).statusCode).toBe(503);
    await away.end();
  });

  it("whose audio broke is connected anew while it lives, and not when it is over", async () => {
    const call = await outbound();
    const lost = (stories.find(({ title }) => title === "the audio breaks and is not restored") as Story).webhooks[5]?.body ?? "";
    const again = await post(`/webhooks/vonage/event?call=${call}&leg=ws`, lost);
    expect(again.json().map(({ action }: { action: string }) => action)).toEqual(["connect", ...tries, "talk"]);
    await db.pool.query("update calls set status = 'ended', end_reason = 'lost', ended_at = now(), deadline_at = null where id = $1", [
      call,
    ]);
    expect((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, lost)).statusCode).toBe(204);
  });

  it("whose audio breaks again and again is given up", async () => {
    const call = await outbound();
    const lost = JSON.parse(
      (stories.find(({ title }) => title === "the audio breaks and is not restored") as Story).webhooks[5]?.body ?? "",
    );
    const codes: number[] = [];
    for (let i = 0; i < 6; i++)
      codes.push((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, { ...lost, uuid: `socket-${i}` })).statusCode);
    expect(codes).toEqual([200, 200, 200, 200, 204, 204]);
  });
});

describe("an answering machine", () => {
  const rule = { voicemail: "leave_message", voicemail_message: "Please call {{agent_name}} back." };
  const beep = machine({ sub_state: "beep_start", timestamp: "2026-03-04T10:00:18.000Z" });

  it("gets our message after its beep instead of the agent, and the call ends as voicemail", async () => {
    await withLine(rule, async () => {
      const call = await outbound();
      for (const body of [{ ...outLeg, status: "answered", timestamp: "2026-03-04T10:00:07.000Z" }, machine(), beep])
        await post(`/webhooks/vonage/event?call=${call}`, body);
      await inbox.sweep(true);
      const answer = await post(`/webhooks/vonage/answer?call=${call}`, outLeg);
      expect(actionsOf(answer)).toEqual(["record", "talk"]);
      expect(answer.json()[1].text).toBe("Please call Reception back.");
      await post(`/webhooks/vonage/event?call=${call}`, (stories[0] as Story).webhooks.at(-2)?.body.replace('"user"', '"platform"') ?? "");
      await inbox.sweep(true);
      expect(await callRow(call)).toMatchObject({
        status: "ended",
        end_reason: "voicemail",
        answered_by: "machine",
        beep_at: new Date("2026-03-04T10:00:18.000Z"),
      });
      expect(told).toContain(`machine ${call}`);
    });
  });

  it("whose webhook comes after the question is told to whoever follows the rule", async () => {
    await withLine(rule, async () => {
      const call = await outbound();
      expect(actionsOf(await post(`/webhooks/vonage/answer?call=${call}`, outLeg))).toContain("connect");
      await post(`/webhooks/vonage/event?call=${call}`, beep);
      await inbox.sweep(true);
      expect(told).toContain(`machine ${call}`);
    });
  });

  it("that hears our message is not torn from it because the agent's audio ends", async () => {
    const call = await outbound();
    await db.pool.query("update calls set message_at = now() where id = $1", [call]);
    const lost = (stories.find(({ title }) => title === "the audio breaks and is not restored") as Story).webhooks[5]?.body ?? "";
    expect((await post(`/webhooks/vonage/event?call=${call}&leg=ws`, lost)).statusCode).toBe(204);
  });

  it("leaves a person who answered to the agent", async () => {
    await withLine(rule, async () => {
      const call = await outbound();
      await post(`/webhooks/vonage/event?call=${call}`, machine({ status: "human" }));
      await inbox.sweep(true);
      expect(actionsOf(await post(`/webhooks/vonage/answer?call=${call}`, outLeg))).toContain("connect");
      expect(await callRow(call)).toMatchObject({ answered_by: "human" });
    });
  });
});

it("a notice is spoken before the agent, as its rule says, and stands once in the ledger of consent", async () => {
  await withLine({ notice: "This call is recorded.", notice_recorded: true }, async () => {
    const answer = await post("/webhooks/vonage/answer", question);
    expect(actionsOf(answer)).toEqual(["record", "talk", "connect", ...tries, "talk"]);
    expect(answer.json()[1].text).toBe("This call is recorded.");
    await post("/webhooks/vonage/answer", question);
    const { rows } = await db.pool.query("select told_by, words, answer from consents");
    expect(rows).toEqual([{ told_by: "carrier", words: "This call is recorded.", answer: "not_asked" }]);
  });
});
