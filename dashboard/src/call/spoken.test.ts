import { describe, expect, it } from "vitest";
import { audioSeconds, callMs, foundAt, inOrder, linkedMs, nextSentence, previousSentence, spokenAt } from "./spoken.ts";

const talk = [
  { started_ms: 200, ended_ms: 4000 },
  { started_ms: 3500, ended_ms: 5000 },
  { started_ms: 8000, ended_ms: 9000 },
];

describe("the sentence that is lit", () => {
  it.each([
    [0, -1],
    [200, 0],
    [3400, 0],
    [3600, 1],
    [6000, -1],
    [8999, 2],
    [9500, -1],
  ])("at %i ms is number %i", (ms, index) => expect(spokenAt(talk, ms)).toBe(index));
  it("comes back to the longer one when a short word was thrown in", () =>
    expect(
      spokenAt(
        [
          { started_ms: 0, ended_ms: 9000 },
          { started_ms: 2000, ended_ms: 2500 },
        ],
        3000,
      ),
    ).toBe(0));
  it("of nothing is none", () => expect(spokenAt([], 100)).toBe(-1));
});

describe("going from sentence to sentence", () => {
  it("goes to the next, and stays at the last", () => {
    expect(nextSentence(talk, 300)).toBe(3500);
    expect(nextSentence(talk, 0)).toBe(200);
    expect(nextSentence(talk, 8000)).toBeNull();
  });
  it("goes back to the start of this one first, then to the one before", () => {
    expect(previousSentence(talk, 3000)).toBe(200);
    expect(previousSentence(talk, 3700)).toBe(200);
    expect(previousSentence(talk, 300)).toBe(200);
    expect(previousSentence(talk, 0)).toBeNull();
  });
});

it("sentences stand in the order they began", () =>
  expect(inOrder([talk[2], talk[0]].flatMap((t) => t ?? []))).toEqual([talk[0], talk[2]]));

it("call time and recording time differ by the recording's offset", () => {
  expect(audioSeconds({ offset_ms: 400 }, 1400)).toBe(1);
  expect(callMs({ offset_ms: 400 }, 1)).toBe(1400);
  expect(audioSeconds({ offset_ms: 400 }, 100)).toBe(0);
  expect(audioSeconds({ offset_ms: null }, 1000)).toBe(1);
});

it.each([
  [83.4, 83_400],
  ["83.4", 83_400],
  ["", null],
  ["soon", null],
  [-1, null],
])("a link with t=%s starts at %s ms", (t, ms) => expect(linkedMs(t)).toBe(ms));

describe("a search", () => {
  const said = [{ text: "Hello, this is the parcel desk." }, { text: "Half past three, café?" }, { text: "Three is perfect." }];
  it.each([
    ["three", 1],
    ["Half past THR", 1],
    ["three perfect", 2],
    ["cafe", 1],
    ["three -half", 1],
    ["nobody", -1],
    ["-three", -1],
  ])("for %s opens at sentence %i", (search, at) => expect(foundAt(said, search)).toBe(at));
});
