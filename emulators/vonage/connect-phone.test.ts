import { describe, expect, it } from "vitest";
import { type App, ask, indexOfSound, loudness, samples } from "./test-app.ts";
import { busy, done, hangsUpSoon, line, ringsASecond, saysOneThing, silent, startCalls, talksOn, tune } from "./test-calls.ts";

describe("connect to a phone", () => {
  const connect = (own: App, number: string, more: object = {}): object => ({
    action: "connect",
    from: "12025550100",
    endpoint: [{ type: "phone", number }],
    eventUrl: [`${own.url}/event?leg=b`],
    ...more,
  });

  it("lets both hear each other, and goes on when the other hangs up", async () => {
    const { app, dial, reached, over, heard } = await startCalls({ "/answer": (own) => [connect(own, hangsUpSoon), done(own)] });
    const uuid = await dial(talksOn);
    await reached();
    const other = await app.event("completed", (seen) => seen.query.leg === "b");
    expect(other.body).toMatchObject({ to: hangsUpSoon, disconnected_by: "user" });
    await over(uuid);
    expect(indexOfSound(await heard(other.body.uuid), line)).toBeGreaterThanOrEqual(0);
  });

  it("goes on by the reply when a synchronous one is not answered", async () => {
    const { dial, reached, over, paths } = await startCalls({
      "/answer": (own) => [connect(own, busy, { eventType: "synchronous", eventUrl: [`${own.url}/legs`] }), done(own, "never")],
      "/legs": (own, seen) => (seen.body.status === "busy" ? [done(own)] : ({} as never)),
    });
    const uuid = await dial(silent);
    await reached();
    await over(uuid);
    expect(paths()).not.toContain("/never");
  });

  it("is refused beyond the limit of new calls, with an error event, and the flow goes on", async () => {
    const nccos = { "/answer": (own: App) => [connect(own, silent), done(own)] };
    const { app, dial, reached } = await startCalls(nccos, { settings: () => ({ callsPerSecond: 1 }) });
    await dial(silent);
    await reached();
    expect((await app.event("error")).body.reason).toMatch(/Capacity limit reached/);
  });
});

describe("the socket first", () => {
  it("opens by REST, performs its NCCO and rings the phone into it: each hears the other from the first word", async () => {
    const { app, network, over } = await startCalls({});
    const { body: made } = await ask(network, "POST", "/v1/calls", {
      to: [{ type: "websocket", uri: `${app.wsUrl}/media#not`, "content-type": "audio/l16;rate=16000" }],
      from: { type: "phone", number: "anything" },
      event_url: [`${app.url}/event`],
      ncco: [],
    });
    expect((await app.event("failed", (seen) => seen.body.uuid === made.uuid)).body.detail).toBe("cannot_route");
    const { body: good } = await ask(network, "POST", "/v1/calls", {
      to: [{ type: "websocket", uri: `${app.wsUrl}/media`, "content-type": "audio/l16;rate=16000", headers: { a: 1 } }],
      from: { type: "phone", number: "anything" },
      event_url: [`${app.url}/event`],
      ncco: [{ action: "connect", from: "12025550100", endpoint: [{ type: "phone", number: saysOneThing }] }],
    });
    const socket = await app.sockets.first(() => true);
    expect(await socket.messages.first(() => true)).toEqual({ event: "websocket:connected", "content-type": "audio/l16;rate=16000", a: 1 });
    const heardByUs = (): Int16Array => samples(Buffer.concat(socket.frames.all.map((frame) => frame.bytes)));
    await socket.frames.until(() => indexOfSound(heardByUs(), line) >= 0);
    socket.socket.close();
    const phone = await app.event("completed", (seen) => seen.body.to === saysOneThing);
    expect(phone.body.disconnected_by).toBe("platform");
    expect((await over(good.uuid)).body).toMatchObject({ from: "anything", to: `${app.wsUrl}/media`, headers: { a: 1 } });
  });
});

describe("a ringback tone", () => {
  const connect = (own: App, more: object, phone: object = {}): object => ({
    action: "connect",
    from: "12025550100",
    endpoint: [{ type: "phone", number: ringsASecond, ...phone }],
    timeout: 2,
    eventUrl: [`${own.url}/event?leg=b`],
    ...more,
  });
  /** What the caller heard while they waited, and from the other one. */
  async function waited(more: (own: App) => object, phone: (own: App) => object = () => ({})): Promise<{ app: App; sound: Int16Array }> {
    const { app, dial, heard } = await startCalls({
      "/answer": (own) => [connect(own, more(own), phone(own))],
      "/introduction": (own) => [{ action: "stream", streamUrl: [`${own.url}/tune.wav`] }],
    });
    return { app, sound: await heard(await dial(silent)) };
  }

  it("is heard again and again by who waits, and no more once the other one answers", async () => {
    const { sound } = await waited((own) => ({ ringbackTone: `${own.url}/tune.wav` }));
    const first = indexOfSound(sound, tune);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(indexOfSound(sound.subarray(first + tune.length), tune)).toBe(0);
    // Sample for sample: nothing is mixed into it, nor comes behind it.
    const answer = indexOfSound(sound, line);
    expect(answer).toBeGreaterThan(first + 2 * tune.length);
    expect(loudness(sound, answer + line.length)).toBe(0);
  });

  it("may stand in onAnswer too, by its old name as well", async () => {
    const { sound } = await waited(
      () => ({}),
      (own) => ({ onAnswer: { url: `${own.url}/introduction`, ringback: `${own.url}/tune.wav` } }),
    );
    expect(indexOfSound(sound, tune)).toBeGreaterThanOrEqual(0);
  });

  it("that cannot be fetched is told in an error event, and the connect goes on", async () => {
    const { app, sound } = await waited(() => ({ ringbackTone: "http://127.0.0.1:9/none.wav" }));
    expect((await app.event("error")).body.reason).toMatch(/cannot be fetched/);
    expect(indexOfSound(sound, line)).toBeGreaterThanOrEqual(0);
  });
});
