import { describe, expect, it } from "vitest";
import { changesIn, keepDraftOf, stricter, wrongIn } from "./keep-draft.ts";

const line = { webhooks_days: 30, exchanges_days: null };
const before = keepDraftOf(
  [
    { agent_id: null, what: "audio", days: 90 },
    { agent_id: "a", what: "transcript", days: 365 },
  ],
  line,
);
const withRow = (agent: string | null, fields: object) => ({
  ...before,
  rows: before.rows.map((row) => (row.agent === agent ? { ...row, ...fields } : row)),
});

describe("the rules of keeping", () => {
  it("stand in a row for every agent and one for each with rules of its own", () =>
    expect(before).toEqual({
      rows: [
        { agent: null, audio: "90", transcript: "", journal: "" },
        { agent: "a", audio: "", transcript: "365", journal: "" },
      ],
      line: { webhooks_days: "30", exchanges_days: "" },
    }));
  it("unchanged send nothing; changed, only what changed; emptied, the end of the rule", () => {
    expect(changesIn(before, before)).toBeNull();
    expect(changesIn(before, withRow(null, { audio: "", transcript: " 30 " }))).toEqual({
      rules: [
        { agent_id: null, what: "audio", days: null },
        { agent_id: null, what: "transcript", days: 30 },
      ],
      line: null,
    });
    expect(changesIn(before, { ...before, line: { ...before.line, exchanges_days: "7" } })?.line).toEqual({
      webhooks_days: 30,
      exchanges_days: 7,
    });
  });
  it.each([
    [{ audio: "30" }, null, true],
    [{ audio: "91" }, null, false],
    [{ transcript: "1000" }, null, true],
    [{ audio: "100" }, "a", false],
    [{ audio: "10" }, "a", true],
    [{ transcript: "" }, "a", false],
  ])("with %j of %s delete more: %s", (fields, agent, more) => expect(stricter(before, withRow(agent, fields))).toBe(more));
  it.each([
    ["0", false],
    ["1.5", false],
    ["a week", false],
    ["36500", true],
    ["", true],
  ])("take %j: %s", (audio, fine) => expect(wrongIn(withRow(null, { audio })) === null).toBe(fine));
  it("take 0 days for journals", () => {
    expect(wrongIn(withRow(null, { journal: "0" }))).toBeNull();
    expect(wrongIn(withRow(null, { journal: "-1" }))).not.toBeNull();
  });
});
