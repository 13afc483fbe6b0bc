import { LineRules } from "@earshot/contract/agent";
import type { OpeningHours } from "@earshot/contract/opening-hours";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentForCall, changeAgent, createAgent, type LoadedAgent } from "../../agents/store.ts";
import { redeemSocketToken } from "../../calls/socket-token.ts";
import { inTransaction } from "../../db/pool.ts";
import {
  actionsOf,
  bearer,
  callRow,
  connects,
  db,
  get,
  inbox,
  now,
  passes,
  post,
  question,
  setStopping,
  told,
  useTestDoor,
  verdicts,
  withAgent,
} from "./test-door.ts";
import { CONVERSATION, INBOUND_PHONE, type Story, stories, type Told } from "./test-stories.ts";
import { tries } from "./test-tries.ts";

useTestDoor();

describe("people who pick up at the same moment", () => {
  const opening = (answer: { json(): unknown }) => {
    const ncco = answer.json() as { action: string; timeout?: number }[];
    return ncco.slice(0, ncco.findIndex(({ action }) => action === "connect") + 1);
  };
  const somebody = (i: number) => ({
    ...question,
    uuid: `${String(i).repeat(8)}-0000-4000-8000-000000000001`,
    conversation_uuid: `CON-${i}`,
  });

  it("are connected as fast as the carrier takes legs: who is too many waits in the carrier's hands, recorded", async () => {
    // A window longer than a loaded machine needs for four questions, and a turn somebody is kept waiting for.
    await connects(2, 4_500);
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      const ncco = opening(await post("/webhooks/vonage/answer", somebody(i)));
      expect(ncco.map(({ action }) => action)).toEqual(["record", ...(waits.length < 2 ? [] : ["wait"]), "connect"]);
      waits.push(ncco[1]?.timeout);
    }
    expect(waits.slice(0, 2)).toEqual([undefined, undefined]);
    for (const wait of waits.slice(2)) expect(wait).toBeLessThanOrEqual(4.51);
  });

  it("are not kept in silence for long: far too many are connected at once, with further tries behind it", async () => {
    await connects(1, 60_000);
    for (const i of [1, 2])
      expect(opening(await post("/webhooks/vonage/answer", somebody(i))).map(({ action }) => action)).toEqual(["record", "connect"]);
  });
});

describe("an inbound call", () => {
  it("to an agent whose engine is not configured hears an apology, and ends with that as its cause", async () => {
    await db.pool.query(`update agent_versions set settings = settings || '{"engine": "openai"}'`);
    const answer = (await post("/webhooks/vonage/answer", question)).json();
    await db.pool.query(`update agent_versions set settings = settings || '{"engine": "evi"}'`);
    expect(answer.map(({ action }: { action: string }) => action)).toEqual(["talk"]);
    passes(2_000);
    await post("/webhooks/vonage/event", {
      from: question.from,
      to: question.to,
      uuid: INBOUND_PHONE,
      conversation_uuid: CONVERSATION,
      status: "completed",
      direction: "inbound",
      duration: "2",
      disconnected_by: "platform",
      timestamp: now.toISOString(),
    });
    await inbox.sweep(true);
    expect((await db.pool.query("select status, end_reason, end_detail from calls")).rows).toEqual([
      { status: "ended", end_reason: "engine_failed", end_detail: "The engine openai is not configured." },
    ]);
    expect(told.filter((one) => one.startsWith("dialing"))).toEqual([]);
  });

  it("that comes while the server is being stopped hears an apology in its agent's language, and ends as turned away; one that was taken goes on", async () => {
    const taken = { ...question, uuid: "taken-1", conversation_uuid: "CON-taken" };
    expect(actionsOf(await post("/webhooks/vonage/answer", taken))).toContain("connect");
    setStopping(true);
    try {
      expect(actionsOf(await post("/webhooks/vonage/answer", taken))).toContain("connect");
      await withAgent({ language: "de" }, async () => {
        for (let i = 0; i < 2; i++)
          expect((await post("/webhooks/vonage/answer", question)).json()).toMatchObject([{ action: "talk", language: "de-DE" }]);
      });
    } finally {
      setStopping(false);
    }
    const over = { status: "completed", direction: "inbound", duration: "4", disconnected_by: "platform" };
    for (const leg of [taken, question]) await post("/webhooks/vonage/event", { ...leg, ...over, timestamp: now.toISOString() });
    await inbox.sweep(true);
    const { rows } = await db.pool.query("select end_reason, end_detail from calls order by phone_leg = 'taken-1'");
    expect(rows).toMatchObject([
      { end_reason: "turned_away", end_detail: "The server was being stopped, and no other one was there to take the call." },
      { end_reason: "media_failed" },
    ]);
    expect(told.filter((one) => one.startsWith("dialing"))).toHaveLength(2);
  });

  it.each(["GET", "POST"])("asked for by %s has its row before the answer, and is recorded before it is connected", async (method) => {
    const answer = method === "GET" ? await get("/webhooks/vonage/answer", question) : await post("/webhooks/vonage/answer", question);
    const { rows } = await db.pool.query("select * from calls");
    expect(rows).toMatchObject([
      {
        direction: "inbound",
        status: "ringing",
        from_number: "+12025550106",
        to_number: "+12025550100",
        phone_leg: INBOUND_PHONE,
        conversation: CONVERSATION,
      },
    ]);
    expect(answer.json().map(({ action }: { action: string }) => action)).toEqual(["record", "connect", ...tries, "talk"]);
    const [endpoint] = answer.json()[1].endpoint;
    expect(endpoint["content-type"]).toBe("audio/l16;rate=24000");
    expect(endpoint.headers).toEqual({ call: rows[0].id });
    expect((await redeemSocketToken(db.pool, "process-1", endpoint.uri.split("/").at(-1)))?.call).toBe(rows[0].id);
    await inbox.sweep(true);
    expect(told).toContain(`dialing ${rows[0].id}`);
  });

  it("asked for twice is one call with fresh tokens", async () => {
    const [one, two] = await Promise.all([post("/webhooks/vonage/answer", question), post("/webhooks/vonage/answer", question)]);
    expect((await db.pool.query("select from calls")).rowCount).toBe(1);
    expect(one?.json()[1].endpoint[0].uri).not.toBe(two?.json()[1].endpoint[0].uri);
    await inbox.sweep(true);
    expect((await verdicts()).sort()).toEqual(["applied", "duplicate"]);
  });

  it("a replayed question cannot open a second conversation", async () => {
    const body = JSON.stringify(question);
    const token = bearer(body);
    const uri = (await post("/webhooks/vonage/answer", body, token)).json()[1].endpoint[0].uri;
    await redeemSocketToken(db.pool, "process-1", uri.split("/").at(-1));
    expect((await post("/webhooks/vonage/answer", body, token)).statusCode).toBe(401);
  });

  it("with a withheld or odd caller id is taken all the same", async () => {
    for (const [i, from] of ["anonymous", "Restricted", "+1 (202)", ""].entries()) {
      expect((await post("/webhooks/vonage/answer", { ...question, from, uuid: `leg-${i}` })).statusCode).toBe(200);
    }
    const { rows } = await db.pool.query("select from_number from calls");
    expect(rows).toEqual(Array(4).fill({ from_number: null }));
  });

  it("is answered by the agent of the called number, without recording when its policy says no", async () => {
    const before = await agentForCall(db.pool, null);
    await inTransaction(db.pool, (sql) => changeAgent(sql, before.id, { ...before.settings, record: false }));
    const answer = await post("/webhooks/vonage/answer", question);
    await inTransaction(db.pool, (sql) => changeAgent(sql, before.id, before.settings));
    expect(answer.json().map(({ action }: { action: string }) => action)).toEqual(["connect", ...tries, "talk"]);
  });

  it("whose events came before its question is one call, which its question then connects", async () => {
    const story = stories.find(({ direction }) => direction === "inbound") as Story;
    await post("/webhooks/vonage/event", (story.webhooks[2] as Told).body);
    await inbox.sweep(true);
    expect(await verdicts()).toEqual(["applied"]);
    expect((await post("/webhooks/vonage/answer", question)).json()[1]).toMatchObject({ action: "connect" });
    await inbox.sweep(true);
    expect((await verdicts()).sort()).toEqual(["applied", "applied"]);
    expect((await db.pool.query("select status from calls")).rows).toEqual([{ status: "in_progress" }]);
  });

  it("whose question never came is accounted for by what is told of it", async () => {
    const leg = { uuid: "unasked", conversation_uuid: "CON-unasked", from: "12025550106", to: "12025550100", direction: "inbound" };
    const say = (status: string, second: number, more = {}) =>
      post("/webhooks/vonage/event", { ...leg, status, timestamp: `2026-03-04T10:00:0${second}.000Z`, ...more });
    await say("started", 0);
    await say("ringing", 1);
    await inbox.sweep(true);
    const { rows } = await db.pool.query("select id, direction, status, from_number, to_number, agent_id is not null as taken from calls");
    expect(rows).toMatchObject([
      { direction: "inbound", status: "ringing", from_number: "+12025550106", to_number: "+12025550100", taken: true },
    ]);
    await say("completed", 4, { duration: "0", disconnected_by: "user" });
    await inbox.sweep(true);
    expect(await callRow(rows[0].id)).toMatchObject({ status: "ended", end_reason: "cancelled" });
    await say("completed", 9, { duration: "0", uuid: "unmarked", direction: "outbound", conversation_uuid: "CON-other" });
    await inbox.sweep(true);
    expect((await verdicts()).filter((one) => one === "unknown_call")).toHaveLength(1);
    expect((await db.pool.query("select from calls")).rowCount).toBe(1);
  });

  it("without a leg, or as nonsense, gets an apology and makes no call", async () => {
    for (const body of ["{}", "[1]", "not json", '{"uuid":"\\u0000"}']) {
      const answer = await post("/webhooks/vonage/answer", body);
      expect(answer.json()).toMatchObject([{ action: "talk" }]);
    }
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
    await inbox.sweep(true);
    expect(new Set(await verdicts())).toEqual(new Set(["unreadable"]));
  });
});

describe("an inbound call outside the opening hours", () => {
  let before: LoadedAgent;
  beforeEach(async () => {
    before = await agentForCall(db.pool, null);
  });
  afterEach(() => inTransaction(db.pool, (sql) => changeAgent(sql, before.id, before.settings)));
  const closedWith = (otherwise: OpeningHours["otherwise"], language = "en") => {
    const hours: OpeningHours = { time_zone: "Europe/Berlin", open: [], closed_on: [], otherwise };
    return inTransaction(db.pool, (sql) => changeAgent(sql, before.id, { ...before.settings, language, line: LineRules.parse({ hours }) }));
  };
  const over = (uuid: string) =>
    post("/webhooks/vonage/event", {
      ...{ uuid, conversation_uuid: CONVERSATION, from: "12025550106", to: "12025550100", direction: "inbound" },
      ...{ status: "completed", duration: "4", disconnected_by: "platform", timestamp: "2026-03-04T10:00:09.000Z" },
    });
  const theCall = async () => (await db.pool.query("select * from calls")).rows[0];

  it("hears the sentence in the agent's language, however often it is asked, and ends so", async () => {
    await closedWith({ do: "say", text: "Wir haben geschlossen." }, "de");
    for (let i = 0; i < 2; i++) {
      const answer = await post("/webhooks/vonage/answer", question);
      expect(answer.json()).toEqual([{ action: "talk", text: "Wir haben geschlossen.", language: "de-DE" }]);
    }
    await inbox.sweep(true);
    expect(told.filter((one) => one.startsWith("dialing"))).toEqual([]);
    await over(INBOUND_PHONE);
    await inbox.sweep(true);
    expect(await theCall()).toMatchObject({ status: "ended", end_reason: "outside_hours" });
    expect((await db.pool.query("select from recordings")).rowCount).toBe(0);
  });

  it("is taken by another agent", async () => {
    const night = await inTransaction(db.pool, (sql) => createAgent(sql, { ...before.settings, name: "Night", numbers: [] }));
    await closedWith({ do: "agent", agent_id: night.id });
    expect((await post("/webhooks/vonage/answer", question)).json()[1]).toMatchObject({ action: "connect" });
    expect(await theCall()).toMatchObject({ agent_id: night.id, closed_at: null });
  });

  it("rings another number; the sentence comes when nobody is there", async () => {
    await closedWith({ do: "number", number: "+1 202 555 0110", text: "Nobody is here." });
    const [connect] = (await post("/webhooks/vonage/answer", question)).json();
    expect(connect).toMatchObject({ action: "connect", endpoint: [{ type: "phone", number: "12025550110" }] });
    const { id } = await theCall();
    const at = `/webhooks/vonage/event?call=${id}&leg=transfer`;
    const person = { uuid: "person-9", conversation_uuid: "CON-9", from: "12025550100", to: "12025550110", direction: "outbound" };
    const sorry = await post(at, { ...person, status: "busy", timestamp: "2026-03-04T10:00:05.000Z" });
    expect(sorry.json()).toEqual([{ action: "talk", text: "Nobody is here.", language: "en-US" }]);
    await inbox.sweep(true);
    expect((await db.pool.query("select result, asked_by from transfers")).rows).toEqual([{ result: "busy", asked_by: "us" }]);
    await over(INBOUND_PHONE);
    await inbox.sweep(true);
    expect(await theCall()).toMatchObject({ end_reason: "outside_hours" });
  });

  it("rings no number that may not be dialled", async () => {
    await closedWith({ do: "number", number: "+4930123456", text: "Nobody is here." });
    expect((await post("/webhooks/vonage/answer", question)).json()).toMatchObject([{ action: "talk", text: "Nobody is here." }]);
    expect((await db.pool.query("select from transfers")).rowCount).toBe(0);
  });
});
