import { expect, test } from "vitest";
import { type Chat, readChat, soundingFrom } from "./chats.ts";
import { checkWords, type Row, type WordsOfCall } from "./words.ts";

const chat = (more: Partial<Chat> = {}): Chat => ({
  id: "chat-1",
  group: "group-1",
  firstAt: 0,
  lastAt: 60_000,
  words: [
    { at: 1_000, speaker: "agent", id: "a1", text: "Hello, this is the desk. How can I help?" },
    { at: 1_100, speaker: "agent", id: "a2", text: "I am listening." },
    { at: 9_000, speaker: "caller", id: "", text: "Half past three." },
  ],
  sounds: new Map([
    ["a1", { at: 1_000, ms: 3_000 }],
    ["a2", { at: 1_100, ms: 2_000 }],
  ]),
  cuts: [],
  told: "",
  closed: true,
  heard: true,
  ...more,
});
const row = (speaker: Row["speaker"], engine_ref: string, text: string, heard_ms: number | null = null): Row => ({
  speaker,
  engine_ref,
  text,
  started_ms: 0,
  ended_ms: null,
  heard_ms,
});
const all = [
  row("agent", "a1", "Hello, this is the desk. How can I help?"),
  row("agent", "a2", "I am listening."),
  row("caller", "c1", "Half past three."),
];
const call = (more: Partial<WordsOfCall> = {}): WordsOfCall => ({
  rows: all,
  chats: [chat()],
  connected: [{ from: 0, to: 60_000 }],
  blows: [],
  endedAt: 60_000,
  greeting: "Hello, this is the desk",
  ...more,
});
const second = (more: Partial<Chat> = {}): Chat =>
  chat({
    id: "chat-2",
    firstAt: 20_000,
    words: [{ at: 20_000, speaker: "agent", id: "b1", text: "I am back." }],
    sounds: new Map([["b1", { at: 20_000, ms: 1_000 }]]),
    ...more,
  });
const back = row("agent", "b1", "I am back.");

test.each<[string, Partial<WordsOfCall>, string[]]>([
  ["all is there", {}, []],
  [
    "a later sentence of a turn is missing",
    { rows: all.filter(({ engine_ref }) => engine_ref !== "a2") },
    [`the agent's words "I am listening." are in no row`],
  ],
  ["words of the caller are missing", { rows: all.slice(0, 2) }, [`the caller's words "Half past three." are in no row`]],
  ["words in flight when the call's own process died may be missing", { rows: all.slice(0, 2), blows: [9_100] }, []],
  ["words well before it may not", { rows: all.slice(0, 2), blows: [9_600] }, [`the caller's words "Half past three." are in no row`]],
  [
    "a sentence that had not begun to sound when the session died may be missing",
    { rows: [all[0] as Row, all[2] as Row], blows: [2_000] },
    [],
  ],
  ["a sentence is there twice", { rows: [...all, all[1] as Row] }, ["an utterance has two rows"]],
  [
    "a sentence nobody said",
    { rows: [...all, row("agent", "x", "I never said that.")] },
    [`the agent's row "I never said that." was never said`],
  ],
  [
    "the greeting is spoken again by the next session",
    {
      chats: [chat(), second({ words: [{ at: 20_000, speaker: "agent", id: "b1", text: "Hello, this is the desk. How can I help?" }] })],
      rows: [...all, row("agent", "b1", "Hello, this is the desk. How can I help?")],
    },
    ["the greeting was spoken 2 times"],
  ],
  [
    "a sentence is said again by the next session, and the caller said nothing in between",
    {
      chats: [chat(), second({ words: [{ at: 20_000, speaker: "agent", id: "b1", text: "I am listening." }] })],
      rows: [all[0] as Row, all[1] as Row, row("agent", "b1", "I am listening."), all[2] as Row],
    },
    [`the agent's words "I am listening." were said again by the next session`],
  ],
  ["the next session resumes the first", { chats: [chat(), second()], rows: [...all, back] }, []],
  [
    "the next session knows nothing",
    { chats: [chat(), second({ group: "another" })], rows: [...all, back] },
    ["a session that went on with the talk was neither resumed nor told what had been said"],
  ],
  [
    "the first session died within its greeting's first sound, and the next one, of another process, greets",
    {
      chats: [
        chat({ words: [{ at: 1_000, speaker: "agent", id: "a1", text: "Hello, this is the desk." }] }),
        second({ group: "another", words: [{ at: 20_000, speaker: "agent", id: "b1", text: "Hello, this is the desk." }] }),
      ],
      rows: [row("agent", "b1", "Hello, this is the desk.")],
      blows: [1_100],
    },
    [],
  ],
  ["the next session was told", { chats: [chat(), second({ group: "another", told: '"Half past three."' })], rows: [...all, back] }, []],
])("words of a call: %s", (_, more, wrong) => {
  expect(checkWords(call(more)).wrong).toEqual(wrong);
});

test("what is lost in flight is counted, and only that", () => {
  expect(checkWords(call({ rows: all.slice(0, 2), blows: [9_100] }))).toMatchObject({ said: 3, inFlight: 1, lostInFlight: 1 });
  expect(checkWords(call({ blows: [30_000] }))).toMatchObject({ said: 3, inFlight: 0, lostInFlight: 0 });
});

test("a sentence waits for the one before it, and for the line; what the caller cuts away never begins", () => {
  expect([...soundingFrom(chat(), [{ from: 0, to: 60_000 }])]).toEqual([
    ["a1", 1_000],
    ["a2", 4_000],
  ]);
  expect(soundingFrom(chat(), [{ from: 5_000, to: 60_000 }]).get("a1")).toBe(5_000);
  expect([...soundingFrom(chat({ cuts: [2_500] }), [{ from: 0, to: 60_000 }]).keys()]).toEqual(["a1"]);
});

test("the emulator's dump is read as far as it goes, torn at its end", () => {
  const lines = [
    { at: 5, out: { type: "chat_metadata", chat_group_id: "g" } },
    { at: 6, in: { type: "session_settings", custom_session_id: "call-1" } },
    { at: 7, out: { type: "assistant_message", id: "a", message: { content: "Hello." } } },
    { at: 8, out: { type: "audio_output", id: "a", bytes: 96_000 } },
    { at: 9, out: { type: "audio_output", id: "a", bytes: 96_000 } },
  ].map((line) => JSON.stringify(line));
  const { call: id, chat: one } = readChat("c", `${lines.join("\n")}\n{"at":10,"out":{"ty`, { code: null, heard: true });
  expect([id, one.group, one.closed, one.words.length, one.sounds.get("a")]).toEqual(["call-1", "g", false, 1, { at: 8, ms: 2_000 }]);
});
