import { describe, expect, it } from "vitest";
import { CallStatus, EndReason, RecordingStatus } from "../ask/shapes.ts";
import { mendable, otherNumber, recordingStates, standing, statusSaid, talkMs } from "./states.ts";

it("every status of a recording has its word, glyph and line", () =>
  expect(Object.keys(recordingStates).sort()).toEqual([...RecordingStatus.options].sort()));
it("every status of a call has its word", () => expect(Object.keys(statusSaid)).toEqual(CallStatus.options));

describe("how a call stands", () => {
  it("is its status while it runs", () =>
    expect(standing({ status: "ringing", end_reason: null })).toEqual({ said: "Ringing", quiet: true }));
  it.each(EndReason.options)("is in words when it ended by %s", (end_reason) =>
    expect(standing({ status: "ended", end_reason }).said).toMatch(/^[A-Z][a-z ]+$/),
  );
  it("wants a look when something failed", () => expect(standing({ status: "ended", end_reason: "engine_failed" }).quiet).toBe(false));
});

it("the customer is the other party", () => {
  expect(otherNumber({ direction: "inbound", from: "+1", to: "+2" })).toBe("+1");
  expect(otherNumber({ direction: "outbound", from: "+1", to: "+2" })).toBe("+2");
});

describe("talk time", () => {
  const now = new Date("2026-11-22T12:00:10Z");
  it("runs from the answer", () =>
    expect(talkMs({ status: "in_progress", started_at: "2026-11-22T12:00:00Z", duration_ms: null }, now)).toBe(10_000));
  it("stands still once the call ended", () =>
    expect(talkMs({ status: "ended", started_at: "2026-11-22T12:00:00Z", duration_ms: 7000 }, now)).toBe(7000));
  it("is none when nobody answered", () => expect(talkMs({ status: "ended", started_at: null, duration_ms: null }, now)).toBeNull());
  it("is never negative when the two clocks differ", () =>
    expect(talkMs({ status: "in_progress", started_at: "2026-11-22T12:00:12Z", duration_ms: null }, now)).toBe(0));
});

it("a recording is waited for, or given up, only once its call has ended", () => {
  expect(mendable("expected", true)).toEqual({ again: false, giveUp: false });
  expect(mendable("expected", false)).toEqual({ again: false, giveUp: true });
  expect(mendable("missing", false)).toEqual({ again: true, giveUp: false });
});
