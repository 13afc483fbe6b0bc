import { expect, test } from "vitest";
import {
  AGAIN_MS,
  APART_MS,
  DEAF_AGAIN_MS,
  DEAF_MS,
  ENGINE_WITHIN_MS,
  FIRST_WORDS_MS,
  GOODBYE_MS,
  LAST_SENTENCE_MS,
  LAST_WORDS_MS,
  QUIET_MS,
  RESUME_WITHIN_MS,
  SILENT_MS,
  SLOWEST_MS,
  WAIT_LEAST_MS,
  WAIT_MS,
} from "./deadlines.ts";
import { type Bridge, beginning, type Heard } from "./states.ts";
import { step } from "./step.ts";

const lost: Heard = { what: "engine ended", at: 5_000, why: "lost", code: "ws_1006", text: "The connection was lost.", retry: true };
const refused: Heard = { what: "engine ended", at: 100, why: "refused", code: "http_401", text: "EVI refused the API key.", retry: false };
const hungUp: Heard = { what: "engine ended", at: 5_000, why: "agent_hung_up", code: null, text: "The agent ended it.", retry: false };
const on: Heard = { what: "media on", at: 1_000 };
const off: Heard = { what: "media off", at: 6_000 };
const ready: Heard = { what: "engine ready", at: 500, resume: "group" };
const spoke: Heard = { what: "caller spoke" };
const end: Heard = { what: "end", at: 9_000 };
const words: Heard = { what: "caller words", final: false, at: 2_000 };
const finalWords: Heard = { what: "caller words", final: true, at: 2_000 };
const unreachable: Heard = {
  what: "engine ended",
  at: 1_100,
  why: "lost",
  code: "unreachable",
  text: "It could not be reached.",
  retry: true,
};
const at = (time: number): Heard => ({ what: "second", at: time });
/** Ready to say a greeting; and ready after a loss, able to take the conversation up. */
const greets: Heard = { what: "engine ready", at: 500, resume: "group", greets: true };
const back = (time: number): Heard => ({ what: "engine ready", at: time, resume: "group", goesOn: true });
const spoken: Heard = { what: "agent spoke" };
const speaks: Heard = { what: "voice", on: true, at: 4_000 };
/** Found out 800 ms later: `time` is that of the last sound. */
const silentSince = (time: number): Heard => ({ what: "voice", on: false, at: time });
const cutIn: Heard = { what: "cut in" };
const longAway: Heard = { what: "second", at: 6_000 + APART_MS };

const livedThrough = (...heard: Heard[]): Bridge => heard.reduce((bridge, one) => step(bridge, one)[0], beginning(null));

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
  ["the engine still has time", [on, at(1_000 + WAIT_MS), at(999 + ENGINE_WITHIN_MS)], "holding", []],
  ["the caller waits for the engine: they are asked to wait", [on, at(1_000 + WAIT_MS)], "holding", ["ask to wait"]],
  ["only once", [on, at(1_000 + WAIT_MS), at(1_100 + WAIT_MS)], "holding", []],
  ["it cannot be reached while it rings: soon again", [unreachable], "opening", []],
  ["again, while it rings", [unreachable, at(1_100 + AGAIN_MS)], "opening", ["open engine"]],
  ["somebody picks up meanwhile", [unreachable, on, at(1_100 + AGAIN_MS)], "holding", ["open engine"]],
  [
    "it could not be reached for all the time it rang",
    Array.from({ length: 20 }, (_, i) => [unreachable, at(1_100 + AGAIN_MS * (i + 1))]).flat(),
    "silent",
    [],
  ],
  ["it cannot be reached while the caller waits: soon again", [on, unreachable], "holding", []],
  ["again", [on, unreachable, at(1_100 + AGAIN_MS)], "holding", ["open engine"]],
  [
    "it could not be reached for as long as the caller can wait",
    [on, { ...unreachable, at: 1_000 + ENGINE_WITHIN_MS - 100 } as Heard],
    "silent",
    ["close engine", "drop held", "report engine lost"],
  ],
  ["a greeting comes", [greets, on, spoken, at(1_000 + SILENT_MS)], "talking", []],
  ["a greeting lets the caller wait", [greets, on, at(1_000 + WAIT_MS)], "talking", ["ask to wait"]],
  ["no greeting comes", [greets, on, at(1_000 + SILENT_MS)], "holding", ["note silence", "close engine", "open engine"]],
  ["no answer comes for a while", [ready, on, finalWords, at(2_000 + WAIT_MS)], "talking", ["ask to wait"]],
  [
    "no answer comes to a caller who had been silent for a while when the engine knew it",
    [ready, on, speaks, { ...finalWords, at: 6_600 } as Heard, silentSince(6_000), at(6_000 + QUIET_MS)],
    "talking",
    ["ask to wait"],
  ],
  [
    "the engine waited long for the end of the turn, and has its time to answer",
    [ready, on, speaks, silentSince(6_000), { ...finalWords, at: 8_000 } as Heard, at(7_999 + WAIT_LEAST_MS)],
    "talking",
    [],
  ],
  [
    "which is less than usual",
    [ready, on, speaks, silentSince(6_000), { ...finalWords, at: 8_000 } as Heard, at(8_000 + WAIT_LEAST_MS)],
    "talking",
    ["ask to wait"],
  ],
  ["the caller is silent, and nobody owes anything", [ready, on, spoken, { what: "agent done", cut: false }, at(60_000)], "talking", []],
  ["a tool takes its time", [ready, on, finalWords, { what: "tool" }, at(60_000)], "talking", []],
  ["the caller speaks on", [ready, on, finalWords, { what: "voice", on: true, at: 2_500 }, at(8_000)], "talking", []],
  ["no answer comes at all", [ready, on, finalWords, at(2_000 + SILENT_MS)], "holding", ["note silence", "close engine", "open engine"]],
  [
    "an answer comes slowly, its words first",
    [ready, on, finalWords, { what: "agent words", at: 5_000 }, at(4_900 + SILENT_MS)],
    "talking",
    ["ask to wait"],
  ],
  [
    "its words come and no sound, ever",
    [
      ready,
      on,
      finalWords,
      ...Array.from({ length: 40 }, (_, i): Heard => ({ what: "agent words", at: 3_000 + i * 500 })),
      at(2_000 + SLOWEST_MS),
    ],
    "holding",
    ["note silence", "close engine", "open engine"],
  ],
  [
    "the session opened for it takes up the conversation",
    [ready, on, finalWords, at(2_000 + SILENT_MS), back(7_000)],
    "talking",
    ["deliver held", "go on"],
  ],
  [
    "and does not speak either",
    [ready, on, finalWords, at(2_000 + SILENT_MS), back(7_000), at(7_000 + FIRST_WORDS_MS)],
    "silent",
    ["close engine", "drop held", "report engine lost"],
  ],
  ["and speaks", [ready, on, finalWords, at(2_000 + SILENT_MS), back(7_000), spoken, at(60_000)], "talking", []],
  [
    "what sounds like speech is not reacted to",
    [ready, on, { what: "voice", on: true, at: 2_000 }, { what: "voice", on: false, at: 3_000 }, at(3_000 + DEAF_MS)],
    "holding",
    ["note silence", "close engine", "open engine"],
  ],
  [
    "twice in a short time: it may be anything",
    [
      ...([ready, on, { what: "voice", on: true, at: 2_000 }, { what: "voice", on: false, at: 3_000 }, at(3_000 + DEAF_MS)] as Heard[]),
      ...([back(7_000), spoken, { what: "agent done", cut: false }, { what: "voice", on: true, at: 9_000 }] as Heard[]),
      ...([{ what: "voice", on: false, at: 9_500 }, at(9_500 + DEAF_MS)] as Heard[]),
    ],
    "talking",
    [],
  ],
  [
    "the engine is lost in the middle of an answer: the next takes it up",
    [ready, on, spoken, lost, back(5_400)],
    "talking",
    ["deliver held", "go on"],
  ],
  [
    "lost between two turns: nobody notices",
    [ready, on, spoken, { what: "agent done", cut: false }, lost, back(5_400)],
    "talking",
    ["deliver held"],
  ],
  [
    "lost while the caller speaks: they go on, and are heard",
    [ready, on, { what: "voice", on: true, at: 4_800 }, lost, back(5_400)],
    "talking",
    ["deliver held"],
  ],
  [
    "lost, and the next takes too long",
    [ready, on, lost, at(5_000 + RESUME_WITHIN_MS)],
    "silent",
    ["close engine", "drop held", "report engine lost"],
  ],
  [
    "while words of the lost session are still heard there is time",
    [ready, on, { ...lost, playsUntil: 8_000 } as Heard, at(5_000 + RESUME_WITHIN_MS)],
    "holding",
    [],
  ],
  [
    "the connection broke in the middle of an answer: it is taken up when the caller is back",
    [ready, on, spoken, off, { ...on, at: 8_000 } as Heard],
    "talking",
    ["go on"],
  ],
  [
    "the caller had just spoken when the engine was lost, and neither session heard them out: the agent says that it is back",
    [ready, on, speaks, lost, back(5_010), silentSince(4_700)],
    "talking",
    ["go on"],
  ],
  [
    "the caller spoke before the call's first session was ready: their words were kept for it, and nobody apologises",
    [on, { ...speaks, at: 1_500 } as Heard, { ...ready, at: 3_000 } as Heard, silentSince(2_500)],
    "talking",
    [],
  ],
  [
    "the caller began to speak only after the loss: the next session is given all of it, and nobody apologises",
    [ready, on, lost, { ...speaks, at: 5_200 } as Heard, back(6_500), silentSince(6_000)],
    "talking",
    [],
  ],
  [
    "the caller had been silent for a while before the loss was known: they have waited from there on",
    [ready, on, speaks, silentSince(4_600), { ...lost, at: 6_500 } as Heard, at(4_600 + WAIT_MS)],
    "holding",
    ["ask to wait"],
  ],
  [
    "the caller spoke on into the next session: it has heard something of it, and owes words",
    [ready, on, speaks, lost, back(5_010), silentSince(6_000), at(6_000 + WAIT_MS)],
    "talking",
    ["ask to wait"],
  ],
  [
    "the next session answers them by itself: nothing is owed",
    [ready, on, speaks, lost, back(5_010), spoken, silentSince(6_000), at(6_000 + WAIT_MS)],
    "talking",
    [],
  ],
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

test("what only seems deaf never ends a call, however often it does", () => {
  let bridge = livedThrough(ready, on);
  for (let time = 2_000; time < 200_000; time += DEAF_AGAIN_MS) {
    for (const one of [
      { what: "voice", on: true, at: time },
      { what: "voice", on: false, at: time + 500 },
      at(time + 500 + DEAF_MS),
      at(time + 600 + DEAF_MS),
      back(time + 700 + DEAF_MS),
      spoken,
      { what: "agent done", cut: false },
    ] as Heard[])
      bridge = step(bridge, one)[0];
    expect(bridge.state).toBe("talking");
  }
});

test("nothing that is heard leads out of over", () => {
  const [over] = step(beginning(null), { what: "end", at: 0 });
  for (const heard of [on, off, ready, lost, hungUp, refused, spoke, cutIn, { what: "second", at: 1e9 } as const])
    expect(step(over, heard)).toEqual([over, []]);
});
