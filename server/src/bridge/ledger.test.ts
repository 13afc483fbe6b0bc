import { expect, test } from "vitest";
import type { CallId } from "../ids.ts";
import { Ledger } from "./ledger.ts";

const ledger = (): Ledger => new Ledger("call" as CallId);
const joy = { set: "evi-prosody-48", scores: { Joy: 0.5 } };

test("a sentence is told when it begins to sound, and again when it ends", () => {
  const book = ledger();
  expect(book.agentSaid("a", "Hello there.", null)).toBeNull();
  expect(book.agentStarted("a", 100, 600)).toMatchObject({ text: "Hello there.", startedMs: 100, endedMs: 700, heardMs: null, cut: false });
  expect(book.agentEnded("a", 900, 800, false)).toMatchObject({
    text: "Hello there.",
    startedMs: 100,
    endedMs: 900,
    heardMs: 800,
    cut: false,
  });
});

test("words that come after the sound has begun are told then", () => {
  const book = ledger();
  expect(book.agentStarted("a", 100, 600)).toBeNull();
  expect(book.agentSaid("a", "Hello.", "en")).toMatchObject({ text: "Hello.", startedMs: 100, language: "en" });
});

test("feelings may come before, between or after", () => {
  const book = ledger();
  expect(book.agentFelt("a", joy)).toBeNull();
  book.agentSaid("a", "Hello.", null);
  expect(book.agentStarted("a", 0, 10)?.emotions).toEqual(joy);
  expect(book.callerFelt("c", joy)).toBeNull();
  expect(book.callerSaid("c", "Yes.", 5, 9, null)?.emotions).toEqual(joy);
  book.callerSaid("d", "No.", 15, 19, null);
  expect(book.callerFelt("d", joy)).toMatchObject({ text: "No.", emotions: joy });
});

test("the caller's final words are told once, and empty ones never", () => {
  const book = ledger();
  expect(book.callerSaid("c", "Yes.", 5, 9, null)).not.toBeNull();
  expect(book.callerSaid("c", "Yes.", 5, 9, null)).toBeNull();
  expect(book.callerSaid("d", " ", 5, 9, null)).toBeNull();
});

test("sentences of which nothing was heard are kept, marked so", () => {
  const book = ledger();
  book.agentSaid("a", "Heard.", null);
  book.agentStarted("a", 0, 500);
  book.agentSaid("b", "Never heard.", null);
  expect(book.unspoken(700)).toMatchObject([{ ref: "b", text: "Never heard.", startedMs: 700, endedMs: 700, heardMs: 0, cut: true }]);
  expect(book.unspoken(800)).toEqual([]);
});

test("speech whose words never came is told without at the end", () => {
  const book = ledger();
  book.agentStarted("a", 0, 500);
  expect(book.wordless()).toMatchObject([{ ref: "a", text: "", startedMs: 0 }]);
});
