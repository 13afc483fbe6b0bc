import { describe, expect, test } from "vitest";
import { people } from "../../people/people.ts";
import { decide, fill, fresh, type Memory, type Plan, variablesOfPrompt } from "./decide.ts";
import { desk } from "./desk.ts";
import { clerk, parrot } from "./others.ts";

/** A conversation: what is heard, one after the other, and the plans made of it. */
function talk(heard: readonly string[], surroundings = { variables: {}, tools: [] as string[] }, agent = desk): Plan[] {
  let memory: Memory = fresh;
  return heard.map((words) => {
    const [next, plan] = decide(agent, memory, words, surroundings);
    memory = next;
    return plan;
  });
}

const lines = (number: string): string[] =>
  people
    .filter((person) => person.number === number)
    .flatMap((person) => person.script.flatMap((step) => ("say" in step && "text" in step.say ? [step.say.text ?? ""] : [])));

describe("the appointment desk", () => {
  test("leads the polite caller to a moved appointment", () => {
    const said = talk(lines("+12025550101"), { variables: { customer_name: "Guest" }, tools: [] }).map((plan) => plan.say.join(" "));
    expect(said).toEqual([
      "It is about your appointment on Tuesday at ten. Does that still suit you?",
      "Of course. For Thursday afternoon I can offer you two o'clock or half past three.",
      "Perfect, half past three it is. Is there anything else?",
      "You are welcome, Guest. Goodbye.",
    ]);
  });

  test("gives the interrupter answers long enough to be interrupted", () => {
    const [everything, costs, later, bye] = talk(lines("+12025550102"));
    expect(everything?.say.join(" ").length).toBeGreaterThan(300);
    expect(costs?.say.join(" ").length).toBeGreaterThan(120);
    expect(later?.say[0]).toContain("take all the time");
    expect(bye).toMatchObject({ hangUp: true });
  });

  test("looks up the order of the one who calls in", () => {
    const said = talk(lines("+12025550106")).map((plan) => plan.say.join(" "));
    expect(said[0]).toContain("tell me your order number");
    expect(said[1]).toContain("order four seven one one.");
    expect(said[2]).toContain("Goodbye");
  });

  test("says that it is no human being, however it is asked", () => {
    for (const question of ["Are you a robot?", "Is this a real person?", "Am I talking to a machine?"]) {
      expect(talk([question])[0]?.say[0]).toBe("I am an A.I. assistant, not a human being.");
    }
  });

  test("goes on politely with what it does not understand, and never says the same twice in a row at first", () => {
    const said = talk(["(speech, 2.3 s)", "(speech, 1.1 s)", "(speech, 4.0 s)", "(speech, 0.9 s)", "(speech, 0.9 s)"]).map((plan) =>
      plan.say.join(" "),
    );
    expect(new Set(said).size).toBe(4);
    expect(said[3]).toBe(said[4]);
  });

  test("uses a tool when it has one, and does without when it has none", () => {
    const asks = "Half past three would be perfect for me.";
    expect(talk([asks])[0]).toMatchObject({
      call: null,
      say: [expect.stringContaining("half past three"), expect.anything()],
    });
    expect(talk([asks], { variables: {}, tools: ["get_weather", "book_slot"] })[0]).toMatchObject({
      say: ["Very well, one moment please."],
      call: { tool: "book_slot", parameters: { time: "half past three" } },
    });
  });
});

test("the parrot repeats and the clerk asks its tool", () => {
  expect(talk(["One two three."], undefined, parrot)[0]?.say).toEqual(["You said: One two three."]);
  expect(talk(["One two three."], { variables: {}, tools: ["look_up"] }, clerk)[0]?.call).toMatchObject({
    tool: "look_up",
    parameters: { query: "One two three." },
  });
});

describe("a sentence with variables", () => {
  test("is filled; what is not known goes, with its comma", () => {
    expect(fill("You are welcome, {{customer_name}}.", { customer_name: "Guest" })).toBe("You are welcome, Guest.");
    expect(fill("You are welcome, {{ customer_name }}.", {})).toBe("You are welcome.");
    expect(fill("It says: {{result}}", {})).toBe("It says: {{result}}");
  });

  test("may take the customer's name from the prompt", () => {
    expect(variablesOfPrompt("You are a friendly agent. The customer's name is Guest. Be brief.")).toEqual({ customer_name: "Guest" });
    expect(variablesOfPrompt("Customer name: Night Guest\nBe brief.")).toEqual({ customer_name: "Night Guest" });
    expect(variablesOfPrompt("You are a friendly agent.")).toEqual({});
  });
});
