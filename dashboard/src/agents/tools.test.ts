import { describe, expect, it } from "vitest";
import { AgentTool } from "../ask/shapes.ts";
import { argumentsSaid, firstTools, newHttp, placeOf, toolsDraftOf, toolsOf } from "./tools.ts";

const tools = [
  { kind: "hang_up" },
  { kind: "transfer", announcement: "A caller about {{reason}}." },
  {
    kind: "http",
    name: "find_order",
    description: "Finds an order by its number.",
    parameters: { type: "object", properties: { order: { type: "string" }, note: {} }, required: ["order"] },
    url: "https://orders.example.com/find",
    method: "GET",
    headers: [{ name: "Accept", value: "application/json" }],
    secret_headers: [{ name: "Authorization", secret: "019a0000-0000-7000-8000-000000000001" }],
    timeout_ms: 2500,
  },
].map((tool) => AgentTool.parse(tool));

describe("an agent's tools in a form", () => {
  it("come back as they were, a kept secret by its id alone", () => expect(toolsOf(toolsDraftOf(tools))).toEqual({ tools }));
  it("replace a secret only when a new one is typed", () => {
    const draft = toolsDraftOf(tools);
    const [http] = draft.http;
    const typed = {
      ...draft,
      http: [{ ...http, secrets: [{ name: "Authorization", value: "Bearer x", secret: "kept" }] }],
    } as typeof draft;
    const read = toolsOf(typed);
    expect("tools" in read && read.tools.at(-1)).toMatchObject({ secret_headers: [{ name: "Authorization", value: "Bearer x" }] });
  });
  it("say what is wrong where, and where a tool stands among all", () => {
    const draft = { ...firstTools, send_dtmf: true, http: [{ ...newHttp("a"), parameters: "{", headers: "no colon", timeout_s: "60" }] };
    const read = toolsOf(draft);
    expect("wrong" in read && Object.keys(read.wrong).sort()).toEqual(
      ["description", "headers", "name", "parameters", "timeout_s", "url"].map((field) => `http.0.${field}`),
    );
    expect(placeOf(draft, 0)).toBe(2);
  });
  it.each([
    [JSON.stringify(tools[2]?.kind === "http" ? tools[2].parameters : {}), "order (string, needed), note"],
    ["", "no arguments"],
    ["{", null],
    ["[]", null],
  ])("tell the arguments of %s", (text, said) => expect(argumentsSaid(text)).toBe(said));
});
