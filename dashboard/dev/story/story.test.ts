import { describe, expect, it } from "vitest";
import { Utterance } from "../../src/ask/shapes.ts";
import { events, webhooks } from "./blackbox.ts";
import { call, many, running } from "./calls.ts";
import { peaks, samples } from "./sound.ts";
import { utterances } from "./talk.ts";

// Each of these is parsed by the contract when it is made: a contract that moved fails here, not on somebody's screen.
describe("the made-up calls the dashboard is worked on with", () => {
  it("fit the contract, in every state and ending", () => {
    const calls = [...running(), ...many(60)];
    for (const one of calls) expect(events(one).length + webhooks(one).length).toBeGreaterThan(0);
    expect(new Set(calls.map((one) => one.recording.status)).size).toBeGreaterThanOrEqual(8);
  });
  it("have sound where somebody speaks, each voice on its own channel", () => {
    const said = [Utterance.parse({ ...utterances("one")[0], speaker: "caller", started_ms: 500, ended_ms: 1000 })];
    const drawn = peaks(samples(said, 2000), 20);
    const loud = (channel: number, at: number) => Math.max(...(drawn.channels[channel]?.slice(2 * at, 2 * at + 2) ?? []));
    expect(loud(0, 7)).toBeGreaterThan(10);
    expect(loud(1, 7)).toBeLessThan(3);
    expect(loud(0, 1)).toBeLessThan(3);
    expect(call().recording.status).toBe("verified");
  });
});
