import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { ensureFirstAgent } from "../agents/first.ts";
import type { Carrier, Dial } from "../carrier/port.ts";
import { systemClock } from "../clock.ts";
import { type CallId, newId } from "../ids.ts";
import { openJournals } from "../journal/file.ts";
import { dialWaiting } from "./dial.ts";
import { anotherLives, openDrain, untilCallsEnd } from "./drain.ts";
import { type CallFact, factText, writeFact } from "./facts.ts";
import { endLease, isHeldElsewhere, type LeaseParts, type Leases, orphanedLeases, startLeases, takeLease } from "./leases.ts";
import { type PlacingParts, placeCall } from "./place.ts";
import { finishJournals } from "./take-over.ts";

let db: FreshDatabase;
let journalDir: string;
const log = pino({ level: "silent" });
const open: Leases[] = [];
beforeAll(async () => {
  db = await freshDatabase();
  await ensureFirstAgent(db.pool);
  journalDir = await mkdtemp(join(tmpdir(), "earshot-leases-"));
});
afterEach(async () => {
  for (const leases of open.splice(0)) await leases.close();
  await db.pool.query(
    "delete from leases; delete from processes; delete from events; delete from utterances; delete from engine_sessions; delete from calls",
  );
});
afterAll(async () => {
  await db.drop();
  await rm(journalDir, { recursive: true, force: true });
});

/** A process that beats only when told to. */
async function process(owner: string, more: Partial<LeaseParts> = {}): Promise<Leases> {
  const nothing = { carried: () => new Map<CallId, boolean>(), onEnded: () => {}, onElsewhere: () => {}, looks: [] };
  const leases = await startLeases({ databaseUrl: db.url, log, owner, ...nothing, everyMs: 3_600_000, ...more });
  open.push(leases);
  return leases;
}
/** Nothing was heard of it for a minute. */
const dies = (name: string) => db.pool.query("update processes set beat_at = now() - interval '1 minute' where name = $1", [name]);

async function liveCall(owner: string | null): Promise<CallId> {
  const call = newId<CallId>();
  await db.pool.query(
    `insert into calls (id, direction, status, answered_at, socket_started_at, dialed_at, deadline_at, owner)
     values ($1, 'outbound', 'in_progress', now(), now(), now(), now() + interval '1 hour', $2)`,
    [call, owner],
  );
  if (owner !== null) await takeLease(db.pool, call, owner);
  return call;
}

describe("a lease", () => {
  it("is nobody's to take while its process lives, and anybody's when it is dead", async () => {
    await process("a");
    const call = await liveCall("a");
    expect(await orphanedLeases(db.pool, 10)).toEqual([]);
    expect(await isHeldElsewhere(db.pool, call, "b")).toBe(true);
    await dies("a");
    expect(await orphanedLeases(db.pool, 10)).toMatchObject([{ call, process: "a" }]);
    expect(await isHeldElsewhere(db.pool, call, "b")).toBe(false);
  });

  it("is free at once when its process closed without ending it, and gone when it was ended", async () => {
    const a = await process("a");
    const call = await liveCall("a");
    await a.close();
    expect(await orphanedLeases(db.pool, 10)).toMatchObject([{ call, process: "a" }]);
    await endLease(db.pool, call, "a");
    expect(await orphanedLeases(db.pool, 10)).toEqual([]);
  });

  it("comes back to a process that was only thought dead", async () => {
    const call = await liveCall("a");
    await endLease(db.pool, call, "a", "b");
    const a = await process("a", { carried: () => new Map([[call, true]]) });
    await a.beat();
    expect(await isHeldElsewhere(db.pool, call, "b")).toBe(true);
  });
});

describe("a process", () => {
  it("hears with its next beat that its call ended, or is carried elsewhere", async () => {
    const over = await liveCall("a");
    await db.pool.query("update calls set status = 'ended', ended_at = now(), end_reason = 'caller_hung_up' where id = $1", [over]);
    const [moved, prepared, mine] = [await liveCall("b"), await liveCall("b"), await liveCall("a")];
    const told: string[] = [];
    const a = await process("a", {
      carried: () =>
        new Map([
          [over, true],
          [moved, true],
          [prepared, false],
          [mine, true],
        ]),
      onEnded: (call) => told.push(`ended ${call}`),
      onElsewhere: (call) => told.push(`elsewhere ${call}`),
    });
    await a.beat();
    expect(told.sort()).toEqual([`elsewhere ${prepared}`, `ended ${over}`].sort());
  });

  it("that stops waits for its calls, and for those it dialled when nobody else lives", async () => {
    await process("a");
    const call = await liveCall("a");
    const carried = new Map([[call, true]]);
    const drain = { pool: db.pool, owner: "a", carried: () => carried };
    expect(await untilCallsEnd(drain, AbortSignal.abort())).toBe(1);
    carried.clear();
    expect(await untilCallsEnd(drain, AbortSignal.abort())).toBe(1);
    const b = await process("b");
    expect(await anotherLives(db.pool, "a")).toBe(true);
    expect(await untilCallsEnd(drain, new AbortController().signal)).toBe(0);
    await b.drain();
    expect(await anotherLives(db.pool, "a")).toBe(false);
  });
});

describe("a process whose database hangs", () => {
  it("gives a beat up when it takes too long, says so once, and beats on when the database answers again", async () => {
    const said: string[] = [];
    const told = { warn: (_: object, text: string) => void said.push(text) } as unknown as LeaseParts["log"];
    await process("a", { log: told, everyMs: 50, withinMs: 3_000 });
    const lock = await db.pool.connect();
    await lock.query("begin; lock table processes in access exclusive mode");
    await vi.waitUntil(() => said.length > 0, 30_000);
    await lock.query("rollback");
    lock.release();
    expect(said).toEqual(["A beat of this process failed; the next one follows."]);
    await dies("a");
    await vi.waitUntil(() => anotherLives(db.pool, "b"), 30_000);
  });
});

describe("a process that looks for what dead ones left", () => {
  it("goes on saying that it lives, however long it takes, and looks for other things beside", async () => {
    let done = (): void => {};
    const long = new Promise<void>((resolve) => {
      done = resolve;
    });
    const looked = { long: 0, short: 0 };
    const a = await process("a", {
      looks: [
        () => {
          looked.long++;
          return long;
        },
        async () => void looked.short++,
      ],
    });
    const first = a.beat();
    await vi.waitFor(() => expect(looked).toEqual({ long: 1, short: 1 }));
    await dies("a");
    const second = a.beat();
    await vi.waitFor(() => expect(looked).toEqual({ long: 1, short: 2 }));
    expect(await anotherLives(db.pool, "b")).toBe(true);
    done();
    await Promise.all([first, second]);
  });
});

describe("a process that is to stop", () => {
  it("sends the carrier to another while that lives, and takes its calls' sound again when it is alone", async () => {
    const a = await process("a");
    const ways: string[] = [];
    const wayIn = { open: async () => void ways.push("open"), shut: () => void ways.push("shut") };
    const drain = openDrain({ pool: db.pool, owner: "a", wayIn: () => wayIn });
    await process("b");
    await drain.look();
    expect([drain.on, drain.elsewhere(), ways]).toEqual([false, false, []]);
    await Promise.all([a.drain(), drain.begin()]);
    expect([drain.on, drain.elsewhere(), ways]).toEqual([true, true, ["shut"]]);
    await dies("b");
    await drain.look();
    expect([drain.on, drain.elsewhere(), ways]).toEqual([true, false, ["shut", "open"]]);
  });

  it("tells the others with its next beat when it could not at once", async () => {
    const a = await process("a");
    const lock = await db.pool.connect();
    await lock.query("begin; lock table processes in access exclusive mode; set local idle_in_transaction_session_timeout = 0");
    const told = a.drain();
    expect(await untilCallsEnd({ pool: db.pool, owner: "a", carried: () => new Map() }, AbortSignal.abort())).toBe(1);
    await lock.query("rollback");
    lock.release();
    // It may have been given up meanwhile.
    await told.catch(() => {});
    await db.pool.query("update processes set draining_at = null");
    await a.beat();
    expect(await anotherLives(db.pool, "b")).toBe(false);
  });
});

describe("what a dead process left", () => {
  it("in its journal comes into the rows, once, whoever finds it", async () => {
    const call = await liveCall("a");
    const journals = openJournals({ dir: journalDir, clock: systemClock, log });
    const utterance = { ref: "u1", speaker: "caller", text: "Are you there?", cut: false, heardMs: null, language: null, emotions: null };
    const times = { startedAtMs: Date.now() + 500, endedAtMs: Date.now() + 900 };
    journals.open(call).put("utterance", systemClock.monotonicMs(), JSON.stringify({ ...utterance, ...times }));
    await journals.close();
    const parts = { pool: db.pool, clock: systemClock, log, journalDir };
    expect(await Promise.all([finishJournals({ ...parts, owner: "b" }), finishJournals({ ...parts, owner: "c" })])).toContain(1);
    const { rows } = await db.pool.query("select speaker, text from utterances where call_id = $1", [call]);
    expect(rows).toEqual([{ speaker: "caller", text: "Are you there?" }]);
    expect(await finishJournals({ ...parts, owner: "b" })).toBe(0);
    const { rows: told } = await db.pool.query("select kind from events where call_id = $1", [call]);
    expect(told).toEqual([{ kind: "journal.finished" }]);
  });

  it("of what its engine did and used, and of the first sound, comes into the rows too, also where a part of it is there already", async () => {
    const call = await liveCall("a");
    await db.pool.query("update calls set answered_at = null, socket_started_at = null where id = $1", [call]);
    const at = new Date();
    const facts: CallFact[] = [
      { fact: "audio started", at },
      { fact: "session ready", engine: "openai", session: call, resume: null, at },
      { fact: "event", key: newId(), at, kind: "caller.cut_in", actor: "caller", said: "The caller cut in.", detail: { dropped_ms: 40 } },
      { fact: "event", key: newId(), at, kind: "caller.key_pressed", actor: "caller", said: "The caller pressed 1." },
      { fact: "usage", key: newId(), engine: "openai", session: call, at, raw: { of: "response", model: "m" } },
      { fact: "usage", key: newId(), engine: "openai", session: call, at, raw: { of: "response", model: "m" } },
    ];
    const journals = openJournals({ dir: journalDir, clock: systemClock, log });
    const journal = journals.open(call);
    for (const fact of facts) journal.put("fact", systemClock.monotonicMs(), factText("a", fact));
    // What the process that took the call over learns is its own affair.
    journal.put("fact", systemClock.monotonicMs(), factText("c", { ...(facts[3] as CallFact & { fact: "event" }), key: newId() }));
    const words = { ref: "u1", speaker: "caller", text: "Hello?", cut: false, heardMs: null, language: null, emotions: null };
    journal.put(
      "utterance",
      systemClock.monotonicMs(),
      JSON.stringify({ ...words, startedAtMs: at.getTime() + 500, endedAtMs: at.getTime() + 900 }),
    );
    await journals.close();
    for (const fact of [facts[2], facts[4]]) await writeFact(db.pool, call, "a", {}, fact as CallFact);
    const parts = { pool: db.pool, clock: systemClock, log, journalDir, owner: "b" };
    expect(await finishJournals(parts)).toBe(1);
    const again = await db.pool.query("update leases set until = null where call_id = $1", [call]);
    expect([again.rowCount, await finishJournals(parts)]).toEqual([1, 1]);
    const counted = await db.pool.query("select kind, count(*)::int as n from events where call_id = $1 group by kind order by kind", [
      call,
    ]);
    expect(counted.rows).toEqual(
      ["audio.started", "caller.cut_in", "caller.key_pressed", "call.answered", "journal.finished"].sort().map((kind) => ({ kind, n: 1 })),
    );
    const usage = await db.pool.query("select of from engine_usage where call_id = $1", [call]);
    expect(usage.rows).toEqual([{ of: "response" }, { of: "response" }]);
    const session = await db.pool.query("select process, ended_at >= ready_at as ended from engine_sessions where call_id = $1", [call]);
    expect(session.rows).toEqual([{ process: "a", ended: true }]);
    const said = await db.pool.query("select text, started_ms from utterances where call_id = $1", [call]);
    expect(said.rows).toEqual([{ text: "Hello?", started_ms: 500 }]);
  });

  it("on another machine is left to a process there", async () => {
    await liveCall("a");
    expect(await finishJournals({ pool: db.pool, clock: systemClock, log, journalDir, owner: "b" })).toBe(0);
    expect(await orphanedLeases(db.pool, 10)).toHaveLength(1);
    await db.pool.query("update leases set since = now() - interval '25 hours'");
    expect(await finishJournals({ pool: db.pool, clock: systemClock, log, journalDir, owner: "b" })).toBe(0);
    expect(await orphanedLeases(db.pool, 10)).toEqual([]);
  });

  it("is found behind any number of leases that cannot be finished here", async () => {
    const { rows } = await db.pool.query<{ id: CallId }>(
      `with elsewhere as (
         insert into calls (id, direction, status, deadline_at)
         select gen_random_uuid(), 'outbound', 'in_progress', now() + interval '1 hour' from generate_series(1, 501) returning id)
       insert into leases (call_id, process, since) select id, 'a', now() - interval '1 hour' from elsewhere returning call_id as id`,
    );
    expect(rows).toHaveLength(501);
    const call = await liveCall("a");
    const journals = openJournals({ dir: journalDir, clock: systemClock, log });
    journals.open(call).put("fact", systemClock.monotonicMs(), factText("a", { fact: "audio started", at: new Date() }));
    await journals.close();
    const parts = { pool: db.pool, clock: systemClock, log, journalDir, owner: "b", walk: { last: null } };
    const looks = [await finishJournals(parts), await finishJournals(parts), await finishJournals(parts)];
    expect(looks).toEqual([0, 1, 0]);
    expect(await orphanedLeases(db.pool, 1_000)).toHaveLength(501);
  });

  it("undialled is dialled by another, once; what it had asked the carrier for is not", async () => {
    const dials: Dial[] = [];
    const carrier: Carrier = {
      name: "told",
      dial: async (dial) => {
        dials.push(dial);
        return { dialed: "unknown", text: "" } as Awaited<ReturnType<Carrier["dial"]>>;
      },
      hangUp: async () => {},
      legState: async () => null,
      openRecording: () => Promise.reject(new Error("none")),
      mayFetch: () => false,
    };
    const stopped = new AbortController();
    const parts = (owner: string): PlacingParts => ({
      pool: db.pool,
      carrier,
      number: "+12025550100",
      clock: systemClock,
      log,
      dialing: new Set(),
      owner,
    });
    await process("b");
    // The pace holds them back, and then their process is stopped.
    await db.pool.query(
      "insert into carrier_rates (name, most, window_ms, granted) values ('told create', 1, 20000, array[now()]) on conflict (name) do update set granted = excluded.granted",
    );
    const a = { ...parts("a"), closing: stopped.signal };
    const call = await placeCall(a, { to: "+12025550101" }, { actor: "user:x", idempotencyKey: null });
    stopped.abort();
    await Promise.all(a.dialing);
    expect(dials).toEqual([]);
    await db.pool.query("update carrier_rates set most = 100, granted = '{}' where name = 'told create'");
    const b = parts("b");
    expect(await Promise.all([dialWaiting(b), dialWaiting(b)])).toContain(1);
    await Promise.all(b.dialing);
    expect(dials.map((dial) => dial.call)).toEqual([call]);
    expect(await dialWaiting(b)).toBe(0);
    await dies("b");
    expect(await dialWaiting(parts("c"))).toBe(0);
  });
});
