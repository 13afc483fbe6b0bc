import { expect, it } from "vitest";
import { silence } from "./silence.ts";

const at = "2026-11-22T12:00:00.000Z";
it.each([
  [
    { status: "in_progress", started_at: at, end_reason: null, ring_ms: 1500 },
    "Nobody has spoken yet. What is said appears here as it is said.",
  ],
  [
    { status: "ringing", started_at: null, end_reason: null, ring_ms: null },
    "Nobody has picked up yet. What is said appears here as it is said.",
  ],
  [
    { status: "ended", started_at: null, end_reason: "no_answer", ring_ms: 44_200 },
    "It rang for 44.2 s. Nobody picked up, so nothing was said.",
  ],
  [{ status: "ended", started_at: null, end_reason: "busy", ring_ms: 400 }, "Nobody picked up, so nothing was said."],
  [{ status: "ended", started_at: at, end_reason: "caller_hung_up", ring_ms: 400 }, "The call was answered, but no word was heard."],
] as const)("of a call without a word (%o) the page says why", (call, said) => expect(silence(call)).toBe(said));

it("a transcript that was deleted is not said to have been silence", () => {
  const call = { status: "ended", started_at: at, end_reason: "caller_hung_up", ring_ms: 400 } as const;
  expect(silence(call, true)).toMatch(/deleted/);
});
