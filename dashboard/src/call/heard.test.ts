import { describe, expect, test } from "vitest";
import { paceOf, splitAtHeard } from "./heard.ts";

const said = (text: string, more: Partial<Parameters<typeof splitAtHeard>[0]> = {}) => ({
  speaker: "agent" as const,
  text,
  started_ms: 0,
  ended_ms: 1000,
  cut: false,
  heard_ms: null,
  ...more,
});

describe("a broken-off sentence", () => {
  test.each([
    { heard_ms: 0, heard: "", unheard: "We open at nine and close at five." },
    { heard_ms: 700, heard: "We open at", unheard: " nine and close at five." },
    { heard_ms: 1_500, heard: "We open at nine and", unheard: " close at five." },
    { heard_ms: 60_000, heard: "We open at nine and close at five.", unheard: "" },
  ])("of which $heard_ms ms were heard is broken at a word", ({ heard_ms, heard, unheard }) => {
    expect(splitAtHeard(said("We open at nine and close at five.", { cut: true, heard_ms }), 15 / 1000)).toEqual({ heard, unheard });
  });

  test("keeps every letter, wherever it breaks", () => {
    for (let heard_ms = 0; heard_ms < 4_000; heard_ms += 37) {
      const { heard, unheard } = splitAtHeard(said("Nine, or ten? Whichever suits.", { cut: true, heard_ms }), 0.014);
      expect(heard + unheard).toBe("Nine, or ten? Whichever suits.");
    }
  });
});

test("whole sentences, and those of the caller, are heard whole", () => {
  expect(splitAtHeard(said("All of it.", { heard_ms: 100 }), 0.015).unheard).toBe("");
  expect(splitAtHeard(said("All of it.", { speaker: "caller", cut: true, heard_ms: 100 }), 0.015).unheard).toBe("");
});

test("the pace is the call's own once there is enough of it", () => {
  expect(paceOf([])).toBe(0.015);
  expect(paceOf([said("x".repeat(80), { ended_ms: 4_000 }), said("cut", { cut: true })])).toBe(0.02);
});
