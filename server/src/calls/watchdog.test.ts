import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import { CarrierRegionUnknown } from "../carrier/failures.ts";
import type { Carrier, CarrierEvent, LegEnd, LegState } from "../carrier/port.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { applyCarrierEvent } from "./apply.ts";
import { recordEvent } from "./events.ts";
import { hangUp } from "./hang-up.ts";
import { placeCall } from "./place.ts";
import { recoverCalls, startWatchdog, type WatchdogParts } from "./watchdog.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await ensureFirstAgent(db.pool);
  await db.pool.query("insert into carrier_rates (name, most, window_ms) values ('told create', 1000, 1)");
});
afterEach(() =>
  db.pool.query(
    "delete from events; delete from legs; delete from socket_tokens; delete from recordings; delete from webhooks; delete from exchanges; delete from transfers; delete from calls; delete from settings",
  ),
);
afterAll(() => db.drop());

const LEG = "leg-1" as LegId;
const START = Date.parse("2026-03-04T10:00:00.000Z");
let now = new Date(START);
let asked = 0;
let hungUp = 0;
let telling: () => Promise<LegState | null>;
const ended: CallId[] = [];
beforeEach(() => {
  now = new Date(START);
  asked = 0;
  hungUp = 0;
  telling = async () => null;
  ended.length = 0;
});

const facts = {
  startedAt: null,
  endedAt: null,
  durationS: null,
  rate: null,
  price: null,
  network: null,
  disconnectedBy: null,
  sipCode: null,
  detail: null,
};
const state = (status: string, end: LegEnd | null = null, more: object = {}): LegState => ({
  leg: LEG,
  status,
  end,
  facts: { ...facts, ...more },
});
const carrier: Carrier = {
  name: "told",
  dial: async () => ({ dialed: "yes", leg: LEG, conversation: null }),
  hangUp: async () => {
    hungUp++;
  },
  legState: () => {
    asked++;
    return telling();
  },
  openRecording: async () => {
    throw new Error("none");
  },
  mayFetch: () => false,
};
const parts = (more: Partial<WatchdogParts> = {}): WatchdogParts => ({
  pool: db.pool,
  carrier,
  clock: { now: () => now, monotonicMs: () => 0 },
  log: pino({ level: "silent" }),
  onEnded: (call) => ended.push(call),
  everyMs: 1e9,
  ...more,
});

/** A call as it stands: dialing for `status` dialing, and so on. */
async function call(status: "queued" | "dialing" | "ringing" | "in_progress", more: Partial<Carrier> = {}): Promise<CallId> {
  const dialing = new Set<Promise<void>>();
  const id = await placeCall(
    { owner: "process-1", ...parts(), carrier: { ...carrier, ...more }, number: "+12025550100", dialing },
    { to: "+12025550101" },
    { actor: "user:x", idempotencyKey: null },
  );
  await Promise.all(dialing);
  if (status === "queued")
    await db.pool.query(
      "update calls set status = 'queued', dialed_at = null, phone_leg = null, deadline_at = created_at + interval '60 s' where id = $1",
      [id],
    );
  if (status === "ringing")
    await db.pool.query(
      "update calls set status = 'ringing', ringing_at = $2, deadline_at = $2::timestamptz + interval '75 s' where id = $1",
      [id, now],
    );
  if (status === "in_progress")
    await db.pool.query(
      "update calls set status = 'in_progress', answered_at = $2, socket_started_at = $2, deadline_at = $2::timestamptz + interval '16 min' where id = $1",
      [id, now],
    );
  return id;
}
async function row(id: CallId) {
  return (await db.pool.query("select * from calls where id = $1", [id])).rows[0];
}
async function after(seconds: number, more: Partial<WatchdogParts> = {}): Promise<void> {
  now = new Date(now.getTime() + seconds * 1000);
  const watchdog = startWatchdog(parts(more));
  await watchdog.tick();
  await watchdog.close();
}

describe("the watchdog", () => {
  it("leaves calls alone before their deadline", async () => {
    const id = await call("ringing");
    await after(60);
    expect(asked).toBe(0);
    expect(await row(id)).toMatchObject({ status: "ringing" });
  });

  it.each([
    ["never had our audio: it failed at that", null, "media_failed"],
    ["had it: the caller hung up", new Date(START + 1_000), "caller_hung_up"],
  ] as const)("hears only that a call is completed, and not who ended it; it %s", async (_, audioAt, end) => {
    const id = await call("dialing");
    await db.pool.query("update calls set socket_started_at = $2 where id = $1", [id, audioAt]);
    telling = async () => state("completed", "completed", { durationS: 4, startedAt: new Date(START), endedAt: new Date(START + 4_000) });
    await after(20 * 60);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: end });
  });

  it.each(["dialing", "ringing", "in_progress"] as const)(
    "ends a call that is %s for too long as lost, with the evidence, when the carrier does not know it",
    async (status) => {
      const id = await call(status);
      await after(20 * 60);
      expect((await row(id)).status).toBe(status);
      await after(20);
      expect(await row(id)).toMatchObject({
        status: "ended",
        end_reason: "lost",
        end_detail: expect.stringContaining(`while it was ${status}; asked, the carrier: does not know the leg`),
      });
      expect(ended).toEqual([id]);
    },
  );

  it("ends a call that was never sent to the carrier as not dialed", async () => {
    const id = await call("queued");
    await after(61);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "not_dialed" });
    expect(asked).toBe(0);
  });

  it("ends a call whose dialling is unknown and of which nothing was heard as lost, and never dials it again", async () => {
    let dials = 0;
    const id = await call("dialing", {
      dial: async () => {
        dials++;
        return { dialed: "unknown", text: "No answer came." };
      },
    });
    await after(106);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost", end_detail: expect.stringContaining("never named a leg") });
    expect(dials).toBe(1);
  });

  it("finds a call whose dialling was unknown at the carrier, and takes its end from there", async () => {
    const id = await call("dialing", { dial: async () => ({ dialed: "unknown", text: "No answer came." }) });
    let legs = [state("ringing")];
    const finding = { carrier: { ...carrier, legsDialed: async () => legs } };
    await after(11, finding);
    expect(await row(id)).toMatchObject({ status: "ringing", phone_leg: LEG });
    legs = [];
    telling = async () => state("timeout", "no_answer", { endedAt: new Date(START + 60_000) });
    await after(200, finding);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "no_answer" });
  });

  it("takes no leg for a call of unknown dialling when several could be it, or it is another call's", async () => {
    const other = await call("ringing");
    await db.pool.query("update calls set phone_leg = 'leg-2' where id = $1", [other]);
    const id = await call("dialing", { dial: async () => ({ dialed: "unknown", text: "No answer came." }) });
    const two = [state("ringing"), { ...state("ringing"), leg: "leg-3" as LegId }];
    await after(11, { carrier: { ...carrier, legsDialed: async () => two } });
    await after(31, { carrier: { ...carrier, legsDialed: async () => [{ ...state("ringing"), leg: "leg-2" as LegId }] } });
    expect(await row(id)).toMatchObject({ status: "dialing", phone_leg: null });
    await after(70);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost" });
  });

  it.each<[LegEnd, string, object, string]>([
    ["busy", "busy", {}, "busy"],
    ["no_answer", "timeout", {}, "no_answer"],
    ["invalid_number", "rejected", {}, "invalid_number"],
    ["completed", "completed", { durationS: 30, disconnectedBy: "user" }, "caller_hung_up"],
  ])("takes the carrier's word when the webhook of %s was lost", async (end, status, more, reason) => {
    const id = await call("ringing");
    telling = async () => state(status, end, { endedAt: new Date(START + 30_000), ...more });
    await after(76);
    expect(asked).toBe(1);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: reason, ended_at: new Date(START + 30_000) });
    expect(ended).toEqual([id]);
  });

  it("an end without a reason becomes lost, with what the carrier said", async () => {
    const id = await call("ringing");
    telling = async () => state("completed", "completed", { durationS: 0 });
    await after(76);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost", end_detail: expect.stringContaining('says "completed"') });
  });

  it("hangs up a call that lasts too long, and takes the word of its end as the time limit", async () => {
    const id = await call("in_progress");
    telling = async () => state("answered");
    await after(16 * 60 + 1);
    expect(hungUp).toBe(1);
    expect(await row(id)).toMatchObject({ status: "in_progress", hangup_asked_by: "us:time_limit" });
    telling = async () => state("completed", "completed", { durationS: 961, endedAt: now, disconnectedBy: "platform" });
    await after(31);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "time_limit" });
  });

  it("gives up a call that lives on although it was hung up", async () => {
    const id = await call("in_progress");
    telling = async () => state("answered");
    await after(16 * 60 + 1);
    await after(31);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost", end_detail: expect.stringContaining('says "answered"') });
  });

  it("waits with a carrier that cannot be asked, but not for ever", async () => {
    const id = await call("ringing");
    telling = () => Promise.reject(new Error("no route"));
    await after(76);
    expect((await row(id)).status).toBe("ringing");
    await after(31);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost", end_detail: expect.stringContaining("no route") });
  });

  it("lets a lost call end with the last sign of it, and not when it looked", async () => {
    const id = await call("in_progress");
    const at = new Date(START + 8_000);
    await recordEvent(db.pool, {
      call: id,
      at: new Date(START + 3_000),
      kind: "caller.cut_in",
      actor: "caller",
      said: "The caller cut in.",
    });
    const detail = { until: at.toISOString() };
    await recordEvent(db.pool, {
      call: id,
      at: new Date(START + 60_000),
      kind: "journal.finished",
      actor: "us",
      said: "Finished.",
      detail,
    });
    await recoverCalls(db.pool, new Date(START + 120_000));
    await after(131);
    await after(16);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost", ended_at: at });
  });

  it("looks soon, and again, at an answered call whose audio does not come", async () => {
    const id = await call("ringing");
    await inTransaction(db.pool, (sql) =>
      applyCarrierEvent(
        sql,
        { happened: "answered", kind: "phone", leg: LEG, conversation: null, call: id, from: null, to: null, at: now },
        null,
        now,
      ),
    );
    telling = async () => state("answered");
    await after(21);
    expect(asked).toBe(1);
    await after(31);
    expect(asked).toBe(2);
    expect(await row(id)).toMatchObject({ status: "in_progress", hangup_asked_at: null });
    telling = async () => state("completed", "completed", { durationS: 50, disconnectedBy: "user", endedAt: new Date(START + 50_000) });
    await after(31);
    expect(await row(id)).toMatchObject({ status: "ended", ended_at: new Date(START + 50_000) });
  });

  it("looks soon at a call whose recording was announced", async () => {
    const id = await call("in_progress");
    await inTransaction(db.pool, (sql) =>
      applyCarrierEvent(
        sql,
        {
          ...{ happened: "recorded", kind: "phone", leg: null, conversation: null, call: id, from: null, to: null, at: now },
          ...{ recording: "recording-1", url: "https://api.nexmo.com/v1/files/1", sizeBytes: 1_000, startedAt: now, endedAt: now },
        } as CarrierEvent,
        null,
        now,
      ),
    );
    telling = async () => state("completed", "completed", { durationS: 5, disconnectedBy: "user", endedAt: now });
    await after(16);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "caller_hung_up" });
  });

  it("hangs up a call that it finds only now and that somebody wanted ended", async () => {
    const id = await call("dialing", { dial: async () => ({ dialed: "unknown", text: "No answer came." }) });
    await hangUp({ ...parts(), carrier }, id, "operator");
    expect(hungUp).toBe(0);
    await after(31, { carrier: { ...carrier, legsDialed: async () => [state("ringing")] } });
    expect(await row(id)).toMatchObject({ status: "ringing", phone_leg: LEG, hangup_asked_by: "operator" });
    expect(hungUp).toBe(1);
  });

  it("leaves a call to the process that hears it, while that lives and looks", async () => {
    const id = await call("in_progress");
    await db.pool.query("insert into processes (name) values ('process-1')");
    await recoverCalls(db.pool, now);
    await after(11, { owner: "process-2" });
    await after(31, { owner: "process-2" });
    expect(asked).toBe(0);
    expect(await row(id)).toMatchObject({ status: "in_progress", asked_at: null });
    await after(0, { owner: "process-1", carries: () => true });
    expect(asked).toBe(1);
    expect((await row(id)).status).toBe("in_progress");
    await db.pool.query("delete from processes");
    await recoverCalls(db.pool, now);
    await after(11, { owner: "process-2" });
    await after(16, { owner: "process-2" });
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost" });
  });

  it("looks at a call whose process lives and has not looked for a minute", async () => {
    await call("in_progress");
    await db.pool.query("insert into processes (name) values ('process-1')");
    await recoverCalls(db.pool, now);
    await after(80, { owner: "process-2" });
    expect(asked).toBe(1);
    await db.pool.query("delete from processes");
  });

  it("of two servers looks at each call once", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => call("queued")));
    now = new Date(START + 120_000);
    const two = [startWatchdog(parts()), startWatchdog(parts())];
    await Promise.all(two.map((one) => one.tick()));
    await Promise.all(two.map((one) => one.close()));
    expect(ended.toSorted()).toEqual(ids.toSorted());
    const { rows } = await db.pool.query("select count(*)::int as n from events where kind = 'call.ended'");
    expect(rows).toEqual([{ n: 8 }]);
  });
});

describe("after a restart", () => {
  it("a call that still runs goes on, with its own deadline again", async () => {
    const id = await call("in_progress");
    const { deadline_at } = await row(id);
    expect(await recoverCalls(db.pool, now)).toBe(1);
    telling = async () => state("answered");
    await after(11);
    expect(await row(id)).toMatchObject({ status: "in_progress", deadline_at, hangup_asked_at: null });
    expect(hungUp).toBe(0);
  });

  it("a call that ended while nobody listened ends as the carrier says", async () => {
    const id = await call("in_progress");
    await recoverCalls(db.pool, now);
    telling = async () => state("completed", "completed", { durationS: 5, disconnectedBy: "user", endedAt: new Date(START + 5000) });
    await after(11);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "caller_hung_up" });
  });

  it("a call that was answered while nobody listened has an answer on its timeline and a recording that is accounted for", async () => {
    const id = await call("ringing");
    telling = async () =>
      state("completed", "completed", { startedAt: new Date(START + 5_000), endedAt: new Date(START + 9_000), durationS: 4 });
    await after(80);
    expect(await row(id)).toMatchObject({ status: "ended", answered_at: new Date(START + 5_000) });
    const { rows } = await db.pool.query("select source, status from recordings where call_id = $1", [id]);
    expect(rows).toEqual([{ source: "carrier", status: "expected" }]);
    expect((await db.pool.query("select from events where call_id = $1 and kind = 'call.answered'", [id])).rowCount).toBe(1);
  });

  it("a call the carrier does not know any more is lost after a second look", async () => {
    const id = await call("in_progress");
    await recoverCalls(db.pool, now);
    await after(11);
    expect((await row(id)).status).toBe("in_progress");
    await after(16);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "lost" });
  });

  it("a call whose audio we hear goes on, whatever the carrier's register says", async () => {
    const id = await call("in_progress");
    await recoverCalls(db.pool, now);
    await after(11, { carries: () => true });
    await after(60, { carries: () => true });
    expect(await row(id)).toMatchObject({ status: "in_progress", hangup_asked_at: null });
  });

  it("a ringing call the carrier does not have where it is asked goes on: its region is told with the answer", async () => {
    const id = await call("ringing");
    await recoverCalls(db.pool, now);
    telling = () => Promise.reject(new CarrierRegionUnknown("x.test"));
    await after(11);
    await after(31);
    expect(await row(id)).toMatchObject({ status: "ringing", asked_at: null, hangup_asked_at: null });
    await db.pool.query("update calls set status = 'in_progress', answered_at = $2 where id = $1", [id, now]);
    await recoverCalls(db.pool, now);
    await after(11);
    await after(16);
    expect(await row(id)).toMatchObject({
      status: "ended",
      end_reason: "lost",
      end_detail: expect.stringContaining("does not know the leg"),
    });
  });

  it("a call that was about to be dialled is not dialled", async () => {
    const id = await call("queued");
    await recoverCalls(db.pool, now);
    await after(11);
    expect((await row(id)).status).toBe("queued");
    await after(50);
    expect(await row(id)).toMatchObject({ status: "ended", end_reason: "not_dialed" });
  });
});
