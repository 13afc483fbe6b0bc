import { expect, test } from "vitest";
import { type EngineAgent, plainManners } from "../port.ts";
import { eviManner } from "./manner.ts";

const agent: EngineAgent = {
  prompt: "Be brief.",
  greeting: null,
  voice: null,
  language: "en",
  options: {},
  manners: plainManners,
  tools: [],
};
const model = { model_provider: "ANTHROPIC", model_resource: "claude-sonnet-4-5-20250929" };

test.each([
  [
    "a provider Hume does not know",
    { language_model: { ...model, model_provider: "FOO" } },
    false,
    ["options.language_model.model_provider"],
  ],
  ["4-mini without a language model", { evi_version: "4-mini" }, false, ["options.language_model"]],
  ["4-mini with one", { evi_version: "4-mini", language_model: model }, false, []],
  ["4-mini with a Config that may have one", { evi_version: "4-mini", config_id: "c" }, false, []],
  ["4-mini on the server's own Config", { evi_version: "4-mini" }, true, []],
] as const)("%s", (_, options, hasConfig, fields) => {
  expect(
    eviManner(hasConfig)
      .refuses({ ...agent, options })
      .map(({ field }) => field),
  ).toEqual(fields);
});

test.each([
  ["en-GB", {}, null],
  ["fr", {}, "EVI 3 speaks English alone"],
  ["fr", { evi_version: "3" }, "EVI 3 speaks English alone"],
  ["fr", { evi_version: "4-mini", language_model: model }, null],
  ["nl", { evi_version: "4-mini", language_model: model }, "EVI does not speak nl"],
  ["fil", {}, "EVI does not speak fil"],
] as const)("an agent that speaks %s with %o", (language, options, note) => {
  const notes = eviManner(false).notes({ ...agent, language, options });
  expect(notes.map(({ message }) => message)).toEqual(note === null ? [] : [expect.stringContaining(note)]);
});
