import { describe, expect, it } from "vitest";
import { voices } from "../speech/voice.ts";
import { OUR_NUMBER, people } from "./people.ts";
import { linesSpoken, PeopleFile, Person } from "./person.ts";

describe("the table of people", () => {
  it("gives everyone a number of their own, fictitious, and none of them ours", () => {
    const numbers = people.map((person) => person.number);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toMatch(/^\+120255501\d\d$/);
    expect(numbers).not.toContain(OUR_NUMBER);
  });

  it("gives everyone a voice there is", () => {
    for (const person of people) expect(voices).toContain(person.voice);
  });

  it("lists each line once with the voice it is said in", () => {
    const lines = linesSpoken(people);
    expect(lines).toContainEqual({ text: "Half past three would be perfect for me.", voice: "rms" });
    expect(new Set(lines.map((line) => JSON.stringify(line))).size).toBe(lines.length);
  });
});

describe("a people file", () => {
  it("needs only a number and a habit: such a person answers, says nothing and waits", () => {
    expect(Person.parse({ number: "+12025550170", habit: "waits" })).toEqual({
      number: "+12025550170",
      habit: "waits",
      voice: "rms",
      whenDialled: { answers: { afterMs: 1_500 } },
      script: [],
      repeats: false,
      detection: { is: "human", afterMs: 2_500 },
      faults: {},
    });
  });

  it.each([
    ["a number without a plus", { number: "12025550170" }],
    ["a step without a deed", { script: [{ after: { ms: 1 } }] }],
    ["a step with two deeds", { script: [{ after: { ms: 1 }, press: "1", hangUp: true }] }],
    ["a key that no telephone has", { script: [{ after: { ms: 1 }, press: "A" }] }],
    ["an unknown fault", { faults: { dances: true } }],
    ["an unknown field", { age: 40 }],
  ])("refuses %s", (_, change) => {
    expect(PeopleFile.safeParse({ people: [{ number: "+12025550170", habit: "waits", ...change }] }).success).toBe(false);
  });
});
