import { describe, expect, test } from "vitest";
import type { Remembered } from "../engine/port.ts";
import { type Compared, type Had, missingOf } from "./missing.ts";

const zero = new Date("2026-01-01T12:00:00Z");
/** The vendor's clock is so far ahead of ours. */
const AHEAD_MS = 4_000;

const had = (speaker: "caller" | "agent", text: string, startedMs: number, endedMs: number, ref = `${speaker} ${startedMs}`): Had => ({
  ref,
  speaker,
  text,
  startedMs,
  endedMs,
});
/** Hume tells when a caller's words ended, and when an agent's began. */
const told = (speaker: "caller" | "agent", text: string, atMs: number, more: Partial<Remembered> = {}): Remembered => ({
  id: `${speaker}-${atMs}`,
  speaker,
  text,
  at: new Date(zero.getTime() + atMs + AHEAD_MS),
  lastsMs: speaker === "caller" ? 1_000 : null,
  emotions: null,
  ...more,
});
const missing = (wish: Partial<Compared>) =>
  missingOf({ had: [], remembered: [], zero, endedMs: 60_000, redacted: [], ...wish }).map(({ remembered, startedMs, endedMs }) => [
    remembered.text,
    startedMs,
    endedMs,
  ]);

const call: Had[] = [
  had("agent", "Hello, this is the desk.", 0, 2_000),
  had("caller", "Hello there.", 3_000, 4_000),
  had("agent", "How can I help?", 5_000, 6_000),
  had("caller", "Friday, please.", 9_000, 10_000),
];
const same: Remembered[] = [
  told("agent", "Hello, this is the desk.", 0),
  told("caller", "hello there", 4_000),
  told("agent", "How can I help?", 5_000),
  told("caller", "Friday please.", 10_000),
];

test("what is in the rows, whatever its capitals and commas, is not missing", () => {
  expect(missing({ had: call, remembered: same })).toEqual([]);
});

test("what is missing comes at its place, on our clock, however the vendor's goes", () => {
  const without = call.filter(({ text }) => text !== "Friday, please.");
  expect(missing({ had: without, remembered: same })).toEqual([["Friday please.", 9_000, 10_000]]);
  const agentless = call.filter(({ text }) => text !== "How can I help?");
  expect(missing({ had: agentless, remembered: same })).toEqual([["How can I help?", 5_000, 6_600]]);
});

test("everything is missing where nothing was stored; the vendor's clock is then believed", () => {
  expect(missing({ remembered: same }).map(([text]) => text)).toHaveLength(4);
  expect(missing({ remembered: same })[0]).toEqual(["Hello, this is the desk.", AHEAD_MS, AHEAD_MS + 2_000]);
});

test("the same words said twice are two utterances: one that is there makes up for one", () => {
  const twice = [had("caller", "Yes.", 1_000, 2_000), had("caller", "Go on.", 5_000, 6_000)];
  const remembered = [told("caller", "Yes.", 2_000), told("caller", "Go on.", 6_000), told("caller", "Yes.", 9_000)];
  expect(missing({ had: twice, remembered })).toEqual([["Yes.", 8_000, 9_000]]);
});

test("the same thing in other words is not doubled", () => {
  const otherwise = call.map((one) => (one.text === "Friday, please." ? { ...one, text: "Fry day fleas" } : one));
  expect(missing({ had: otherwise, remembered: same })).toEqual([]);
});

test("what was filled in before is there, by its id; so is what the engine calls by the same id", () => {
  const filled = [...call.slice(0, 3), had("caller", "Friday please.", 9_000, 10_000, "history:caller-10000")];
  expect(missing({ had: filled, remembered: same })).toEqual([]);
  const sameId = [...call.slice(0, 3), had("caller", "something else", 30_000, 31_000, "caller-10000")];
  expect(missing({ had: sameId, remembered: same })).toEqual([]);
});

describe("not filled in", () => {
  test("an agent's answer that came when nobody was on the line any more", () => {
    const remembered = [...same, told("agent", "Are you still there?", 60_200)];
    expect(missing({ had: call, remembered })).toEqual([]);
    expect(missing({ had: call, remembered, endedMs: 90_000 })).toHaveLength(1);
  });

  test("but the caller's last words, although they were written down after the end", () => {
    const remembered = [...same, told("caller", "Goodbye then.", 60_100)];
    expect(missing({ had: call, remembered })).toEqual([["Goodbye then.", 59_100, 60_000]]);
  });

  test("what lies in a stretch that was redacted", () => {
    const without = call.filter(({ text }) => text !== "Friday, please.");
    expect(missing({ had: without, remembered: same, redacted: [{ fromMs: 9_500, toMs: 9_800 }] })).toEqual([]);
  });

  test("before the answer: it begins with the answer", () => {
    expect(missing({ remembered: [told("agent", "Hello.", -AHEAD_MS - 500)] })).toEqual([["Hello.", 0, 0]]);
  });
});

test("however rows and history differ, nothing is filled that is there, and twice is as once", () => {
  for (let seed = 1; seed <= 300; seed++) {
    let state = seed;
    const random = (most: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * most);
    };
    const remembered = Array.from({ length: random(12) }, (_, index) => told("caller", `word ${random(4)}`, (index + 1) * 8_000));
    const rows = remembered
      .filter(() => random(3) > 0)
      .map(({ text, at }) => {
        const endedMs = at.getTime() - zero.getTime() - AHEAD_MS;
        return had("caller", text, endedMs - 1_000, endedMs);
      });
    const found = missingOf({ had: rows, remembered, zero, endedMs: 200_000, redacted: [] });
    expect(rows.length + found.length, `seed ${seed}`).toBeLessThanOrEqual(remembered.length);
    const after = [
      ...rows,
      ...found.map((one) => had("caller", one.remembered.text, one.startedMs, one.endedMs, `history:${one.remembered.id}`)),
    ];
    expect(missingOf({ had: after, remembered, zero, endedMs: 200_000, redacted: [] }), `seed ${seed}`).toEqual([]);
  }
});
