import { page } from "@earshot/contract/call";
import { Waiting } from "@earshot/contract/waiting";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { type Jobs, startJobs } from "../jobs/jobs.ts";
import { RecordingFailure } from "../recordings/failures.ts";
import { tellingTrouble } from "../recordings/keeping/trouble.ts";
import { auditQueue } from "../recordings/queues.ts";
import { insert, openTestHouse, seedCall, seedRecording, type TestHouse } from "./test-house.ts";

let house: TestHouse;
let jobs: Jobs;
let woken = 0;
beforeAll(async () => {
  let opening: Promise<Jobs> | null = null;
  house = await openTestHouse((pool, _clock, log) => {
    opening = startJobs({ pool, log });
    return { jobs: { states: () => jobs.states(), wake: () => void woken++ } };
  });
  jobs = await (opening as unknown as Promise<Jobs>);
  // Known, and done by nobody: what is asked for waits.
  await jobs.work(auditQueue, async () => {});
});
afterAll(async () => {
  await jobs.close();
  await house.close();
});

const as = (role: "admin" | "member", method: "GET" | "PUT" | "POST" | "DELETE", url: string, payload?: object) =>
  house.ask(role, { method, url, ...(payload === undefined ? {} : { payload }) });
const auditsOf = async (call: string): Promise<string[]> =>
  (await house.database.pool.query("select action from audits where call_id = $1 order by at, id", [call])).rows.map(
    ({ action }) => action,
  );

describe("a call on hold", () => {
  it("is kept whole: nothing of it is deleted or redacted until the hold is lifted", async () => {
    const call = await seedCall(house);
    const held = await as("admin", "PUT", `/api/calls/${call}/hold`, { why: "A dispute." });
    expect(held.json().hold).toMatchObject({ why: "A dispute.", placed_by: expect.stringMatching(/^key:/) });
    for (const [path, body] of [
      ["deletions", { what: ["audio"], because: "They asked." }],
      ["redactions", { from_ms: 0, to_ms: 1000, why: "A card number." }],
    ] as const) {
      const refused = await as("admin", "POST", `/api/calls/${call}/${path}`, body);
      expect(refused.json(), refused.body).toMatchObject({ status: 409, code: "CALL_HELD" });
    }
    expect((await as("admin", "DELETE", `/api/calls/${call}/hold`)).json().hold).toBeNull();
    expect((await as("member", "GET", `/api/calls/${call}/keeping`)).json()).toEqual({
      hold: null,
      deletions: [],
      redactions: [],
      consents: [],
    });
    expect(await auditsOf(call)).toEqual(["call.held", "call.released"]);
  });
});

describe("deleting", () => {
  it("is asked for with a reason, once; who asked is written down", async () => {
    const call = await seedCall(house);
    const asked = { what: ["audio", "transcript", "audio"], because: "They asked." };
    const before = woken;
    const first = await as("admin", "POST", `/api/calls/${call}/deletions`, asked);
    expect(first.statusCode, first.body).toBe(202);
    expect(first.json().deletions).toMatchObject([{ what: ["audio", "transcript"], because: "They asked.", done_at: null, receipt: null }]);
    expect((await as("admin", "POST", `/api/calls/${call}/deletions`, asked)).json().deletions).toHaveLength(1);
    expect(woken).toBe(before + 2);
    expect(await auditsOf(call)).toEqual(["deletion.asked", "deletion.asked"]);
  });

  it("is for administrators, of calls that have ended, and names what is wrong", async () => {
    const call = await seedCall(house);
    const body = { what: ["audio"], because: "They asked." };
    expect((await as("member", "POST", `/api/calls/${call}/deletions`, body)).statusCode).toBe(403);
    const running = await seedCall(house, { status: "in_progress" });
    expect((await as("admin", "POST", `/api/calls/${running}/deletions`, body)).json()).toMatchObject({ code: "CALL_STILL_RUNS" });
    expect((await as("admin", "POST", `/api/calls/${newId()}/deletions`, body)).json()).toMatchObject({ code: "CALL_UNKNOWN" });
    expect((await as("admin", "POST", `/api/calls/${call}/deletions`, { what: ["everything"] })).json().errors.length).toBeGreaterThan(1);
  });
});

describe("redacting a stretch", () => {
  it("takes its words out at once, and has the sound done", async () => {
    const call = await seedCall(house);
    const says = (started: number, text: string) =>
      insert(house, "utterances", {
        id: newId(),
        call_id: call,
        speaker: "caller",
        engine_ref: text,
        text,
        started_ms: started,
        ended_ms: started + 900,
      });
    await says(1_000, "my card is 4111");
    await says(9_000, "thank you");
    const asked = await as("admin", "POST", `/api/calls/${call}/redactions`, {
      from_ms: 1_000,
      to_ms: 2_000,
      side: "caller",
      why: "A card number.",
    });
    expect(asked.statusCode, asked.body).toBe(202);
    expect(asked.json().redactions).toMatchObject([{ from_ms: 1_000, to_ms: 2_000, side: "caller", original: "sealed", done_at: null }]);
    const { items } = (await house.ask("viewer", { url: `/api/calls/${call}/utterances` })).json();
    expect(JSON.stringify(items)).not.toContain("4111");
    expect(JSON.stringify(items)).toContain("thank you");
    const outside = await as("admin", "POST", `/api/calls/${call}/redactions`, { from_ms: 90_000, to_ms: 91_000, why: "x" });
    expect(outside.json()).toMatchObject({ status: 422, code: "STRETCH_OUTSIDE" });
  });
});

describe("rules of keeping", () => {
  it("are set for all or for one agent, and ended", async () => {
    const agent = (await house.ask("admin", { url: "/api/agents" })).json().items[0].id;
    await as("admin", "PUT", "/api/keep-rules", { what: "audio", days: 90 });
    await as("admin", "PUT", "/api/keep-rules", { agent_id: agent, what: "audio", days: 30 });
    const set = await as("admin", "PUT", "/api/keep-rules", { what: "audio", days: 60 });
    expect(set.json().items).toEqual([
      { agent_id: null, what: "journal", days: 3 },
      { agent_id: null, what: "audio", days: 60 },
      { agent_id: agent, what: "audio", days: 30 },
    ]);
    await as("admin", "PUT", "/api/keep-rules", { agent_id: agent, what: "audio", days: null });
    expect((await as("member", "GET", "/api/keep-rules")).json().items).toEqual([
      { agent_id: null, what: "journal", days: 3 },
      { agent_id: null, what: "audio", days: 60 },
    ]);
    const journals = await as("admin", "PUT", "/api/keep-rules", { what: "journal", days: 0 });
    expect(journals.json().items).toContainEqual({ agent_id: null, what: "journal", days: 0 });
    await as("admin", "PUT", "/api/keep-rules", { what: "journal", days: null });
    expect((await as("admin", "PUT", "/api/keep-rules", { agent_id: newId(), what: "audio", days: 1 })).json()).toMatchObject({
      status: 404,
    });
    expect((await as("admin", "PUT", "/api/keep-rules", { what: "audio", days: 0 })).json().errors).toMatchObject([{ field: "days" }]);
    expect((await as("member", "PUT", "/api/keep-rules", { what: "audio", days: 1 })).statusCode).toBe(403);
  });
});

describe("the background work", () => {
  it("is shown by queue, and a recording that failed is tried again or given up by hand", async () => {
    const call = await seedCall(house);
    const id = await seedRecording(house, call, Buffer.from("sound"), { status: "failed", because: "FILE_UNREADABLE" });
    const again = await as("member", "POST", `/api/recordings/${id}/try-again`);
    expect(again.json()).toEqual({ again: "verified" });
    // Pressed twice.
    expect((await as("member", "POST", `/api/recordings/${id}/try-again`)).json()).toEqual(again.json());
    const traces = await house.database.pool.query(
      "select action as what from audits where detail->>'recording' = $1 union all select kind from events where call_id = $2",
      [id, call],
    );
    expect(traces.rows).toEqual([{ what: "recording.tried_again" }, { what: "recording.tried_again" }]);
    const queues = (await as("member", "GET", "/api/jobs")).json().items;
    expect(queues.find(({ queue }: { queue: string }) => queue === "recording.audit")).toMatchObject({
      waiting: 0,
      failed: 0,
      oldest_due_seconds: 0,
    });
    expect((await as("member", "POST", `/api/recordings/${newId()}/try-again`)).statusCode).toBe(404);
    const missing = await seedRecording(house, await seedCall(house), Buffer.from("x"), { status: "announced", storage_key: null });
    expect((await as("member", "POST", `/api/recordings/${missing}/give-up`)).json()).toEqual({ given_up: true });
    expect((await as("member", "POST", `/api/recordings/${missing}/give-up`)).statusCode).toBe(409);
    expect((await house.ask("viewer", { url: "/api/jobs" })).statusCode).toBe(403);
  });
});

describe("what waits", () => {
  it("is listed with why and since when, the oldest first; calls that run are not late", async () => {
    const call = await seedCall(house);
    const running = await seedCall(house, { status: "in_progress" });
    const later = new Date(house.clock.now().getTime() + 600_000);
    const row = (more: object) => insert(house, "recordings", { id: newId(), call_id: call, created_at: house.clock.now(), ...more });
    await row({
      source: "carrier",
      status: "announced",
      because: "RECORDING_UNREACHABLE",
      attempts: 3,
      announced_at: later,
      next_attempt_at: later,
    });
    await row({ source: "journal", status: "verified" });
    await row({ source: "engine", status: "expected" });
    await row({ call_id: running, source: "carrier", status: "expected" });
    await as("admin", "PUT", `/api/calls/${call}/hold`, { why: "a dispute" });
    await insert(house, "deletions", {
      id: newId(),
      call_id: call,
      asked_at: house.clock.now(),
      asked_by: "us",
      because: "rule:x",
      what: ["audio"],
    });
    const items = page(Waiting)
      .parse((await as("member", "GET", "/api/waiting")).json())
      .items.filter(({ call_id }) => call_id === call);
    expect(items.map(({ what, source, attempts, because }) => [what, source, attempts, because?.code ?? null])).toEqual([
      ["deletion", null, 0, "CALL_HELD"],
      ["engine", "engine", 0, null],
      ["file", "carrier", 3, "RECORDING_UNREACHABLE"],
    ]);
    expect(items[2]).toMatchObject({ since: later.toISOString(), next_attempt_at: later.toISOString() });
    expect((await house.ask("viewer", { url: "/api/waiting" })).statusCode).toBe(403);
  });

  it("says of a deletion or redaction that fails what it met, and tries it again by hand", async () => {
    const call = await seedCall(house);
    const [deletion, redaction] = [newId(), newId()];
    const asked = { call_id: call, asked_at: house.clock.now(), asked_by: "us" };
    await insert(house, "deletions", { ...asked, id: deletion, because: "rule:x", what: ["audio"] });
    await insert(house, "redactions", {
      ...asked,
      id: redaction,
      from_ms: 0,
      to_ms: 10,
      side: "both",
      original: "sealed",
      why: "a number",
    });
    const spoiled = () => Promise.reject(new RecordingFailure("STORED_FILE_ROTTEN", "Key x."));
    for (let i = 0; i < 2; i++) await expect(tellingTrouble(house.database.pool, { redactionsOf: call }, spoiled)).rejects.toThrow();
    await expect(tellingTrouble(house.database.pool, { deletion }, () => Promise.reject(new Error("503")))).rejects.toThrow("503");
    const items = page(Waiting).parse((await as("member", "GET", "/api/waiting")).json()).items;
    expect(items.find(({ id }) => id === redaction)).toMatchObject({ attempts: 2, because: { code: "STORED_FILE_ROTTEN" } });
    expect(items.find(({ id }) => id === deletion)).toMatchObject({ attempts: 1, because: { message: expect.stringContaining("503") } });
    expect((await as("member", "POST", `/api/waiting/${redaction}/try-again`)).json()).toEqual({ again: "redaction" });
    expect((await as("member", "POST", `/api/waiting/${deletion}/try-again`)).json()).toEqual({ again: "deletion" });
    expect((await as("member", "POST", `/api/waiting/${newId()}/try-again`)).statusCode).toBe(404);
    expect((await house.ask("viewer", { method: "POST", url: `/api/waiting/${deletion}/try-again` })).statusCode).toBe(403);
  });

  it("says of two recordings that are not compared what that met, and compares them again by hand; of a held redaction that it is held", async () => {
    const call = await seedCall(house);
    const { pool } = house.database;
    const file = { call_id: call, created_at: house.clock.now(), storage_key: "recordings/none", duration_ms: 1000, status: "verified" };
    const carrier = newId();
    await insert(house, "recordings", { ...file, id: carrier, source: "carrier" });
    const waits = async () =>
      page(Waiting)
        .parse((await as("member", "GET", "/api/waiting")).json())
        .items.filter(({ call_id }) => call_id === call);
    const again = () => as("member", "POST", `/api/waiting/${carrier}/try-again`);
    expect(await waits()).toEqual([]); // one alone is not to be compared
    await insert(house, "recordings", { ...file, id: newId(), source: "journal" });
    expect(await waits()).toMatchObject([{ what: "comparison", id: carrier, source: null, because: null }]);
    const failed = tellingTrouble(pool, { comparisonOf: call }, () => Promise.reject(new Error("503")));
    await expect(failed).rejects.toThrow("503");
    expect(await waits()).toMatchObject([{ because: { message: expect.stringContaining("503") } }]);
    expect((await again()).json()).toEqual({ again: "comparison" });

    const stretch = { from_ms: 0, to_ms: 10, side: "both", original: "sealed", why: "a number" };
    await insert(house, "redactions", { ...stretch, id: newId(), call_id: call, asked_at: house.clock.now(), asked_by: "us" });
    await as("admin", "PUT", `/api/calls/${call}/hold`, { why: "a dispute" });
    expect((await waits()).map(({ what, because }) => [what, because?.code]).sort()).toEqual([
      ["comparison", "RECORDING_TO_BE_REDACTED"],
      ["redaction", "CALL_HELD"],
    ]);
    await pool.query(`update recordings set detail = '{"comparison": {}}' where call_id = $1`, [call]);
    expect((await waits()).map(({ what }) => what)).toEqual(["redaction"]);
    expect((await again()).statusCode).toBe(404);
  });
});
