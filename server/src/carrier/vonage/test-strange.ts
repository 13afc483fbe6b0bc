import { withoutTokens } from "./redact.ts";
import { claimsOf, verifyHandshake, verifyWebhook } from "./signature.ts";
import { statuses } from "./statuses.ts";
import { stories } from "./test-stories.ts";
import { marksOf, readJson, readLeg, readLegs, readQuery, readQuestion, readWebhook } from "./wire.ts";

/** What nobody should send, made from what Vonage does send. Only tests and bench/fuzz.ts read this. */

const CALL = "0199a0b1-7d1f-7000-8000-000000000001";
const NOW = new Date("2026-03-04T10:01:00.000Z");
const leg = {
  from: "12025550100",
  to: "12025550101",
  uuid: "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11",
  conversation_uuid: "CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20",
  direction: "outbound",
  timestamp: "2026-03-04T10:00:02.120Z",
};

const strange: readonly unknown[] = [
  ...[null, undefined, 0, -1, 1e308, Number.NaN, true, "", "\0", "\ud800", "ringing", "x".repeat(10_000)],
  // Half a pair comes about where a text is cut.
  `${"x".repeat(499)}😀`,
  ...["2026-03-04T10:00:02Z", "9999-99-99T99:99:99Z", [], [null], {}, { digits: {} }, { __proto__: null }, "{}", "[[[", '{"digits":"1"}'],
];

const fields = [
  ...Object.keys(leg),
  ...[
    "status",
    "call_uuid",
    "detail",
    "dtmf",
    "speech",
    "recording_url",
    "recording_uuid",
    "size",
    "reason",
    "payload",
    "original_request",
  ],
  ...["conversation_uuid_from", "conversation_uuid_to", "start_time", "duration", "price", "sip_code", "disconnected_by", "sub_state"],
  ...["region_url", "_embedded", "_links", "__proto__", "constructor"],
];

/** One strange thing to each reader of the carrier's wire. Throws when one of them does, or keeps what could not be stored. */
export function strangeRound(random: () => number): void {
  const below = (most: number): number => Math.floor(random() * most);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const body = pick(pick(stories).webhooks).body;

  const told = random() < 0.5 ? JSON.parse(body) : { ...leg, status: pick(Object.keys(statuses)) };
  for (let changes = 0; changes < 4; changes++)
    Object.defineProperty(told, pick(fields), { value: pick(strange), enumerable: true, configurable: true, writable: true });
  const marks = marksOf(`/x?call=${pick([CALL, "", "\0", "%"])}&leg=${pick(["ws", "transfer", "", "x"])}`);
  keepable(readWebhook(told, marks, NOW, "digest"));
  keepable(readQuestion(told, marks));
  keepable(readLeg(told));
  keepable(readLegs({ _embedded: { calls: pick([[told, pick(strange)], pick(strange)]) }, _links: pick(strange) }));

  const bytes = Buffer.from(body);
  for (let flips = 1 + below(4); flips > 0; flips--) bytes[below(bytes.length)] = below(256);
  const cut = bytes.subarray(0, 1 + below(bytes.length));
  keepable(readWebhook(readJson(cut), marks, NOW, "digest"));
  keepable(readWebhook(readJson(bytes), marks, NOW, "digest"));
  const query = cut.toString("latin1");
  keepable(readWebhook(readQuery(query), marks, NOW, "digest"));
  withoutTokens(query);

  const parts = Array.from({ length: below(5) }, () =>
    pick([cut, bytes, Buffer.from("{}"), Buffer.from('{"alg":"HS256"}')]).toString("base64url"),
  );
  const authorization = `${pick(["Bearer ", "bearer", ""])}${parts.join(".")}`;
  const keys = { secret: "0123456789abcdef0123456789abcdef", apiKey: null, applicationId: null };
  const received = { method: pick(["GET", "POST"]), authorization, body: cut, rawQuery: query };
  if (verifyWebhook(received, keys, NOW).good || verifyHandshake(authorization, keys, NOW).good)
    throw new Error(`accepted: ${authorization}`);
  keepable(claimsOf(authorization));
}

/** Can Postgres hold it as text, and are its times times? */
function keepable(read: unknown): void {
  const text = JSON.stringify(read, (_, value) => {
    if (typeof value === "number" && Number.isNaN(value)) throw new Error("a number that is none");
    return value;
  });
  if (/\\u0000|\\ud[89a-f]/.test((text ?? "").replaceAll("\\\\", ""))) throw new Error(`kept what cannot be stored: ${text}`);
}
