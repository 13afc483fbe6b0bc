import { expect, it } from "vitest";
import { namedIn, textsFrom, variablesFrom } from "./variables.ts";

it("an agent's texts name what they need, each once", () =>
  expect(namedIn("Hello {{name}}, your {{ order_id }}: {{name}} {{2x}} {x} {{plan|none}} {{customer_name|you}}")).toEqual([
    "name",
    "order_id",
    "plan",
  ]));
it("rows left empty are not sent", () =>
  expect(
    variablesFrom([
      { name: " order ", value: " 4711 " },
      { name: "", value: "x" },
      { name: "note", value: " " },
    ]),
  ).toEqual({ order: "4711" }));
it("what an earlier call knew fills the form of the next", () =>
  expect(textsFrom({ parcel: "4711-22", attempt: 2, insured: true, note: null })).toEqual({
    parcel: "4711-22",
    attempt: "2",
    insured: "true",
    note: "",
  }));
