import { describe, expect, it } from "vitest";
import { ask, indexOfSound, loudness, markOf } from "./test-app.ts";
import { done, hangsUpSoon, line, silent, startCalls, talksOn, tune, waitsAWhile } from "./test-calls.ts";

describe("conversation and transfer", () => {
  it("joins legs in one room by its name, each with a transfer event, and ends with the one who ends it", async () => {
    const { app, dial, over } = await startCalls({
      "/answer": (own, seen) => [
        {
          action: "conversation",
          name: "room",
          endOnExit: seen.query.to === hangsUpSoon,
          record: seen.query.to === silent,
          eventUrl: [`${own.url}/recording`],
        },
      ],
    });
    const first = await dial(silent);
    await app.event("transfer", (seen) => seen.body.uuid === first);
    const second = await dial(hangsUpSoon);
    await over(second);
    await over(first);
    const rooms = app.requests.all.filter((seen) => markOf(seen.body) === "transfer").map((seen) => seen.body.conversation_uuid_to);
    expect(rooms).toHaveLength(2);
    expect(new Set(rooms).size).toBe(1);
    expect((await app.event("record")).body.conversation_uuid).toBe(rooms[0]);
  });

  const waits = { startOnEnter: false };
  it.each([
    ["hear nobody until somebody may start it", waits, () => waits, false],
    ["hear each other once it is started", {}, () => waits, true],
    ["hear nothing of one who may not speak", { canSpeak: [] }, () => ({}), false],
    ["hear nothing of one who is muted", { mute: true }, () => ({}), false],
    ["hear nobody who may not", {}, () => ({ canHear: [] }), false],
    ["hear whom they may", {}, (talker: string) => ({ canHear: [talker] }), true],
  ])("lets those in it %s", async (_, talks, listens, hears) => {
    let talker = "";
    const { app, dial, heard } = await startCalls({
      "/answer": (_, seen) => [{ action: "conversation", name: "room", ...(seen.query.to === waitsAWhile ? listens(talker) : talks) }],
    });
    talker = await dial(talksOn);
    await app.event("transfer", (seen) => seen.body.uuid === talker);
    const sound = await heard(await dial(waitsAWhile));
    if (hears) expect(indexOfSound(sound, line)).toBeGreaterThanOrEqual(0);
    else expect(loudness(sound)).toBe(0);
  });

  it("moves a leg by its NCCO into the conversation of another", async () => {
    let room = "";
    const { app, dial, paths, heard } = await startCalls({
      "/answer": (own, seen) =>
        seen.query.to === talksOn ? [{ action: "wait", timeout: 60 }] : [{ action: "transfer", conversationId: room }, done(own, "never")],
    });
    const talker = await dial(talksOn);
    room = (await app.event("answered", (seen) => seen.body.uuid === talker)).body.conversation_uuid;
    const listener = await dial(waitsAWhile);
    expect((await app.event("transfer")).body).toMatchObject({ uuid: listener, conversation_uuid_to: room });
    expect(indexOfSound(await heard(listener), line)).toBeGreaterThanOrEqual(0);
    expect(paths()).not.toContain("/never");
  });

  it("says in an error event that there is no conversation to move to, and goes on", async () => {
    const { app, dial, reached } = await startCalls({
      "/answer": (own) => [{ action: "transfer", conversation_id: "CON-none" }, done(own)],
    });
    await dial(silent);
    await reached();
    expect((await app.event("error")).body.reason).toBe("There is no conversation CON-none.");
  });

  it("plays music until somebody may start it", async () => {
    const { dial, heard } = await startCalls({
      "/answer": (own) => [{ action: "conversation", name: "waiting", startOnEnter: false, musicOnHoldUrl: [`${own.url}/tune.wav`] }],
    });
    const uuid = await dial(waitsAWhile);
    expect(indexOfSound(await heard(uuid), tune)).toBeGreaterThanOrEqual(0);
  });

  it("moves a leg by REST to other instructions in another conversation, and hangs up the socket left behind", async () => {
    const { app, network, dial, reached, over, paths } = await startCalls({
      "/answer": (own) => [
        {
          action: "connect",
          endpoint: [{ type: "websocket", uri: `${own.wsUrl}/media`, "content-type": "audio/l16;rate=16000" }],
          eventUrl: [`${own.url}/event?leg=ws`],
        },
        done(own, "never"),
      ],
      "/elsewhere": (own) => [done(own)],
    });
    const uuid = await dial(silent);
    const socket = await app.sockets.first(() => true);
    await socket.frames.first(() => true);
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "transfer", destination: { type: "ncco", url: [`${app.url}/elsewhere`] } });
    await reached();
    expect(await socket.closed).toBe(1000);
    expect(app.requests.all.map((seen) => seen.body.status)).not.toContain("disconnected");
    const moved = await app.event("transfer");
    expect((await over(uuid)).body.conversation_uuid).toBe(moved.body.conversation_uuid_to);
    expect(paths()).not.toContain("/never");
  });
});
