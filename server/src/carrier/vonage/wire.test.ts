import { describe, expect, it } from "vitest";
import type { LegEnd } from "../port.ts";
import { statuses } from "./statuses.ts";
import { chance } from "./test-stories.ts";
import { strangeRound } from "./test-strange.ts";
import { marksOf, readJson, readLeg, readQuery, readQuestion, readWebhook } from "./wire.ts";

const CALL = "0199a0b1-7d1f-7000-8000-000000000001";
const NOW = new Date("2026-03-04T10:01:00.000Z");
const LEG = "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11";
const CON = "CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20";

const read = (body: unknown, url = "/webhooks/vonage/event") => readWebhook(body, marksOf(url), NOW, "digest");
const understood = (body: unknown, url?: string) => {
  const reading = read(body, url);
  if (!reading.understood) throw new Error(reading.because);
  return reading;
};
const leg = {
  from: "12025550100",
  to: "12025550101",
  uuid: LEG,
  conversation_uuid: CON,
  direction: "outbound",
  timestamp: "2026-03-04T10:00:02.120Z",
};

describe("a webhook about a leg", () => {
  it.each(["started", "ringing", "answered"] as const)("%s is understood with its time, leg and conversation", (status) => {
    expect(understood({ ...leg, status }, `/webhooks/vonage/event?call=${CALL}`).event).toEqual({
      happened: status,
      leg: LEG,
      conversation: CON,
      kind: "phone",
      at: new Date("2026-03-04T10:00:02.120Z"),
      call: CALL,
      from: "12025550100",
      to: "12025550101",
    });
  });

  const ends: readonly [status: string, detail: string | undefined, end: LegEnd][] = [
    ["busy", undefined, "busy"],
    ["cancelled", undefined, "cancelled"],
    ["timeout", undefined, "no_answer"],
    ["unanswered", undefined, "no_answer"],
    ["unanswered", "unavailable", "no_answer"],
    ["unanswered", "timeout", "no_answer"],
    ["unanswered", "carrier_timeout", "no_answer"],
    ["rejected", undefined, "declined"],
    ["rejected", "declined", "declined"],
    ["rejected", "invalid_number", "invalid_number"],
    ["rejected", "restricted", "restricted"],
    ["rejected", "something_new", "declined"],
    ["failed", undefined, "failed"],
    ["failed", "cannot_route", "unreachable"],
    ["failed", "number_out_of_service", "unreachable"],
    ["failed", "internal_error", "failed"],
    ["failed", "__proto__", "failed"],
    ["completed", undefined, "completed"],
    ["COMPLETED", undefined, "completed"],
  ];
  it.each(ends)("%s with detail %s ends the leg as %s", (status, detail, end) => {
    expect(understood({ ...leg, status, ...(detail ? { detail } : {}) }).event).toMatchObject({ happened: "ended", end });
  });

  it("completed brings the carrier's times, price and who hung up", () => {
    const body =
      '{"headers":{},"from":"12015550100","to":"12025550143","uuid":"5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11","conversation_uuid":"CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20","status":"completed","direction":"outbound","start_time":"2026-03-04T10:00:07.000Z","end_time":"2026-03-04T10:01:19.000Z","duration":"72","rate":"0.01270000","price":"0.01524000","network":"310260","sip_code":200,"disconnected_by":"user","timestamp":"2026-03-04T10:01:19.412Z"}';
    expect(understood(readJson(Buffer.from(body))).event).toMatchObject({
      end: "completed",
      status: "completed",
      at: new Date("2026-03-04T10:01:19.412Z"),
      facts: {
        startedAt: new Date("2026-03-04T10:00:07.000Z"),
        endedAt: new Date("2026-03-04T10:01:19.000Z"),
        durationS: 72,
        rate: "0.01270000",
        price: "0.01524000",
        network: "310260",
        disconnectedBy: "user",
        sipCode: 200,
        detail: null,
      },
    });
  });

  it("numbers come as texts, texts as numbers, times in Vonage's second form", () => {
    const facts = { duration: 71.6, price: 0.5, sip_code: "486", start_time: "2026-03-04 10:00:07", end_time: "soon" };
    expect(understood({ ...leg, status: "completed", ...facts }).event).toMatchObject({
      facts: { durationS: 71, price: "0.5", sipCode: 486, startedAt: new Date("2026-03-04T10:00:07.000Z"), endedAt: null },
    });
  });

  it.each([
    ["machine", undefined, null],
    ["machine", "beep_start", "start"],
    ["machine", "beep_timeout", "timeout"],
    ["human", undefined, null],
  ])("%s (%s) names its leg call_uuid", (status, sub_state, beep) => {
    const { uuid: _, ...rest } = leg;
    expect(understood({ ...rest, call_uuid: LEG, status, sub_state }).event).toMatchObject({ happened: status, leg: LEG, beep });
  });

  it("a status nobody knows yet is kept as other", () => {
    expect(understood({ ...leg, status: "levitating" }).event).toMatchObject({ happened: "other", status: "levitating", leg: LEG });
    expect(understood({ ...leg, status: "toString" }).event).toMatchObject({ happened: "other" });
    expect(understood({ conversation_uuid: CON, status: "transcribed", type: "record", recording_uuid: "r" }).event).toMatchObject({
      happened: "other",
      status: "transcribed",
    });
  });

  it("every status of the table is understood", () => {
    for (const status of Object.keys(statuses)) expect(understood({ ...leg, status }).event.happened).not.toBe("other");
  });

  it.each([
    ["its URL's mark", leg.to, "?leg=ws", "socket"],
    ["a socket address as to", "wss://calls.example.com/media/vonage/t", "", "socket"],
    ["a plain socket address as to", "ws://127.0.0.1:4000/media/vonage/t", "", "socket"],
    ["the mark of a transfer", leg.to, "?leg=transfer", "transfer"],
    ["nothing", leg.to, "", "phone"],
  ])("its kind is told by %s", (_, to, query, kind) => {
    expect(understood({ ...leg, to, status: "answered" }, `/webhooks/vonage/event${query}`).event.kind).toBe(kind);
  });

  it("a time that cannot be true is replaced by our receipt", () => {
    for (const timestamp of ["1970-01-01T00:00:00.000Z", "2199-01-01T00:00:00.000Z", "yesterday", 7, null, undefined]) {
      expect(understood({ ...leg, status: "ringing", timestamp }).event.at).toEqual(NOW);
    }
  });

  it("is the same delivered twice, and another with another status, time or leg", () => {
    const identity = (more: object) => understood({ ...leg, status: "ringing", ...more }).identity;
    expect(identity({})).toBe(identity({ from: "x" }));
    expect(identity({ timestamp: "2026-03-04T10:00:02.120000Z" })).toBe(identity({}));
    expect(
      new Set([
        identity({}),
        identity({ status: "busy" }),
        identity({ timestamp: "2026-03-04T10:00:02.121Z" }),
        identity({ uuid: "b" }),
        identity({ sub_state: "beep_start" }),
      ]).size,
    ).toBe(5);
  });
});

describe("other webhooks", () => {
  it("a recording is announced without leg and status", () => {
    const body =
      '{"start_time":"2026-03-04T10:00:08Z","end_time":"2026-03-04T10:01:19Z","size":287104,"recording_url":"https://api-us.nexmo.com/v1/files/0b7e6c0e-4b57-4c6b-8f5d-6e0a2c1d9f42","recording_uuid":"c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30","conversation_uuid":"CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20","timestamp":"2026-03-04T10:01:20.733Z"}';
    expect(understood(readJson(Buffer.from(body)), `/webhooks/vonage/recording?call=${CALL}`)).toMatchObject({
      identity: "recorded|c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30",
      event: {
        happened: "recorded",
        call: CALL,
        leg: null,
        conversation: CON,
        recording: "c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30",
        url: "https://api-us.nexmo.com/v1/files/0b7e6c0e-4b57-4c6b-8f5d-6e0a2c1d9f42",
        sizeBytes: 287_104,
        startedAt: new Date("2026-03-04T10:00:08.000Z"),
        endedAt: new Date("2026-03-04T10:01:19.000Z"),
      },
    });
  });

  it("an empty recording is announced with its empty address", () => {
    expect(understood({ recording_url: "", size: 0, recording_uuid: "r1", conversation_uuid: CON }).event).toMatchObject({
      happened: "recorded",
      url: "",
      sizeBytes: 0,
    });
  });

  it("keys pressed, also when nested as text by GET", () => {
    expect(
      understood({ uuid: LEG, conversation_uuid: CON, dtmf: { digits: "21", timed_out: false }, speech: { results: [] } }).event,
    ).toMatchObject({ happened: "input", digits: "21" });
    const query = readQuery(`uuid=${LEG}&dtmf=%7B%22digits%22%3A%229%22%2C%22timed_out%22%3Afalse%7D`);
    expect(understood(query).event).toMatchObject({ happened: "input", digits: "9", leg: LEG });
    expect(understood({ uuid: LEG, dtmf: { digits: null }, speech: {} }).event).toMatchObject({ happened: "input", digits: null });
  });

  it("a move to another conversation", () => {
    expect(
      understood({ type: "transfer", uuid: LEG, conversation_uuid_from: CON, conversation_uuid_to: "CON-2", timestamp: leg.timestamp })
        .event,
    ).toMatchObject({ happened: "moved", conversation: CON, conversationTo: "CON-2" });
  });

  it("a problem the carrier reports", () => {
    expect(understood({ reason: "Syntax error in NCCO.", conversation_uuid: CON }).event).toMatchObject({
      happened: "troubled",
      reason: "Syntax error in NCCO.",
    });
    // Anybody who may look at the call reads it.
    const reason = "Could not connect to wss://calls.example.com/media/vonage/abc-DEF_123.";
    const shown = { reason: "Could not connect to wss://calls.example.com/media/vonage/[token]." };
    expect(understood({ reason, conversation_uuid: CON }).event).toMatchObject(shown);
    expect(readQuestion({ uuid: LEG, reason }, marksOf(""))).toMatchObject({ because: shown.reason });
  });

  it("a notify, and one that says nothing we know", () => {
    expect(understood({ payload: { a: 1 }, conversation_uuid: CON }).event).toMatchObject({ happened: "other", status: "notify" });
    expect(understood({ conversation_uuid: CON }).event).toMatchObject({ happened: "other", status: "unnamed" });
    expect(read({ hello: "world" })).toEqual({ understood: false, because: expect.stringContaining("names no leg") });
  });

  it.each([undefined, null, [], "text", 7, true])("%s is not understood and says why", (body) => {
    expect(read(body)).toEqual({ understood: false, because: "The body is not a JSON object." });
  });
});

describe("a question for instructions", () => {
  it("is the same by GET and by POST, and known by our mark", () => {
    const fields = {
      to: "12025550100",
      from: "12025550106",
      uuid: "4f0c3b9e7d2a41c6b8e5a9d01f72c3e4",
      conversation_uuid: CON,
      region_url: "https://api-eu-3.vonage.com",
    };
    const asked = {
      leg: fields.uuid,
      conversation: CON,
      from: fields.from,
      to: fields.to,
      call: CALL,
      about: null,
      failed: null,
      regionUrl: fields.region_url,
      because: null,
    };
    expect(readQuestion(fields, marksOf(`/webhooks/vonage/answer?call=${CALL}`))).toEqual(asked);
    expect(readQuestion(readQuery(new URLSearchParams(fields).toString()), marksOf(`/x?call=${CALL.toUpperCase()}`))).toEqual(asked);
  });

  it("at the fallback URL finds our mark in the URL that failed", () => {
    const body = {
      uuid: LEG,
      conversation_uuid: CON,
      reason: "Read timed out.",
      original_request: { url: `https://calls.example.com/webhooks/vonage/answer?call=${CALL}`, type: "answer" },
    };
    expect(readQuestion(body, marksOf("/webhooks/vonage/fallback"))).toMatchObject({
      call: CALL,
      about: null,
      failed: "answer",
      because: "Read timed out.",
    });
    const url = `https://calls.example.com/webhooks/vonage/event?call=${CALL}&leg=ws`;
    for (const original_request of [{ url, type: "event" }, JSON.stringify({ url, type: "event" })])
      expect(readQuestion({ ...body, original_request }, marksOf("/webhooks/vonage/fallback"))).toMatchObject({
        call: CALL,
        about: "ws",
        failed: "event",
      });
  });

  it("without a leg is none", () => {
    expect(readQuestion({ from: "12025550106" }, marksOf(""))).toBeNull();
    expect(readQuestion([], marksOf(""))).toBeNull();
  });

  it("a mark that is no id of ours is no mark", () => {
    expect(marksOf("/x?call=1%20or%201=1&leg=moon")).toEqual({ call: null, leg: null });
    expect(marksOf("/x")).toEqual({ call: null, leg: null });
  });
});

it("a leg as REST tells it, also with to as a one-element array", () => {
  const told = { uuid: LEG, status: "busy", conversation_uuid: CON, to: [{ type: "phone", number: "1" }], duration: "0", price: "0.00" };
  expect(readLeg(told)).toMatchObject({ leg: LEG, status: "busy", end: "busy", facts: { durationS: 0, price: "0.00" } });
  expect(readLeg({ ...told, status: "answered" })).toMatchObject({ end: null });
  expect(readLeg({ error: 1 })).toBeNull();
});

describe("whatever is sent", () => {
  // For minutes of it: node bench/fuzz.ts --minutes 5
  it("the readers answer and never throw; what they keep can be stored as text", { timeout: 120_000 }, () => {
    const random = chance(42);
    for (let round = 0; round < 8_000; round++) strangeRound(random);
  });

  it("a very deep body is read without harm", () => {
    const deep = `{"uuid":"a","status":"ringing","headers":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(read(readJson(Buffer.from(deep))).understood).toBe(true);
  });
});
