import { describe, expect, it } from "vitest";
import { readArguments, schemaRefusal } from "./arguments.ts";

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const deep = (levels: number): object => (levels === 0 ? { type: "string" } : { type: "array", items: deep(levels - 1) });

describe("a schema of a tool's arguments", () => {
  it.each([
    ["nothing to give", object({})],
    [
      "what tools usually ask for",
      object({ day: { type: "string", enum: ["friday"] }, guests: { type: "integer", minimum: 1 } }, { required: ["day"] }),
    ],
    [
      "a property that is called like a keyword",
      object({ pattern: { type: "string" }, $ref: { type: "string" }, format: { type: "string" } }),
    ],
    ["words that look like one in a value", object({ how: { enum: ["pattern", { pattern: "(a+)+" }], default: { format: "x" } } })],
    ["a keyword nobody knows", object({ day: { type: "string", "x-hint": "soon" } })],
  ])("may be %s", (_, schema) => {
    expect(schemaRefusal(schema)).toBeNull();
  });

  it.each([
    ["no object", { type: "string" }, "type"],
    ["without a type", {}, "type"],
    ["of a kind that does not exist", object({ a: { type: "number or so" } }), "no valid JSON Schema"],
    ["with an expression that could take for ever", object({ a: { type: "string", pattern: "^(a+)+$" } }), "properties.a.pattern"],
    ["with an expression deep inside", object({ a: { anyOf: [{ type: "null" }, { items: { pattern: "x" } }] } }), "anyOf.1.items.pattern"],
    ["with an expression for names", object({}, { patternProperties: { "(a+)+": {} } }), "patternProperties"],
    ["with a format nobody checks", object({ a: { type: "string", format: "date" } }), "format"],
    ["with a reference, also to itself", object({ a: { $ref: "#" } }), "$ref"],
    ["with a reference elsewhere", object({ a: { $ref: "https://example.com/schema.json" } }), "$ref"],
    ["longer than a session should carry", object({ a: { description: "x".repeat(8_000) } }), "8000 characters"],
    ["without an end", object({ a: deep(40) }), "deep"],
    ["with required that is no list", object({}, { required: "a" }), "no valid JSON Schema"],
  ])("is refused: %s", (_, schema, why) => {
    expect(schemaRefusal(schema)).toContain(why);
  });
});

describe("what an engine gives as arguments", () => {
  const schema = object(
    {
      day: { type: "string", enum: ["thursday", "friday"] },
      guests: { type: "integer", minimum: 1 },
      who: object({ name: { type: "string" } }),
    },
    { required: ["day"], additionalProperties: false },
  );

  it.each([
    ['{"day":"friday"}', { day: "friday" }],
    ['{"day":"friday","guests":2,"who":{"name":"A"}}', { day: "friday", guests: 2, who: { name: "A" } }],
  ])("is taken when it fits: %s", (text, is) => {
    expect(readArguments(schema, text)).toEqual({ is });
  });

  it.each([
    ["", "must have required property 'day'"],
    ["{}", "must have required property 'day'"],
    ['{"day":"friday"', "not JSON"],
    ["[]", "must be a JSON object"],
    ["null", "must be a JSON object"],
    ['"friday"', "must be a JSON object"],
    ['{"day":"sunday"}', 'day must be equal to one of the allowed values: ["thursday","friday"].'],
    ['{"day":"friday","guests":0}', "guests must be >= 1"],
    ['{"day":"friday","guests":"2"}', "guests must be integer"],
    ['{"day":"friday","who":{"name":3}}', "who.name must be string"],
    ['{"day":"friday","more":1}', "(more)"],
    [`{"day":"${"x".repeat(9_000)}"}`, "longer than 8000"],
  ])("is answered with what is wrong otherwise: %.40s", (text, wrong) => {
    expect(readArguments(schema, text)).toEqual({ wrong: expect.stringContaining(wrong) });
  });

  it("without arguments is an empty object where nothing is needed", () => {
    expect(readArguments(object({}), " ")).toEqual({ is: {} });
  });
});
