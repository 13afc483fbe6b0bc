import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import { CarrierRegionUnknown } from "../carrier/failures.ts";
import type { Carrier, Dial, DialAnswer } from "../carrier/port.ts";
import { systemClock } from "../clock.ts";
import type { CallId, LegId } from "../ids.ts";
import { hangUp } from "./hang-up.ts";
import { type PlacingParts, placeCall } from "./place.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await ensureFirstAgent(db.pool);
});
afterEach(() =>
  db.pool.query(
    "delete from events; delete from legs; delete from socket_tokens; delete from recordings; delete from webhooks; delete from exchanges; delete from transfers; delete from calls; delete from settings; delete from carrier_rates",
  ),
);
afterAll(() => db.drop());

/** A phone network that answers as told, and remembers what it was asked. */
let dials: Dial[] = [];
let hungUp: LegId[] = [];
let answering: (dial: Dial) => Promise<DialAnswer>;
const LEG = "leg-1" as LegId;
/** How fast the carrier may be asked in this test. */
async function pace(most: number, windowMs: number, grantedInS: number | null = null): Promise<void> {
  await db.pool.query(
    `insert into carrier_rates (name, most, window_ms, granted) values ('told create', $1, $2, case when $3::int is null then '{}' else array[now() + $3 * interval '1 second'] end)
     on conflict (name) do update set most = excluded.most, window_ms = excluded.window_ms, granted = excluded.granted`,
    [most, windowMs, grantedInS],
  );
}
beforeEach(async () => {
  await pace(1000, 1);
  dials = [];
  hungUp = [];
  answering = async () => ({ dialed: "yes", leg: LEG, conversation: null });
});
const carrier: Carrier = {
  name: "told",
  dial: (dial) => {
    dials.push(dial);
    return answering(dial);
  },
  hangUp: async (leg) => {
    hungUp.push(leg);
  },
  legState: async () => null,
  openRecording: async () => {
    throw new Error("none");
  },
  mayFetch: () => false,
};
const ended: CallId[] = [];
const parts = (more: Partial<PlacingParts> = {}): PlacingParts => ({
  owner: "process-1",
  pool: db.pool,
  carrier,
  number: "+12025550100",
  clock: systemClock,
  log: pino({ level: "silent" }),
  dialing: new Set(),
  onEnded: (call) => ended.push(call),
  ...more,
});
const by = (idempotencyKey: string | null = null, actor = "key:k") => ({ actor, idempotencyKey });

async function place(
  request: Parameters<typeof placeCall>[1] = { to: "+12025550101" },
  who = by(),
  more: Partial<PlacingParts> = {},
): Promise<CallId> {
  const with_ = parts(more);
  const call = await placeCall(with_, request, who);
  await Promise.all(with_.dialing);
  return call;
}
async function row(call: CallId) {
  return (await db.pool.query("select * from calls where id = $1", [call])).rows[0];
}
async function kinds(call: CallId): Promise<string[]> {
  return (await db.pool.query("select kind from events where call_id = $1 order by recorded_at, id", [call])).rows.map(({ kind }) => kind);
}

/** The database as it is while it is being restarted: it does `fails` of what it is asked with a connection broken off, before or after doing it. */
function restarting(fails: ("before" | "after commit")[]): typeof db.pool {
  const broken = (): Error => new Error("Connection terminated unexpectedly");
  const pool = Object.create(db.pool) as typeof db.pool;
  return Object.assign(pool, {
    query: db.pool.query.bind(db.pool),
    async connect() {
      if (fails[0] === "before") {
        fails.shift();
        throw broken();
      }
      const client = await db.pool.connect();
      const query = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
      return Object.assign(Object.create(client), {
        async query(...asked: unknown[]) {
          const result = await query(...asked);
          if (asked[0] !== "commit" || fails[0] !== "after commit") return result;
          fails.shift();
          throw broken();
        },
      });
    },
  });
}

describe("placing a call", () => {
  it("survives a database that is restarted meanwhile: it is dialled once, and the carrier's answer is on its row", async () => {
    const fails: ("before" | "after commit")[] = [];
    answering = async () => {
      fails.push("before", "before");
      return { dialed: "yes", leg: LEG, conversation: null };
    };
    const with_ = parts({ pool: restarting(fails) });
    const call = await placeCall(with_, { to: "+12025550101" }, by());
    // The claim is made, and its commit's word is lost on the way.
    fails.push("before", "after commit");
    await Promise.all(with_.dialing);
    expect(fails).toEqual([]);
    expect(dials).toHaveLength(1);
    expect(await row(call)).toMatchObject({ status: "dialing", phone_leg: LEG });
  });

  it("has the row, with the time of dialling, before the carrier is asked", async () => {
    let seen: unknown;
    answering = async ({ call }) => {
      seen = await row(call);
      return { dialed: "yes", leg: LEG, conversation: null };
    };
    const call = await place({
      to: "+1 202 555 0101",
      customer_name: "The polite caller",
      variables: { plan: "basic" },
      metadata: { order: 7 },
    });
    expect(seen).toMatchObject({ id: call, status: "dialing", dialed_at: expect.any(Date), to_number: "+12025550101" });
    expect(await row(call)).toMatchObject({
      direction: "outbound",
      from_number: "+12025550100",
      phone_leg: LEG,
      customer_name: "The polite caller",
      variables: { plan: "basic" },
      metadata: { order: 7 },
      placed_by: "key:k",
      agent_version: 1,
    });
    expect(dials).toEqual([{ call, from: "+12025550100", to: "+12025550101", ringSeconds: 45, maxSeconds: 900 }]);
    expect(await kinds(call)).toEqual(["call.placed", "call.dialed", "call.accepted"]);
  });

  it("of an agent whose engine is not configured is refused before anybody's phone rings", async () => {
    await expect(place(undefined, by(), { engines: ["openai"] })).rejects.toMatchObject({
      code: "ENGINE_NOT_CONFIGURED",
      remedy: expect.stringContaining("give the agent an engine that is configured"),
    });
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
    expect(dials).toEqual([]);
    expect(await row(await place(undefined, by(), { engines: ["openai", "evi"] }))).toMatchObject({ status: "dialing" });
  });

  it("answers before the carrier does", async () => {
    let answer: (value: DialAnswer) => void = () => {};
    answering = () => new Promise((resolve) => (answer = resolve));
    const with_ = parts();
    const call = await placeCall(with_, { to: "+12025550101" }, by());
    expect(["queued", "dialing"]).toContain((await row(call)).status);
    while (dials.length === 0) await new Promise((soon) => setImmediate(soon));
    answer({ dialed: "yes", leg: LEG, conversation: null });
    await Promise.all(with_.dialing);
    expect(with_.dialing.size).toBe(0);
  });

  it("that the carrier refuses ends as refused, with its words", async () => {
    answering = async () => ({ dialed: "no", code: "refused", status: 400, text: "Bad Request; to: Is invalid." });
    const call = await place();
    expect(await row(call)).toMatchObject({
      status: "ended",
      end_reason: "carrier_refused",
      end_detail: "The carrier refused to dial (HTTP 400): Bad Request; to: Is invalid.",
    });
    expect(ended).toContain(call);
    expect(await kinds(call)).toContain("call.ended");
  });

  it("whose answer is lost stays dialing and is not dialled again", async () => {
    answering = async () => ({ dialed: "unknown", text: "No answer came." });
    const call = await place();
    expect(await row(call)).toMatchObject({ status: "dialing", end_reason: null });
    expect(dials).toHaveLength(1);
    expect(await kinds(call)).toContain("call.dial_unknown");
  });

  it("with an unknown agent, or no carrier, or a wrong or forbidden number, makes no row", async () => {
    const ask = (request: object, more: Partial<PlacingParts> = {}) => place({ to: "+12025550101", ...request }, by(), more);
    await expect(ask({ agent_id: "0199a0b1-7d1f-7000-8000-00000000dead" })).rejects.toMatchObject({ code: "AGENT_UNKNOWN" });
    await expect(ask({}, { carrier: null })).rejects.toMatchObject({ code: "NO_CARRIER" });
    await expect(ask({ to: "12" })).rejects.toMatchObject({ code: "NUMBER_INVALID" });
    await expect(ask({ to: "+4930123456" })).rejects.toMatchObject({ code: "NUMBER_NOT_ALLOWED" });
    expect((await db.pool.query("select from calls")).rowCount).toBe(0);
    expect(dials).toEqual([]);
  });
});

describe("the carrier's limit of new calls a second", () => {
  it("keeps calls queued until it is their turn, and then dials each once", async () => {
    await pace(2, 300);
    const times: number[] = [];
    answering = async () => {
      times.push(Date.now());
      return { dialed: "yes", leg: `leg-${times.length}` as LegId, conversation: null };
    };
    await Promise.all(Array.from({ length: 6 }, () => place()));
    expect(times).toHaveLength(6);
    // A busy machine dials later than its turn; timers may fire a little early.
    const { rows } = await db.pool.query<{ turns: Date[] }>("select granted[cardinality(granted) - 1:] as turns from carrier_rates");
    const early = rows[0]?.turns.map((turn, i) => turn.getTime() - (times[4 + i] as number)) ?? [];
    expect(early).toHaveLength(2);
    expect(Math.max(...early)).toBeLessThan(50);
  });

  it("a refusal for asking too often is asked again, because then there is no call", async () => {
    await pace(3, 20);
    answering = async () =>
      dials.length < 3
        ? { dialed: "no", code: "limited", status: 429, text: "too often" }
        : { dialed: "yes", leg: LEG, conversation: null };
    const call = await place();
    expect(dials).toHaveLength(3);
    expect(await row(call)).toMatchObject({ status: "dialing", phone_leg: LEG });
    expect((await db.pool.query("select refused from carrier_rates")).rows).toEqual([{ refused: 2 }]);
  });

  it("a call that waits to be asked for again, and that somebody gives up meanwhile, rings nobody", async () => {
    answering = async () => {
      // The next turn is a minute away.
      await pace(1, 1, 50);
      return { dialed: "no", code: "limited", status: 429, text: "too often" };
    };
    const with_ = parts();
    const call = await placeCall(with_, { to: "+12025550101" }, by());
    await vi.waitUntil(async () => (await kinds(call)).includes("call.dial_limited"), 20_000);
    const { deadline_at, dialed_at } = await row(call);
    // The watchdog gives it the time of its wait.
    expect(deadline_at.getTime() - dialed_at.getTime()).toBeGreaterThan(130_000);
    await hangUp(parts(), call, "operator");
    await Promise.all(with_.dialing);
    expect(dials).toHaveLength(1);
    expect(await row(call)).toMatchObject({ status: "ended", end_reason: "cancelled" });
    expect(ended).toContain(call);
  });

  it("a call that waits to be asked for again while the server stops rings nobody", async () => {
    answering = async () => {
      await pace(1, 1, 50);
      return { dialed: "no", code: "limited", status: 429, text: "too often" };
    };
    const closing = new AbortController();
    const with_ = parts({ closing: closing.signal });
    const call = await placeCall(with_, { to: "+12025550101" }, by());
    await vi.waitUntil(async () => (await kinds(call)).includes("call.dial_limited"), 20_000);
    closing.abort();
    await Promise.all(with_.dialing);
    expect(dials).toHaveLength(1);
    expect(await row(call)).toMatchObject({ status: "ended", end_reason: "carrier_refused" });
  });

  it("that is refused again and again ends as refused", async () => {
    await pace(3, 20);
    answering = async () => ({ dialed: "no", code: "limited", status: 429, text: "too often" });
    expect(await row(await place())).toMatchObject({ status: "ended", end_reason: "carrier_refused" });
    expect(dials).toHaveLength(5);
  });

  it("a call whose turn would come too late is not dialled, and says so", async () => {
    await pace(1, 1000, 120);
    expect(await row(await place())).toMatchObject({ status: "ended", end_reason: "not_dialed" });
    expect(dials).toEqual([]);
  });

  it("a call that waits for its turn while the server stops is not dialled", async () => {
    await pace(1, 1000, 30);
    const closing = new AbortController();
    const with_ = parts({ closing: closing.signal });
    const call = await placeCall(with_, { to: "+12025550101" }, by());
    closing.abort();
    await Promise.all(with_.dialing);
    expect(await row(call)).toMatchObject({ status: "queued", dialed_at: null });
    expect(dials).toEqual([]);
  });
});

describe("an idempotency key", () => {
  it("with the same request is the same call, dialled once, also when both come at once", async () => {
    const request = { to: "+12025550101", variables: { a: 1, b: 2 } };
    const [one, two] = await Promise.all([place(request, by("k1")), place({ variables: { b: 2, a: 1 }, to: "+12025550101" }, by("k1"))]);
    expect(one).toBe(two);
    expect(await place(request, by("k1"))).toBe(one);
    expect(dials).toHaveLength(1);
  });

  it("with another request is refused, and nothing is dialled", async () => {
    await place({ to: "+12025550101" }, by("k2"));
    await expect(place({ to: "+12025550102" }, by("k2"))).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", status: 422 });
    expect(dials).toHaveLength(1);
  });

  it("of somebody else is another call", async () => {
    expect(await place({ to: "+12025550101" }, by("k3"))).not.toBe(await place({ to: "+12025550101" }, by("k3", "user:u")));
  });

  it("still gives its call when the limits are reached meanwhile", async () => {
    const call = await place({ to: "+12025550101" }, by("k4"));
    await db.pool.query(`insert into settings values ('call_limits', '{"max_concurrent": 1}')`);
    expect(await place({ to: "+12025550101" }, by("k4"))).toBe(call);
    await expect(place({ to: "+12025550101" }, by("k5"))).rejects.toMatchObject({ code: "TOO_MANY_CALLS", status: 429 });
  });

  it.each(["", " ", "a b", "é", "x".repeat(201)])("%j is unusable", async (key) => {
    await expect(place({ to: "+12025550101" }, by(key))).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_UNUSABLE" });
  });
});

describe("the limits", () => {
  it("of calls at once hold when many are asked for together", async () => {
    await db.pool.query(`insert into settings values ('call_limits', '{"max_concurrent": 3}')`);
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => place()));
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(dials).toHaveLength(3);
  });

  it("of calls a day count the outbound ones of 24 hours", async () => {
    await db.pool.query(`insert into settings values ('call_limits', '{"max_per_day": 2}')`);
    await place();
    const old = await place();
    await expect(place()).rejects.toMatchObject({ code: "DAY_LIMIT_REACHED", status: 429 });
    await db.pool.query("update calls set created_at = now() - interval '25 hours' where id = $1", [old]);
    await place();
  });

  it("that cannot be understood are the usual ones, never none", async () => {
    await db.pool.query(`insert into settings values ('call_limits', '{"allowed": "everything"}')`);
    await expect(place({ to: "+4930123456" })).rejects.toMatchObject({ code: "NUMBER_NOT_ALLOWED" });
  });
});

describe("hanging up", () => {
  const hang = (call: CallId, who: Parameters<typeof hangUp>[2] = "operator") => hangUp(parts(), call, who);

  it("asks the carrier, and leaves the end to its word", async () => {
    const call = await place();
    await hang(call);
    expect(hungUp).toEqual([LEG]);
    const after = await row(call);
    expect(after).toMatchObject({ status: "dialing", hangup_asked_by: "operator" });
    expect(after.deadline_at.getTime() - after.hangup_asked_at.getTime()).toBeLessThanOrEqual(30_000);
  });

  it("keeps who asked first, and asks the carrier again", async () => {
    const call = await place();
    await hang(call, "agent");
    await hang(call, "operator");
    expect(await row(call)).toMatchObject({ hangup_asked_by: "agent" });
    expect(hungUp).toHaveLength(2);
  });

  it("before the carrier named a leg is done as soon as it does", async () => {
    let answer: (value: DialAnswer) => void = () => {};
    answering = () => new Promise((resolve) => (answer = resolve));
    const with_ = parts();
    const call = await placeCall(with_, { to: "+12025550101" }, by());
    while (dials.length === 0) await new Promise((soon) => setImmediate(soon));
    await hang(call);
    expect(hungUp).toEqual([]);
    answer({ dialed: "yes", leg: LEG, conversation: null });
    await Promise.all(with_.dialing);
    expect(hungUp).toEqual([LEG]);
  });

  it("of a call that was never dialled ends it here", async () => {
    const call = await place();
    await db.pool.query("update calls set status = 'queued', dialed_at = null, phone_leg = null where id = $1", [call]);
    await hang(call);
    expect(await row(call)).toMatchObject({ status: "ended", end_reason: "cancelled" });
    expect(ended).toContain(call);
  });

  it("of an ended or unknown call says so", async () => {
    answering = async () => ({ dialed: "no", code: "refused", status: 400, text: "no" });
    await expect(hang(await place())).rejects.toMatchObject({ code: "CALL_OVER", status: 409 });
    await expect(hang("0199a0b1-7d1f-7000-8000-00000000dead" as CallId)).rejects.toMatchObject({ code: "CALL_UNKNOWN" });
  });

  it("that the carrier does not take is on the timeline, and the wish stays", async () => {
    const call = await place();
    const broken = { ...carrier, hangUp: () => Promise.reject(new Error("HTTP 500")) };
    await expect(hangUp(parts({ carrier: broken }), call, "operator")).rejects.toThrow("HTTP 500");
    expect(await kinds(call)).toEqual(expect.arrayContaining(["call.hangup_asked", "call.hangup_failed"]));
    expect(await row(call)).toMatchObject({ hangup_asked_by: "operator" });
  });

  it("of a ringing call that is not where the carrier was asked is not taken for done; of an answered one it is", async () => {
    const call = await place();
    const other = { ...carrier, hangUp: () => Promise.reject(new CarrierRegionUnknown("x.test")) };
    await expect(hangUp(parts({ carrier: other }), call, "operator")).rejects.toMatchObject({ code: "CARRIER_REGION_UNKNOWN" });
    expect(await kinds(call)).toContain("call.hangup_failed");
    await db.pool.query("update calls set status = 'in_progress', answered_at = now() where id = $1", [call]);
    await hangUp(parts({ carrier: other }), call, "operator");
  });
});
