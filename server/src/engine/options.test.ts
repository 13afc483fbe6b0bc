import { expect, test } from "vitest";
import { extraProblems, withExtra } from "./options.ts";

test("what the vendor knows beside our names goes into the settings as it is: objects become one, lists are joined", () => {
  const ours = { audio: { output: { voice: "marin" } }, tools: [{ name: "find" }], tool_choice: "auto" };
  expect(withExtra(ours, { audio: { output: { model: "tts-2" } }, tools: [{ type: "mcp" }], tool_choice: "required", other: 1 })).toEqual({
    audio: { output: { voice: "marin", model: "tts-2" } },
    tools: [{ name: "find" }, { type: "mcp" }],
    tool_choice: "required",
    other: 1,
  });
  expect(withExtra(ours, undefined)).toEqual(ours);
});

test("a name that means something to objects is a name like any other", () => {
  const made = withExtra({}, JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'));
  expect(Object.keys(made)).toEqual(["__proto__", "constructor"]);
  expect((made as { polluted?: unknown }).polluted).toBeUndefined();
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("what has a place of its own is refused there, with where it belongs", () => {
  const reserved = { "audio.input.format": "is the carrier's", instructions: "is the prompt" };
  expect(extraProblems({ audio: { input: { format: {} } } }, reserved)).toEqual([
    { field: "options.extra.audio.input.format", message: "is the carrier's" },
  ]);
  expect(extraProblems({ audio: { input: { noise: 1 } } }, reserved)).toEqual([]);
  expect(extraProblems(undefined, reserved)).toEqual([]);
});
