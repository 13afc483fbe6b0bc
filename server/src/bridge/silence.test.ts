import { expect, test } from "vitest";
import { dueAt, WORD_LASTS_MS } from "./deadlines.ts";
import { type Action, type Bridge, beginning, type Heard } from "./states.ts";
import { step } from "./step.ts";

/*
 * Whatever happens in whatever order, a caller on the line who waits for words is never left in silence. Stories are made by chance from a seed,
 * so that every run tries the same ones.
 */

const STORIES = 3_000;
/** What the caller hears may be three seconds apart; the carrier needs up to half a second to say its word. */
const MOST_SILENT_MS = 3_000;
const CARRIER_MS = 500;
/** mulberry32: the same seed gives the same row of numbers on every machine. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Everything a bridge may hear at a time, likely or not. */
function anything(at: number, next: () => number): Heard {
  const on = next() < 0.5;
  const kinds: readonly Heard[] = [
    { what: "media on", at },
    { what: "media off", at },
    { what: "quiet", at },
    { what: "second", at },
    { what: "caller spoke" },
    { what: "voice", on, at },
    { what: "caller speech", on, at },
    { what: "caller words", final: on, at },
    { what: "agent spoke" },
    { what: "agent words", at },
    { what: "agent done", cut: on },
    { what: "cut in" },
    { what: "tool" },
    { what: "tool answered", busy: on, at },
    { what: "asked to speak", at },
    { what: "engine ready", at, resume: on ? "group" : null, greets: next() < 0.3, goesOn: next() < 0.8 },
    { what: "engine ended", at, why: on ? "lost" : "expired", code: null, text: "", retry: next() < 0.9 },
  ];
  return kinds[Math.floor(next() * kinds.length)] as Heard;
}

/** A bridge after up to thirty things by chance, and the time then. Deadlines are kept as a bridge keeps them. */
function afterAnything(seed: number): { bridge: Bridge; at: number } {
  const next = chance(seed);
  let bridge = beginning(null);
  let at = 1_000;
  const hear = (heard: Heard): void => {
    [bridge] = step(bridge, heard);
  };
  for (let count = Math.floor(next() * 30); count > 0; count--) {
    at += Math.round(next() ** 3 * 4_000);
    for (let due = dueAt(bridge); due !== null && due <= at; due = dueAt(bridge)) hear({ what: "second", at: due });
    hear(anything(at, next));
  }
  return { bridge, at };
}

const stories = Array.from({ length: STORIES }, (_, seed) => ({ seed, ...afterAnything(seed) }));
const waits = ({ state, turn }: Bridge): boolean =>
  (state === "talking" || state === "holding") && turn.owedSince !== null && !turn.callerSpeaks;

test("who waits for words, or for an engine, has a deadline", () => {
  expect(stories.filter(({ bridge }) => waits(bridge)).length).toBeGreaterThan(STORIES / 20);
  for (const { seed, bridge } of stories)
    if (waits(bridge) || bridge.state === "holding") expect([seed, dueAt(bridge)]).toEqual([seed, expect.any(Number)]);
});

test("a deadline that is reached changes something, and is not there any more", () => {
  for (const { seed, bridge } of stories) {
    const due = dueAt(bridge);
    if (due === null) continue;
    const [next] = step(bridge, { what: "second", at: due });
    expect([seed, next]).not.toEqual([seed, bridge]);
    expect([seed, (dueAt(next) ?? Number.POSITIVE_INFINITY) > due]).toEqual([seed, true]);
  }
});

/** The times at which the caller hears something, from `at` on, when the engine does as `engine` wants and nothing else happens. */
function heardBy(
  start: Bridge,
  from: number,
  engine: (actions: readonly Action[], at: number) => Heard[],
): { heard: number[]; state: Bridge["state"] } {
  let bridge = start;
  let at = from;
  const heard: number[] = [];
  const coming: Heard[] = [];
  const hear = (one: Heard): void => {
    const [next, actions] = step(bridge, one);
    bridge = next;
    for (const action of actions)
      if (action.do === "ask to wait") heard.push(at, at + WORD_LASTS_MS);
      else if (action.do === "report engine lost") heard.push(at);
    coming.push(...engine(actions, at));
  };
  for (let steps = 0; steps < 40; steps++) {
    const due = dueAt(bridge);
    const [soonest] = coming.sort((a, b) => timeOf(a) - timeOf(b));
    if (soonest !== undefined && (due === null || timeOf(soonest) <= due)) {
      coming.shift();
      at = timeOf(soonest);
      hear(soonest);
    } else if (due !== null) {
      at = Math.max(at, due);
      hear({ what: "second", at });
    } else break;
  }
  return { heard, state: bridge.state };
}
const timeOf = (heard: Heard): number => ("at" in heard ? heard.at : 0);

/** Engines that never say another word, each in its way; what they answer to being opened. */
const silentEngines: Readonly<Record<string, (at: number) => Heard[]>> = {
  "is never ready": () => [],
  "is ready at once and mute": (at) => [{ what: "engine ready", at: at + 10, resume: null, goesOn: true, greets: true }],
  "is ready at the last moment and mute": (at) => [{ what: "engine ready", at: at + 1_900, resume: null, goesOn: true, greets: true }],
  "cannot be reached": (at) => [{ what: "engine ended", at: at + 5, why: "lost", code: null, text: "", retry: true }],
  "is ready and lost": (at) => [
    { what: "engine ready", at: at + 10, resume: null, goesOn: true, greets: true },
    { what: "engine ended", at: at + 500, why: "lost", code: null, text: "", retry: true },
  ],
};

test.each(Object.entries(silentEngines))(
  "an engine that %s leaves nobody in silence for three seconds, and ends in an apology",
  (_, opened) => {
    for (const { seed, bridge, at } of stories) {
      if (!waits(bridge)) continue;
      const { heard, state } = heardBy(bridge, at, (actions, now) =>
        actions.some((action) => action.do === "open engine") ? opened(now) : [],
      );
      expect([seed, state]).toEqual([seed, "silent"]);
      let last = Math.max(bridge.turn.owedSince ?? 0, (bridge.turn.askedAt ?? -WORD_LASTS_MS) + WORD_LASTS_MS);
      for (const time of heard) {
        expect([seed, time - last]).toEqual([seed, expect.toSatisfy((ms: number) => ms + CARRIER_MS <= MOST_SILENT_MS)]);
        last = time;
      }
    }
  },
);

test("a silent caller and an agent who has said everything wait for each other as long as they like", () => {
  for (const { bridge } of stories) {
    if (bridge.state !== "talking") continue;
    const rest: Bridge = [
      { what: "voice", on: false, at: 1e6 } as const,
      { what: "caller words", final: true, at: 1e6 } as const,
      { what: "agent spoke" } as const,
      { what: "agent done", cut: false } as const,
    ].reduce<Bridge>((now, one) => step(now, one)[0], bridge);
    expect(dueAt(rest)).toBeNull();
  }
});
