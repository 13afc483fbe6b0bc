import { afterAll, beforeAll, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { type CallId, newId } from "../ids.ts";
import { type Prices, publishedPrices } from "../prices.ts";
import { sessionEnded, sessionReady } from "./engine-sessions.ts";
import { readCall } from "./read.ts";
import { recordSessionTimes, recordUsage } from "./usage.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const at = new Date("2026-03-01T10:00:00Z");
async function newCall(): Promise<CallId> {
  const call = newId<CallId>();
  await db.pool.query(
    `insert into calls (id, direction, status, from_number, to_number, deadline_at) values ($1, 'outbound', 'in_progress', '+12025550100', '+12025550101', now() + interval '1 hour')`,
    [call],
  );
  return call;
}
const response = (audioOut: number, model = "gpt-realtime-2.1") => ({
  of: "response",
  service: "openai",
  model,
  input_token_details: { text_tokens: 500, audio_tokens: 1_000, cached_tokens: 0 },
  output_token_details: { text_tokens: 50, audio_tokens: audioOut },
});
const used = (call: CallId, raw: object, prices: Prices = publishedPrices) =>
  recordUsage(db.pool, { call, engine: "openai", session: "s1", at, raw: { ...raw } }, prices);
const costOf = async (call: CallId) => (await readCall(db.pool, call))?.cost;

it("what a call's answers and its transcription have used is added up, and priced as of the day", async () => {
  const call = await newCall();
  expect(await costOf(call)).toEqual({ carrier: null, engine: null, usage: null });
  await used(call, response(1_000));
  await used(call, response(500));
  await used(call, { of: "transcription", service: "openai", model: "gpt-realtime-whisper", type: "duration", seconds: 6 });
  expect(await costOf(call)).toEqual({
    carrier: null,
    engine: { amount: "0.1681", currency: "USD" },
    usage: {
      session_seconds: null,
      transcribed_seconds: 6,
      tokens: { text_in: 1_000, audio_in: 2_000, cached_in: 0, text_out: 100, audio_out: 1_500 },
    },
  });
});

it("where one part has no price, the whole is not known", async () => {
  const call = await newCall();
  await used(call, response(1_000));
  await used(call, response(1_000, "gpt-realtime-9"));
  expect(await costOf(call)).toMatchObject({ engine: null, usage: { tokens: { audio_out: 2_000 } } });
});

it("an engine that tells nothing has used the time its sessions were open, each counted once", async () => {
  const call = await newCall();
  const prices = { evi: { currency: "EUR", per_minute: 0.06 } };
  for (const [session, seconds] of [
    ["a", 90],
    ["b", 30],
  ] as const) {
    await sessionReady(db.pool, call, "p1", { engine: "evi", session, resume: null, at });
    await sessionEnded(db.pool, "evi", session, new Date(at.getTime() + seconds * 1000));
  }
  await recordSessionTimes(db.pool, call, "p1", prices);
  await recordSessionTimes(db.pool, call, "p1", prices);
  expect(await costOf(call)).toEqual({
    carrier: null,
    engine: { amount: "0.12", currency: "EUR" },
    usage: { session_seconds: 120, transcribed_seconds: null, tokens: null },
  });
});

it("an engine that tells what it used is not billed by time", async () => {
  const call = await newCall();
  await used(call, response(1_000));
  await sessionReady(db.pool, call, "p1", { engine: "openai", session: "s9", resume: null, at });
  await sessionEnded(db.pool, "openai", "s9", new Date(at.getTime() + 60_000));
  await recordSessionTimes(db.pool, call, "p1", publishedPrices);
  expect((await costOf(call))?.usage?.session_seconds).toBeNull();
});

it("the carrier's price of all legs stands beside it, in its own currency", async () => {
  const call = await newCall();
  for (const [leg, price] of [
    ["phone", "0.0139"],
    ["person", "0.02"],
  ] as const)
    await db.pool.query("insert into legs (leg, call_id, kind, price) values ($1, $2, 'phone', $3)", [`${leg}-${call}`, call, price]);
  expect((await costOf(call))?.carrier).toEqual({ amount: "0.0339", currency: "EUR" });
});
