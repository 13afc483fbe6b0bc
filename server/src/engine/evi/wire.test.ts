import { expect, test } from "vitest";
import { decodeBase64, mostBytes } from "../base64.ts";
import { audioInput, type EviAudio, hear, scoresOf } from "./wire.ts";

const bytes = (json: unknown): Buffer => Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
const decoded = (audio: EviAudio): Buffer => {
  const into = Buffer.alloc(mostBytes(audio));
  return into.subarray(0, decodeBase64(audio, into));
};
const wav = Buffer.alloc(134_444, 7).toString("base64");

test("the sound of a large audio_output is cut out, whatever the order and spacing of its keys", () => {
  const spellings = [
    `{"type":"audio_output","id":"a1","index":3,"data":"${wav}"}`,
    `{"data":"${wav}","index":3,"type":"audio_output","id":"a1","custom_session_id":"leg"}`,
    `{"type": "audio_output", "id": "a1", "index": 3, "data": "${wav}"}`,
    `{ "type" : "audio_output", "id" : "a1", "index" : 3, "data" : "${wav}" }`,
    `{"type":"audio_output","id":"a1","index":3,"data":"${wav.replaceAll("/", "\\/")}"}`,
  ];
  for (const spelling of spellings) {
    const heard = hear(bytes(spelling));
    expect(heard).toMatchObject({ kind: "audio", audio: { id: "a1", index: 3 } });
    if (heard.kind === "audio") expect(decoded(heard.audio).equals(Buffer.from(wav, "base64"))).toBe(true);
  }
});

test("sound of any length is decoded whole", () => {
  for (const length of [0, 1, 2, 3, 24_575, 24_576, 24_577, 49_152, 100_001]) {
    const sound = Buffer.from(Array.from({ length }, (_, i) => i * 31));
    const heard = hear(bytes({ type: "audio_output", id: "a1", index: 0, data: sound.toString("base64") }));
    expect(heard.kind === "audio" && decoded(heard.audio).equals(sound)).toBe(true);
  }
});

test("a data key inside something else is not taken for the sound", () => {
  const heard = hear(bytes({ type: "audio_output", id: "a1", index: 0, metadata: { data: "x".repeat(4_000) }, data: "UklG" }));
  expect(heard).toMatchObject({ kind: "audio", audio: { id: "a1", index: 0 } });
  if (heard.kind === "audio") expect(decoded(heard.audio).toString()).toBe("RIF");
});

test("a large message that is no sound is read whole", () => {
  const heard = hear(
    bytes({ type: "assistant_message", id: "a", message: { role: "assistant", content: `He said "data":"${"x".repeat(4_000)}"` } }),
  );
  expect(heard).toMatchObject({ kind: "saying", saying: { type: "assistant_message", id: "a" } });
});

test.each<[string, unknown, object]>([
  ["a new type", { type: "assistant_mood", mood: 3 }, { kind: "unknown", type: "assistant_mood", malformed: false }],
  ["a known type that lacks what it must have", { type: "chat_metadata" }, { kind: "unknown", type: "chat_metadata", malformed: true }],
  ["no JSON", "hello", { kind: "unknown", type: "unreadable", malformed: true }],
  ["half a message", '{"type":"user_mess', { kind: "unknown", type: "unreadable", malformed: true }],
  ["an array", [], { kind: "unknown", type: "unreadable", malformed: true }],
  ["nothing", "", { kind: "unknown", type: "unreadable", malformed: true }],
])("%s is unknown, not fatal", (_, message, understood) => {
  expect(hear(bytes(message))).toEqual(understood);
});

test.each<[string, object]>([
  ["no prosody", { models: {} }],
  ["prosody null", { models: { prosody: null } }],
  ["models null", { models: null }],
  ["no models", {}],
  ["scores that are a text", { models: { prosody: { scores: "many" } } }],
  ["no time", { time: null }],
  ["a time that is a text", { time: { begin: "0", end: "1" } }],
  ["no from_text", { from_text: undefined }],
])("a user_message with %s keeps its words", (_, odd) => {
  const message = { type: "user_message", message: { role: "user", content: "Move it to Friday." }, interim: false, ...odd };
  expect(hear(bytes(message))).toMatchObject({ kind: "saying", saying: { message: { content: "Move it to Friday." }, interim: false } });
});

test("scores that are no numbers are left out, the others stay", () => {
  const heard = hear(
    bytes({
      type: "assistant_prosody",
      id: "a",
      models: { prosody: { scores: { Joy: 0.5, Awe: null, "Surprise (positive)": 0.25, Doubt: "high" } } },
    }),
  );
  if (heard.kind !== "saying" || heard.saying.type !== "assistant_prosody") throw new Error("not heard");
  expect(scoresOf(heard.saying)).toEqual({ Joy: 0.5, "Surprise (positive)": 0.25 });
});

test("caller audio goes out as JSON that says exactly these bytes", () => {
  const pcm = Uint8Array.from({ length: 640 }, (_, i) => i * 7);
  expect(JSON.parse(audioInput(pcm))).toEqual({ type: "audio_input", data: Buffer.from(pcm).toString("base64") });
  expect(JSON.parse(audioInput(pcm.subarray(3, 10)))).toEqual({
    type: "audio_input",
    data: Buffer.from(pcm.subarray(3, 10)).toString("base64"),
  });
});

test("whatever bytes come, reading them ends and throws nothing", () => {
  let seed = 99;
  const next = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return seed / 0x8000_0000;
  };
  const good = [
    bytes({
      type: "user_message",
      message: { role: "user", content: "yes" },
      models: { prosody: { scores: { Joy: 0.1 } } },
      time: { begin: 1, end: 2 },
      interim: false,
      from_text: false,
    }),
    bytes({ type: "audio_output", id: "a1", index: 0, data: Buffer.alloc(3_000, 1).toString("base64") }),
    bytes({ type: "error", code: "E0714", slug: "inactivity_timeout", message: "ended" }),
  ];
  for (let round = 0; round < 6_000; round++) {
    const whole = good[round % good.length] as Buffer;
    const message = Buffer.from(whole.subarray(0, Math.floor(next() * (whole.length + 1))));
    for (let i = 0; i < 4 && message.length > 0; i++) message[Math.floor(next() * message.length)] = Math.floor(next() * 256);
    expect(["audio", "saying", "unknown"]).toContain(hear(message).kind);
  }
});
