import { describe, expect, it } from "vitest";
import { openSpeechWatch } from "../speech/vad.ts";
import { indexOfSound } from "./test-app.ts";
import { done, pressesKeys, silent, startCalls, tune } from "./test-calls.ts";

describe("talk and stream", () => {
  it("are heard one after the other, and the call ends after the last", async () => {
    const { dial, over, heard } = await startCalls({
      "/answer": (own) => [
        { action: "stream", streamUrl: [`${own.url}/tune.wav`] },
        { action: "talk", text: "Goodbye." },
      ],
    });
    const uuid = await dial(silent);
    const sound = await heard(uuid);
    expect(indexOfSound(sound, tune)).toBeGreaterThanOrEqual(0);
    const ear = openSpeechWatch();
    ear.push(sound.subarray(indexOfSound(sound, tune) + tune.length));
    expect(ear.beganMs).not.toBeNull();
    expect((await over(uuid)).body.disconnected_by).toBe("platform");
  });

  it("repeat, and an input's key ends what may be barged into", async () => {
    const { app, dial, reached, over } = await startCalls({
      "/answer": (own) => [
        { action: "stream", streamUrl: [`${own.url}/tune.wav`], loop: 0, bargeIn: true },
        { action: "input", type: ["dtmf"], dtmf: { maxDigits: 1 }, eventUrl: [`${own.url}/input`] },
        done(own),
      ],
    });
    const uuid = await dial(pressesKeys);
    await reached();
    expect((await app.requests.first((seen) => seen.path === "/input")).body.dtmf).toEqual({ digits: "2", timed_out: false });
    await over(uuid);
  });

  it("tell an error when there is nothing to stream, and go on", async () => {
    const { app, dial, reached } = await startCalls({
      "/answer": (own) => [{ action: "stream", streamUrl: ["http://127.0.0.1:9/none.wav"] }, done(own)],
    });
    await dial(silent);
    await reached();
    expect((await app.event("error")).body.reason).toMatch(/cannot be fetched/);
  });
});
