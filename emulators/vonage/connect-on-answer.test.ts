import { describe, expect, it } from "vitest";
import { type App, indexOfSound, loudness, type Reply, type Seen } from "./test-app.ts";
import { type Calls, line, startCalls, talksOn, talksThenHangsUp, tune } from "./test-calls.ts";

describe("onAnswer of a connect to a phone", () => {
  const connect = (own: App): object => ({
    action: "connect",
    from: "12025550100",
    endpoint: [{ type: "phone", number: talksThenHangsUp, onAnswer: { url: `${own.url}/introduction?call=7d1f` } }],
    eventUrl: [`${own.url}/event?leg=b`],
  });
  const bothHeard = async ({ app, dial, heard }: Calls): Promise<{ caller: Int16Array; callee: Int16Array; calleeLeg: Seen }> => {
    const uuid = await dial(talksOn);
    const calleeLeg = await app.event("completed", (seen) => seen.query.leg === "b");
    const caller = await heard(uuid);
    return { caller, callee: await heard(calleeLeg.body.uuid), calleeLeg };
  };

  it("is heard by the called person alone before the two hear each other", async () => {
    const calls = await startCalls({
      "/answer": (own) => [connect(own)],
      "/introduction": (own) => [{ action: "stream", streamUrl: [`${own.url}/tune.wav`] }],
    });
    const { caller, callee, calleeLeg } = await bothHeard(calls);
    const asked = await calls.app.requests.first((seen) => seen.path === "/introduction");
    expect(asked.method).toBe("GET");
    expect(asked.headers.authorization).toMatch(/^Bearer /);
    expect(asked.query).toEqual({
      call: "7d1f",
      to: talksThenHangsUp,
      from: "12025550100",
      uuid: calleeLeg.body.uuid,
      conversation_uuid: calleeLeg.body.conversation_uuid,
      region_url: calls.network.url,
      endpoint_type: "phone",
    });
    // Sample for sample: nothing of the caller, who talks all the time, is in it or before it.
    const introduced = indexOfSound(callee, tune);
    expect(introduced).toBeGreaterThanOrEqual(0);
    expect(loudness(callee, 0, introduced)).toBe(0);
    expect(indexOfSound(callee.subarray(introduced + tune.length), line)).toBeGreaterThanOrEqual(0);
    // The caller heard neither the introduction nor what was said to it: silence to the end.
    expect(loudness(caller)).toBe(0);
  });

  it.each([
    ["is not there", () => undefined, /404/],
    ["is no NCCO", () => ({ body: { action: "talk" } }), /Syntax error in NCCO/],
  ])("that %s joins them at once, and an error event says so", async (_, reply: () => Reply | undefined, reason) => {
    const otherwise = (seen: Seen): Reply | undefined => (seen.path === "/introduction" ? (reply() ?? { status: 404 }) : undefined);
    const calls = await startCalls({ "/answer": (own) => [connect(own)] }, { otherwise });
    const { callee } = await bothHeard(calls);
    expect((await calls.app.event("error", (seen) => seen.query.leg === "b")).body.reason).toMatch(reason);
    expect(indexOfSound(callee, line)).toBeGreaterThanOrEqual(0);
    expect(calls.app.requests.all.filter((seen) => seen.path === "/introduction")).toHaveLength(1);
  });
});
