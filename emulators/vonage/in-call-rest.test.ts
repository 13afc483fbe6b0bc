import { describe, expect, it } from "vitest";
import { keysSound } from "./keys.ts";
import { ask, indexOfSound } from "./test-app.ts";
import { silent, startCalls } from "./test-calls.ts";

describe("keys that are sent", () => {
  it("sound in the ear of a phone that was called with dtmfAnswer", async () => {
    const { dial, heard } = await startCalls({ "/answer": () => [{ action: "wait", timeout: 2 }] });
    const to = [{ type: "phone", number: silent, dtmfAnswer: "1p2" }];
    const uuid = await dial(silent, { to });
    expect(indexOfSound(await heard(uuid), keysSound("1p2"))).toBeGreaterThanOrEqual(0);
  });

  it("come to a socket in their time, `p` being half a second", async () => {
    const { app, network, dial } = await startCalls({
      "/answer": (own) => [
        { action: "connect", endpoint: [{ type: "websocket", uri: `${own.wsUrl}/media`, "content-type": "audio/l16;rate=16000" }] },
      ],
    });
    await dial(silent);
    const leg = await app.event("answered", (seen) => seen.body.to.startsWith("ws:"));
    const socket = await app.sockets.first(() => true);
    await ask(network, "PUT", `/v1/calls/${leg.body.uuid}/dtmf`, { digits: "1p2" });
    await socket.messages.first((message) => message.digit === "1");
    const frames = socket.frames.all.length;
    await socket.messages.first((message) => message.digit === "2");
    expect(socket.messages.all.flatMap(({ digit }) => digit ?? [])).toEqual(["1", "2"]);
    // 700 ms of frames of 20 ms, less what was on its way
    expect(socket.frames.all.length - frames).toBeGreaterThan(25);
  });
});

describe("by REST in a call", () => {
  it("streams, and refuses keys that are none and an empty text", async () => {
    const { app, network, dial, over } = await startCalls({ "/answer": () => [{ action: "wait", timeout: 600 }] });
    const uuid = await dial(silent);
    await app.event("answered");
    expect(
      await ask(network, "PUT", `/v1/calls/${uuid}/stream`, { stream_url: [`${app.url}/tune.wav`], loop: 1, level: "0" }),
    ).toMatchObject({ status: 200 });
    await app.requests.first((seen) => seen.path === "/tune.wav");
    expect(await ask(network, "PUT", `/v1/calls/${uuid}/dtmf`, { digits: "12x" })).toMatchObject({ status: 400 });
    expect(await ask(network, "PUT", `/v1/calls/${uuid}/talk`, { text: "" })).toMatchObject({ status: 400 });
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "hangup" });
    await over(uuid);
  });
});
