import { describe, expect, it } from "vitest";
import { done, silent, startCalls, talksOn } from "./test-calls.ts";

describe("the lengths a call may have", () => {
  it("end it by length_timer, counted from the answer", async () => {
    const { dial, over } = await startCalls({ "/answer": () => [{ action: "wait", timeout: 60 }] });
    const uuid = await dial(silent, { length_timer: 1 });
    expect((await over(uuid)).body).toMatchObject({ disconnected_by: "platform", duration: "1" });
  });

  it("end a connect by its limit, and the flow goes on", async () => {
    const { app, dial, reached } = await startCalls({
      "/answer": (own) => [{ action: "connect", from: "12025550100", limit: 1, endpoint: [{ type: "phone", number: talksOn }] }, done(own)],
    });
    await dial(silent);
    await reached();
    expect((await app.event("completed", (seen) => seen.body.to === talksOn)).body).toMatchObject({
      disconnected_by: "platform",
      duration: "1",
    });
  });

  it("end a recording by its timeOut, before the next action", async () => {
    const { app, dial, reached, paths } = await startCalls({
      "/answer": (own) => [{ action: "record", format: "wav", timeOut: 3, eventUrl: [`${own.url}/recording`] }, done(own)],
    });
    await dial(talksOn);
    await reached();
    const { body } = await app.event("record");
    // three seconds of one channel, to the frame or so
    expect(Math.abs(body.size - 96_044)).toBeLessThan(5_000);
    expect(paths().filter((path) => path === "/recording" || path === "/done")).toEqual(["/recording", "/done"]);
  });
});
