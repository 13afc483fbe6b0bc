import { LineRules } from "@earshot/contract/agent";
import { describe, expect, it } from "vitest";
import { redeemSocketToken } from "../../calls/socket-token.ts";
import type { CallId } from "../../ids.ts";
import { actionsOf, callRow, db, inbox, PUBLIC, post, question, useTestDoor, withAgent } from "./test-door.ts";
import { tries } from "./test-tries.ts";

useTestDoor();

describe("an agent that asks before it records", () => {
  const asks = { recording: { sources: ["carrier" as const, "journal" as const], consent: "ask" as const } };
  const key = (digits: string | null, second = "15") => ({
    ...question,
    speech: { results: [] },
    dtmf: { digits, timed_out: digits === null },
    timestamp: `2026-03-04T10:01:${second}.000Z`,
  });
  /** Asked, and answered so; the answer's instructions. */
  async function answered(digits: string | null) {
    const asked = await post("/webhooks/vonage/answer", question);
    const call = (await db.pool.query<{ id: CallId }>("select id from calls")).rows[0]?.id as CallId;
    const [url] = asked.json()[1].eventUrl;
    expect(url).toBe(`${PUBLIC}/webhooks/vonage/event?call=${call}&asked=consent`);
    const answer = await post(url.slice(PUBLIC.length), key(digits));
    await inbox.sweep(true);
    return { asked, call, answer };
  }
  const ledger = async () => (await db.pool.query("select told_by, words, answer, detail from consents order by at, id")).rows;
  const expected = async () => (await db.pool.query("select source from recordings")).rows;
  const opens = async (answer: { json(): { action: string; endpoint: { uri: string }[] }[] }) => {
    const connect = answer.json().find(({ action }) => action === "connect");
    return redeemSocketToken(db.pool, "process-1", connect?.endpoint[0]?.uri.split("/").at(-1) ?? "");
  };

  it("is instructed to ask, and to go on unrecorded whatever comes of it", async () => {
    await withAgent(asks, async () => {
      const { asked, call } = await answered(null);
      expect(actionsOf(asked)).toEqual(["talk", "input", "connect", ...tries, "talk"]);
      expect(asked.json()[0]).toMatchObject({ text: expect.stringContaining("press 1"), bargeIn: true });
      expect(asked.json()[1]).toMatchObject({ type: ["dtmf"], dtmf: { maxDigits: 1, timeOut: 6 } });
      expect(await opens(asked)).toEqual({ call, keepsSound: false });
    });
  });

  it("records after a 1: the carrier is told so, its recording is expected, our sound is kept, and the ledger has question and answer", async () => {
    await withAgent(asks, async () => {
      const { call, answer } = await answered("1");
      expect(actionsOf(answer)).toEqual(["record", "connect", ...tries, "talk"]);
      expect(await callRow(call)).toMatchObject({ recording_consent: "given" });
      expect(await expected()).toEqual([{ source: "carrier" }]);
      expect(await opens(answer)).toEqual({ call, keepsSound: true });
      const words = expect.stringContaining("press 1");
      expect(await ledger()).toEqual([
        { told_by: "carrier", words, answer: "not_asked", detail: { asks: true } },
        { told_by: "carrier", words, answer: "given", detail: { by: "key", digits: "1" } },
      ]);
    });
  });

  it.each([
    ["2", "refused"],
    [null, "silent"],
  ] as const)("does not record after %s: the carrier goes on with what it has, and nothing is expected", async (digits, consent) => {
    await withAgent(asks, async () => {
      const { call, answer } = await answered(digits);
      expect([answer.statusCode, answer.body]).toEqual([204, ""]);
      expect(await callRow(call)).toMatchObject({ recording_consent: consent });
      expect(await expected()).toEqual([]);
      expect((await ledger()).map((row) => row.answer)).toEqual(["not_asked", consent]);
    });
  });

  it("hears a 1 that could be told to the fallback only", async () => {
    await withAgent(asks, async () => {
      const asked = await post("/webhooks/vonage/answer", question);
      const { url, type } = { url: asked.json()[1].eventUrl[0], type: "event" };
      const told = { ...key("1"), reason: "Connection refused.", original_request: { url, type } };
      expect(actionsOf(await post("/webhooks/vonage/fallback", told))).toEqual(["record", "connect", ...tries, "talk"]);
      await inbox.sweep(true);
      const { rows } = await db.pool.query("select recording_consent from calls");
      expect(rows).toEqual([{ recording_consent: "given" }]);
      expect((await ledger()).map((row) => row.answer)).toEqual(["not_asked", "given"]);
      expect((await db.pool.query("select said from events where kind = 'keys.pressed'")).rows).toEqual([
        { said: "The caller pressed 1." },
      ]);
    });
  });

  it("keeps the first answer, and does not ask again who has answered", async () => {
    await withAgent(asks, async () => {
      const { call } = await answered("2");
      const later = await post(`/webhooks/vonage/event?call=${call}&asked=consent`, key("1", "20"));
      expect(later.statusCode).toBe(204);
      expect(await callRow(call)).toMatchObject({ recording_consent: "refused" });
      expect(await ledger()).toHaveLength(2);
      const again = await post("/webhooks/vonage/answer", question);
      expect(actionsOf(again)).toEqual(["connect", ...tries, "talk"]);
    });
  });

  it("asks in its own words, and records nothing of an agent that does not record", async () => {
    await withAgent({ ...asks, line: LineRules.parse({ notice: "May we record? Press 1." }) }, async () => {
      const { asked } = await answered("1");
      expect(asked.json()[0].text).toBe("May we record? Press 1.");
    });
    await db.pool.query(
      "delete from events; delete from consents; delete from socket_tokens; delete from recordings; delete from legs; delete from calls",
    );
    await withAgent({ ...asks, record: false }, async () => {
      expect(actionsOf(await post("/webhooks/vonage/answer", question))).toEqual(["connect", ...tries, "talk"]);
    });
  });

  it("of another kind says a notice of ours, and records only the sources wanted", async () => {
    await withAgent({ recording: { sources: ["journal"], consent: "notice" } }, async () => {
      const answer = await post("/webhooks/vonage/answer", question);
      expect(actionsOf(answer)).toEqual(["talk", "connect", ...tries, "talk"]);
      expect(answer.json()[0].text).toBe("This call is recorded.");
      expect(await opens(answer)).toMatchObject({ keepsSound: true });
    });
  });
});
