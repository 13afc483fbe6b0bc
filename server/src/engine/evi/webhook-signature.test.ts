import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { refusalOfWebhook } from "./webhook-signature.ts";
import { readWebhook } from "./webhook-wire.ts";

const KEY = "a webhook signing key";
const BODY = '{"event_name":"chat_ended","chat_id":"c-1"}';
const NOW = new Date(1_790_000_000_000);
/** As Hume's two official examples verify it: over the raw body, a dot and the seconds. */
const sign = (body: string, seconds: number | string, key = KEY): string =>
  createHmac("sha256", key).update(`${body}.${seconds}`).digest("hex");

test("a signature over these very bytes is the one that was worked out by hand", () => {
  // openssl: printf '%s' '{"event_name":"chat_ended","chat_id":"c-1"}.1790000000' | openssl dgst -sha256 -hmac 'a webhook signing key'
  const signature = sign(BODY, 1_790_000_000);
  expect(refusalOfWebhook({ signature, timestamp: "1790000000", body: Buffer.from(BODY) }, KEY, NOW)).toBeNull();
});

test.each([
  ["without a signature", { signature: undefined }, "unsigned"],
  ["without a timestamp", { timestamp: undefined }, "unsigned"],
  ["with a timestamp that is no number", { timestamp: "now" }, "unsigned"],
  ["of another key", { signature: sign(BODY, 1_790_000_000, "another") }, "signature"],
  ["of another body", { body: Buffer.from(`${BODY} `) }, "signature"],
  ["of another time", { timestamp: "1790000001" }, "signature"],
  ["in capitals", { signature: sign(BODY, 1_790_000_000).toUpperCase() }, "signature"],
  ["cut short", { signature: sign(BODY, 1_790_000_000).slice(0, 62) }, "signature"],
  ["three minutes and a second old", { timestamp: "1789999819", signature: sign(BODY, 1_789_999_819) }, "stale"],
  ["three minutes old", { timestamp: "1789999820", signature: sign(BODY, 1_789_999_820) }, null],
  ["three minutes and a second ahead", { timestamp: "1790000181", signature: sign(BODY, 1_790_000_181) }, "early"],
] as const)("%s: %j is %s", (_, wrong, refusal) => {
  const webhook = { signature: sign(BODY, 1_790_000_000), timestamp: "1790000000", body: Buffer.from(BODY), ...wrong };
  expect(refusalOfWebhook(webhook, KEY, NOW)).toBe(refusal);
});

test("reads what Hume sends, as documented", () => {
  const common = {
    chat_id: "c-1",
    chat_group_id: "g-1",
    config_id: null,
    caller_number: null,
    custom_session_id: "call-1",
    twilio_metadata: null,
  };
  const read = (body: object) => readWebhook(Buffer.from(JSON.stringify(body)));
  const head = { session: "c-1", resume: "g-1", call: "call-1" };
  expect(read({ event_name: "chat_started", ...common, start_time: 1_790_000_000_000, chat_start_type: "new_chat_group" })).toEqual({
    identity: "c-1 chat_started",
    told: { ...head, event: "chat_started", at: new Date(1_790_000_000_000) },
  });
  expect(
    read({ event_name: "chat_ended", ...common, end_time: 1_790_000_123_000, duration_seconds: 94, end_reason: "USER_ENDED" }),
  ).toEqual({
    identity: "c-1 chat_ended",
    told: { ...head, event: "chat_ended", at: new Date(1_790_000_123_000), why: "USER_ENDED", seconds: 94 },
  });
  const tool = {
    event_name: "tool_call",
    ...common,
    timestamp: 1_790_000_050_000,
    tool_call_message: { tool_call_id: "t-7", name: "look_up" },
  };
  expect(read(tool)).toEqual({ identity: "c-1 tool_call t-7", told: { ...head, event: "other", name: "tool_call" } });
  expect(read({ event_name: "something_new", chat_id: "c-1" }).told).toEqual({
    session: "c-1",
    resume: null,
    call: null,
    event: "other",
    name: "something_new",
  });
});

test.each(["", "null", "[]", "{", '{"event_name":"chat_ended"}', '{"chat_id":7,"event_name":"chat_ended"}'])(
  "%j is believed and not read",
  (body) => {
    const { identity, told } = readWebhook(Buffer.from(body));
    expect(told).toBeNull();
    expect(identity).toMatch(/^[0-9a-f]{64}$/);
  },
);
