import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MPEGDecoder } from "mpg123-decoder";
import { afterEach, describe, expect, it } from "vitest";
import { channelOf, readWav, writeWav } from "../speech/wav.ts";
import type { Network } from "./network.ts";
import type { Settings } from "./settings.ts";
import {
  type App,
  type AppSocket,
  ask,
  bridgeNcco,
  callTo,
  indexOfSound,
  loudness,
  noise,
  peopleFile,
  type Seen,
  samples,
  startApp,
  startTestNetwork,
} from "./test-app.ts";

/** Says half a second of a sound of its own again and again, until hung up. */
const speaker = {
  number: "+12025550311",
  habit: "says one thing",
  whenDialled: { answers: { afterMs: 0 } },
  script: [{ after: { ms: 100 }, say: { wav: "line.wav" } }],
  repeats: true,
};
const line = noise(0.5, 7);

let app: App;
let network: Network;
let people: Awaited<ReturnType<typeof peopleFile>>;

interface Options extends NonNullable<Parameters<typeof bridgeNcco>[1]> {
  readonly settings?: Partial<Settings>;
  readonly wav?: Uint8Array;
  readonly person?: object;
  readonly onEvent?: (seen: Seen, app: App) => object[] | undefined;
}

/** A call to the speaker, bridged to a socket of ours. */
async function call(options: Options = {}): Promise<{ uuid: string; socket: AppSocket }> {
  people = await peopleFile([{ ...speaker, ...options.person }], { "line.wav": options.wav ?? writeWav(line, 16_000) });
  app = await startApp((seen, own) => {
    if (seen.path === "/answer") return { body: bridgeNcco(own, options) };
    const instead = options.onEvent?.(seen, own);
    return instead ? { body: instead } : undefined;
  });
  network = await startTestNetwork(app, { people: people.path, dump: join(people.folder, "dump"), ...options.settings });
  const { body } = await ask(network, "POST", "/v1/calls", callTo("12025550311", app));
  return { uuid: body.uuid, socket: await app.sockets.first(() => true) };
}

afterEach(async () => {
  await network.close();
  await app.close();
  await people.remove();
});

const hangUp = (uuid: string): Promise<unknown> => ask(network, "PUT", `/v1/calls/${uuid}`, { action: "hangup" });
const heardBy = (socket: AppSocket): Int16Array => samples(Buffer.concat(socket.frames.all.map((frame) => frame.bytes)));
const legs = async (): Promise<{ kind: string; audio: Record<string, number> }[]> =>
  (await ask(network, "GET", "/emulator/calls")).body.calls;
// biome-ignore lint/suspicious/noExplicitAny: tests look into it
const socketFacts = async (): Promise<any> => (await legs()).find((leg) => leg.kind === "websocket")?.audio;

/** The person's line was heard whole. */
async function lineCame(socket: AppSocket): Promise<void> {
  await socket.frames.until(() => indexOfSound(heardBy(socket), line) >= 0);
}

/** Sends a sound in exact frames, all at once: the network queues it. */
function send(socket: AppSocket, sound: Int16Array, frameBytes = 640): void {
  const bytes = Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength);
  for (let at = 0; at < bytes.length; at += frameBytes) socket.socket.send(bytes.subarray(at, at + frameBytes));
}

async function fetchRecording(): Promise<{ seen: Seen; bytes: Uint8Array; type: string | null }> {
  const seen = await app.event("record");
  const { token } = await import("./test-app.ts");
  const answer = await fetch(seen.body.recording_url, { headers: { authorization: `Bearer ${await token()}` } });
  expect(answer.status).toBe(200);
  return { seen, bytes: new Uint8Array(await answer.arrayBuffer()), type: answer.headers.get("content-type") };
}

describe("the audio socket", () => {
  it("says first what it is and the connect's headers, then one exact frame every 20 ms", async () => {
    const { uuid, socket } = await call();
    await socket.frames.first(() => true, 50);
    expect(socket.messages.all).toEqual([{ event: "websocket:connected", "content-type": "audio/l16;rate=16000", call: "7d1f" }]);
    expect(socket.path).toBe("/media?call=7d1f");
    expect(socket.frames.all.every((frame) => frame.bytes.length === 640)).toBe(true);
    // A busy machine holds frames up and lets them through together: in some second it is in time.
    const inTime = (fiftieth: number): boolean => {
      const spanMs = (socket.frames.all[fiftieth]?.atMs ?? 0) - (socket.frames.all[fiftieth - 49]?.atMs ?? 0);
      return Math.abs(spanMs - 49 * 20) < 100;
    };
    await socket.frames.until(() => socket.frames.all.some((_, at) => at >= 49 && inTime(at)));
    await hangUp(uuid);
    expect(await socket.closed).toBe(1000);
  });

  it("carries what the person says, sample for sample", async () => {
    const { socket } = await call();
    await lineCame(socket);
    expect(new Set(socket.frames.all.map((frame) => frame.bytes.length))).toEqual(new Set([640]));
  });

  it.each([
    [8_000, 320],
    [24_000, 960],
  ])("speaks %i Hz in frames of %i bytes both ways", async (rate, frameBytes) => {
    const { uuid, socket } = await call({ rate });
    await socket.frames.first(() => true, 40);
    expect(new Set(socket.frames.all.map((frame) => frame.bytes.length))).toEqual(new Set([frameBytes]));
    expect(socket.messages.all[0]["content-type"]).toBe(`audio/l16;rate=${rate}`);
    const tone = Int16Array.from({ length: rate / 5 }, (_, i) => Math.round(8_000 * Math.sin((2 * Math.PI * 500 * i) / rate)));
    send(socket, tone, frameBytes);
    socket.socket.send(JSON.stringify({ action: "notify", payload: { done: true } }));
    await socket.messages.first((message) => message.event === "websocket:notify");
    await hangUp(uuid);
    const { bytes } = await fetchRecording();
    const right = channelOf(readWav(bytes), 1);
    const peak = right.reduce((most, sample) => Math.max(most, sample), 0);
    expect(peak).toBeGreaterThan(7_800);
    expect(peak).toBeLessThan(8_300);
    expect(await socketFacts()).toMatchObject({ received: 10, played: 10, wrongSizes: 0 });
  });

  it("hears nothing of a person who is muted, until they are unmuted", async () => {
    const { uuid, socket } = await call();
    await lineCame(socket);
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "mute" });
    const from = socket.frames.all.length;
    // The line is said without a pause of more than 100 ms: half a second of nothing is no pause of it.
    await socket.frames.until(() => socket.frames.all.length > from + 30 && loudness(heardBy(socket).subarray(-8_000)) === 0);
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "unmute" });
    const again = socket.frames.all.length;
    await socket.frames.until(() => indexOfSound(heardBy(socket).subarray(again * 320), line) >= 0);
  });

  it("is not heard by a person with earmuffs", async () => {
    const { uuid, socket } = await call();
    const [lost, come] = [noise(0.2, 11), noise(0.2, 12)];
    const played = async (sound: Int16Array, turn: number): Promise<void> => {
      send(socket, sound);
      socket.socket.send(JSON.stringify({ action: "notify", payload: { turn } }));
      await socket.messages.first((message) => message.payload?.turn === turn);
    };
    await lineCame(socket);
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "earmuff" });
    await played(lost, 1);
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "unearmuff" });
    await played(come, 2);
    await hangUp(uuid);
    await app.event("completed", (seen) => seen.body.uuid === uuid);
    await network.close();
    const { samples: ear } = readWav(await readFile(join(people.folder, "dump", `${uuid}.heard.wav`)));
    expect(indexOfSound(ear, come)).toBeGreaterThanOrEqual(0);
    expect(indexOfSound(ear, lost)).toBe(-1);
  });

  it("plays a person's recording made at 8 kHz", async () => {
    const slow = noise(0.25, 3);
    const { socket } = await call({ wav: writeWav(slow, 8_000) });
    await socket.frames.first((frame) => loudness(samples(frame.bytes)) > 1_000, 5);
  });

  it("tells when what was sent has been played, in real time", async () => {
    const { socket } = await call();
    const began = performance.now();
    send(socket, noise(0.4, 5));
    socket.socket.send(JSON.stringify({ action: "notify", payload: { turn: 12 } }));
    expect(await socket.messages.first((message) => message.event === "websocket:notify")).toEqual({
      event: "websocket:notify",
      payload: { turn: 12 },
    });
    expect(performance.now() - began).toBeGreaterThan(200);
  });

  it("drops what is queued at a clear, and says so", async () => {
    const { uuid, socket } = await call();
    const shout = noise(30, 5);
    send(socket, shout);
    socket.socket.send(JSON.stringify({ action: "notify", payload: { turn: 1 } }));
    socket.socket.send(JSON.stringify({ action: "clear" }));
    expect(await socket.messages.first((message) => message.event !== "websocket:connected")).toEqual({ event: "websocket:cleared" });
    const after = noise(0.1, 9);
    send(socket, after);
    socket.socket.send(JSON.stringify({ action: "notify", payload: { turn: 2 } }));
    await socket.messages.first((message) => message.event === "websocket:notify");
    expect(socket.messages.all.map((message) => message.payload?.turn).filter(Boolean)).toEqual([2]);
    await hangUp(uuid);
    const { bytes } = await fetchRecording();
    expect(indexOfSound(channelOf(readWav(bytes), 1), after)).toBeGreaterThanOrEqual(0);
    expect(await socketFacts()).toMatchObject({ clears: 1, received: 1_505 });
  });

  it("gives back pending markers at a clear, when the network is told to", async () => {
    const { socket } = await call({ settings: { notifyAfterClear: "send" } });
    send(socket, noise(30, 5));
    for (const turn of [1, 2]) socket.socket.send(JSON.stringify({ action: "notify", payload: { turn } }));
    socket.socket.send(JSON.stringify({ action: "clear" }));
    await socket.messages.first((message) => message.payload?.turn === 2);
    expect(socket.messages.all.slice(1)).toEqual([
      { event: "websocket:cleared" },
      { event: "websocket:notify", payload: { turn: 1 } },
      { event: "websocket:notify", payload: { turn: 2 } },
    ]);
  });

  it("hears what we press, as messages", async () => {
    const { socket } = await call({ person: { script: [{ after: { ms: 400 }, press: "7#" }] } });
    await socket.messages.first((message) => message.digit === "#");
    await socket.messages.first((message) => message.digit === "7");
    expect(socket.messages.all).toContainEqual({ event: "websocket:dtmf", digit: "7", duration: 120 });
  });

  it("suffers frames of another size, and counts them", async () => {
    const { uuid, socket } = await call();
    const sound = noise(0.2, 4);
    send(socket, sound, 1_000);
    socket.socket.send(JSON.stringify({ action: "notify", payload: {} }));
    await socket.messages.first((message) => message.event === "websocket:notify");
    await hangUp(uuid);
    const { bytes } = await fetchRecording();
    expect(indexOfSound(channelOf(readWav(bytes), 1), sound)).toBeGreaterThanOrEqual(0);
    expect((await socketFacts()).wrongSizes).toBe(7);
  });

  it("or closes the socket on the first one, when told to", async () => {
    const { socket } = await call({ settings: { oddFrames: "close" } });
    send(socket, noise(0.2, 4), 1_000);
    expect(await socket.closed).toBe(1003);
    expect((await app.event("disconnected")).body.to).toMatch(/^ws:/);
  });

  it("signs the handshake when asked to, or sends a header of our own", async () => {
    const { socket } = await call({ endpoint: { authorization: { type: "vonage" } } });
    const { verifySignature } = await import("@vonage/jwt");
    const { signatureSecret } = await import("./test-app.ts");
    expect(verifySignature((socket.headers.authorization ?? "").slice("Bearer ".length), signatureSecret)).toBe(true);
    await network.close();
    await app.close();
    await people.remove();
    const again = await call({ endpoint: { authorization: { type: "custom", value: "Token 4711" } } });
    expect(again.socket.headers.authorization).toBe("Token 4711");
  });
});

describe("when the socket goes", () => {
  it("tells disconnected, and with nothing to go on with ends the call", async () => {
    const { socket } = await call();
    socket.socket.close();
    const { body } = await app.event("disconnected");
    expect(body).toMatchObject({ to: `${app.wsUrl}/media?call=7d1f`, headers: { call: "7d1f" } });
    expect(body).not.toHaveProperty("direction");
    const phone = await app.event("completed", (seen) => seen.body.to === "12025550311");
    expect(phone.body.disconnected_by).toBe("platform");
  });

  it("goes on by the instructions that disconnected is answered with: the same call, a second socket, one recording", async () => {
    const { uuid, socket } = await call({
      onEvent: (seen, own) =>
        seen.body.status === "disconnected" && own.sockets.all.length === 1 ? bridgeNcco(own, { record: null }) : undefined,
    });
    socket.socket.terminate();
    const second = await app.sockets.first(() => true, 2);
    const sound = noise(0.1, 21);
    send(second, sound);
    second.socket.send(JSON.stringify({ action: "notify", payload: {} }));
    await second.messages.first((message) => message.event === "websocket:notify");
    await hangUp(uuid);
    const { bytes } = await fetchRecording();
    expect(indexOfSound(channelOf(readWav(bytes), 1), sound)).toBeGreaterThanOrEqual(0);
    expect(app.requests.all.filter((seen) => seen.path === "/recording")).toHaveLength(1);
  });

  it.each([
    ["refuses the handshake", (own: App) => `${own.wsUrl}/refuse`, "failed"],
    ["is not there", () => "ws://127.0.0.1:9/none", "unanswered"],
  ])("tells it when the server %s, and goes on by the reply of a synchronous connect", async (_, uri, status) => {
    people = await peopleFile([speaker], { "line.wav": writeWav(line, 16_000) });
    app = await startApp((seen, own) => {
      if (seen.path === "/answer")
        return { body: bridgeNcco(own, { record: null, connect: { eventType: "synchronous" }, endpoint: { uri: uri(own) } }) };
      if (seen.body.status === status) return { body: bridgeNcco(own, { record: null }) };
      return undefined;
    });
    network = await startTestNetwork(app, { people: people.path });
    await ask(network, "POST", "/v1/calls", callTo("12025550311", app));
    await app.sockets.first(() => true);
    expect((await app.event(status)).body).toMatchObject({ detail: expect.any(String), sip_code: expect.any(Number) });
  });
});

describe("the recording", () => {
  it("holds what the person said on the left and heard on the right, in wav sample for sample, as long as the call", async () => {
    const { uuid, socket } = await call();
    const answer = noise(0.3, 11);
    send(socket, answer);
    await lineCame(socket);
    await socket.frames.first(() => true, 60);
    await hangUp(uuid);
    const { seen, bytes, type } = await fetchRecording();
    expect(type).toBe("audio/wav");
    expect(seen.path).toBe("/recording");
    expect(seen.body).toEqual({
      start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      end_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      size: bytes.length,
      recording_url: expect.stringMatching(new RegExp(`^${network.url}/v1/files/[0-9a-f-]{36}$`)),
      recording_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      conversation_uuid: expect.stringMatching(/^CON-/),
      timestamp: expect.any(String),
    });
    const wav = readWav(bytes);
    expect(wav).toMatchObject({ rate: 16_000, channels: 2 });
    expect(indexOfSound(channelOf(wav, 0), line)).toBeGreaterThanOrEqual(0);
    expect(indexOfSound(channelOf(wav, 1), answer)).toBeGreaterThanOrEqual(0);
    expect(indexOfSound(channelOf(wav, 1), line)).toBe(-1);
    const leg = (await legs()).find((one) => one.kind === "phone") as unknown as { answered_at: string; ended_at: string };
    const talkMs = Date.parse(leg.ended_at) - Date.parse(leg.answered_at);
    expect(Math.abs(wav.samples.length / 32 - talkMs)).toBeLessThan(500);
  });

  it("is as long as the time between the events answered and completed, to the tick, when the instructions came with the call", async () => {
    const { socket } = await call();
    await lineCame(socket);
    const { body: made } = await ask(
      network,
      "POST",
      "/v1/calls",
      callTo("12025550311", app, { answer_url: undefined, ncco: bridgeNcco(app) }),
    );
    const second = await app.sockets.first(() => true, 2);
    await lineCame(second);
    await hangUp(made.uuid);
    const own = (seen: Seen): boolean => seen.body.uuid === made.uuid;
    const [answered, completed] = await Promise.all([app.event("answered", own), app.event("completed", own)]);
    const talkMs = Date.parse(completed.body.timestamp) - Date.parse(answered.body.timestamp);
    const { bytes } = await fetchRecording();
    expect(Math.abs(readWav(bytes).samples.length / 32 - talkMs)).toBeLessThanOrEqual(20);
  });

  it("is an mp3 of 32 kbit/s when nothing else was asked for", async () => {
    const { uuid, socket } = await call({ record: { format: undefined } });
    send(socket, noise(0.3, 11));
    await lineCame(socket);
    await socket.frames.first(() => true, 60);
    await hangUp(uuid);
    const { bytes, type } = await fetchRecording();
    expect(type).toBe("audio/mpeg");
    const decoder = new MPEGDecoder();
    await decoder.ready;
    const { channelData, sampleRate } = decoder.decode(bytes);
    decoder.free();
    expect(sampleRate).toBe(16_000);
    expect(channelData).toHaveLength(2);
    const seconds = (channelData[0]?.length ?? 0) / 16_000;
    expect(bytes.length / seconds).toBeGreaterThan(3_600);
    expect(bytes.length / seconds).toBeLessThan(4_400);
  });

  it("is one channel with both in it without split", async () => {
    const { uuid, socket } = await call({ record: { split: undefined, channels: undefined } });
    await lineCame(socket);
    await hangUp(uuid);
    const wav = readWav((await fetchRecording()).bytes);
    expect(wav.channels).toBe(1);
    expect(indexOfSound(wav.samples, line)).toBeGreaterThanOrEqual(0);
  });

  it("needs a token, knows ranges, and is gone after its time", async () => {
    const { uuid, socket } = await call();
    await socket.frames.first(() => true, 5);
    await hangUp(uuid);
    const { seen, bytes } = await fetchRecording();
    const path = new URL(seen.body.recording_url).pathname;
    expect(await ask(network, "GET", path, undefined, { authorization: "" })).toMatchObject({ status: 401 });
    expect(await ask(network, "GET", "/v1/files/63f61863-4a51-4f6b-86e1-46edebcf9356")).toMatchObject({ status: 404 });
    const part = await ask(network, "GET", path, undefined, { range: "bytes=0-43" });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 0-43/${bytes.length}`);
    expect(await ask(network, "GET", path, undefined, { range: `bytes=${bytes.length}-` })).toMatchObject({ status: 416 });
  });

  it("is gone at once when files are kept for no time", async () => {
    const { uuid, socket } = await call({ settings: { fileDays: 0 } });
    await socket.frames.first(() => true, 5);
    await hangUp(uuid);
    const seen = await app.event("record");
    expect(await ask(network, "GET", new URL(seen.body.recording_url).pathname)).toMatchObject({ status: 404 });
  });
});

describe("the dump", () => {
  it("holds the exact bytes sent, received and played, what the person said and heard, and the times", async () => {
    const { uuid, socket } = await call();
    const answer = noise(0.3, 11);
    send(socket, answer);
    await lineCame(socket);
    await socket.frames.first(() => true, 60);
    await hangUp(uuid);
    await socket.closed;
    const ws = (await legs()).find((leg) => leg.kind === "websocket") as unknown as { uuid: string };
    await network.close();
    const read = async (name: string): Promise<Int16Array> => readWav(await readFile(join(people.folder, "dump", name))).samples;
    const said = await read(`${uuid}.said.wav`);
    const heard = await read(`${uuid}.heard.wav`);
    const sent = await read(`${ws.uuid}.sent.wav`);
    const facts = JSON.parse(await readFile(join(people.folder, "dump", `${ws.uuid}.json`), "utf8"));
    expect(sent).toEqual(heardBy(socket));
    expect(indexOfSound(said, line)).toBeGreaterThanOrEqual(0);
    expect(indexOfSound(heard, answer)).toBeGreaterThanOrEqual(0);
    expect(await read(`${ws.uuid}.received.wav`)).toEqual(answer);
    expect(indexOfSound(await read(`${ws.uuid}.played.wav`), answer)).toBeGreaterThanOrEqual(0);
    expect(facts).toMatchObject({
      received: 15,
      played: 15,
      underruns: 0,
      wrongSizes: 0,
      sent: socket.frames.all.length,
      maxLeadMs: expect.any(Number),
    });
    expect(facts.receivedAtMs).toHaveLength(15);
  });
});
