import { expect, test } from "vitest";
import {
  APART_MS,
  type Bridge,
  beginning,
  ENGINE_WITHIN_MS,
  GOODBYE_MS,
  type Heard,
  LAST_SENTENCE_MS,
  LAST_WORDS_MS,
  step,
} from "./step.ts";

const lost: Heard = { what: "engine ended", at: 5_000, why: "lost", code: "ws_1006", text: "The connection was lost.", retry: true };
const refused: Heard = { what: "engine ended", at: 100, why: "refused", code: "http_401", text: "EVI refused the API key.", retry: false };
const hungUp: Heard = { what: "engine ended", at: 5_000, why: "agent_hung_up", code: null, text: "The agent ended it.", retry: false };
const on: Heard = { what: "media on", at: 1_000 };
const off: Heard = { what: "media off", at: 6_000 };
const ready: Heard = { what: "engine ready", at: 500, resume: "group" };
const spoke: Heard = { what: "caller spoke" };
const end: Heard = { what: "end", at: 9_000 };
const words: Heard = { what: "caller words", final: false };
const finalWords: Heard = { what: "caller words", final: true };
const cutIn: Heard = { what: "cut in" };
const longAway: Heard = { what: "second", at: 6_000 + APART_MS };

/** Lives through `heard` and tells the last state and what was done at the last step. */
function after(...heard: Heard[]): { state: Bridge["state"]; done: string[] } {
  let bridge = beginning(null);
  let done: string[] = [];
  for (const one of heard) {
    const [next, actions] = step(bridge, one);
    bridge = next;
    done = actions.map((action) => action.do);
  }
  return { state: bridge.state, done };
}

test.each<[string, Heard[], Bridge["state"], string[]]>([
  ["the engine is ready while it rings", [ready], "waiting", []],
  ["the caller comes to a ready engine", [ready, on], "talking", []],
  ["the caller comes before the engine is ready", [on], "holding", []],
  ["the caller speaks before the engine is ready", [on, spoke], "holding", ["hold"]],
  ["the engine becomes ready: the first words are delivered", [on, spoke, ready], "talking", ["deliver held"]],
  ["the caller speaks", [ready, on, spoke], "talking", ["send to engine"]],
  ["the agent speaks before anyone is there", [ready, { what: "agent spoke" }], "waiting", ["queue for caller"]],
  ["the caller cuts in", [ready, on, cutIn], "talking", ["drop speech"]],
  ["nobody is there to cut in", [ready, cutIn], "waiting", []],
  ["the engine is lost: one more try, the caller is kept", [ready, on, lost], "holding", ["open engine"]],
  ["words during the loss are kept", [ready, on, lost, spoke], "holding", ["hold"]],
  ["the engine is back", [ready, on, lost, { ...ready, at: 5_400 }], "talking", ["deliver held"]],
  [
    "the engine is lost again at once: that was it",
    [ready, on, lost, { ...ready, at: 5_400 }, { ...lost, at: 6_000 }],
    "silent",
    ["close engine", "drop held", "report engine lost"],
  ],
  [
    "the engine is lost again after a while: it has earned another try",
    [ready, on, lost, { ...ready, at: 5_400 }, { ...lost, at: 60_000 }],
    "holding",
    ["open engine"],
  ],
  ["a refused key is not tried again", [refused], "silent", ["close engine", "drop held", "report engine lost"]],
  [
    "the engine is never ready",
    [on, { what: "second", at: 1_000 + ENGINE_WITHIN_MS }],
    "silent",
    ["close engine", "drop held", "report engine lost"],
  ],
  ["the engine still has time", [on, { what: "second", at: 999 + ENGINE_WITHIN_MS }], "holding", []],
  ["the agent hangs up: its last words are played first", [ready, on, hungUp], "goodbye", ["finish speech"]],
  ["the goodbye is said", [ready, on, hungUp, { what: "quiet", at: 7_000 }], "over", ["close engine", "hang up"]],
  ["the goodbye cannot be cut", [ready, on, hungUp, cutIn], "goodbye", []],
  ["the goodbye has no end", [ready, on, hungUp, { what: "second", at: 5_000 + GOODBYE_MS }], "over", ["close engine", "hang up"]],
  ["the caller leaves during the goodbye", [ready, on, hungUp, off], "over", ["close engine", "hang up"]],
  ["the caller's connection breaks before the engine is ready", [on, off], "apart", ["drop speech", "drop held"]],
  ["the engine hears silence then, so that it knows the sentence has ended", [ready, on, off], "apart", ["drop speech", "feed silence"]],
  ["it comes back", [ready, on, off, { ...on, at: 8_000 }], "talking", []],
  ["it stays away: the engine is let go", [ready, on, off, longAway], "apart", ["close engine"]],
  ["and does not count as lost", [ready, on, off, longAway, lost], "apart", []],
  ["it comes back after all: an engine is opened for it", [ready, on, off, longAway, { ...on, at: 60_000 }], "holding", ["open engine"]],
  ["and talks with it", [ready, on, off, longAway, { ...on, at: 60_000 }, ready], "talking", ["deliver held"]],
  ["it stays away for good: the call ends", [ready, on, off, longAway, { ...end, at: 90_000 }], "over", ["drop speech", "close engine"]],
  ["engine and caller are both gone, the caller comes first", [ready, on, off, lost, { ...on, at: 8_000 }], "holding", []],
  ["engine and caller are both gone, the engine comes first", [ready, on, off, lost, ready, { ...on, at: 8_000 }], "talking", []],
  ["nobody answers, the call ends", [ready, end], "over", ["drop speech", "close engine"]],
  ["the call ends: the engine may write down the last words", [ready, on, end], "listening", ["drop speech", "feed silence"]],
  ["the last words come", [ready, on, end, finalWords], "over", ["close engine"]],
  ["no last words come", [ready, on, end, { what: "second", at: 9_000 + LAST_WORDS_MS }], "over", ["close engine"]],
  [
    "the caller was in the middle of a sentence: it takes longer",
    [ready, on, words, end, { what: "second", at: 9_000 + LAST_WORDS_MS }],
    "listening",
    [],
  ],
  ["the sentence is never finished", [ready, on, words, end, { what: "second", at: 9_000 + LAST_SENTENCE_MS }], "over", ["close engine"]],
  ["what the agent would answer then is not played", [ready, on, end, { what: "agent spoke" }], "listening", []],
  ["the caller left a while ago: nothing is waited for", [ready, on, off, { ...end, at: 8_000 }], "over", ["drop speech", "close engine"]],
  ["the caller left just now", [ready, on, off, { ...end, at: 6_100 }], "listening", ["drop speech", "feed silence"]],
  ["the call ends twice", [ready, on, end, { what: "end", at: 9_001 }], "listening", []],
  ["the engine ends after the call", [ready, on, end, lost], "over", []],
  ["the second connection in one call changes nothing", [ready, on, on], "talking", []],
])("%s", (_, heard, state, done) => {
  expect(after(...heard)).toEqual({ state, done });
});

test("a lost engine is opened again where it was", () => {
  const [talking] = step(step(beginning(null), ready)[0], on);
  expect(step(talking, lost)[1]).toEqual([{ do: "open engine", resume: "group" }]);
});

test("a cut-in makes the carrier drop what it holds; the end of a call does not", () => {
  const [talking] = step(step(beginning(null), ready)[0], on);
  expect(step(talking, cutIn)[1]).toEqual([{ do: "drop speech", cutIn: true }]);
  expect(step(talking, off)[1][0]).toEqual({ do: "drop speech", cutIn: false });
});

test("nothing that is heard leads out of over", () => {
  const [over] = step(beginning(null), { what: "end", at: 0 });
  for (const heard of [on, off, ready, lost, hungUp, refused, spoke, cutIn, { what: "second", at: 1e9 } as const])
    expect(step(over, heard)).toEqual([over, []]);
});
