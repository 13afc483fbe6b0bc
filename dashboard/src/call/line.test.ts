import { describe, expect, it } from "vitest";
import type { CallEvent } from "../ask/shapes.ts";
import { handOverIn, isMuted } from "./line.ts";

const events = (...kinds: string[]): CallEvent[] =>
  kinds.map((kind, i) => ({ id: String(i), at: "2026-03-01T12:00:00.000Z", call_ms: i, kind, actor: "operator", said: kind, detail: {} }));

describe("the line, as the timeline tells it", () => {
  it("is muted by the last word about it", () => {
    expect(isMuted(events("call.answered"))).toBe(false);
    expect(isMuted(events("caller.muted", "keys.sent"))).toBe(true);
    expect(isMuted(events("caller.muted", "caller.unmuted"))).toBe(false);
  });
  it.each([
    [[], "none"],
    [["transfer.asked"], "under way"],
    [["transfer.asked", "transfer.ringing", "call.moved"], "under way"],
    [["transfer.asked", "transfer.ringing", "transfer.connected"], "connected"],
    [["transfer.asked", "transfer.failed"], "none"],
    [["transfer.asked", "transfer.failed", "transfer.asked"], "under way"],
  ] as const)("after %j a hand-over is %s", (kinds, state) => expect(handOverIn(events(...kinds))).toBe(state));
});
