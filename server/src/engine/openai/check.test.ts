import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Program, startProgram } from "../../../test/program.ts";
import { systemClock } from "../../clock.ts";
import { type EngineAgent, plainManners } from "../port.ts";
import { createOpenAiEngine } from "./openai.ts";

/** The emulated server, asked as it is when an agent is saved. */
let server: Program;
beforeAll(async () => {
  server = await startProgram(join(import.meta.dirname, "../../../../emulators/openai/main.ts"), ["--api-key", "right-key"]);
});
afterAll(() => server?.stop());

const agent: EngineAgent = {
  prompt: "You are brief.",
  greeting: "Hello.",
  voice: null,
  language: "en",
  options: {},
  manners: plainManners,
  tools: [{ name: "find_order", description: "Looks up.", parameters: { type: "object", properties: {} } }],
};
const check = (wish: Partial<EngineAgent> = {}, { apiKey = "right-key", url = `${server.url.replace(/^http/, "ws")}/v1/realtime` } = {}) =>
  createOpenAiEngine({ url, apiKey, model: "gpt-realtime-2.1", dialect: "openai", clock: systemClock }).check?.(
    { ...agent, ...wish },
    AbortSignal.timeout(10_000),
  );

describe("an agent that is to be saved", () => {
  it("is taken when the engine takes its settings; nothing is said for it", async () => {
    expect(await check()).toEqual([]);
  });

  it.each<[string, Parameters<typeof check>, string]>([
    ["a key that is not right", [{}, { apiKey: "wrong-key" }], "engine"],
    ["a model that does not exist", [{ options: { model: "gpt-9" } }], "options.model"],
    [
      "a tool whose arguments it cannot take",
      [{ tools: [{ name: "find_order", description: "Looks up.", parameters: "any" as never }] }],
      "tools",
    ],
    ["a turn detection the engine does not know", [{ options: { turn_detection: { type: "telepathy" } } }], "options"],
  ])("is refused with %s, naming the field", async (_, asked, field) => {
    expect(await check(...asked)).toEqual([{ field, message: expect.stringContaining("was refused by the engine") }]);
  });

  it("cannot be checked while the engine is away", async () => {
    await expect(check({}, { url: "ws://127.0.0.1:9/v1/realtime" })).rejects.toThrow("could not be reached");
  });

  it("is not waited for longer than allowed", async () => {
    const engine = createOpenAiEngine({
      url: `${server.url.replace(/^http/, "ws")}/v1/realtime`,
      apiKey: "right-key",
      model: "gpt-realtime-2.1",
      dialect: "openai",
      clock: systemClock,
    });
    const over = new AbortController();
    const asked = engine.check?.(agent, over.signal);
    over.abort();
    await expect(asked).rejects.toThrow();
  });
});
