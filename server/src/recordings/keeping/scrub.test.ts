import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordEvent } from "../../calls/events.ts";
import { inTransaction } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { evidenceOf } from "../evidence/evidence.ts";
import { openTestRoom, type TestRoom } from "../test-room.ts";
import { askRedaction } from "./redaction.ts";
import { scrubStretch } from "./scrub.ts";

let room: TestRoom;
beforeAll(async () => {
  room = await openTestRoom();
});
afterAll(() => room.close());

const CARD = "4111111111111111";
const BEFORE = "code 7007";
const endedAt = new Date();
const clock = { now: () => endedAt, monotonicMs: () => performance.now() };
const TALK_MS = 300_000;
const at = (ms: number) => new Date(endedAt.getTime() - TALK_MS + ms);

/** A call in which a card number was said from 1:00 to 1:10, keyed, passed to a tool and told of; and something else a minute before. */
async function toldCall(): Promise<CallId> {
  const { pool } = room.database;
  const call = await room.call({ talkMs: TALK_MS, endedAt });
  for (const [ms, words] of [
    [0, BEFORE],
    [62_000, CARD],
  ] as const) {
    const event = (kind: string, said: string, detail: Record<string, unknown>, more = 0) =>
      recordEvent(pool, { call, at: at(ms + more), kind, actor: "caller", said, detail });
    await event("tool.called", "The agent used pay.", { tool: "pay", use: "u", arguments: { card: words } }, 12_000);
    await event("tool.answered", "pay answered.", { tool: "pay", use: "u", result: `Charged ${words}.` }, 13_000);
    await event("caller.key_pressed", `The caller pressed ${words}.`, { digits: words });
    await pool.query(
      "insert into utterances (id, call_id, speaker, engine_ref, text, started_ms, ended_ms) values ($1, $2, 'caller', $3, $4, $5, $6)",
      [newId(), call, `c${ms}`, `It is ${words}.`, ms, ms + 5000],
    );
    await pool.query(
      `insert into webhooks (id, received_at, carrier, door, method, url, headers, body, verdict, call_id)
       values ($1, $2, 'vonage', 'event', 'POST', $3, '{}', $4, 'applied', $5)`,
      [newId(), at(ms + 1000), `/webhooks/vonage/event?dtmf=${words}`, JSON.stringify({ dtmf: { digits: words } }), call],
    );
    await pool.query(
      `insert into exchanges (id, at, carrier, call_id, method, url, request, status, answer, took_ms)
       values ($1, $2, 'vonage', $3, 'PUT', '/v1/calls/x/dtmf', $4, 200, $4, 5)`,
      [newId(), at(ms + 2000), call, JSON.stringify({ digits: words })],
    );
    await pool.query(`insert into bridge_asks (id, call_id, ask, asked_at, asked_by) values ($1, $2, $3, $4, 'user:someone')`, [
      newId(),
      call,
      { what: "whisper", how: "context", text: words },
      at(ms + 3000),
    ]);
    await pool.query(
      `insert into transfers (id, call_id, to_number, announcement, asked_at, asked_by, result) values ($1, $2, '+12025550101', $3, $4, 'agent', 'busy')`,
      [newId(), call, `Their card is ${words}.`, at(ms + 4000)],
    );
  }
  await pool.query(
    `insert into engine_webhooks (id, received_at, engine, identity, body, verdict, call_id) values ($1, $2, 'evi', $3, $4, 'applied', $5)`,
    [newId(), at(200_000), newId(), JSON.stringify({ tool_call_message: { parameters: CARD } }), call],
  );
  return call;
}

/** Everything the database has of a call, as text; bodies readable. */
async function everything(call: CallId): Promise<string> {
  const tables = ["events", "utterances", "exchanges", "bridge_asks", "transfers"];
  const whole = await Promise.all(
    tables.map(
      async (table) => (await room.database.pool.query(`select to_jsonb(t) as row from ${table} t where call_id = $1`, [call])).rows,
    ),
  );
  const raw = await Promise.all(
    ["webhooks", "engine_webhooks"].map(
      async (table) =>
        (
          await room.database.pool.query(
            `select convert_from(body, 'UTF8') as body, to_jsonb(t)->'url' as url from ${table} t where call_id = $1`,
            [call],
          )
        ).rows,
    ),
  );
  return JSON.stringify([whole, raw]);
}
const times = (text: string, word: string) => text.split(word).length - 1;
const redact = (call: CallId) =>
  inTransaction(room.database.pool, (sql) =>
    askRedaction(sql, call, {
      fromMs: 60_000,
      toMs: 70_000,
      side: "caller",
      original: "sealed",
      why: "a card number",
      by: "user:someone",
      at: endedAt,
    }),
  );

describe("what was said in a redacted stretch", () => {
  it("is nowhere left: not as keys, in a tool's use, in raw requests, nor in the evidence; what was said elsewhere is", async () => {
    const call = await toldCall();
    const before = await everything(call);
    expect(times(before, CARD)).toBeGreaterThan(9);
    await redact(call);
    const after = await everything(call);
    expect(times(after, CARD)).toBe(0);
    expect(times(after, BEFORE)).toBe(times(before, BEFORE));
    const evidence = await evidenceOf({ pool: room.database.pool, storage: room.storage, clock }, call, "user:test");
    const parts: Uint8Array[] = [];
    for await (const part of evidence?.bytes ?? []) parts.push(part);
    expect(Buffer.concat(parts).includes(CARD)).toBe(false);
    expect(Buffer.concat(parts).includes(BEFORE)).toBe(true);
    const { rows } = await room.database.pool.query(
      "select kind, said, detail from events where call_id = $1 and at > $2 order by at, id",
      [call, at(59_000)],
    );
    expect(rows.slice(0, 3)).toEqual([
      { kind: "caller.key_pressed", said: "The caller pressed a key.", detail: {} },
      { kind: "tool.called", said: "The agent used pay.", detail: { tool: "pay", use: "u" } },
      { kind: "tool.answered", said: "pay answered.", detail: { tool: "pay", use: "u" } },
    ]);
  });

  it("goes a second time without a change, and what came in between goes with it", async () => {
    const call = await toldCall();
    await redact(call);
    const once = await everything(call);
    await inTransaction(room.database.pool, (sql) => scrubStretch(sql, call, 60_000, 70_000, "caller"));
    expect(await everything(call)).toBe(once);
    await recordEvent(room.database.pool, {
      call,
      at: at(64_000),
      kind: "caller.key_pressed",
      actor: "caller",
      said: `The caller pressed ${CARD}.`,
      detail: { digits: CARD },
    });
    const recordings = await room.start({ clock });
    recordings.wake();
    await room.until(async () => times(await everything(call), CARD) === 0);
  });
});
