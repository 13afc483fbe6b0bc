import { describe, expect, it } from "vitest";
import { insertTransfer } from "../../calls/transfers.ts";
import { startWatchdog } from "../../calls/watchdog.ts";
import type { CallId, LegId } from "../../ids.ts";
import {
  callRow,
  clock,
  db,
  forgetAll,
  inbox,
  kinds,
  log,
  now,
  outbound,
  post,
  question,
  setNow,
  silent,
  told,
  useTestDoor,
  verdicts,
} from "./test-door.ts";
import { CONVERSATION, chance, jumbled, type Story, stories, type Told } from "./test-stories.ts";

useTestDoor();

describe("whole calls through the door", () => {
  const dead = () => startWatchdog({ pool: db.pool, carrier: silent, clock, log, everyMs: 1e9 });

  const theTransfer = async (call: CallId) =>
    (await db.pool.query("select result, leg, ringing_at, connected_at, ended_at, detail from transfers where call_id = $1", [call]))
      .rows[0];
  const transferOf = async (call: CallId): Promise<string | undefined> => (await theTransfer(call))?.result;

  async function play(story: Story, webhooks: readonly Told[], oneByOne = false): Promise<CallId> {
    let call: CallId;
    if (story.direction === "outbound") call = await outbound();
    else {
      setNow(new Date("2026-03-04T10:00:00.500Z"));
      await post("/webhooks/vonage/answer", question);
      setNow(new Date("2026-03-04T10:01:30.000Z"));
      call = (await db.pool.query<{ id: CallId }>("select id from calls")).rows[0]?.id as CallId;
    }
    await db.pool.query(
      "update calls set hangup_asked_at = case when $2::text is not null then timestamptz '2026-03-04T10:00:04Z' end, hangup_asked_by = $2 where id = $1",
      [call, story.hangupAskedBy ?? null],
    );
    await db.pool.query(
      "update calls set closed_at = case when $2 then created_at end, message_at = case when $3 then timestamptz '2026-03-04T10:00:20Z' end where id = $1",
      [call, story.closed === true, story.messageLeft === true],
    );
    if (story.webhooks.some(({ marks }) => marks?.endsWith("transfer")))
      await insertTransfer(db.pool, { call, to: "+12025550110", announcement: null, by: "agent", at: new Date("2026-03-04T10:00:29Z") });
    if (story.maxMinutes) {
      await db.pool.query(
        "insert into agent_versions (agent_id, version, settings) select agent_id, 1000, settings || jsonb_build_object('max_minutes', $2::int) from agent_versions v where (v.agent_id, v.version) = (select agent_id, agent_version from calls where id = $1) on conflict do nothing",
        [call, story.maxMinutes],
      );
      await db.pool.query("update calls set agent_version = 1000 where id = $1", [call]);
    }
    const tell = ({ marks, body }: Told) => post(`/webhooks/vonage/event${marks === null ? "" : marks.replace("CALL", call)}`, body);
    for (const webhook of oneByOne ? webhooks : []) {
      await tell(webhook);
      await inbox.sweep(true);
    }
    if (!oneByOne) await Promise.all(webhooks.map(tell));
    await inbox.sweep(true);
    return call;
  }

  it.each(stories)("$title: ends as $ends, also doubled and out of order", async (story) => {
    const call = await play(story, jumbled(story.webhooks, chance(stories.indexOf(story) + 1)));
    const row = await callRow(call);
    expect(row).toMatchObject({ status: "ended", end_reason: story.ends, deadline_at: null });
    expect(row.answered_at === null ? null : row.ended_at.getTime() - row.answered_at.getTime()).toBe(story.talkMs);
    expect((await kinds(call)).filter((kind) => kind === "call.ended")).toHaveLength(1);
    expect(
      (await verdicts()).filter((verdict) => verdict !== "duplicate" && verdict !== "applied" && verdict !== "late" && verdict !== "kept"),
    ).toEqual([]);
    const { rows } = await db.pool.query(
      "select count(*)::int as n, count(distinct identity)::int as names from webhooks where verdict in ('applied', 'kept', 'late')",
    );
    expect(rows[0].n).toBe(rows[0].names);
    expect(told.filter((one) => one === `ended ${call}`)).toHaveLength(1);
    expect(await transferOf(call)).toBe(story.transfer);
  });

  const handed = stories.filter(({ transfer }) => transfer !== undefined);
  // Nine whole calls, each webhook applied by itself.
  it.each(handed)("$title: the transfer is $transfer in every order", { timeout: 90_000 }, async (story) => {
    const right = await theTransfer(await play(story, story.webhooks));
    expect(right).toMatchObject({ result: story.transfer, leg: expect.any(String) });
    for (let seed = 1; seed <= 8; seed++) {
      setNow(new Date("2026-03-04T10:01:30.000Z"));
      await forgetAll();
      // One by one: what comes together is applied together, and then order matters less.
      expect(await theTransfer(await play(story, jumbled(story.webhooks, chance(seed)), true)), `seed ${seed}`).toEqual(right);
    }
  });

  it.each(stories)("$title: ends as $ends or lost when webhooks never come", async (story) => {
    const call = await play(story, jumbled(story.webhooks, chance(stories.indexOf(story) + 99), 0.5));
    for (let looks = 0; looks < 3; looks++) {
      setNow(new Date(now.getTime() + 2 * 3_600_000));
      const watchdog = dead();
      await watchdog.tick();
      await watchdog.close();
    }
    const row = await callRow(call);
    expect(row.status).toBe("ended");
    expect([story.ends, "lost"]).toContain(row.end_reason);
  });

  it("a recording is expected once the call is answered, and announced when Vonage has it", async () => {
    const story = stories[0] as Story;
    const call = await play(story, story.webhooks.slice(0, -1));
    const carriers = () =>
      db.pool.query("select status, carrier_recording from recordings where call_id = $1 and source = 'carrier'", [call]);
    expect((await carriers()).rows).toEqual([{ status: "expected", carrier_recording: null }]);
    await post(`/webhooks/vonage/recording?call=${call}`, story.webhooks.at(-1)?.body ?? "");
    await inbox.sweep(true);
    expect((await carriers()).rows).toMatchObject([{ status: "announced" }]);
    expect(told).toContain("recorded");
  });

  it("a call nobody answers expects no recording", async () => {
    const story = stories.find(({ ends }) => ends === "busy") as Story;
    const call = await play(story, story.webhooks);
    expect((await db.pool.query("select from recordings where call_id = $1", [call])).rowCount).toBe(0);
  });

  it("the legs keep the carrier's times and price, the phone's and the socket's apart", async () => {
    const story = stories[0] as Story;
    const call = await play(story, story.webhooks);
    const { rows } = await db.pool.query(
      "select kind, status, price::text, duration_s, disconnected_by from legs where call_id = $1 order by kind",
      [call],
    );
    expect(rows).toEqual([
      { kind: "phone", status: "completed", price: "0.01524000", duration_s: 72, disconnected_by: "user" },
      { kind: "socket", status: "completed", price: "0.00000000", duration_s: 72, disconnected_by: null },
    ]);
    expect(await callRow(call)).toMatchObject({
      phone_leg: "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11" as LegId,
      socket_leg: "0a1b2c3d-0000-4111-8222-333344445555",
      conversation: CONVERSATION,
    });
    expect(await kinds(call)).toEqual(
      expect.arrayContaining(["call.placed", "call.dialed", "call.ringing", "call.answered", "audio.connected", "call.ended"]),
    );
  });

  it("a webhook played to another call's address moves neither call", async () => {
    const story = stories[0] as Story;
    const call = await play(story, story.webhooks.slice(0, 3));
    const other = await outbound();
    await post(`/webhooks/vonage/event?call=${other}`, (story.webhooks.at(-2) as Told).body);
    await inbox.sweep(true);
    expect(await callRow(other)).toMatchObject({ status: "dialing", phone_leg: null });
    expect(await callRow(call)).toMatchObject({ status: "in_progress" });
  });
});
