import { expect, test } from "vitest";
import { hear } from "./wire.ts";

const expressions = [
  { name: "surprise (negative)", probability: 0.5521 },
  { name: "a name of next year", probability: 0.2 },
];
const result = {
  trigger: "interval",
  audio_start_ms: 100,
  audio_end_ms: 3_100,
  expressions,
  voice_attributes: [{ name: "clear", probability: 0.9 }],
};
const scores = { type: "scores", fromMs: 100, toMs: 3_100, scores: { "surprise (negative)": 0.5521, "a name of next year": 0.2 } };

test.each([
  ["flat", { type: "measurement.result", ...result }, scores],
  ["under another key", { type: "measurement.result", measurement: result }, scores],
  ["half and half", { type: "measurement.result", span: { audio_start_ms: 100, audio_end_ms: 3_100 }, expressions }, scores],
  [
    "with a score that is none",
    { type: "measurement.result", ...result, expressions: [...expressions, { name: "x", probability: "high" }, null] },
    scores,
  ],
  ["without a place in time", { type: "measurement.result", expressions }, { type: "other" }],
  ["an error", { type: "error", code: "rate_limited", message: "Too fast." }, { type: "error", code: "rate_limited", text: "Too fast." }],
  ["a nested error", { type: "error", error: { code: "x", message: "Y" } }, { type: "error", code: "x", text: "Y" }],
  ["something unknown", { type: "session.mood" }, { type: "other" }],
])("a message is understood %s", (_, message, heard) => {
  expect(hear(JSON.stringify(message))).toEqual(heard);
});

test.each(["{", "[]", "null", '"x"'])("%s is nothing", (message) => {
  expect(hear(message)).toEqual({ type: "other" });
});
