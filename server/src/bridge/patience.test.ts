import { describe, expect, it } from "vitest";
import { noSilence, type PatienceRules, wait } from "./patience.ts";

const rules: PatienceRules = {
  nudge: { afterMs: 5_000, text: "Still there?", times: 2 },
  goodbye: { afterMs: 20_000, text: "Goodbye." },
};

/** What is done in which second, one letter a second: a(gent) and c(aller) speak, b(usy), . nobody. */
function told(seconds: string, given = rules): string[] {
  let silence = noSilence;
  const done: string[] = [];
  for (const [second, letter] of [...seconds].entries()) {
    const who = ({ a: "agent", c: "caller", b: "busy" } as const)[letter as "a"] ?? "nobody";
    const [next, patient] = wait(given, silence, who, second * 1000);
    silence = next;
    if (patient !== null) done.push(`${second} ${patient.do === "say" ? patient.text : "end"}`);
  }
  return done;
}

describe("an agent's patience", () => {
  it.each([
    ["a caller who answers in time hears nothing of it", "aa....caaa....caaa", []],
    ["silence after the agent's words is met with a nudge", "aa......", ["7 Still there?"]],
    [
      "a nudge is said as often as allowed, each counted from the one before",
      `aa${"......aa......"}aa....`,
      ["7 Still there?", "15 Still there?"],
    ],
    [
      "the goodbye counts from the begin of the silence, and ends the call once it was heard",
      "aa......aa......aa.....aa....",
      ["7 Still there?", "15 Still there?", "22 Goodbye.", "25 end"],
    ],
    ["words of ours that were never heard are not waited for", `aa${".".repeat(40)}`, ["7 Still there?", "22 Goodbye.", "32 end"]],
    ["a caller who speaks into the goodbye stays", `aa${".".repeat(20)}.ac.aa.`, ["7 Still there?", "22 Goodbye."]],
    ["an agent that thinks about its answer is not silence of the caller", "aac........aa", []],
    [
      "an engine that never answers does not keep the line open for ever",
      `aac${".".repeat(60)}`,
      ["23 Still there?", "38 Goodbye.", "48 end"],
    ],
    ["while a tool works nobody is nudged", "aa..bbbbbbbbbb...", []],
    ["a caller who never says a word is nudged, also where the agent waits for them", "......", ["5 Still there?"]],
  ])("%s", (_, seconds, expected) => {
    expect(told(seconds)).toEqual(expected);
  });

  it("without rules it waits for ever", () => {
    expect(told(`aa${".".repeat(2_000)}`, { nudge: null, goodbye: null })).toEqual([]);
  });
});
