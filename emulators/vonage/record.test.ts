import { describe, expect, it } from "vitest";
import { answersASentence, done, pressesKeys, silent, startCalls } from "./test-calls.ts";

describe("record", () => {
  it("with an end condition blocks, and its webhook comes before the next action", async () => {
    const { dial, reached, paths } = await startCalls({
      "/answer": (own) => [
        { action: "record", format: "wav", endOnKey: "#", beepStart: true, eventUrl: [`${own.url}/recording`] },
        done(own),
      ],
    });
    await dial(pressesKeys);
    await reached();
    expect(paths().filter((path) => path === "/recording" || path === "/done")).toEqual(["/recording", "/done"]);
  });

  it("ends when the person has been silent", async () => {
    const { app, dial, reached, over } = await startCalls({
      "/answer": (own) => [
        { action: "talk", text: "Please leave a message." },
        { action: "record", endOnSilence: 3, eventUrl: [`${own.url}/recording`] },
        done(own),
      ],
    });
    const uuid = await dial(answersASentence);
    await reached();
    const { body } = await app.event("record");
    expect(body.size).toBeGreaterThan(0);
    await over(uuid);
  });

  it("is empty when the call ended before anything was heard", async () => {
    const { app, dial } = await startCalls({ "/answer": (own) => [{ action: "record", eventUrl: [`${own.url}/recording`] }] });
    await dial(silent);
    const { body } = await app.event("record");
    expect(body).toMatchObject({ recording_url: "", size: 0 });
  });
});
