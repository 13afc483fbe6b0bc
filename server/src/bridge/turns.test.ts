import { expect, test } from "vitest";
import { isBrokenOff, nobodysTurn, type Sign, type Turn, turnAfter } from "./turns.ts";

const after = (...signs: Sign[]): Turn => signs.reduce(turnAfter, nobodysTurn);
const spoke: Sign = { what: "agent spoke" };
const done: Sign = { what: "agent done", cut: false };
const words = (final: boolean, at: number): Sign => ({ what: "caller words", final, at });
const speech = (on: boolean, at: number): Sign => ({ what: "caller speech", on, at });
const voice = (on: boolean, at: number): Sign => ({ what: "voice", on, at });

test.each<[string, Sign[], number | null]>([
  ["nothing has happened", [], null],
  ["the caller's words are final", [words(true, 100)], 100],
  ["the caller still speaks", [words(true, 100), words(false, 200)], null],
  ["the answer began", [words(true, 100), spoke], null],
  ["the engine chose to say nothing", [words(true, 100), done], null],
  ["an older answer was broken off", [words(true, 100), { what: "agent done", cut: true }], 100],
  ["the engine says that the caller has ended", [speech(true, 100), speech(false, 200)], 200],
  ["their words come after the answer", [speech(false, 200), spoke, done, words(true, 900)], null],
  ["the agent speaks when the words come", [spoke, words(true, 100)], null],
  ["a tool works", [words(true, 100), { what: "tool" }], null],
  ["a tool has answered", [words(true, 100), { what: "tool" }, { what: "tool answered", busy: false, at: 900 }], 900],
  ["one of two tools has answered", [{ what: "tool" }, { what: "tool" }, { what: "tool answered", busy: true, at: 900 }], null],
  ["it was asked to say something", [{ what: "asked to speak", at: 50 }], 50],
  [
    "it was asked twice",
    [
      { what: "asked to speak", at: 50 },
      { what: "asked to speak", at: 90 },
    ],
    50,
  ],
  ["the caller cut in", [words(true, 100), spoke, { what: "cut in" }], null],
  ["the caller says more while they wait: they wait from the end of it", [words(true, 100), voice(true, 500), voice(false, 900)], 900],
])("words are owed: %s", (_, signs, since) => {
  expect(after(...signs).owedSince).toBe(since);
});

test.each<[string, Sign[], number | null]>([
  ["the caller spoke and nothing came of it", [voice(true, 100), voice(false, 700)], 700],
  ["the engine wrote down what they said", [voice(true, 100), words(false, 300), voice(false, 700)], null],
  ["the engine wrote it down a little later", [voice(true, 100), voice(false, 700), words(true, 900)], null],
  ["the caller murmurs while the agent speaks", [spoke, voice(true, 100), voice(false, 700)], null],
  ["the caller talks on while a tool works", [{ what: "tool" }, voice(true, 100), voice(false, 700)], null],
  ["they speak again", [voice(true, 100), voice(false, 700), voice(true, 900)], null],
])("unheard: %s", (_, signs, since) => {
  expect(after(...signs).unheardSince).toBe(since);
});

test("a noise that the engine does not take for speech does not make the caller speak for ever", () => {
  const turn = after(voice(true, 100), speech(true, 100), speech(false, 900));
  expect(turn).toMatchObject({ callerSpeaks: false, owedSince: 900 });
});

test("every sound of an answer but the first leaves the turn the very same object", () => {
  const turn = after(words(true, 100), spoke);
  expect(turnAfter(turn, spoke)).toBe(turn);
});

test("somebody would miss words: while they are owed, in the middle of them, and while a tool works or the caller speaks", () => {
  expect(isBrokenOff(nobodysTurn)).toBe(false);
  expect(isBrokenOff(after(spoke, done))).toBe(false);
  for (const signs of [[words(true, 1)], [spoke], [{ what: "tool" }], [voice(true, 1)], [voice(true, 1), voice(false, 2)]] as Sign[][])
    expect(isBrokenOff(after(...signs))).toBe(true);
});
