import { Call, CallEvent, page, Utterance } from "@earshot/contract/call";
import { Webhook } from "@earshot/contract/webhook";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pack } from "../emotion/scores.ts";
import { newId } from "../ids.ts";
import { insert, NUMBER, openTestHouse, seedCall, seedRecording, type TestHouse } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.close());

const Calls = page(Call);
const list = async (query = "", role: "admin" | "viewer" = "viewer") => {
  const answer = await house.ask(role, { url: `/api/calls${query}` });
  expect(answer.statusCode, answer.body).toBe(200);
  return Calls.parse(answer.json());
};
const ids = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id);
const callCount = async () => (await house.database.pool.query<{ n: number }>("select count(*)::int as n from calls")).rows[0]?.n;
const auditsOf = async (call: string) =>
  (await house.database.pool.query("select action from audits where call_id = $1 order by at, id", [call])).rows.map(
    ({ action }) => action,
  );
const place = (payload: unknown, headers: Record<string, string> = {}) =>
  house.ask("member", {
    method: "POST",
    url: "/api/calls",
    headers: { "content-type": "application/json", ...headers },
    payload: JSON.stringify(payload),
  });

describe("placing a call", () => {
  it("answers with the call and its address, and writes down who asked", async () => {
    const answer = await place({ to: "+1 202-555-0143", customer_name: " Front desk ", variables: { order: 7 }, metadata: { a: null } });
    expect(answer.statusCode).toBe(201);
    const call = Call.parse(answer.json());
    expect(answer.headers.location).toBe(`/api/calls/${call.id}`);
    expect(call).toMatchObject({
      direction: "outbound",
      from: NUMBER,
      to: "+12025550143",
      customer_name: "Front desk",
      variables: { order: 7 },
      metadata: { a: null },
      agent: { name: "Reception", version: 1 },
      end_reason: null,
      started_at: null,
      duration_ms: null,
      utterance_count: 0,
    });
    const { rows } = await house.database.pool.query("select actor, action from audits where call_id = $1", [call.id]);
    expect(rows).toEqual([{ actor: expect.stringMatching(/^key:/), action: "call.placed" }]);
    expect(Call.parse((await house.ask("viewer", { url: answer.headers.location as string })).json()).id).toBe(call.id);
  });

  it("with the same key is the same call, also at the same time; another body or another asker is another matter", async () => {
    const before = await callCount();
    const key = { "idempotency-key": "order-77" };
    const answers = await Promise.all([1, 2, 3, 4].map(() => place({ to: "+12025550144" }, key)));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 200, 201]);
    expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(1);
    expect(await auditsOf(answers[0]?.json().id)).toEqual(["call.placed"]);
    const again = await place({ to: "+12025550144" }, key);
    expect(again.statusCode).toBe(200);
    expect(again.headers.location).toBe(`/api/calls/${answers[0]?.json().id}`);
    expect(await callCount()).toBe((before ?? 0) + 1);
    const reused = await place({ to: "+12025550145" }, key);
    expect(reused.statusCode).toBe(422);
    expect(reused.json().code).toBe("IDEMPOTENCY_KEY_REUSED");
    const other = await house.ask("admin", { method: "POST", url: "/api/calls", headers: key, payload: { to: "+12025550144" } });
    expect(other.statusCode).toBe(201);
  });

  it.each([
    [{}, {}, ["to"]],
    [{ to: "" }, {}, ["to"]],
    [{ to: 12025550143 }, {}, ["to"]],
    [{ to: "12" }, {}, ["to"]],
    [{ to: "not a number" }, {}, ["to"]],
    [{ to: "+4930123456" }, {}, ["to"]],
    [{ to: "+1".padEnd(60, "2") }, {}, ["to"]],
    [{ to: "+12025550143", agent_id: "me" }, {}, ["agent_id"]],
    [{ to: "+12025550143", agent_id: "00000000-0000-7000-8000-000000000000" }, {}, ["agent_id"]],
    [{ to: "+12025550143", from: "+1" }, {}, ["from"]],
    [{ to: "+12025550143", customer_name: "a\u0000b" }, {}, ["customer_name"]],
    [{ to: "+12025550143", customer_name: "\ud800" }, {}, ["customer_name"]],
    [{ to: "+12025550143", customer_name: "   " }, {}, ["customer_name"]],
    [{ to: "+12025550143", variables: { "not ok": 1 } }, {}, ["variables.not ok"]],
    [{ to: "+12025550143", variables: { a: { b: 1 } } }, {}, ["variables.a"]],
    [{ to: "+12025550143", variables: { a: "x\u0000" } }, {}, ["variables.a"]],
    [{ to: "+12025550143", variables: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`v${i}`, i])) }, {}, ["variables"]],
    [{ to: "+12025550143", metadata: { a: [] } }, {}, ["metadata.a"]],
    [{ to: "+12025550143" }, { "idempotency-key": "x".repeat(201) }, ["idempotency-key"]],
    [{ to: "+12025550143" }, { "idempotency-key": "with space" }, ["idempotency-key"]],
    [null, {}, ["body"]],
    ["+12025550143", {}, ["body"]],
  ] as const)("that asks %j %j is refused naming %j, and nothing is placed", async (payload, headers, fields) => {
    const before = await callCount();
    const answer = await place(payload, headers);
    expect([400, 404, 422]).toContain(answer.statusCode);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.json().errors.map(({ field }: { field: string }) => field)).toEqual(fields);
    expect(answer.json().remedy).toBeTruthy();
    expect(await callCount()).toBe(before);
  });
});

describe("hanging up", () => {
  it("is asked for once the call is there and not over", async () => {
    const id = await seedCall(house, { status: "in_progress", phone_leg: "leg-1" });
    const answer = await house.ask("member", { method: "POST", url: `/api/calls/${id}/hangup` });
    expect(answer.statusCode).toBe(202);
    expect(Call.parse(answer.json()).id).toBe(id);
    const { rows } = await house.database.pool.query("select hangup_asked_by from calls where id = $1", [id]);
    expect(rows[0]).toEqual({ hangup_asked_by: "operator" });
    expect(await auditsOf(id)).toEqual(["call.hung_up"]);
    const ended = await seedCall(house);
    const over = await house.ask("member", {
      method: "POST",
      url: `/api/calls/${ended}/hangup`,
      headers: { "content-type": "application/json" },
    });
    expect(over.statusCode).toBe(409);
    expect(over.json().code).toBe("CALL_OVER");
    const unknown = await house.ask("member", { method: "POST", url: `/api/calls/${newId()}/hangup` });
    expect(unknown.statusCode).toBe(404);
    const wordy = await house.ask("member", { method: "POST", url: `/api/calls/${id}/hangup`, payload: { force: true } });
    expect(wordy.json().errors).toEqual([{ field: "force", message: "is not known here" }]);
  });

  it("pressed twice is one hang-up on the timeline and in the audits; pressed again later, it is asked for again", async () => {
    const id = await seedCall(house, { status: "in_progress", phone_leg: "leg-2" });
    const press = () => house.ask("member", { method: "POST", url: `/api/calls/${id}/hangup` });
    expect((await Promise.all([press(), press()])).map(({ statusCode }) => statusCode)).toEqual([202, 202]);
    expect((await house.ask("viewer", { url: `/api/calls/${id}/events` })).json().items).toHaveLength(1);
    expect(await auditsOf(id)).toEqual(["call.hung_up"]);
    house.clock.forward(60_000);
    expect((await press()).statusCode).toBe(202);
    expect(await auditsOf(id)).toEqual(["call.hung_up", "call.hung_up"]);
  });
});

describe("reading a call", () => {
  it("tells its times, lengths, price and recording in the contract's words", async () => {
    const id = await seedCall(house, { customer_name: "The polite caller", engine: "evi", conversation: "CON-1" });
    for (const [leg, kind, price] of [
      ["leg-a", "phone", "0.01230000"],
      ["leg-b", "socket", "0.00200000"],
    ]) {
      await insert(house, "legs", { leg, call_id: id, kind, price });
    }
    await insert(house, "recordings", {
      id: newId(),
      call_id: id,
      source: "carrier",
      status: "missing",
      because: "RECORDING_NOT_ANNOUNCED",
    });
    const call = Call.parse((await house.ask("viewer", { url: `/api/calls/${id}` })).json());
    expect(call).toMatchObject({
      duration_ms: 60_000,
      ring_ms: 4_000,
      price: "0.0143",
      price_currency: "EUR",
      recording: {
        status: "missing",
        source: "carrier",
        url: null,
        because: { code: "RECORDING_NOT_ANNOUNCED", remedy: expect.stringContaining("PUBLIC_URL") },
      },
    });
    expect(JSON.stringify(call)).not.toMatch(/CON-1|leg-a/);
    const unanswered = await seedCall(house, { answered_at: null, end_reason: "no_answer" });
    const other = Call.parse((await house.ask("viewer", { url: `/api/calls/${unanswered}` })).json());
    expect(other).toMatchObject({
      started_at: null,
      duration_ms: null,
      ring_ms: 64_000,
      price: null,
      price_currency: null,
      recording: { status: "none", id: null },
    });
  });

  it.each(["x", "123", "..%2f..%2fetc%2fpasswd", "00000000-0000-7000-8000-00000000000", "'; drop table calls; --"])(
    "by the id %j names the field",
    async (id) => {
      for (const tail of ["", "/utterances", "/events", "/webhooks", "/recordings", "/recording", "/recording/peaks"]) {
        const answer = await house.ask("admin", { url: `/api/calls/${id.includes("%") ? id : encodeURIComponent(id)}${tail}` });
        expect(answer.statusCode).toBe(400);
        expect(answer.json().errors[0].field).toBe("id");
      }
    },
  );

  it("that is not there says so, everywhere", async () => {
    for (const tail of ["", "/utterances", "/events", "/webhooks", "/recordings", "/recording", "/recording/peaks"]) {
      const answer = await house.ask("admin", { url: `/api/calls/${newId()}${tail}` });
      expect(answer.statusCode, tail).toBe(404);
      expect(answer.json().code).toBe("CALL_UNKNOWN");
    }
  });
});

describe("what was said", () => {
  it("comes in order with its feelings, strongest first, page by page", async () => {
    const id = await seedCall(house);
    const names = ["Joy", "Calmness", "Anger"];
    const { rows } = await house.database.pool.query<{ id: number }>(
      "insert into emotion_sets (name, names) values ('evi-prosody-48', $1) returning id",
      [names],
    );
    const say = (n: number, more: Record<string, unknown>) =>
      insert(house, "utterances", {
        id: newId(),
        call_id: id,
        speaker: "caller",
        engine_ref: `u${n}`,
        text: `sentence ${n}`,
        started_ms: n * 1000,
        ended_ms: n * 1000 + 900,
        ...more,
      });
    await say(2, { speaker: "agent", cut: true, heard_ms: 400 });
    await say(1, { emotion_set: rows[0]?.id, emotions: pack(names, { Joy: 0.1, Calmness: 0.7, Anger: 0.2 }), language: "en" });
    await say(3, { emotion_set: rows[0]?.id, emotions: Buffer.from([9, 9]) });
    const answer = await house.ask("viewer", { url: `/api/calls/${id}/utterances?limit=2` });
    const first = page(Utterance).parse(answer.json());
    expect(first.items.map(({ text }) => text)).toEqual(["sentence 1", "sentence 2"]);
    expect(Object.entries(first.items[0]?.emotions ?? {}).map(([name]) => name)).toEqual(["Calmness", "Anger", "Joy"]);
    expect(first.items[0]).toMatchObject({ speaker: "caller", emotion_set: "evi-prosody-48", language: "en", cut: false });
    expect(first.items[1]).toMatchObject({ speaker: "agent", cut: true, heard_ms: 400, emotions: {} });
    const second = page(Utterance).parse(
      (await house.ask("viewer", { url: `/api/calls/${id}/utterances?limit=2&cursor=${first.next}` })).json(),
    );
    // Scores nobody can read do not take the words away.
    expect(second).toMatchObject({ next: null, items: [{ text: "sentence 3", emotions: {} }] });
  });
});

describe("what happened", () => {
  it("comes in order, measured from the answer, page by page", async () => {
    const id = await seedCall(house);
    const at = house.clock.now().getTime();
    for (const [kind, offset] of [
      ["call.answered", 5_000],
      ["call.dialed", 100],
      ["call.ended", 65_000],
    ] as const) {
      await insert(house, "events", {
        id: newId(),
        call_id: id,
        at: new Date(at + offset),
        kind,
        actor: "carrier",
        said: `It was ${kind}.`,
        detail: { token: "t", leg: "l" },
      });
    }
    const answer = await house.ask("viewer", { url: `/api/calls/${id}/events?limit=2` });
    const first = page(CallEvent).parse(answer.json());
    expect(first.items.map(({ kind, call_ms }) => [kind, call_ms])).toEqual([
      ["call.dialed", -4_900],
      ["call.answered", 0],
    ]);
    expect(first.items[0]?.detail).toEqual({ token: "[redacted]", leg: "l" });
    const second = page(CallEvent).parse((await house.ask("viewer", { url: `/api/calls/${id}/events?cursor=${first.next}` })).json());
    expect(second.items.map(({ kind }) => kind)).toEqual(["call.ended"]);
    expect(second.next).toBeNull();
  });
});

describe("the carrier's requests", () => {
  it("are shown raw with their verdicts, secrets taken out", async () => {
    const id = await seedCall(house);
    const hook = (n: number, more: Record<string, unknown>) =>
      insert(house, "webhooks", {
        id: newId(),
        received_at: new Date(house.clock.now().getTime() + n),
        carrier: "vonage",
        door: "event",
        method: "POST",
        url: "/webhooks/vonage/event?token=abc",
        headers: { authorization: { claims: { iat: 1 } }, "x-api-key": "k" },
        body: Buffer.from('{"status":"answered","signature":"s"}'),
        verdict: "applied",
        call_id: id,
        ...more,
      });
    await hook(1, {});
    await hook(2, { verdict: "bad_signature", because: "no Authorization header", body: Buffer.from([0xff, 0xfe]) });
    const { items } = page(Webhook).parse((await house.ask("member", { url: `/api/calls/${id}/webhooks` })).json());
    expect(items[0]).toMatchObject({
      url: "/webhooks/vonage/event?token=[redacted]",
      headers: { authorization: { claims: { iat: 1 } }, "x-api-key": "[redacted]" },
      body: '{"status":"answered","signature":"[redacted]"}',
      verdict: "applied",
    });
    expect(items[1]).toMatchObject({ verdict: "bad_signature", because: "no Authorization header" });
  });
});

describe("the list of calls", () => {
  it("comes newest first and page by page, none twice and none left out, though they were made in the same millisecond", async () => {
    const own = await openTestHouse();
    try {
      const at = own.clock.now().getTime();
      const made: { id: string; at: string }[] = [];
      for (let n = 0; n < 23; n++) {
        const id = await seedCall(own, { id: newId(at) });
        const stamp = `2026-03-01T12:00:00.000${String(Math.floor(n / 3)).padStart(3, "0")}Z`;
        await own.database.pool.query("update calls set created_at = $2::timestamptz where id = $1", [id, stamp]);
        made.push({ id, at: stamp });
      }
      const expected = made.sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1)).map(({ id }) => id);
      for (const limit of [1, 4, 23, 100]) {
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const answer = Calls.parse(
            (await own.ask("viewer", { url: `/api/calls?limit=${limit}${cursor ? `&cursor=${cursor}` : ""}` })).json(),
          );
          seen.push(...ids(answer));
          cursor = answer.next;
        } while (cursor);
        expect(seen).toEqual(expected);
      }
    } finally {
      await own.close();
    }
  });

  it("asks the database as often for one call as for a hundred", async () => {
    const own = await openTestHouse();
    const asked = async (query: string): Promise<number> => {
      const { pool } = own.database;
      let count = 0;
      const onAcquire = (client: { query: unknown }) => {
        const original = client.query as (...args: unknown[]) => unknown;
        client.query = (...args: unknown[]) => {
          count += 1;
          return original.apply(client, args);
        };
        pool.once("release", () => {
          client.query = original;
        });
      };
      pool.on("acquire", onAcquire as never);
      await own.ask("viewer", { url: `/api/calls${query}` });
      pool.off("acquire", onAcquire as never);
      return count;
    };
    try {
      await seedCall(own, { customer_name: "zebra" });
      await asked("");
      const one = await asked("?limit=100");
      for (let n = 0; n < 99; n++) await seedRecording(own, await seedCall(own, { customer_name: "zebra" }), Buffer.from("x"));
      expect(await asked("?limit=100")).toBe(one);
      expect(await asked("?limit=100&search=zebra")).toBe(one);
      expect(one).toBeLessThanOrEqual(8);
    } finally {
      await own.close();
    }
  });

  it("is narrowed by each filter, and by several", async () => {
    const own = await openTestHouse();
    const query = async (text: string) => ids(Calls.parse((await own.ask("viewer", { url: `/api/calls?${text}` })).json()));
    try {
      const at = own.clock.now().getTime();
      const live = await seedCall(own, { status: "in_progress", id: newId(at) });
      const ringing = await seedCall(own, { status: "ringing", answered_at: null, id: newId(at + 1) });
      own.clock.forward(3_600_000);
      const inbound = await seedCall(own, { direction: "inbound", from_number: "+442071838750", to_number: NUMBER, id: newId(at + 2) });
      own.clock.forward(3_600_000);
      const lost = await seedCall(own, { end_reason: "lost", customer_name: "Très Fâchée", id: newId(at + 3) });
      const { rows } = await own.database.pool.query<{ id: string }>("select id from agents");
      const agent = await seedCall(own, { agent_id: rows[0]?.id, agent_version: 1, customer_name: "zoë", id: newId(at + 4) });
      expect(await query("status=live")).toEqual([ringing, live]);
      expect(await query("status=ringing")).toEqual([ringing]);
      expect(await query("status=ended")).toEqual([agent, lost, inbound]);
      expect(await query("direction=inbound")).toEqual([inbound]);
      expect(await query("end_reason=lost")).toEqual([lost]);
      expect(await query(`agent_id=${rows[0]?.id}`)).toEqual([agent]);
      expect(await query("number=%2B44+207-183")).toEqual([inbound]);
      expect(await query("number=8750")).toEqual([inbound]);
      expect(await query("from=2026-03-01T13:00:00Z&to=2026-03-01T14:00:00Z")).toEqual([inbound]);
      expect(await query("from=2026-03-01T14:00:00%2B01:00&to=2026-03-01T14:00:00Z")).toEqual([inbound]);
      expect(await query("status=live&direction=inbound")).toEqual([]);
      expect(await query("search=fâchée")).toEqual([lost]);
      expect(await query("search=ZO")).toEqual([agent]);
    } finally {
      await own.close();
    }
  });

  it("finds what was said: words, the beginning of the last, phrases, exclusions, any script", async () => {
    const own = await openTestHouse();
    const query = async (text: string) =>
      ids(Calls.parse((await own.ask("viewer", { url: `/api/calls?search=${encodeURIComponent(text)}` })).json()));
    let n = 0;
    const say = (call: string, text: string) =>
      insert(own, "utterances", {
        id: newId(),
        call_id: call,
        speaker: "caller",
        engine_ref: `u${n++}`,
        text,
        started_ms: n,
        ended_ms: n + 1,
      });
    try {
      const refund = await seedCall(own, { id: newId(1) });
      const urdu = await seedCall(own, { id: newId(2) });
      const both = await seedCall(own, { id: newId(3), customer_name: "refund department" });
      await say(refund, "I want a full refund, please.");
      await say(refund, "A refund I said.");
      await say(urdu, "مجھے اپنی رقم واپس چاہیے");
      await say(both, "Refunding is what we do; don't ask.");
      expect(await query("refund")).toEqual([both, refund]);
      expect(await query("REFUN")).toEqual([both, refund]);
      expect(await query('"full refund"')).toEqual([refund]);
      expect(await query('"full refund" -please')).toEqual([]);
      expect(await query("full or refunding")).toEqual([both, refund]);
      expect(await query("واپس")).toEqual([urdu]);
      expect(await query("don't")).toEqual([both]);
      for (const odd of [
        "!!!",
        "'",
        "\\",
        ":*",
        "& | !",
        "%",
        "a:*b",
        "(((",
        "'; drop table calls; --",
        "<->",
        " ",
        '"',
        "-",
        "or",
        "or or",
        "x".repeat(200),
      ]) {
        expect(Array.isArray(await query(odd)), odd).toBe(true);
      }
    } finally {
      await own.close();
    }
  });

  it("is narrowed by the state of the recording that stands for the call, as the row itself shows it", async () => {
    const own = await openTestHouse();
    try {
      const statuses = ["expected", "announced", "fetching", "stored", "verified", "missing", "failed", "refused", "deleted"] as const;
      const none = await seedCall(own, { id: newId(1) });
      let n = 2;
      for (const carrier of statuses) {
        for (const journal of [...statuses, null]) {
          const call = await seedCall(own, { id: newId(n++) });
          const row = (source: string, status: string) =>
            insert(own, "recordings", {
              id: newId(),
              call_id: call,
              source,
              status,
              ...(["stored", "verified"].includes(status) ? { storage_key: `k${n}` } : {}),
            });
          await row("carrier", carrier);
          if (journal) await row("journal", journal);
        }
      }
      const all = Calls.parse((await own.ask("viewer", { url: "/api/calls?limit=100" })).json()).items;
      for (const status of ["none", ...statuses]) {
        const found = Calls.parse((await own.ask("viewer", { url: `/api/calls?limit=100&recording=${status}` })).json());
        expect(ids(found), status).toEqual(ids({ items: all.filter(({ recording }) => recording.status === status) }));
      }
      expect(all.filter(({ recording }) => recording.status === "none").map(({ id }) => id)).toEqual([none]);
    } finally {
      await own.close();
    }
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=1.5", "limit"],
    ["limit=1&limit=2", "limit"],
    ["limit=", "limit"],
    ["page=0", "page"],
    ["cursor=", "cursor"],
    ["cursor=zzz", "cursor"],
    ["cursor=..%2F..", "cursor"],
    ["status=open", "status"],
    ["direction=outbound_api", "direction"],
    ["end_reason=WON", "end_reason"],
    ["recording=gone", "recording"],
    ["agent_id=1", "agent_id"],
    ["number=abc", "number"],
    ["from=yesterday", "from"],
    ["from=2026-03-01", "from"],
    ["to=2026-02-30T00:00:00Z", "to"],
    ["search=%00", "search"],
    [`search=${"x".repeat(201)}`, "search"],
    ["status[]=live", "status[]"],
    ["__proto__=1", "__proto__"],
  ])("with %s names %s", async (query, field) => {
    const answer = await house.ask("admin", { url: `/api/calls?${query}` });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it("is every account's alike: one installation is one team", async () => {
    await seedCall(house);
    const member = await house.signIn("member");
    const seen = Calls.parse((await house.app.inject({ url: "/api/calls", headers: { cookie: member.cookie } })).json());
    expect(ids(seen)).toEqual(ids(await list()));
  });
});
