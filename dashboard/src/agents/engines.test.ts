import { expect, it } from "vitest";
import { titleOf, titles } from "./engines.ts";

const known = [
  { name: "evi", title: "Hume EVI" },
  { name: "third", title: "A third" },
];

it("every engine the server knows can be chosen, and the agent's own even when it does not", () => {
  expect(titles(known, "evi")).toEqual(known);
  expect(titles(known, "gone")).toEqual([...known, { name: "gone", title: "gone" }]);
  expect(titles(undefined, "evi")).toEqual([{ name: "evi", title: "evi" }]);
});

it("an engine is shown by its title as soon as that is known", () => {
  expect([titleOf(known, "third"), titleOf(undefined, "third")]).toEqual(["A third", "third"]);
});
