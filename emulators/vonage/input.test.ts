import { describe, expect, it } from "vitest";
import type { App } from "./test-app.ts";
import { answersASentence, done, pressesKeys, saysUnwrittenWords, silent, startCalls } from "./test-calls.ts";

describe("input", () => {
  it("collects keys up to the hash, and its answer takes over", async () => {
    const { app, dial, reached, over, paths } = await startCalls({
      "/answer": (own) => [
        { action: "input", type: ["dtmf"], dtmf: { submitOnHash: true, maxDigits: 10 }, eventUrl: [`${own.url}/input`] },
        done(own, "never"),
      ],
      "/input": (own) => [done(own)],
    });
    const uuid = await dial(pressesKeys);
    await reached();
    const seen = await app.requests.first((one) => one.path === "/input");
    expect(seen.body).toEqual({
      speech: { results: [] },
      dtmf: { digits: "21", timed_out: false },
      from: "12025550100",
      to: pressesKeys,
      uuid,
      conversation_uuid: expect.stringMatching(/^CON-/),
      timestamp: expect.any(String),
    });
    await over(uuid);
    expect(paths()).not.toContain("/never");
  });

  it("gives up after its time, with what there was", async () => {
    const { app, dial, reached } = await startCalls({
      "/answer": (own) => [{ action: "input", type: ["dtmf"], dtmf: { timeOut: 0.4 }, eventUrl: [`${own.url}/input`] }, done(own)],
    });
    await dial(silent);
    await reached();
    expect((await app.requests.first((seen) => seen.path === "/input")).body.dtmf).toEqual({ digits: null, timed_out: true });
  });

  const listens = (own: App): object[] => [
    { action: "talk", text: "What can I do for you?" },
    {
      action: "input",
      type: ["speech"],
      speech: { endOnSilence: 0.4, startTimeout: 2 },
      eventUrl: [`${own.url}/input`],
    },
    done(own),
  ];
  const listened = async (number: string): Promise<object> => {
    const { app, dial, reached } = await startCalls({ "/answer": listens });
    await dial(number);
    await reached();
    return (await app.requests.first((seen) => seen.path === "/input")).body.speech;
  };

  it("hears when speech is over, and what an emulated person said", async () => {
    expect(await listened(answersASentence)).toEqual({
      timeout_reason: "end_on_silence_timeout",
      results: [{ text: "Good morning to you.", confidence: "0.95" }],
    });
  });

  it("says openly that it recognises no words nobody wrote down", async () => {
    expect(await listened(saysUnwrittenWords)).toEqual({
      timeout_reason: "end_on_silence_timeout",
      results: [],
      error: "Speech recognition is not emulated: only what the network's own people say is known.",
    });
  });

  it("gives up when nobody begins to speak", async () => {
    expect(await listened(silent)).toEqual({ timeout_reason: "start_timeout", results: [] });
  });

  it("asynchronously tells key by key while the flow goes on", async () => {
    const { app, dial } = await startCalls({
      "/answer": (own) => [
        { action: "input", type: ["dtmf"], mode: "asynchronous", eventUrl: [`${own.url}/key`] },
        { action: "wait", timeout: 2 },
      ],
    });
    await dial(pressesKeys);
    await app.requests.first((seen) => seen.path === "/key", 3);
    expect(app.requests.all.filter((seen) => seen.path === "/key").map((seen) => seen.body.dtmf.digits)).toEqual(["2", "1", "#"]);
  });
});
